"""Steps 4 to 6 of an issuance, for a request's own worker and for the sweeper alike."""

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy.engine import Connection

from certsvc.issuing import errors
from certsvc.issuing.resources import Resources
from certsvc.issuing.storing import Storer, key_of
from certsvc.issuing.tasks import Checkpoint, NotTogetherError, Task
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.qr import frame, text
from certsvc_sdk.qr.digits import MAX_DIGITS
from certsvc_sdk.verdict import Outcome
from certsvc_sdk.verify import check_fresh
from keys.errors import KeysError

Storing = Callable[[Connection, Sequence[Task]], None]


class Finisher:
    """Signs, verifies and stores recorded plans.

    Args:
        resources: What issuing works with.
        checkpoint: Called with the number of each step, for tests that crash there.

    Attributes:
        storer: Step 6; also gives up what can never be signed.
    """

    def __init__(self, resources: Resources, checkpoint: Checkpoint) -> None:
        self._resources = resources
        self._checkpoint = checkpoint
        self.storer = Storer(resources)

    def finish(self, tasks: Sequence[Task]) -> None:
        """Bring every task without an outcome to one; tasks share the last transaction."""
        # 4 sign, outside any transaction
        step = self._resources.tracer.span
        self._checkpoint(4)
        with step("issuing.4_sign"):
            _each(tasks, self._sign)
        # 5 verify with the SDK, and read the QR frame back
        self._checkpoint(5)
        with step("issuing.5_verify"):
            _each(tasks, self._verify)
        # 6 second transaction
        if ready := sorted(filter(_to_store, tasks), key=key_of):
            signed = [task.outcome for task in ready]

            def attempt(store: Storing, connection: Connection) -> None:
                # What an attempt in doubt has found out is forgotten: the rows are asked again.
                for task, outcome in zip(ready, signed, strict=True):
                    task.outcome = outcome
                store(connection, ready)
                self._checkpoint(6)

            with step("issuing.6_store"):
                try:
                    self._resources.write(partial(attempt, self.storer.store_together))
                except NotTogetherError:
                    self._resources.write(partial(attempt, self.storer.store))

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
