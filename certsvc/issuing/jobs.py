"""Jobs: requests to issue on their way to a recorded plan, and what is known of their keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from certsvc.issuing import answers, errors, transitions
from certsvc.issuing.model import Issued, IssueRequest, Pinned
from certsvc.issuing.plan import Content
from certsvc.issuing.replanning import load
from certsvc.issuing.tasks import Task
from certsvc.service.principal import Principal
from certsvc.storage.certificate_rows import CertificateRow
from certsvc.storage.certificates import Certificates
from certsvc.storage.idempotency import Idempotency, KeyRow, Scope
from certsvc.storage.sealing import Sealing
from certsvc_sdk.trust.record import IssuerRecord
from keys.signer import Signer

Outcome = Issued | errors.IssuingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Supersession:
    """Which certificate is to be superseded, and why."""

    certificate_id: str
    reason: str | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request with its key.

    Attributes:
        principal: Who asks.
        scope: What the key belongs to.
        content: Everything that makes two requests with one key different.
        request: The request; for a supersession, `type` is that of the earlier certificate.
        supersedes: The earlier certificate, if any.
    """

    principal: Principal
    scope: Scope
    content: Mapping[str, object]
    request: IssueRequest
    supersedes: Supersession | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who issues, in whose name, and with which seal."""

    principal: Principal
    record: IssuerRecord
    sealing: Sealing


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What step 2 found good: content, type identifier, key, and the reason to supersede."""

    content: Content
    vct: str
    signer: Signer
    reason: str | None = None
    detail: str | None = None


@dataclass(slots=True)
class Item:
    """A job on its way through steps 1 to 3; an outcome ends it, a task leads on to step 4.

    Attributes:
        job: The job.
        caller: Set when the item is opened.
        fingerprint: Keyed hash of the content, set when the item is opened.
        former: The certificate to be superseded.
        approved: Whether a second person has agreed to it.
        pinned: What that person read where the request leaves something open.
        checked: What step 2 found good.
        task: The plan as recorded.
        outcome: The answer, or why there is none.
        drawn: Ids that attempts at step 3 have drawn: whether one was kept may be in doubt.
    """

    job: Job
    caller: Caller = field(init=False)
    fingerprint: str = ""
    former: CertificateRow | None = None
    approved: bool = False
    pinned: Pinned | None = None
    checked: Checked | None = None
    task: Task | None = None
    outcome: Outcome | None = None
    drawn: set[str] = field(default_factory=set)

    @property
    def type_name(self) -> str:
        """Short name of the type that is asked for; known once the former certificate is."""
        return self.job.request.type if self.former is None else self.former.type

    @property
    def found(self) -> Checked:
        """What step 2 found good."""
        if self.checked is None:
            raise TypeError("step 2 comes first")
        return self.checked


def look_up(
    connection: Connection, item: Item, known: Mapping[Scope, KeyRow] | None = None
) -> None:
    """Find out what is known of an item's key, and of the certificate it supersedes.

    Sets the outcome if the request is done, or the task if its plan is recorded.

    Args:
        connection: An open transaction.
        item: The item.
        known: What the transaction has found of its keys; None: it has not looked yet.

    Raises:
        IdempotencyKeyReused: The key came with another request.
        RequestInProgress: Its plan was given up at this very moment.
        RecordTampered: Its row was altered to name another request's certificate.
        CertificateNotFound: There is no certificate to supersede.
        StateConflict: The certificate to supersede is not in force.
    """
    issuer_id = item.job.principal.issuer_id
    scope = item.job.scope
    found = Idempotency(connection).get(scope) if known is None else known.get(scope)
    if found is not None:
        _known(connection, item, found)
    elif item.job.supersedes is not None:
        wanted = item.job.supersedes.certificate_id
        item.former = Certificates(connection).get(issuer_id, wanted)
        if item.former is None or not item.former.visible:
            raise errors.CertificateNotFound("no such certificate")
        transitions.check_transition(item.former, transitions.SUPERSEDE)


def _known(connection: Connection, item: Item, found: KeyRow) -> None:
    if found.fingerprint != item.fingerprint:
        raise errors.IdempotencyKeyReused("the key belongs to another request")
    caller = item.caller
    row = Certificates(connection).get(caller.principal.issuer_id, found.certificate_id)
    if row is None or (found.answer is None and row.plan is None):
        raise errors.RequestInProgress(1)
    if found.answer is not None:
        item.outcome = answers.stored_issue(caller.sealing, row, item.job.scope, found.answer)
    else:
        planned = load(caller.sealing, row)
        task = Task(principal=caller.principal, planned=planned, record=caller.record)
        if task.scope != item.job.scope:
            raise errors.RecordTampered("the key's row names the plan of another request")
        item.task = task
