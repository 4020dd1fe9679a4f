"""The worker's look at what clients issue: it warns where one issues unlike its own past (T52)."""

import logging
from collections.abc import Callable
from functools import partial

from sqlalchemy.engine import Engine

from certsvc.attempts import Attempts
from certsvc.service.engine import reading
from certsvc.service.metrics import Metrics
from certsvc.storage.activity import HOUR, Activity
from certsvc.worker.pace import PAST_HOURS, Kind, Pace, Source

log = logging.getLogger("certsvc.worker")

#: Seconds between two looks.
LOOK_SECONDS = 60
#: Rows of the trail read at once, and in one look: a long past is read in several.
BATCH = 5_000
MOST = 50_000


class UnusualDuty:
    """Reads what is new in the audit trail; changes nothing, holds nobody up.

    Args:
        engine: the issuer's database.
        clock: Unix seconds.
        metrics: counts what was unusual.
    """

    name = "unusual"
    pause = 5.0

    def __init__(
        self, engine: Engine, *, clock: Callable[[], float], metrics: Metrics | None = None
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._next = 0
        self._read: dict[str, int] = {}
        self._pace = Pace()
        self._told: set[tuple[Source, int, Kind]] = set()
        self._attempts = Attempts(clock, failed=partial(self._metrics.task_failures.add, self.name))

    def do(self, fence: int) -> int:
        """Look when the time has come; see `Duty.do`."""
        now = int(self._clock())
        # A clock that was set back must not put the look off.
        if self._next - LOOK_SECONDS <= now < self._next:
            return 0
        self._next = now + LOOK_SECONDS
        self._attempts.make("unusual", partial(self._look, now))
        return 0

    def _look(self, now: int) -> bool:
        if not self._catch_up(now):
            self._next = now  # the rest at once; nobody is judged by half of his past
            return True
        hour = now // HOUR
        self._pace.forget(hour - PAST_HOURS)
        self._told = {told for told in self._told if told[1] >= hour - 1}
        # What was planned in the last minute of an hour is read in the next one.
        for each in (hour - 1, hour):
            self._tell(each)
        return True

    def _catch_up(self, now: int) -> bool:
        """Read what is new; whether that was all of it."""
        left = MOST
        with reading(self._engine) as connection:
            activity = Activity(connection)
            for issuer_id, head in activity.heads().items():
                if issuer_id not in self._read:
                    since = now - PAST_HOURS * HOUR
                    first = activity.first_since(issuer_id, since, head=head)
                    self._read[issuer_id] = first
                # A trail that went back was restored: what is read again is not counted again.
                while (after := self._read[issuer_id]) < head:
                    if left <= 0:
                        return False
                    end = min(head, after + BATCH)
                    for one in activity.tallies(issuer_id, after=after, end=end):
                        source = Source(issuer_id, one.client_id, one.type)
                        self._pace.add(source, one.hour, one.count)
                    self._read[issuer_id] = end
                    left -= end - after
        return True

    def _tell(self, hour: int) -> None:
        for found in self._pace.judge(hour):
            told = (found.source, found.hour, found.kind)
            if told in self._told:
                continue
            self._told.add(told)
            self._metrics.unusual.add(found.kind.value)
            log.warning(
                "unusual issuing (%s): client %s of %s, type %s, %d in an hour, at most %d before",
                found.kind.value,
                found.source.client_id,
                found.source.issuer_id,
                found.source.type,
                found.count,
                found.usual,
            )
