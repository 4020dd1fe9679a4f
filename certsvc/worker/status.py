"""The worker's duty to publish status lists that changed or grow old."""

import logging
from collections.abc import Callable
from functools import partial

from sqlalchemy.engine import Engine

from certsvc.attempts import POLL_SECONDS, Attempts
from certsvc.publishing.errors import PointerMoved
from certsvc.publishing.status import Checkpoint, StatusPublisher, no_checkpoint
from certsvc.service.engine import reading, writing
from certsvc.service.metrics import Metrics
from certsvc.storage.status_lists import StatusLists
from certsvc.storage.status_rows import ListInfo
from certsvc.worker.tenure import Tenure

log = logging.getLogger("certsvc.worker")

#: Seconds after which an unchanged list is signed anew: half its time to live of 300.
HEARTBEAT = 150


class StatusDuty:
    """Publishes what the database says is due; the database keeps what was published.

    Args:
        engine: the issuer's database.
        publisher: writes the lists; used by nobody else.
        tenure: the worker's lease.
        clock: Unix seconds.
        checkpoint: called with the number of each step of a publication
            (`certsvc.publishing.status`), for tests that die there.
        metrics: counts what is published.
    """

    name = "status"
    pause = POLL_SECONDS

    def __init__(
        self,
        engine: Engine,
        publisher: StatusPublisher,
        tenure: Tenure,
        *,
        clock: Callable[[], float],
        checkpoint: Checkpoint = no_checkpoint,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics or Metrics()
        self._engine = engine
        self._publisher = publisher
        self._tenure = tenure
        self._clock = clock
        self._checkpoint = checkpoint
        self._fence: int | None = None
        self._attempts = Attempts(clock, failed=partial(self._metrics.task_failures.add, self.name))

    def do(self, fence: int) -> int:
        """Publish every list that is due; see `Duty.do`."""
        if fence != self._fence:
            # The lease was in another hand: what is kept may be older than what is published.
            self._publisher.forget()
            self._fence = fence
        now = int(self._clock())
        with reading(self._engine) as connection:
            due = StatusLists(connection).due(refresh_before=now - HEARTBEAT, now=now)
        return sum(
            self._attempts.make(
                f"{info.issuer_id}/{info.list_no}", partial(self._publish, info, fence)
            )
            for info in due
        )

    def _publish(self, info: ListInfo, fence: int) -> bool:
        # A worker that slept past its lease must not move a pointer.
        if not self._tenure.keeps(fence):
            return False
        began = self._clock()
        if (info.published_at or 0) > began:
            # Signed by a clock that was ahead: readers keep it, unless a newer version comes.
            with writing(self._engine) as connection:
                StatusLists(connection).request_publication(info.issuer_id, info.list_no)
        try:
            version, now = self._publish_changes(info, fence) or self._publish_whole(info, fence)
        except PointerMoved as error:
            log.warning("%s; the whole list is read again", error)
            version, now = self._publish_whole(info, fence)
        with writing(self._engine) as connection:
            StatusLists(connection).mark_published(info.issuer_id, info.list_no, version, now=now)
        self._checkpoint(7)
        self._metrics.lists_published.add()
        self._metrics.publish_seconds.observe(max(self._clock() - began, 0.0))
        log.info(
            "status list published",
            extra={"issuer_id": info.issuer_id, "list_no": info.list_no, "version": version},
        )
        return True

    def _publish_changes(self, info: ListInfo, fence: int) -> tuple[int, int] | None:
        """Publish what changed since the version kept in memory, if one is."""
        since = self._publisher.kept_version(info.issuer_id, info.list_no)
        if since is None:
            return None
        with reading(self._engine) as connection:
            lists = StatusLists(connection)
            changes, version = lists.changes(info.issuer_id, info.list_no, since=since)
        self._checkpoint(1)
        now = int(self._clock())
        self._publisher.republish(info.issuer_id, info.list_no, changes, version, now, fence=fence)
        return version, now

    def _publish_whole(self, info: ListInfo, fence: int) -> tuple[int, int]:
        with reading(self._engine) as connection:
            bits, version = StatusLists(connection).snapshot(info.issuer_id, info.list_no)
        self._checkpoint(1)
        now = int(self._clock())
        self._publisher.publish(info.issuer_id, info.list_no, bits, version, now, fence=fence)
        return version, now
