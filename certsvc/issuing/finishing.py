"""Steps 4 to 6 of an issuance, for a request's own worker and for the sweeper alike."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from certsvc.issuing import answers, errors, transitions
from certsvc.issuing.model import Issued
from certsvc.issuing.plan import PLAN_SECONDS, Planned
from certsvc.issuing.resources import Resources, translated
from certsvc.service.engine import writing
from certsvc.service.principal import Principal
from certsvc.storage.audit import Audit
from certsvc.storage.certificates import Certificates
from certsvc.storage.idempotency import Idempotency, Scope
from certsvc.storage.outbox import Outbox
from certsvc.storage.status_lists import StatusLists
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.qr import frame, text
from certsvc_sdk.qr.digits import MAX_DIGITS
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.verdict import Outcome
from certsvc_sdk.verify import check_fresh
from keys.errors import KeysError

# A plan that failed its own check so often is broken, not unlucky.
MAX_FAILURES = 5
TOPIC_ISSUED = "issued"

Checkpoint = Callable[[int], None]
Acts = dict[tuple[Principal, str], list[str]]


@dataclass(slots=True, kw_only=True)
class Task:
    """One plan on its way to a signature; exactly one of outcome and the next step remains.

    Attributes:
        principal: Who finishes it.
        planned: The plan as recorded.
        record: The issuer's trust record.
        token: After step 4: the signed token.
        qr_text: After step 5: the text of its QR code; empty where it does not fit any.
        outcome: The answer, or why there is none.
    """

    principal: Principal
    planned: Planned
    record: IssuerRecord
    token: str = ""
    qr_text: str = ""
    outcome: Issued | errors.IssuingError | None = None

    @property
    def scope(self) -> Scope:
        """The Idempotency-Key that the plan belongs to."""
        plan = self.planned.plan
        return Scope(
            issuer_id=self.principal.issuer_id,
            client_id=plan.client_id,
            route=plan.route,
            key_hash=plan.key_hash,
        )


class Finisher:
    """Signs, verifies and stores recorded plans.

    Args:
        resources: What issuing works with.
        checkpoint: Called with the number of each step, for tests that crash there.
    """

    def __init__(self, resources: Resources, checkpoint: Checkpoint) -> None:
        self._resources = resources
        self._checkpoint = checkpoint

    def finish(self, tasks: Sequence[Task]) -> None:
        """Bring every task without an outcome to one; tasks share the last transaction."""
        # 4 sign, outside any transaction
        self._checkpoint(4)
        _each(tasks, self._sign)
        # 5 verify with the SDK, and read the QR frame back
        self._checkpoint(5)
        _each(tasks, self._verify)
        # 6 second transaction
        if any(_to_store(task) for task in tasks):
            with writing(self._resources.engine) as connection:
                self._store(connection, tasks)
                self._checkpoint(6)

    def _sign(self, task: Task) -> None:
        planned, draft = task.planned, task.planned.plan.draft()
        try:
            signer = self._resources.keys.signer(task.principal.issuer_id, planned.bytes.kid)
            signature = signer.sign(draft.signing_input)
        except KeysError as error:
            raise errors.SigningUnavailable(f"custody: {error.code}") from error
        task.token = draft.finish(signature)

    def _verify(self, task: Task) -> None:
        planned = task.planned
        # A certificate that begins later is judged at its beginning.
        moment = max(self._resources.now(), planned.bytes.iat, planned.bytes.nbf or 0)
        verdict = check_fresh(task.token, task.record, moment)
        if verdict.outcome is not Outcome.VALID:
            raise errors.SelfCheckFailed(f"the fresh token is {verdict.code}")
        task.qr_text = self._qr_text(task)

    def _qr_text(self, task: Task) -> str:
        """The text of the QR code; empty where no code of any size holds the certificate."""
        plan = task.planned.plan
        if not frame.carries(task.token):
            return ""  # an ML-DSA signature alone is larger than a code for paper
        try:
            # `pack` itself proves that the frame gives back the identical token.
            body = frame.pack(
                task.token, plan.seed if plan.disclosures else None, dictionary=plan.dictionary
            )
            prefix, digits = text.to_parts(body, self._resources.qr_host)
            if len(digits) > MAX_DIGITS:
                return ""
            read_back = text.from_text(prefix + digits)
        except CertsvcError as error:
            raise errors.SelfCheckFailed(f"the QR frame fails: {error.code}") from error
        if read_back != body:
            raise errors.SelfCheckFailed("the QR text does not round-trip")
        return prefix + digits

    def _store(self, connection: Connection, tasks: Sequence[Task]) -> None:
        now, acts = self._resources.now(), Acts()
        for task in filter(_to_store, tasks):
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
        write_acts(connection, acts, now=now)

    def _store_one(self, connection: Connection, task: Task, acts: Acts, *, now: int) -> Issued:
        planned, sealing = task.planned, self._resources.sealing(task.principal.issuer_id)
        if abs(now - planned.bytes.planned_at) > PLAN_SECONDS:
            # This worker slept, or the clock was set: the issue time is not true any more.
            raise errors.RequestInProgress(1)
        new, certificates = planned.new, Certificates(connection)
        credential = answers.seal_credential(
            sealing,
            new.certificate_id,
            token=task.token,
            qr_text=task.qr_text,
            seed=planned.plan.seed,
            holders=planned.plan.holders,
        )
        if not certificates.complete(
            new.issuer_id, new.certificate_id, planned.plan_no, credential=credential, now=now
        ):
            return self._answer_of_winner(connection, task)
        acts[task.principal, "certificate.issue"].append(new.certificate_id)
        if new.supersedes_id is not None:
            transitions.retire(connection, sealing, planned, now=now, rng=self._resources.rng)
            acts[task.principal, "certificate.supersede"].append(new.supersedes_id)
        answer = answers.issued(planned, token=task.token, qr_text=task.qr_text)
        digest = hashlib.sha256(planned.plan.draft().signing_input).hexdigest()
        Outbox(connection, rng=self._resources.rng).put(
            new.issuer_id,
            TOPIC_ISSUED,
            new.certificate_id,
            {
                "certificate_identifier": new.certificate_identifier,
                "iss": task.record.iss,
                "type": new.type,
                "version": new.type_version,
                "kid": planned.bytes.kid,
                "iat": planned.bytes.iat,
                "signing_input_sha256": digest,
            },
            now=now,
        )
        Idempotency(connection).finish(
            task.scope, answer=answers.seal_answer(sealing, task.scope, answer), now=now
        )
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


def write_acts(connection: Connection, acts: Acts, *, now: int) -> None:
    """Write the audit rows of a transaction, each principal's and action's together."""
    for (principal, action), objects in acts.items():
        Audit(connection).append(principal, action, objects, now=now)


def _merge(acts: Acts, more: Acts) -> None:
    for key, objects in more.items():
        acts.setdefault(key, []).extend(objects)


def _each(tasks: Sequence[Task], step: Callable[[Task], None]) -> None:
    for task in tasks:
        if task.outcome is not None:
            continue
        try:
            step(task)
        except errors.IssuingError as error:
            task.outcome = error


def _to_store(task: Task) -> bool:
    return task.outcome is None or isinstance(task.outcome, errors.SelfCheckFailed)
