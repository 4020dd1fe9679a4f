"""One issuance; many share its two transactions. The plan is recorded before the signature.

1. look up the Idempotency-Key (done: the stored answer; other content: refused; in progress: told)
2. schema, code checks, validity, rights (pure; a failure is answered and not stored)
3. first transaction: claim the key and record the plan, sealed, with its place in the status list
4. sign outside any transaction
5. verify with the SDK; the QR frame must round-trip
6. second transaction: compare-and-swap on the plan stores token, log entry, audit row and answer
7. respond only after that commit
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy.engine import Connection

from certsvc.issuing import errors, transitions
from certsvc.issuing.allowing import check_type
from certsvc.issuing.finishing import Finisher
from certsvc.issuing.jobs import Caller, Checked, Item, Job, Outcome, look_up
from certsvc.issuing.model import fingerprint
from certsvc.issuing.plan import PLAN_SECONDS, check_content, check_right, choose_signer
from certsvc.issuing.recording import Recording, record_plans, record_together
from certsvc.issuing.replanning import Replanner
from certsvc.issuing.resources import Resources, translated
from certsvc.issuing.second_person import ask_approval, check_approval
from certsvc.issuing.tasks import Checkpoint, NotTogetherError
from certsvc.storage.idempotency import Idempotency
from certsvc_sdk.trust.record import IssuerRecord
from keys.signer import Signer

# Custody is asked once a run for each issuer and type; the signer itself asks again.
Signers = dict[tuple[str, str], Signer]


class Cycle:
    """Runs issuances.

    Args:
        resources: What issuing works with.
        checkpoint: Called with the number of each step, for tests that crash there.
    """

    def __init__(self, resources: Resources, checkpoint: Checkpoint) -> None:
        self._resources = resources
        self._checkpoint = checkpoint
        self._finisher = Finisher(resources, checkpoint)
        self._replanner = Replanner(resources, self._finisher.storer)

    def run(self, jobs: Sequence[Job], *, adopt: bool = False) -> list[Outcome]:
        """Issue; one outcome a job, in order. A job that fails does not stop the others.

        Args:
            jobs: The requests, of any callers.
            adopt: Finish a plan in progress at once instead of telling so: for a caller who
                is the only one to send these requests.

        Raises:
            DatabaseUnavailable: Nothing is half done; the same jobs can be sent again.
        """
        resources, now = self._resources, self._resources.now()
        step = resources.tracer.span
        records: dict[str, IssuerRecord] = {}
        items = [Item(job) for job in jobs]
        _each(items, lambda item: self._open(item, records))
        # 1 look up
        self._checkpoint(1)
        with step("issuing.1_look_up"):
            resources.read(lambda connection: _look_up(connection, resources, items))
            _each(items, lambda item: self._take_over(item, now=now, adopt=adopt))
        # 2 schema, code checks, validity, rights
        self._checkpoint(2)
        signers: Signers = {}
        with step("issuing.2_check"):
            _each(items, lambda item: self._check(item, signers, now=now))
        # 3 first transaction
        if fresh := [item for item in items if item.checked is not None]:
            with step("issuing.3_plan"):
                self._record(fresh, now=now)
        # 4 sign, 5 verify, 6 second transaction
        self._finisher.finish([item.task for item in items if item.task is not None])
        # 7 respond
        self._checkpoint(7)
        with step("issuing.7_respond"):
            return [_outcome(item) for item in items]

    def _record(self, fresh: Sequence[Item], *, now: int) -> None:
        def attempt(record: Recording, connection: Connection) -> None:
            record(connection, self._resources, fresh, now=now)
            self._checkpoint(3)

        try:
            self._resources.write(partial(attempt, record_together))
        except NotTogetherError:
            self._resources.write(partial(attempt, record_plans))
            for item in fresh:
                if isinstance(item.outcome, errors.QuotaExceeded):
                    self._resources.refusals.keep(item.job.principal, now=now)

    def _open(self, item: Item, records: dict[str, IssuerRecord]) -> None:
        principal, resources = item.job.principal, self._resources
        issuer_id = principal.issuer_id
        if issuer_id not in records:
            records[issuer_id] = resources.records.record(issuer_id)
        sealing = resources.sealing(issuer_id)
        item.caller = Caller(principal=principal, record=records[issuer_id], sealing=sealing)
        item.fingerprint = sealing.lookup("fingerprint", fingerprint(item.job.content).hex())

    def _take_over(self, item: Item, *, now: int, adopt: bool) -> None:
        if item.task is None:
            return
        age = now - item.task.planned.bytes.planned_at
        # A plan from the future is nobody's: the clock was set back.
        if abs(age) <= PLAN_SECONDS and not adopt:
            # Another worker is about to answer; if it died, the sweeper will see.
            item.task = None
            raise errors.RequestInProgress(PLAN_SECONDS + 1 - max(age, 0))
        self._replanner.renew(item.task, now=now)

    def _check(self, item: Item, signers: Signers, *, now: int) -> None:
        if item.task is not None:
            return
        resources, request, supersedes = self._resources, item.job.request, item.job.supersedes
        reason = detail = None
        if item.former is not None and supersedes is not None:
            reason, detail = transitions.check_reason(
                resources.catalogue,
                item.former,
                transitions.SUPERSEDE,
                supersedes.reason,
                supersedes.detail,
            )
            profile = request.profile or item.former.profile
            request = replace(request, type=item.former.type, profile=profile)
        if item.pinned is not None:
            request = item.pinned.onto(request)
        check_type(item.job.principal, request.type)
        content = check_content(resources.catalogue, request, now=now)
        vct, name = content.kind.vct(resources.public_url), content.kind.name
        issuer_id, record = item.job.principal.issuer_id, item.caller.record
        check_right(record, content.kind, content.validity, vct, now=now)
        # Last: what waits for a second person is otherwise good.
        check_approval(resources, item, content)
        if (issuer_id, name) not in signers:
            signer = choose_signer(resources.keys, record, issuer_id, name, now=now)
            signers[issuer_id, name] = signer
        item.checked = Checked(
            content=content,
            vct=vct,
            signer=signers[issuer_id, name],
            reason=reason,
            detail=detail,
        )


def _look_up(connection: Connection, resources: Resources, items: Sequence[Item]) -> None:
    known = Idempotency(connection).find({item.job.scope for item in items})
    _each(items, lambda item: look_up(connection, item, known))
    if resources.second_person_types:
        _each(items, lambda item: ask_approval(connection, resources, item))


def _each(items: Sequence[Item], step: Callable[[Item], None]) -> None:
    for item in items:
        if item.outcome is not None:
            continue
        try:
            # One row that was tampered with concerns nobody else.
            with translated():
                step(item)
        except errors.IssuingError as error:
            item.outcome = error


def _outcome(item: Item) -> Outcome:
    found = item.outcome if item.task is None else item.task.outcome
    # Every task ends in step 6 at the latest; this is what a gap would look like outside.
    return errors.RequestInProgress(1) if found is None else found
