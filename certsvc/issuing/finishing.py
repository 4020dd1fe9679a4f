"""Steps 4 to 6 of an issuance, for a request's own worker and for the sweeper alike."""

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy.engine import Connection

from certsvc.issuing import errors
from certsvc.issuing.core import CORE, core_draft, fits_paper
from certsvc.issuing.resources import Resources
from certsvc.issuing.storing import Storer, key_of
from certsvc.issuing.tasks import Checkpoint, NotTogetherError, Task
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.qr import frame, text
from certsvc_sdk.qr.digits import MAX_DIGITS
from certsvc_sdk.sdjwt import Draft
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
        task.token = self._signed(task, task.planned.plan.draft())

    def _signed(self, task: Task, draft: Draft) -> str:
        try:
            signer = self._resources.keys.signer(task.principal.issuer_id, task.planned.bytes.kid)
            return draft.finish(signer.sign(draft.signing_input))
        except KeysError as error:
            raise errors.SigningUnavailable(f"custody: {error.code}") from error

    def _verify(self, task: Task) -> None:
        self._check(task, task.token)
        plan = task.planned.plan
        text, fits = self._qr_text(
            task.token, plan.seed if plan.disclosures else None, plan.dictionary
        )
        task.qr_text = text if fits else self._core_text(task) or text

    def _check(self, task: Task, token: str) -> None:
        planned = task.planned
        # A certificate that begins later is judged at its beginning.
        moment = max(self._resources.now(), planned.bytes.iat, planned.bytes.nbf or 0)
        verdict = check_fresh(token, task.record, moment)
        if verdict.outcome is not Outcome.VALID:
            raise errors.SelfCheckFailed(f"the fresh token is {verdict.code}")

    def _core_text(self, task: Task) -> str:
        """The text of the core profile's code; empty where there is none that fits paper."""
        if not frame.carries(task.token):
            return ""
        made = core_draft(task.planned, self._resources.catalogue)
        if made is None:
            return ""
        draft, seed = made
        token = self._signed(task, draft)
        self._check(task, token)
        carried = seed if draft.disclosures else None
        text, fits = self._qr_text(token, carried, task.planned.plan.dictionary)
        if not fits:
            return ""
        task.qr_profile = CORE
        return text

    def _qr_text(self, token: str, seed: bytes | None, dictionary: int) -> tuple[str, bool]:
        """The text of a QR code, empty where no code of any size holds it; and if paper does."""
        if not frame.carries(token):
            return "", False  # an ML-DSA signature alone is larger than a code for paper
        try:
            # `pack` itself proves that the frame gives back the identical token.
            body = frame.pack(token, seed, dictionary=dictionary)
            prefix, digits = text.to_parts(body, self._resources.qr_host)
            if len(digits) > MAX_DIGITS:
                return "", False
            read_back = text.from_text(prefix + digits)
        except CertsvcError as error:
            raise errors.SelfCheckFailed(f"the QR frame fails: {error.code}") from error
        if read_back != body:
            raise errors.SelfCheckFailed("the QR text does not round-trip")
        return prefix + digits, fits_paper(prefix, digits)


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
