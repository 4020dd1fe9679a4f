"""Suspend, resume, revoke: one transaction each, with event, list, audit and answer."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.issuing import answers, errors, transitions
from certsvc.issuing.model import CertificateView, fingerprint
from certsvc.issuing.resources import Resources
from certsvc.issuing.tasks import write_acts
from certsvc.service.principal import Principal
from certsvc.storage.certificate_rows import CertificateRow
from certsvc.storage.certificates import Certificates
from certsvc.storage.idempotency import Idempotency, Scope
from certsvc.storage.sealing import Sealing

# Superseding comes with a new certificate and is an issuance (certsvc.issuing.cycle).
OPERATIONS = frozenset(transitions.TRANSITIONS) - {transitions.SUPERSEDE}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """What is asked of one certificate.

    Attributes:
        certificate_id: Opaque id.
        operation: `suspend`, `resume` or `revoke`.
        reason: A reason that the type lists for the operation.
        detail: Free text that some reasons ask for.
    """

    certificate_id: str
    operation: str
    reason: str | None
    detail: str | None

    def content(self) -> dict[str, object]:
        """Everything that makes two requests different."""
        return {
            "certificate_id": self.certificate_id,
            "operation": self.operation,
            "reason": self.reason,
            "detail": self.detail,
        }


def change_status(
    resources: Resources, principal: Principal, change: StatusChange, scope: Scope | None
) -> CertificateView:
    """Change a certificate's state.

    Args:
        resources: What issuing works with.
        principal: Who asks.
        change: What is asked.
        scope: The Idempotency-Key, if one came.

    Returns:
        The certificate afterwards; for a repeated request, as it was then.

    Raises:
        IdempotencyKeyReused: The key came with another request.
        CertificateNotFound: The issuer has no such certificate.
        OperationUnknown, ReasonInvalid: The type does not know this.
        StateConflict: The state does not allow the operation.
        DatabaseUnavailable: Nothing has changed.
    """
    if change.operation not in OPERATIONS:
        raise errors.OperationUnknown(f"no operation {change.operation!r}")
    written = Written()

    def attempt(connection: Connection) -> CertificateView:
        try:
            with connection.begin_nested():
                return _change(connection, resources, principal, change, scope, written)
        except sa.exc.IntegrityError as error:
            # The key names another certificate's change, claimed after this one had looked for it.
            raise errors.RequestInProgress(1) from error

    return resources.write(attempt)


@dataclass(slots=True)
class Written:
    """The number of the event that attempts have written; 0: none. One may be in doubt."""

    seq: int = 0


def _change(
    connection: Connection,
    resources: Resources,
    principal: Principal,
    change: StatusChange,
    scope: Scope | None,
    written: Written,
) -> CertificateView:
    now, sealing = resources.now(), resources.sealing(principal.issuer_id)
    marked = sealing.lookup("fingerprint", fingerprint(change.content()).hex())
    # The lock comes before the look-up: whoever else has the same key has finished by then.
    found = Certificates(connection).get(principal.issuer_id, change.certificate_id, lock=True)
    if scope is not None:
        stored = _stored(connection, sealing, scope, marked)
        if stored is not None:
            return stored
    row = _visible(found)
    if _is_done(connection, principal, change, row, written):
        return answers.view(sealing, row)
    written.seq = row.status_seq + 1
    reason, detail = transitions.check_reason(
        resources.catalogue, row, change.operation, change.reason, change.detail
    )
    transitions.write_change(
        connection,
        sealing,
        row,
        operation=change.operation,
        principal=principal,
        reason=reason,
        detail=detail,
        now=now,
    )
    changed = Certificates(connection).get(principal.issuer_id, change.certificate_id)
    answer = answers.view(sealing, _visible(changed))
    if scope is not None:
        keys = Idempotency(connection)
        keys.claim(scope, fingerprint=marked, certificate_id=row.certificate_id, now=now)
        keys.finish(scope, answer=answers.seal_answer(sealing, scope, answer), now=now)
    acts = {(principal, f"certificate.{change.operation}"): [row.certificate_id]}
    write_acts(connection, acts, now=now)
    return answer


def _visible(found: CertificateRow | None) -> CertificateRow:
    if found is None or not found.visible:
        raise errors.CertificateNotFound("no such certificate")
    return found


def _is_done(
    connection: Connection,
    principal: Principal,
    change: StatusChange,
    row: CertificateRow,
    written: Written,
) -> bool:
    """Whether an attempt in doubt was kept: its event is there, by this very request."""
    if not 0 < written.seq <= row.status_seq:
        return False
    event = Certificates(connection).events(row.issuer_id, row.certificate_id)[written.seq - 1]
    asked = (change.operation, principal.client_id, principal.request_id)
    return (event.operation, event.client_id, event.request_id) == asked


def _stored(
    connection: Connection, sealing: Sealing, scope: Scope, marked: str
) -> CertificateView | None:
    known = Idempotency(connection).get(scope)
    if known is None:
        return None
    if known.fingerprint != marked:
        raise errors.IdempotencyKeyReused("the key belongs to another request")
    row = Certificates(connection).get(scope.issuer_id, known.certificate_id)
    if row is None or known.answer is None:
        raise errors.RequestInProgress(1)
    return answers.stored_view(sealing, row, scope, known.answer)
