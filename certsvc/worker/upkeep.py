"""The worker's upkeep: trust metadata signed before it grows old, plans that a crash left."""

import logging
from collections.abc import Callable
from functools import partial

from sqlalchemy.engine import Engine

from certsvc.attempts import Attempts
from certsvc.issuing.service import IssuingService
from certsvc.publishing.expiring import expiring
from certsvc.publishing.roles import DAY
from certsvc.publishing.tree import PublishedTree
from certsvc.publishing.trust import TrustPublisher
from certsvc.service.engine import reading
from certsvc.service.metrics import Metrics
from certsvc.storage.status_lists import StatusLists
from certsvc.worker.tenure import Tenure

log = logging.getLogger("certsvc.worker")

#: Seconds between looks at trust metadata that grows old, and at plans a crash left.
UPKEEP_SECONDS = 20


class UpkeepDuty:
    """What is done now and then.

    Args:
        engine: the issuer's database.
        tree: the published tree.
        trust: signs trust metadata anew.
        issuing: finishes plans and opens lists.
        tenure: the worker's lease.
        renew_lists: signs lists of revoked X.509 certificates that grow old, at a time in Unix
            seconds, and returns how many; called while the tree is held.
        clock: Unix seconds.
        metrics: counts failures.
    """

    name = "upkeep"
    pause = 1.0

    def __init__(
        self,
        engine: Engine,
        tree: PublishedTree,
        trust: TrustPublisher,
        issuing: IssuingService,
        tenure: Tenure,
        *,
        clock: Callable[[], float],
        renew_lists: Callable[[int], int] = lambda _: 0,
        metrics: Metrics | None = None,
    ) -> None:
        self._renew_lists = renew_lists
        self._metrics = metrics or Metrics()
        self._engine = engine
        self._tree = tree
        self._trust = trust
        self._issuing = issuing
        self._tenure = tenure
        self._clock = clock
        self._next = 0
        self._warned = -DAY
        self._attempts = Attempts(clock, failed=partial(self._metrics.task_failures.add, self.name))

    def do(self, fence: int) -> int:
        """Do the upkeep when its time has come; see `Duty.do`."""
        now = int(self._clock())
        # A clock that was set back must not put the upkeep off.
        if self._next - UPKEEP_SECONDS <= now < self._next:
            return 0
        self._next = now + UPKEEP_SECONDS
        resigned = self._attempts.make("trust", partial(self._resign, fence))
        self._attempts.make("revocations", partial(self._renew, fence))
        self._attempts.make("expiry", self._warn)
        self._attempts.make("sweep", self._sweep)
        self._attempts.make("lists", self._prepare_lists)
        self._attempts.make("codes", partial(self._code, fence))
        self._attempts.make("approvals", lambda: bool(self._issuing.second_person.forget()))
        return int(resigned)

    def _resign(self, fence: int) -> bool:
        if not self._tenure.keeps(fence):
            return False
        with self._tree.exclusive(fence):
            return self._trust.resign(int(self._clock()))

    def _renew(self, fence: int) -> bool:
        if not self._tenure.keeps(fence):
            return False
        with self._tree.exclusive(fence):
            return bool(self._renew_lists(int(self._clock())))

    def _warn(self) -> bool:
        """Say once a day which roles run out that only officers can renew."""
        now = int(self._clock())
        if self._warned <= now < self._warned + DAY:
            return False
        self._warned = now
        for role, left in expiring(self._trust.files, now):
            log.warning("trust role %s expires in %d days: its officers sign", role, left // DAY)
        return True

    def _prepare_lists(self) -> bool:
        """Open the next list wherever one fills up and whoever should have opened it did not."""
        with reading(self._engine) as connection:
            issuers = StatusLists(connection).nearly_full()
        for issuer_id in issuers:
            self._issuing.ensure_open(issuer_id)
        return bool(issuers)

    def _code(self, fence: int) -> bool:
        """Give certificates of an older program their typed codes."""
        done = self._issuing.codes.backfill(keeps=partial(self._tenure.keeps, fence))
        if done:
            log.info("typed codes of %d older certificates noted", done)
        return bool(done)

    def _sweep(self) -> bool:
        report = self._issuing.sweep(int(self._clock()))
        if report.finished or report.abandoned or report.left:
            level = logging.WARNING if report.abandoned or report.left else logging.INFO
            counts = (report.finished, report.abandoned, report.left)
            log.log(level, "plans swept: %d finished, %d abandoned, %d left", *counts)
        return True
