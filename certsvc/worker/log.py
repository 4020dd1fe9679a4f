"""The worker's duty to give log entries their places and to publish the tree (R06).

1. one transaction gives waiting entries their places and moves the head's size
2. tiles and entry bundles stand durably in the published tree
3. the checkpoint is signed and verified
4. the checkpoint is published, last
5. one transaction records what is published

A crash between any two of them is repaired by the next look: places are never given twice, tiles
are made again from the same order, and a checkpoint moves from the very one it was begun from.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy.engine import Engine

from certsvc.attempts import Attempts
from certsvc.publishing.log import LogPublisher, Step
from certsvc.service.engine import reading, writing
from certsvc.service.metrics import Metrics
from certsvc.storage.log import Head, Leaf, LogEntries, LogHeads, Placed
from certsvc.worker.tenure import Tenure

log = logging.getLogger("certsvc.worker")

#: Seconds between looks while nothing happens, and while entries keep coming: each merge costs
#: two commits and a signature, so entries that come close together share one.
IDLE_PAUSE = 0.05
BUSY_PAUSE = 0.02
#: Entries that one transaction gives places to.
BATCH = 4096


class LogDuty:
    """Merges what waits, again and again.

    Args:
        engine: the issuer's database.
        publisher: writes the tree.
        tenure: the worker's lease.
        begin: begins a log that has no head yet; given a function that says whether the lease
            still holds.
        origin: name of the log.
        clock: Unix seconds.
        step: called with the number of each step that is done, for tests that crash there; the
            publisher has its own for 2 to 4.
        metrics: counts what is merged.
    """

    name = "log"

    def __init__(
        self,
        engine: Engine,
        publisher: LogPublisher,
        tenure: Tenure,
        *,
        begin: Callable[[Callable[[], bool]], int],
        origin: str,
        clock: Callable[[], float],
        step: Step,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics or Metrics()
        self._engine = engine
        self._publisher = publisher
        self._tenure = tenure
        self._begin = begin
        self._origin = origin
        self._clock = clock
        self._step = step
        self._attempts = Attempts(clock, failed=partial(self._metrics.task_failures.add, self.name))
        # The fencing number under which everything was found published; None: look anew.
        self._settled: int | None = None
        self._busy = False
        # What step 1 has just read, so that step 2 need not read it again.
        self._placed: Placed | None = None

    @property
    def pause(self) -> float:
        """Seconds between two looks."""
        return BUSY_PAUSE if self._busy else IDLE_PAUSE

    def do(self, fence: int) -> int:
        """Merge everything that waits; see `Duty.do`."""
        self._busy = self._attempts.make("log", partial(self._merge, fence))
        return int(self._busy)

    def _merge(self, fence: int) -> bool:
        moved = False
        while self._place(fence):
            head = self._head(fence)
            if head is None or not self._tenure.keeps(fence):
                break
            self._settled = None
            began = self._clock()
            published = self._publisher.publish(
                head.size, self._leaves, at_least=head.published_size, fence=fence
            )
            size = head.size if published is None else published.size
            self._mark(head, size)
            self._metrics.merge_seconds.observe(max(self._clock() - began, 0.0))
            moved = moved or published is not None
            if size == head.size:
                self._settled = fence
        return moved

    def _place(self, fence: int) -> bool:
        """Step 1; returns whether there may be something to publish."""
        with reading(self._engine, single=True) as connection:
            waiting = LogEntries(connection).has_waiting()
        if not waiting:
            return self._settled != fence
        if self._head(fence) is None:
            return False
        with writing(self._engine) as connection:
            placed = LogEntries(connection).sequence(self._origin, limit=BATCH)
        # Only now: what was not committed has no place.
        self._placed = placed
        self._step(1)
        return bool(placed.leaves) or self._settled != fence

    def _head(self, fence: int) -> Head | None:
        """The log's head; a log without one is begun first."""
        for _ in range(2):
            with reading(self._engine, single=True) as connection:
                head = LogHeads(connection).get(self._origin)
            if head is not None:
                return head
            filled = self._begin(lambda: self._tenure.keeps(fence))
            log.info("log begun: %d certificates from before", filled)
        return None

    def _leaves(self, first: int, end: int) -> Sequence[Leaf]:
        fresh = None if self._placed is None else self._placed.part(first, end)
        if fresh is not None:
            return fresh
        with reading(self._engine) as connection:
            return LogEntries(connection).leaves(first, end)

    def _mark(self, head: Head, size: int) -> None:
        """Step 5."""
        if (head.published_size, head.published_at is None) == (size, False):
            return
        now = int(self._clock())
        with writing(self._engine) as connection:
            LogHeads(connection).mark_published(self._origin, size, now=now)
        self._step(5)
        added = size - head.published_size
        self._metrics.merged.add(amount=max(added, 0))
        log.debug("log published: %d leaves more", added)
