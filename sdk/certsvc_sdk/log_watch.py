"""Following a log as an outsider: everything it publishes is read again and computed again.

A watcher keeps the right edge of the tree it has seen. Each newer checkpoint must be signed by
the log and have the root that the entries lead to; the tiles must be those of these entries. What
cannot be so is an alarm, and two checkpoints that contradict each other are kept as evidence.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from certsvc_sdk.errors import LogInvalid
from certsvc_sdk.log import merkle, tiles
from certsvc_sdk.log.checkpoint import PATH, Checkpoint
from certsvc_sdk.log.edge import Edge
from certsvc_sdk.log.leaf import Changed, Issued, read_leaf
from certsvc_sdk.log.note import MAX_NOTE
from certsvc_sdk.log.tiles import Read, Tile, TileReader
from certsvc_sdk.log.view import LogView, Opened
from certsvc_sdk.log_watch_state import Kept, WatchState
from certsvc_sdk.trust.record import IssuerRecord, KeyUse
from certsvc_sdk.world import CLOCK_TOLERANCE, covers

#: Alarms of one look at the log; more of them say no more.
MAX_ALARMS: Final = 1000


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a log should not show.

    Attributes:
        kind: `untrusted`, `fork`, `went_back`, `damaged`, `leaf_invalid`, `key_unknown` or
            `wrong_time`.
        zh: what was seen, in Chinese.
        en: the same in English.
        index: place in the log, None where the whole log is meant.
    """

    kind: str
    zh: str
    en: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the log found.

    Attributes:
        state: to keep and to go on from.
        opened: the checkpoint that is served, None where it is not believed.
        grown: number of entries read for the first time.
        alarms: what is wrong.
    """

    state: WatchState
    opened: Opened | None
    grown: int
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLeaves:
    """What an office looks for among its own leaves (threat T53).

    Attributes:
        record: the office's trust record.
        backdating: seconds that a leaf's time may lie before the last look.
    """

    record: IssuerRecord
    backdating: int = 3600

    def alarms(
        self, leaf: Issued | Changed, index: int, since: int | None, now: int
    ) -> Iterator[Alarm]:
        """Yield what is wrong with a leaf.

        Args:
            leaf: a leaf of the log.
            index: its place.
            since: when the log was looked at before, Unix seconds; None: never.
            now: Unix seconds.
        """
        if not self.record.answers_to(leaf.iss):
            return
        moment = leaf.iat if isinstance(leaf, Issued) else leaf.at
        if isinstance(leaf, Issued):
            key = self.record.key(leaf.kid, KeyUse.CERTIFICATE)
            if key is None or not covers(key, leaf.iat):
                zh = f"以未登记或当时无效的密钥 {leaf.kid} 签发"
                yield Alarm("key_unknown", zh, f"issued by {leaf.kid}, no key of then", index)
        late = moment > now + CLOCK_TOLERANCE
        if late or (since is not None and moment < since - self.backdating):
            zh = f"条目时间 {moment} 与入日志时间相差过大"
            yield Alarm("wrong_time", zh, f"its time {moment} is far from the log's", index)


@dataclass(slots=True, kw_only=True)
class Watcher:
    """Looks at one log.

    Attributes:
        view: the trust in the log.
        read: brings what is served below the log's address; raises `FetchFailed`.
        own: what an office looks for among its own leaves, or None.
        progress: told how many entries are read, and of how many.
    """

    view: LogView
    read: Read
    own: OwnLeaves | None = None
    progress: Callable[[int, int], None] = field(default=lambda done, total: None)

    def look(self, state: WatchState, now: int) -> Look:
        """Look at the log once.

        Args:
            state: of the last look.
            now: Unix seconds.

        Raises:
            FetchFailed: something that is published cannot be read.
            LogInvalid: the state is another log's, or damaged.
        """
        kept = state.opened(self.view)
        try:
            opened = self.view.open(self.read(PATH, MAX_NOTE))
        except LogInvalid as error:
            return Look(state, None, 0, (Alarm("untrusted", "检查点不可信", str(error)),))
        tree = opened.checkpoint
        if tree.size > kept.size:
            return self._grow(state, kept, opened, now)
        if tree.size < kept.size:
            if self._contradicts(tree, kept):
                return self._fork(state, opened, now)
            words = (f"日志由 {kept.size} 退回 {tree.size}", f"from {kept.size} to {tree.size}")
            return Look(state, opened, 0, (Alarm("went_back", *words),))
        if tree.root != kept.root:
            return self._fork(state, opened, now)
        # Newer signatures of witnesses over the same tree are worth having.
        state = replace(state, checkpoint=opened.note.to_bytes(), seen_at=now)
        return Look(state, opened, 0, ())

    def _grow(self, state: WatchState, kept: Kept, opened: Opened, now: int) -> Look:
        tree = opened.checkpoint
        edge = Edge.of(kept.size, state.rows)
        alarms: list[Alarm] = []
        try:
            for tile in tiles.bundles(kept.size, tree.size):
                data = tiles.fetched(self.read, tile)
                leaves = tiles.unpack_entries(data, tile.width)
                for leaf in leaves[edge.size - tile.start :]:
                    alarms += self._leaf_alarms(leaf, edge.size, state.seen_at, now)
                    edge.append(merkle.leaf_hash(leaf))
                alarms += self._tile_alarms(edge.take_full())
                self.progress(edge.size - kept.size, tree.size - kept.size)
        except LogInvalid as error:
            alarms.append(Alarm("damaged", "条目数据已损坏", f"entries are damaged: {error}"))
            return Look(state, opened, 0, _some(alarms))
        if edge.root() != tree.root:
            if self._contradicts(kept, tree):
                return self._fork(state, opened, now)
            words = ("条目推不出检查点的根哈希", "the entries do not lead to the checkpoint's root")
            return Look(state, opened, 0, _some([Alarm("damaged", *words), *alarms]))
        alarms += self._tile_alarms(edge.take())
        grown = replace(
            state, checkpoint=opened.note.to_bytes(), rows=tuple(edge.rows), seen_at=now
        )
        return Look(grown, opened, tree.size - kept.size, _some(alarms))

    def _contradicts(self, old: Kept | Checkpoint, new: Kept | Checkpoint) -> bool:
        """Tell whether the tiles prove that two signed trees are not one; both are signed."""
        if old.size == 0:
            return False
        try:
            reader = TileReader(new.size, lambda tile: tiles.fetched(self.read, tile))
            roots = merkle.trace(old.size, new.size, reader)
        except LogInvalid:
            return False
        return roots is not None and roots[1] == new.root and roots[0] != old.root

    def _fork(self, state: WatchState, opened: Opened, now: int) -> Look:
        state = state.with_fork(opened.note.to_bytes(), now)
        words = ("同一日志出现互相矛盾的检查点", "two signed checkpoints contradict each other")
        return Look(state, opened, 0, (Alarm("fork", *words),))

    def _leaf_alarms(self, data: bytes, index: int, since: int | None, now: int) -> Iterable[Alarm]:
        try:
            leaf = read_leaf(data)
        except LogInvalid as error:
            return (Alarm("leaf_invalid", "条目格式有误", str(error), index),)
        return () if self.own is None else self.own.alarms(leaf, index, since, now)

    def _tile_alarms(self, expected: Iterable[tuple[Tile, bytes]]) -> Iterator[Alarm]:
        for tile, data in expected:
            try:
                same = tiles.fetched(self.read, tile) == data
            except LogInvalid:
                same = False
            if not same:
                words = (
                    f"数据块与条目不符：{tile.path}",
                    f"not the tile of the entries: {tile.path}",
                )
                yield Alarm("damaged", *words)


def _some(alarms: list[Alarm]) -> tuple[Alarm, ...]:
    return tuple(alarms[:MAX_ALARMS])
