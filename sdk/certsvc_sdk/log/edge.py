"""The right edge of a growing tree, in tiles: what a log writes next, and a watcher computes."""

from collections.abc import Sequence
from hashlib import sha256

from certsvc_sdk.errors import LogTileInvalid
from certsvc_sdk.log import merkle
from certsvc_sdk.log.merkle import Place
from certsvc_sdk.log.tiles import HEIGHT, WIDTH, Tile, TileSource, edge_of, unpack_hashes


class Edge:
    """The right edge of a growing tree as tiles: what a log writes next. Not safe for threads."""

    __slots__ = ("_done", "_peaks", "_rows", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._peaks: list[bytes] = []
        self._rows: list[list[bytes]] = [[]]
        self._done: list[tuple[Tile, bytes]] = []

    @classmethod
    def load(cls, size: int, read: TileSource) -> "Edge":
        """Return the edge of a tree from its partial tiles; compare `root()` before trusting it.

        Raises:
            LogTileInvalid: a tile has a wrong size.
        """
        tiles = {tile.level: tile for tile in edge_of(size)}
        levels = range(max((level or 0 for level in tiles), default=0) + 1)
        return cls.of(size, [read(tiles[level]) if level in tiles else b"" for level in levels])

    @classmethod
    def of(cls, size: int, rows: Sequence[bytes]) -> "Edge":
        """Return the edge of a tree from what `rows` gave.

        Raises:
            LogTileInvalid: a row has a wrong size, or there are too few or too many.
        """
        edge = cls()
        edge._size = size
        widths = [size >> HEIGHT * level & WIDTH - 1 for level in range(len(rows))]
        edge._rows = [unpack_hashes(*row) for row in zip(rows, widths, strict=True)]
        if not rows or size >> HEIGHT * len(rows):
            raise LogTileInvalid("a tree of that size has more levels of tiles")
        edge._peaks = [edge._peak(place) for place in merkle.peaks_of(size)]
        return edge

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def append(self, leaf_hash: bytes) -> None:
        """Let the tree grow by one leaf."""
        peaks, size, level = self._peaks, self._size, 0
        self._rows[0].append(leaf_hash)
        self._size = size + 1
        while size & 1:
            leaf_hash = sha256(b"\x01" + peaks.pop() + leaf_hash).digest()
            size >>= 1
            level += 1
            if level % HEIGHT == 0:
                self._complete(level // HEIGHT, leaf_hash)
        peaks.append(leaf_hash)

    def root(self) -> bytes:
        """Return the hash of the whole tree."""
        return merkle.fold(self._peaks)

    @property
    def rows(self) -> list[bytes]:
        """What stands in the partial tile of each level, from 0 up; possibly nothing."""
        return [b"".join(row) for row in self._rows]

    def take(self) -> list[tuple[Tile, bytes]]:
        """Return the tiles completed since the last call, then the partial ones of this size."""
        done = self.take_full()
        partial = [(tile, b"".join(self._rows[tile.level or 0])) for tile in edge_of(self._size)]
        return done + partial

    def take_full(self) -> list[tuple[Tile, bytes]]:
        """Return the tiles completed since the last call of this or `take`."""
        done, self._done = self._done, []
        return done

    def _complete(self, level: int, root: bytes) -> None:
        """Note that a tile below `level` is full, and put its hash into the level."""
        below = self._rows[level - 1]
        index = (self._size >> HEIGHT * level) - 1
        self._done.append((Tile(level - 1, index), b"".join(below)))
        below.clear()
        if level == len(self._rows):
            self._rows.append([])
        self._rows[level].append(root)

    def _peak(self, place: Place) -> bytes:
        row, first, count = _within(place)
        return _subtree(self._rows[row][first : first + count])


def _within(place: Place) -> tuple[int, int, int]:
    """Return the tile level of a subtree, where in the tile it begins, and how many hashes wide."""
    level, height = divmod(place.level, HEIGHT)
    return level, (place.number << height) % WIDTH, 1 << height


def _subtree(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [merkle.node_hash(left, right) for left, right in pairs]
    return hashes[0]
