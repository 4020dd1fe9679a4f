"""Step 6 of an issuance: the second transaction, shared by many and written in few statements."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.engine import Connection

from certsvc.issuing import answers, errors, leaves, transitions
from certsvc.issuing.model import Issued
from certsvc.issuing.plan import PLAN_SECONDS
from certsvc.issuing.resources import Resources, translated
from certsvc.issuing.tasks import Acts, NotTogetherError, Task, write_acts
from certsvc.storage.certificate_rows import Completion
from certsvc.storage.certificates import Certificates
from certsvc.storage.idempotency import Idempotency
from certsvc.storage.locks import lock_certificates
from certsvc.storage.log import LogEntries
from certsvc.storage.status_lists import StatusLists
from certsvc_sdk import typedcode

# A plan that failed its own check so often is broken, not unlucky.
MAX_FAILURES = 5


class Storer:
    """Stores signed plans by compare-and-swap, or gives them up.

    Args:
        resources: What issuing works with.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def store_together(self, connection: Connection, tasks: Sequence[Task]) -> None:
        """Store new certificates in few statements.

        Args:
            connection: The second transaction.
            tasks: Signed and verified tasks, in the order of their ids.

        Raises:
            NotTogetherError: One of them lost a race, failed its check or supersedes: call
                `store` in a new transaction.
        """
        now, acts = self._resources.now(), Acts()
        if any(_moves_bits(task) or not _timely(task, now) for task in tasks):
            raise NotTogetherError
        done = [self._completion(task) for task in tasks]
        if not Certificates(connection).complete_many(done, now=now):
            raise NotTogetherError
        entries = [leaves.issue_entry(task.planned, now=now) for task in tasks]
        LogEntries(connection).add(entries)
        answered = [
            (task, *self._answer(task, entry.leaf_hash))
            for task, entry in zip(tasks, entries, strict=True)
        ]
        Idempotency(connection).finish_many(
            {task.scope: sealed for task, _, sealed in answered}, now=now
        )
        for task, answer, _ in answered:
            task.outcome = answer
            issued = acts.setdefault((task.principal, "certificate.issue"), [])
            issued.append(task.planned.new.certificate_id)
        write_acts(connection, acts, now=now)

    def store(self, connection: Connection, tasks: Sequence[Task]) -> None:
        """Store signed and verified tasks one by one, or note their failures.

        Args:
            connection: The second transaction.
            tasks: Tasks of any issuers, in the order of their ids.
        """
        now, acts = self._resources.now(), Acts()
        if len(tasks) > 1 and any(map(_moves_bits, tasks)):
            keys = [key for task in tasks for key in _rows(task)]
            lock_certificates(connection, keys, lists=True)
        self._store_each(connection, tasks, acts, now=now)
        write_acts(connection, acts, now=now)

    def _store_each(
        self, connection: Connection, tasks: Sequence[Task], acts: Acts, *, now: int
    ) -> None:
        for task in tasks:
            if task.outcome is not None:
                self._note_failure(connection, task, acts, now=now)
                continue
            mine: Acts = defaultdict(list)
            try:
                # A savepoint an item: one that fails takes no other with it.
                with translated(), connection.begin_nested():
                    task.outcome = self._store_one(connection, task, mine, now=now)
            except errors.IssuingError as error:
                task.outcome = error
                mine = defaultdict(list)
                if isinstance(error, errors.StateConflict):
                    # The certificate to be superseded changed meanwhile: no successor then.
                    self.abandon(connection, task, mine, reason=error.code)
            _merge(acts, mine)

    def _completion(self, task: Task) -> Completion:
        planned, new = task.planned, task.planned.new
        credential = answers.seal_credential(
            self._resources.sealing(new.issuer_id),
            new.certificate_id,
            token=task.token,
            qr_text=task.qr_text,
            qr_profile=task.qr_profile,
            seed=planned.plan.seed,
            holders=planned.plan.holders,
        )
        return Completion(
            issuer_id=new.issuer_id,
            certificate_id=new.certificate_id,
            plan_no=planned.plan_no,
            credential=credential,
            code_lookup=self._resources.code_lookup(typedcode.of(task.token)),
        )

    def _answer(self, task: Task, leaf_hash: bytes) -> tuple[Issued, bytes]:
        """The answer, and the same sealed for whoever sends the request again."""
        answer = answers.issued(
            task.planned,
            token=task.token,
            qr_text=task.qr_text,
            qr_profile=task.qr_profile,
            leaf_hash=leaf_hash,
        )
        sealing = self._resources.sealing(task.principal.issuer_id)
        return answer, answers.seal_answer(sealing, task.scope, answer)

    def _store_one(self, connection: Connection, task: Task, acts: Acts, *, now: int) -> Issued:
        planned, new = task.planned, task.planned.new
        if not _timely(task, now):
            # This worker slept, or the clock was set: the issue time is not true any more.
            raise errors.RequestInProgress(1)
        if not Certificates(connection).complete_many([self._completion(task)], now=now):
            return self._answer_of_winner(connection, task)
        acts[task.principal, "certificate.issue"].append(new.certificate_id)
        if new.supersedes_id is not None:
            sealing = self._resources.sealing(new.issuer_id)
            transitions.retire(connection, sealing, planned, now=now)
            acts[task.principal, "certificate.supersede"].append(new.supersedes_id)
        entry = leaves.issue_entry(planned, now=now)
        LogEntries(connection).add([entry])
        answer, sealed = self._answer(task, entry.leaf_hash)
        Idempotency(connection).finish_many({task.scope: sealed}, now=now)
        return answer

    def _answer_of_winner(self, connection: Connection, task: Task) -> Issued:
        """Discard the signature: another worker was faster, and its answer is the answer."""
        new, sealing = task.planned.new, self._resources.sealing(task.principal.issuer_id)
        row = Certificates(connection).get(new.issuer_id, new.certificate_id)
        key = Idempotency(connection).get(task.scope)
        if row is None or not row.visible or key is None or key.answer is None:
            raise errors.RequestInProgress(1)
        return answers.stored_issue(sealing, row, task.scope, key.answer)

    def _note_failure(self, connection: Connection, task: Task, acts: Acts, *, now: int) -> None:
        new, planned = task.planned.new, task.planned
        if planned.failures + 1 >= MAX_FAILURES:
            self.abandon(connection, task, acts, reason=errors.SelfCheckFailed.code)
        else:
            Certificates(connection).count_failure(
                new.issuer_id, new.certificate_id, planned.plan_no
            )

    def abandon(self, connection: Connection, task: Task, acts: Acts, *, reason: str) -> bool:
        """Give a plan up: its place is marked invalid, its Idempotency-Key is free again."""
        new = task.planned.new
        certificates = Certificates(connection)
        if not certificates.abandon(
            new.issuer_id, new.certificate_id, task.planned.plan_no, reason=reason
        ):
            return False
        version = StatusLists(connection).request_publication(new.issuer_id, new.list_no)
        certificates.set_list_version(new.issuer_id, new.certificate_id, version)
        Idempotency(connection).release(task.scope)
        acts.setdefault((task.principal, "certificate.abandon"), []).append(new.certificate_id)
        return True


def _merge(acts: Acts, more: Acts) -> None:
    for key, objects in more.items():
        acts.setdefault(key, []).extend(objects)


def key_of(task: Task) -> tuple[str, str]:
    """Issuer and id of a task's certificate: the order in which rows are locked."""
    new = task.planned.new
    return new.issuer_id, new.certificate_id


def _rows(task: Task) -> list[tuple[str, str]]:
    former = task.planned.new.supersedes_id
    return [key_of(task)] if former is None else [key_of(task), (key_of(task)[0], former)]


def _timely(task: Task, now: int) -> bool:
    return abs(now - task.planned.bytes.planned_at) <= PLAN_SECONDS


def _moves_bits(task: Task) -> bool:
    """Whether storing a task writes to a status list, or may."""
    return task.outcome is not None or task.planned.new.supersedes_id is not None
