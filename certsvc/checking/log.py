"""The transparency log, derived anew from the database and compared with every published file."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy.engine import Engine

from certsvc.checking.finding import Finding
from certsvc.publishing.errors import PublishingError
from certsvc.publishing.log_files import CHECKPOINT, FOLDER, WITNESSED, path_of
from certsvc.publishing.tree import PublishedTree
from certsvc.service.engine import reading
from certsvc.storage.log import LogEntries, LogHeads
from certsvc_sdk.errors import CertsvcError, LogTileInvalid
from certsvc_sdk.log import merkle
from certsvc_sdk.log.checkpoint import Checkpoint
from certsvc_sdk.log.edge import Edge
from certsvc_sdk.log.leaf import read_leaf
from certsvc_sdk.log.tiles import WIDTH, Tile, bundles, edge_of, pack_entries
from certsvc_sdk.log.view import LogView

# Leaves read and hashed at once.
CHUNK = 4096

Progress = Callable[[int], object]


@dataclass(slots=True)
class LogTruth:
    """What the published files must be, by the database's leaves.

    Attributes:
        size: leaves with a place.
        digests: SHA-256 of each complete tile and bundle, and of the partial ones asked for.
        roots: root at each size asked for.
        findings: what is wrong with the leaves themselves.
    """

    size: int
    digests: dict[Tile, bytes] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


class LogCheck:
    """Checks leaves, tiles, bundles and checkpoint.

    Args:
        engine: the issuer's database.
        tree: the published tree.
        view: what readers trust of the log.
    """

    def __init__(self, engine: Engine, tree: PublishedTree, view: LogView) -> None:
        self._engine = engine
        self._tree = tree
        self._view = view

    def size(self) -> int:
        """How many leaves have a place."""
        with reading(self._engine) as connection:
            head = LogHeads(connection).get(self._view.origin)
        return 0 if head is None else head.size

    def _marked(self) -> int:
        """How many leaves readers have seen, by the database."""
        with reading(self._engine) as connection:
            head = LogHeads(connection).get(self._view.origin)
        return 0 if head is None else head.published_size

    def run(self, progress: Progress) -> Iterator[Finding]:
        """Check everything; `progress` takes the leaves and files done since its last call."""
        # Asked for first: the checkpoint moves before the mark does.
        marked = self._marked()
        published, tiles = self.published(), self.files()
        if published is not None and published.size < marked:
            yield Finding("checkpoint_invalid", f"{CHECKPOINT} ({published.size} < {marked})")
        truth = self.derive(tiles, progress)
        yield from truth.findings
        yield from self.checkpoint(truth)
        yield from self.checkpoint(truth, WITNESSED)
        # Partial bundles and tiles of the published size stand, or their full ones do.
        size = 0 if published is None else published.size
        for tile in (*bundles(0, size), *_complete(size), *edge_of(size)):
            standing = tile in tiles or tile._replace(width=WIDTH) in tiles
            if not standing and not self._tree.exists(path_of(tile)):
                yield Finding("tile_missing", path_of(tile))
        for tile in sorted(tiles, key=path_of):
            yield from self.tile(tile, truth)
            progress(1)
        yield from self.strangers()

    def published(self, path: str = CHECKPOINT) -> Checkpoint | None:
        """A published checkpoint; None where it is missing, damaged or not the log's."""
        try:
            return self._view.open(self._tree.read(path) or b"").checkpoint
        except (CertsvcError, PublishingError):
            return None

    def files(self) -> set[Tile]:
        """Every file of the log that has a tile's name."""
        return {tile for tile, _ in self._walk() if tile is not None}

    def strangers(self) -> Iterator[Finding]:
        """Files in the log's folder that are neither tiles nor the checkpoint."""
        for tile, path in self._walk():
            if tile is None and path not in (CHECKPOINT, WITNESSED):
                yield Finding("file_unexpected", path)

    def _walk(self) -> Iterator[tuple[Tile | None, str]]:
        root = self._tree.root
        for path in sorted((root / FOLDER).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                name = path.relative_to(root).as_posix()
                yield _tile_of(name), name

    def derive(self, wanted: set[Tile], progress: Progress) -> LogTruth:
        """Make the whole tree again from the database.

        Args:
            wanted: partial tiles to know too, beside every complete one.
            progress: takes the leaves done since its last call.
        """
        truth = self._extent()
        widths: dict[tuple[int | None, int], set[int]] = defaultdict(set)
        for tile in (*wanted, *edge_of(truth.size), *bundles(0, truth.size)):
            widths[tile.level, tile.number].add(tile.width)
        known = [self.published(path) for path in (CHECKPOINT, WITNESSED)]
        sizes = {truth.size, *(one.size for one in known if one is not None)}
        edge, entries = Edge(), list[bytes]()
        if 0 in sizes:
            truth.roots[0] = merkle.EMPTY_ROOT
        for data in self._leaves(truth, progress):
            edge.append(merkle.leaf_hash(data))
            entries.append(data)
            if edge.size in sizes:
                truth.roots[edge.size] = edge.root()
            if edge.size % WIDTH == 0:
                for tile, whole in edge.take_full():
                    _note(truth, tile, whole, widths)
                _note_bundle(truth, edge.size // WIDTH - 1, entries, widths)
                entries.clear()
        for tile, part in edge.take():
            _note(truth, tile, part, widths)
        if entries:
            _note_bundle(truth, edge.size // WIDTH, entries, widths)
        return truth

    def _extent(self) -> LogTruth:
        """As many leaves as the head says, or fewer where there cannot be so many."""
        with reading(self._engine) as connection:
            head = LogHeads(connection).get(self._view.origin)
            end = LogEntries(connection).end()
        size = 0 if head is None else head.size
        if size <= end:
            return LogTruth(size)
        # A damaged number must be told, and not counted up to.
        return LogTruth(end, findings=[Finding("leaf_misplaced", f"log_entry {end}..{size - 1}")])

    def _leaves(self, truth: LogTruth, progress: Progress) -> Iterator[bytes]:
        for first in range(0, truth.size, CHUNK):
            end = min(first + CHUNK, truth.size)
            with reading(self._engine) as connection:
                rows = LogEntries(connection).raw(first, end)
            by_index = {index: (data, stored) for index, data, stored in rows}
            places = f"log_entry {first}..{end - 1}"
            if len(by_index) != len(rows):
                truth.findings.append(Finding("leaf_misplaced", places))
            for index in range(first, end):
                if index not in by_index:
                    truth.findings.append(Finding("leaf_misplaced", f"log_entry {index}"))
                data, stored = by_index.get(index, (b"", merkle.leaf_hash(b"")))
                if merkle.leaf_hash(data) != stored or (data and not _is_leaf(data)):
                    truth.findings.append(Finding("leaf_altered", f"log_entry {index}"))
                yield data
            progress(end - first)

    def checkpoint(self, truth: LogTruth, path: str = CHECKPOINT) -> Iterator[Finding]:
        """Whether a published checkpoint is signed and says what the database says."""
        if path == WITNESSED and not self._tree.exists(path):
            return  # no witness has signed yet
        published = self.published(path)
        if published is None:
            yield Finding("checkpoint_invalid", path)
        elif published.size > truth.size or truth.roots.get(published.size) != published.root:
            yield Finding("checkpoint_invalid", f"{path} ({published.size})")

    def tile(self, tile: Tile, truth: LogTruth) -> Iterator[Finding]:
        """Whether one file is what it must be."""
        path = path_of(tile)
        expected = truth.digests.get(tile)
        if expected is None:
            # A worker may have gone on since; what no leaf stands behind is nobody's.
            yield from self._beyond(tile)
            return
        try:
            data = self._tree.read(path)
        except PublishingError:
            data = b""
        if data is not None and hashlib.sha256(data).digest() != expected:
            yield Finding("tile_differs", path)

    def _beyond(self, tile: Tile) -> Iterator[Finding]:
        level = tile.level or 0
        if (tile.start + tile.width) << 8 * level > self.size():
            yield Finding("file_unexpected", path_of(tile))


def _complete(size: int) -> Iterator[Tile]:
    level, count = 0, size // WIDTH
    while count:
        for number in range(count):
            yield Tile(level, number)
        level, count = level + 1, count // WIDTH


def _note(
    truth: LogTruth, tile: Tile, data: bytes, widths: dict[tuple[int | None, int], set[int]]
) -> None:
    truth.digests[tile] = hashlib.sha256(data).digest()
    for width in widths.get((tile.level, tile.number), ()):
        if width < tile.width:
            part = data[: width * merkle.HASH_BYTES]
            truth.digests[tile._replace(width=width)] = hashlib.sha256(part).digest()


def _note_bundle(
    truth: LogTruth,
    number: int,
    entries: list[bytes],
    widths: dict[tuple[int | None, int], set[int]],
) -> None:
    for width in {len(entries), *widths.get((None, number), ())}:
        if width <= len(entries):
            try:
                data = pack_entries(entries[:width])
            except LogTileInvalid:
                data = b""  # no bundle holds such a leaf, so no file is right
            truth.digests[Tile(None, number, width)] = hashlib.sha256(data).digest()


def _is_leaf(data: bytes) -> bool:
    try:
        read_leaf(data)
    except CertsvcError:
        return False
    return True


def _tile_of(path: str) -> Tile | None:
    try:
        return Tile.parse(path.removeprefix(f"{FOLDER}/"))
    except LogTileInvalid:
        return None
