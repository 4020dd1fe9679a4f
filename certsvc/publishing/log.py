"""Publishes the transparency log: tiles first, the signed checkpoint last, and never backwards.

The order of the leaves is the database's. Tiles are made from it and can be made again, so a
crash anywhere leaves nothing that the next start does not repair; only the checkpoint's move
counts, and that is a compare-and-swap.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from certsvc.publishing.errors import LeafAltered, LogAhead, LogForked, LogMoved, TreeUnreadable
from certsvc.publishing.log_files import LogFiles
from certsvc.publishing.log_signing import LogSigner
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.log import merkle
from certsvc_sdk.log.checkpoint import Checkpoint
from certsvc_sdk.log.edge import Edge
from certsvc_sdk.log.tiles import WIDTH, Tile, bundles, pack_entries
from keys import KeyStore

# Leaves read at once while a tree is made again.
CHUNK = 4096
# Leaves that one move of the checkpoint adds: a backlog must not fill the memory.
MOST = 16_384


class Leaf(Protocol):
    """One leaf as the database has it."""

    @property
    def data(self) -> bytes:
        """Exact bytes."""
        ...

    @property
    def hash(self) -> bytes:
        """Hash of them."""
        ...


#: Returns the leaves [first, end) in their order, fewer where the database has a gap.
LeafSource = Callable[[int, int], Sequence[Leaf]]
Step = Callable[[int], None]


def no_step(_number: int) -> None:
    """Where nobody looks on."""


@dataclass(slots=True)
class _State:
    """What is kept between two moves: the tree's edge and the last entries of the open bundle."""

    edge: Edge
    open_entries: list[bytes]
    published: Checkpoint | None


class LogPublisher:
    """Writes the log of one service. One publisher at a time, and a late one changes nothing.

    Errors of the key store (`keys.errors.KeysError`) and `OSError` pass through; the next call
    begins from what is published then.

    Args:
        tree: the published tree.
        keys: holds the log's keys.
        origin: name of the log.
        step: called with the number of each step, for tests that crash there: 2 tiles are
            durable, 3 the checkpoint is signed, 4 it is published.
    """

    def __init__(
        self, tree: PublishedTree, keys: KeyStore, *, origin: str, step: Step = no_step
    ) -> None:
        self._files = LogFiles(tree)
        self._tree = tree
        self._signer = LogSigner(keys, origin=origin)
        self._origin = origin
        self._step = step
        self._state: _State | None = None

    def published(self) -> Checkpoint | None:
        """The checkpoint as readers see it; None where there is none.

        Raises:
            TreeUnreadable: it is damaged, or not signed by the log.
        """
        data = self._files.checkpoint()
        if data is None:
            return None
        try:
            return self._signer.view().open(data).checkpoint
        except CertsvcError as error:
            raise TreeUnreadable("the log's checkpoint is damaged; restore it") from error

    def publish(
        self, size: int, leaves: LeafSource, *, at_least: int = 0, fence: int | None = None
    ) -> Checkpoint | None:
        """Move the checkpoint towards `size` leaves, by `MOST` at a time.

        Args:
            size: how many leaves have a place.
            leaves: the database's leaves.
            at_least: how many leaves readers have seen before, should the checkpoint be lost.
            fence: the publisher's fencing number.

        Returns:
            The checkpoint, if it moved.

        Raises:
            LogAhead, LogForked: what is published is not what the database has; see there.
            LeafAltered: a leaf is damaged in the database.
            LogMoved, PublisherFenced: somebody else publishes.
            SigningFailed, TreeUnreadable: see there.
        """
        state, self._state = self._state or self._load(size, leaves, at_least), None
        published, first = state.published, state.edge.size
        if published is not None and published.size >= size:
            if published.size > size:
                raise LogAhead(f"{published.size} leaves are published, not {size}")
            self._state = state
            return None
        end = min(size, first + MOST)
        tiles = self._extend(state, leaves(first, end), end)
        self._files.write(tiles)
        self._step(2)
        checkpoint = Checkpoint(origin=self._origin, size=end, root=state.edge.root())
        data = self._signer.checkpoint(checkpoint)
        self._step(3)
        with self._tree.exclusive(fence):
            if self.published() != published:
                raise LogMoved("another checkpoint is published meanwhile")
            self._files.write_checkpoint(data)
        self._step(4)
        self._prune(tiles)
        state.published = checkpoint
        self._state = state
        return checkpoint

    def rebuild(self, size: int, leaves: LeafSource) -> None:
        """Write every tile and bundle of the first `size` leaves anew where it is not right.

        Raises:
            LeafAltered: a leaf is damaged in the database.
            LogForked: the published checkpoint has another root.
        """
        published = self.published()
        self._state = self._rebuilt(
            size if published is None else published.size, leaves, published
        )

    def sign_anew(self, leaves: LeafSource) -> bool:
        """Sign the published checkpoint with the key that is active now, if it has not yet.

        After a theft nobody accepts the former key's signature, and an idle log would prove
        nothing until the next certificate. The thief may have put another checkpoint in its place:
        only what the database's own leaves lead to is signed. The caller holds the tree.

        Args:
            leaves: the database's leaves; all of them are read.

        Returns:
            Whether it was signed anew.

        Raises:
            LogForked, LeafAltered: what is published is not what the database has.
            SigningFailed, TreeUnreadable: see there.
        """
        data, published = self._files.checkpoint(), self.published()
        if data is None or published is None or self._signer.is_current(data):
            return False
        self.rebuild(published.size, leaves)
        self._files.write_checkpoint(self._signer.checkpoint(published))
        return True

    def _load(self, size: int, leaves: LeafSource, at_least: int) -> _State:
        """What readers see, held against its signed root and the newest leaves of the database."""
        published = self.published()
        if published is None:
            return self._rebuilt(at_least, leaves, None)
        if published.size > size:
            raise LogAhead(f"{published.size} leaves are published, not {size}")
        try:
            edge = Edge.load(published.size, self._files.read)
            sound = edge.root() == published.root
        except (CertsvcError, TreeUnreadable):
            sound = False
        if not sound:
            return self._rebuilt(published.size, leaves, published)
        newest = max(published.size - 1, 0) // WIDTH
        first = newest * WIDTH
        entries = _checked(leaves(first, published.size), published.size - first)
        if entries:
            tile = self._files.read(Tile(0, newest, len(entries)))
            if tile != b"".join(leaf.hash for leaf in entries):
                raise LogForked("the newest published leaves are not the database's")
        kept = entries if len(entries) < WIDTH else []
        return _State(edge, [leaf.data for leaf in kept], published)

    def _rebuilt(self, size: int, leaves: LeafSource, published: Checkpoint | None) -> _State:
        state = _State(Edge(), [], published)
        while (first := state.edge.size) < size:
            end = min(first + CHUNK, size)
            tiles = self._extend(state, leaves(first, end), end)
            lasting = (one for one in tiles if one[0].is_full or end == size)
            self._files.write(one for one in lasting if self._differs(*one))
        if published is not None and state.edge.root() != published.root:
            raise LogForked("the published root is not that of the database's leaves")
        return state

    def _differs(self, tile: Tile, data: bytes) -> bool:
        try:
            return self._files.read(tile) != data
        except TreeUnreadable:
            return True

    def _extend(self, state: _State, added: Sequence[Leaf], size: int) -> list[tuple[Tile, bytes]]:
        """Let the tree grow to `size`; returns the tiles and bundles to write."""
        entries, edge = state.open_entries, state.edge
        first = edge.size
        begin = first - first % WIDTH
        for leaf in _checked(added, size - first):
            edge.append(leaf.hash)
            entries.append(leaf.data)
        tiles = edge.take()
        for bundle in bundles(begin, size):
            start = bundle.start - begin
            tiles.append((bundle, pack_entries(entries[start : start + bundle.width])))
        del entries[: (size - size % WIDTH) - begin]
        return tiles

    def _prune(self, tiles: Sequence[tuple[Tile, bytes]]) -> None:
        for tile, _data in tiles:
            if tile.is_full and tile.number:
                # One tile late: who reads by the checkpoint before finds its partial ones.
                self._files.prune(tile._replace(number=tile.number - 1))


def _checked(leaves: Sequence[Leaf], count: int) -> Sequence[Leaf]:
    if len(leaves) != count:
        raise LeafAltered("a place in the log has no leaf")
    for leaf in leaves:
        if merkle.leaf_hash(leaf.data) != leaf.hash:
            raise LeafAltered("a leaf is not the one its hash was made of")
    return leaves
