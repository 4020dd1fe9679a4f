"""Suspend, resume, revoke: one transaction each, with event, list, outbox, audit and answer."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.issuing import answers, errors, transitions
from certsvc.issuing.finishing import write_acts
from certsvc.issuing.model import CertificateView, fingerprint
from certsvc.issuing.resources import Resources
from certsvc.service.engine import writing
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
    with writing(resources.engine) as connection:
        try:
            with connection.begin_nested():
                return _change(connection, resources, principal, change, scope)
        except sa.exc.IntegrityError as error:
            # Another worker claimed the key after this one had looked for it.
            raise errors.RequestInProgress(1) from error


def _change(
    connection: Connection,
    resources: Resources,
    principal: Principal,
    change: StatusChange,
    scope: Scope | None,
) -> CertificateView:
    now, sealing = resources.now(), resources.sealing(principal.issuer_id)
    marked = sealing.lookup("fingerprint", fingerprint(change.content()).hex())
    if scope is not None:
        stored = _stored(connection, sealing, scope, marked)
        if stored is not None:
            return stored
    row = _find(connection, principal, change)
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
        rng=resources.rng,
    )
    acts = {(principal, f"certificate.{change.operation}"): [row.certificate_id]}
    write_acts(connection, acts, now=now)
    answer = answers.view(sealing, _find(connection, principal, change))
    if scope is not None:
        keys = Idempotency(connection)
        keys.claim(scope, fingerprint=marked, certificate_id=row.certificate_id, now=now)
        keys.finish(scope, answer=answers.seal_answer(sealing, scope, answer), now=now)
    return answer


def _find(connection: Connection, principal: Principal, change: StatusChange) -> CertificateRow:
    found = Certificates(connection).get(principal.issuer_id, change.certificate_id, lock=True)
    if found is None or not found.visible:
        raise errors.CertificateNotFound("no such certificate")
    return found


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
