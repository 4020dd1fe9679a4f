"""Tiled logs (c2sp.org/tlog-tiles): names of tiles, entry bundles, and a tree that grows in tiles.

A tile holds up to 256 hashes of one level; a level counts eight levels of the tree. A complete
tile is written once and for ever; of the right edge every checkpoint has its own partial tiles.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from certsvc_sdk.errors import FetchFailed, LogTileInvalid
from certsvc_sdk.log import merkle
from certsvc_sdk.log.merkle import HASH_BYTES, MAX_SIZE, Place

WIDTH: Final = 256
TILE_BYTES: Final = WIDTH * HASH_BYTES
#: Longest leaf an entry bundle can carry, a uint16.
MAX_ENTRY: Final = 0xFFFF
MAX_BUNDLE: Final = WIDTH * (MAX_ENTRY + 2)

#: Levels of the tree within one tile.
HEIGHT: Final = 8
_LEVELS = -(-MAX_SIZE.bit_length() // HEIGHT)
_PATH = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,5}[0-9]{3})"
    r"(?:\.p/([1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?"
)


class Tile(NamedTuple):
    """A tile of hashes, or with `level` None a bundle of entries.

    Attributes:
        level: 0 for leaf hashes, 1 for hashes of complete tiles of level 0, and so on.
        number: place within the level.
        width: number of hashes or entries, 1 to 256.
    """

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is served, below the log's address."""
        groups = [f"{self.number % 1000:03}"]
        above = self.number // 1000
        while above:
            groups.append(f"x{above % 1000:03}")
            above //= 1000
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"

    @property
    def is_full(self) -> bool:
        """It is written once and for ever."""
        return self.width == WIDTH

    @property
    def start(self) -> int:
        """Index of the first hash or entry in its level."""
        return self.number * WIDTH

    @classmethod
    def parse(cls, path: str) -> "Tile":
        """Read a path below the log's address; every tile has one path only.

        Raises:
            LogTileInvalid: no path of a tile.
        """
        match = _PATH.fullmatch(path)
        if match is None:
            raise LogTileInvalid("no tile has that path")
        level, number, width = match.groups()
        index = int(number.replace("x", "").replace("/", ""))
        tile = cls(
            None if level == "entries" else int(level), index, int(width) if width else WIDTH
        )
        if tile.path != path or index * WIDTH > MAX_SIZE:
            raise LogTileInvalid("no tile has that path")
        return tile


#: Returns the bytes of a tile or entry bundle.
TileSource: TypeAlias = Callable[[Tile], bytes]
#: Returns what is served at a path below a log's address, at most so many bytes of it.
Read: TypeAlias = Callable[[str, int], bytes]


def fetched(read: Read, tile: Tile) -> bytes:
    """Return a tile; where a partial one is gone, from the full one that replaced it.

    Args:
        read: raises `FetchFailed` for what it cannot bring.
        tile: a tile or an entry bundle.

    Raises:
        FetchFailed: neither can be read.
        LogTileInvalid: the full one is malformed.
    """
    most = MAX_BUNDLE if tile.level is None else TILE_BYTES
    try:
        return read(tile.path, most)
    except FetchFailed:
        if tile.is_full:
            raise
    # tlog-tiles, partial tiles: they may be deleted once the full one stands.
    data = read(Tile(tile.level, tile.number).path, most)
    if tile.level is None:
        return pack_entries(unpack_entries(data, WIDTH)[: tile.width])
    return b"".join(unpack_hashes(data, WIDTH)[: tile.width])


def edge_of(size: int) -> Iterator[Tile]:
    """Yield the partial tiles of a tree, without its entry bundle, from level 0 up."""
    level = 0
    while size:
        if width := size % WIDTH:
            yield Tile(level, size // WIDTH, width)
        size //= WIDTH
        level += 1


def tile_at(level: int, index: int, size: int) -> Tile:
    """Return a tile as wide as a tree of `size` has it; level as `Tile.level`, 0 up.

    Raises:
        LogTileInvalid: the tree has no such tile.
    """
    width = min(WIDTH, (size >> HEIGHT * level) - index * WIDTH)
    if index < 0 or width < 1:
        raise LogTileInvalid("the tree has no such tile")
    return Tile(level, index, width)


def bundles(start: int, end: int) -> Iterator[Tile]:
    """Yield the entry bundles that hold entries [start, end) of a tree of size `end`."""
    for index in range(start // WIDTH, -(-end // WIDTH)):
        yield Tile(None, index, min(WIDTH, end - index * WIDTH))


def pack_entries(leaves: Iterable[bytes]) -> bytes:
    """Return an entry bundle: each leaf behind its length.

    Raises:
        LogTileInvalid: no leaf, more than 256, or one that is too long.
    """
    packed = bytearray()
    count = 0
    for count, leaf in enumerate(leaves, 1):  # noqa: B007 — counted for the check below
        if len(leaf) > MAX_ENTRY:
            raise LogTileInvalid("an entry is too long for a bundle")
        packed += len(leaf).to_bytes(2, "big") + leaf
    if not 1 <= count <= WIDTH:
        raise LogTileInvalid("a bundle holds 1 to 256 entries")
    return bytes(packed)


def unpack_entries(data: bytes, count: int) -> list[bytes]:
    """Take an entry bundle apart.

    Args:
        data: the whole bundle.
        count: entries it must hold.

    Raises:
        LogTileInvalid: fewer or more entries, or a length that leads beyond the end.
    """
    leaves: list[bytes] = []
    place = 0
    while place < len(data):
        if len(leaves) == count:
            raise LogTileInvalid("the bundle holds more entries than its name says")
        start = place + 2
        place = start + int.from_bytes(data[place:start], "big")
        if start > len(data) or place > len(data):
            raise LogTileInvalid("the bundle is cut short")
        leaves.append(data[start:place])
    if len(leaves) != count:
        raise LogTileInvalid("the bundle holds fewer entries than its name says")
    return leaves


def unpack_hashes(data: bytes, width: int) -> list[bytes]:
    """Take a tile of hashes apart.

    Raises:
        LogTileInvalid: another number of bytes than `width` hashes have.
    """
    if len(data) != width * HASH_BYTES:
        raise LogTileInvalid("the tile has not the size that its name says")
    return [data[place : place + HASH_BYTES] for place in range(0, len(data), HASH_BYTES)]


class TileReader:
    """Hashes of a tree out of its tiles (`merkle.HashReader`); nothing is believed here.

    What a proof or root made of them is worth, its check tells.

    Args:
        size: number of leaves of the tree.
        read: brings a tile's bytes.
    """

    __slots__ = ("_read", "_rows", "_size")

    def __init__(self, size: int, read: TileSource) -> None:
        self._size = size
        self._read = read
        self._rows: dict[Tile, list[list[bytes]]] = {}

    def __call__(self, places: Sequence[Place]) -> list[bytes]:
        """Return hashes of complete subtrees.

        Raises:
            LogTileInvalid: the tree has no such subtree, or a tile has a wrong size.
        """
        return [self._hash(place) for place in places]

    def _hash(self, place: Place) -> bytes:
        level, height = divmod(place.level, HEIGHT)
        index = (place.number << height) // WIDTH
        tile = tile_at(level, index, self._size)
        first = place.number - (index * WIDTH >> height)
        try:
            return self._levels(tile)[height][first]
        except IndexError as error:
            raise LogTileInvalid("the tree has no such subtree") from error

    def _levels(self, tile: Tile) -> list[list[bytes]]:
        # All complete subtrees within the tile, computed once: many proofs share it.
        rows = self._rows.get(tile)
        if rows is None:
            rows = [unpack_hashes(self._read(tile), tile.width)]
            while len(rows) < HEIGHT:
                pairs = zip(rows[-1][::2], rows[-1][1::2], strict=False)
                rows.append([merkle.node_hash(left, right) for left, right in pairs])
            self._rows[tile] = rows
        return rows
