"""A change of state written down: row, event, list, leaf. The audit row is the caller's."""

from sqlalchemy.engine import Connection

from certsvc import catalogue as types
from certsvc.catalogue import Catalogue
from certsvc.catalogue.text import clean
from certsvc.issuing import answers, errors, leaves
from certsvc.issuing.plan import Planned
from certsvc.service.principal import Principal
from certsvc.storage.certificate_rows import CertificateRow, State, StatusEvent
from certsvc.storage.certificates import Certificates
from certsvc.storage.sealing import Sealing
from certsvc.storage.status_lists import StatusLists

SUPERSEDE = "supersede"

# Which states an operation may begin from, and where it leads. Revoked is for ever.
TRANSITIONS: dict[str, tuple[frozenset[State], State]] = {
    "suspend": (frozenset({State.VALID}), State.SUSPENDED),
    "resume": (frozenset({State.SUSPENDED}), State.VALID),
    "revoke": (frozenset({State.VALID, State.SUSPENDED}), State.REVOKED),
    SUPERSEDE: (frozenset({State.VALID, State.SUSPENDED}), State.SUPERSEDED),
}


def check_transition(row: CertificateRow, operation: str) -> State:
    """Find the state that an operation leads to.

    Raises:
        StateConflict: The certificate's state does not allow the operation.
    """
    before, after = TRANSITIONS[operation]
    if row.state not in before:
        raise errors.StateConflict(row.state.value, operation)
    return after


def check_reason(
    catalogue: Catalogue,
    row: CertificateRow,
    operation: str,
    reason: str | None,
    detail: str | None,
) -> tuple[str, str | None]:
    """Check why a certificate's state shall change.

    Args:
        catalogue: The types.
        row: The certificate.
        operation: What is asked.
        reason: A reason of the operation; `None` takes the first that the type lists.
        detail: Free text.

    Returns:
        Reason and detail as they are kept.

    Raises:
        OperationUnknown: The type does not allow the operation.
        ReasonInvalid: Reason or detail are not what the type asks for.
        TypeUnknown: The certificate's type has left the catalogue.
    """
    try:
        kind = catalogue.get(row.type, row.type_version)
        chosen = kind.operation(operation).reasons[0].code if reason is None else reason
        found = kind.check_reason(operation, chosen, detail)
    except types.OperationUnknown as error:
        raise errors.OperationUnknown(str(error)) from error
    except types.TypeUnknown as error:
        raise errors.TypeUnknown(str(error)) from error
    if found:
        raise errors.ReasonInvalid(found)
    return chosen, clean(detail or "") or None


def write_change(
    connection: Connection,
    sealing: Sealing,
    row: CertificateRow,
    *,
    operation: str,
    principal: Principal,
    reason: str | None,
    detail: str | None,
    now: int,
    superseded_by: str | None = None,
) -> None:
    """Write one change of state.

    Raises:
        StateConflict: The certificate's state does not allow the operation.
    """
    after = check_transition(row, operation)
    seq, sealed = row.status_seq + 1, None
    if detail:
        column = answers.detail_column(seq)
        sealed = sealing.seal(detail.encode(), row=row.certificate_id, column=column)
    event = StatusEvent(
        issuer_id=row.issuer_id,
        certificate_id=row.certificate_id,
        seq=seq,
        operation=operation,
        state_before=row.state,
        state_after=after,
        reason=reason,
        detail=sealed,
        at=now,
        principal_kind=principal.kind,
        client_id=principal.client_id,
        request_id=principal.request_id,
    )
    version = StatusLists(connection).request_publication(row.issuer_id, row.list_no)
    if not Certificates(connection).move(
        event, list_version=version, superseded_by_id=superseded_by
    ):
        raise errors.StateConflict(row.state.value, operation)
    leaves.record_change(connection, sealing, row, event)


def retire(
    connection: Connection,
    sealing: Sealing,
    planned: Planned,
    *,
    now: int,
) -> None:
    """Mark the certificate that a plan supersedes, in the transaction that issues the new one.

    Raises:
        StateConflict: It was revoked or superseded meanwhile.
    """
    new, plan = planned.new, planned.plan
    former = Certificates(connection).get(new.issuer_id, str(new.supersedes_id), lock=True)
    if former is None:
        raise errors.StateConflict("unknown", SUPERSEDE)
    write_change(
        connection,
        sealing,
        former,
        operation=SUPERSEDE,
        principal=plan.origin(new.issuer_id),
        reason=plan.reason,
        detail=plan.detail,
        now=now,
        superseded_by=new.certificate_id,
    )
