"""The sweeper: finishes what a crash left between recording a plan and storing its signature."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy.engine import Connection

from certsvc.issuing import errors
from certsvc.issuing.finishing import Finisher
from certsvc.issuing.model import SweepReport
from certsvc.issuing.plan import PLAN_SECONDS
from certsvc.issuing.replanning import Replanner, load
from certsvc.issuing.resources import Resources, translated
from certsvc.issuing.tasks import Task
from certsvc.service.principal import system
from certsvc.storage.certificate_rows import VISIBLE, CertificateRow, State
from certsvc.storage.certificates import Certificates

# A healthy request takes far less; younger plans are in good hands.
GRACE_SECONDS = 2
BATCH = 100
NAME = "sweeper"


class Sweeper:
    """Looks for plans that nobody finishes. Any number of sweepers may run at once.

    Args:
        resources: What issuing works with.
        finisher: Signs, verifies and stores.
    """

    def __init__(self, resources: Resources, finisher: Finisher) -> None:
        self._resources = resources
        self._finisher = finisher
        self._replanner = Replanner(resources, finisher.storer)

    def sweep(self, now: int) -> SweepReport:
        """Finish or renew every plan older than `GRACE_SECONDS`, or made by a clock set back since.

        Args:
            now: Unix seconds.

        Returns:
            How many were finished, given up, or left because no key can sign now.
        """
        states: Counter[State] = Counter()
        after: tuple[int, str] | None = None
        while rows := self._overdue(now, after):
            tasks = [task for row in rows if (task := self._task(row)) is not None]
            for task in tasks:
                self._replanner.renew(task, now=now)
            self._finisher.finish(tasks)
            states.update(self._states(rows))
            # Onwards even past what must be left: one dead key shall not hold up other offices.
            after = rows[-1].planned_at, rows[-1].certificate_id
        finished = sum(states[state] for state in VISIBLE)
        return SweepReport(
            finished=finished, abandoned=states[State.ABANDONED], left=states[State.PLANNED]
        )

    def _overdue(self, now: int, after: tuple[int, str] | None) -> Sequence[CertificateRow]:
        return self._resources.read(
            lambda connection: Certificates(connection).planned_before(
                now - GRACE_SECONDS, future=now + PLAN_SECONDS, after=after, limit=BATCH
            )
        )

    def _task(self, row: CertificateRow) -> Task | None:
        try:
            with translated():
                sealing = self._resources.sealing(row.issuer_id)
                planned, record = load(sealing, row), self._resources.records.record(row.issuer_id)
        except errors.IssuingError:
            return None
        request_id = planned.plan.request_id
        principal = system(row.issuer_id, name=NAME, request_id=request_id)
        return Task(principal=principal, planned=planned, record=record)

    def _states(self, rows: Sequence[CertificateRow]) -> Sequence[State]:
        def read(connection: Connection) -> list[CertificateRow | None]:
            certificates = Certificates(connection)
            return [certificates.get(row.issuer_id, row.certificate_id) for row in rows]

        return [row.state for row in self._resources.read(read) if row is not None]
