"""What the transparency log is told of a certificate: one leaf an event, each naming the former."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy.engine import Connection, Engine

from certsvc.issuing import answers, errors
from certsvc.issuing.plan import Planned
from certsvc.service.engine import reading, writing
from certsvc.storage.certificate_rows import CertificateRow, StatusEvent
from certsvc.storage.certificates import Certificates
from certsvc.storage.log import ISSUE, LogEntries, LogHeads, NewEntry
from certsvc.storage.sealing import Sealing
from certsvc_sdk.errors import LogInvalid
from certsvc_sdk.log.leaf import Changed, Event, Issued, issued_of, read_leaf

_EVENTS: Mapping[str, Event] = {
    "suspend": Event.SUSPENDED,
    "resume": Event.RESUMED,
    "revoke": Event.REVOKED,
    "supersede": Event.SUPERSEDED,
}
# Certificates that one transaction of the back-fill writes entries for.
BACKFILL = 500


def signing_input_of(token: str) -> bytes:
    """The bytes that a token's issuer signed."""
    return token.partition("~")[0].rpartition(".")[0].encode()


def issue_entry(planned: Planned, *, now: int) -> NewEntry:
    """The entry of an issue, made of the very bytes that were signed."""
    new = planned.new
    leaf = issued_of(planned.plan.draft().signing_input)
    return _entry(new.issuer_id, new.certificate_id, ISSUE, leaf, created_at=now)


def record_change(
    connection: Connection, sealing: Sealing, row: CertificateRow, event: StatusEvent
) -> None:
    """Write the entry of a status event, in the event's transaction.

    Args:
        connection: The transaction; it holds the certificate's row.
        sealing: The issuer's sealing.
        row: The certificate as it was before.
        event: What happens.

    Raises:
        RecordTampered: The log lacks an event before this one.
    """
    entries = LogEntries(connection)
    last: NewEntry | None = entries.last(row.issuer_id, row.certificate_id)
    if last is None:
        # Issued before there was a log.
        past = life(connection, sealing, row, before=event.seq)
        entries.add(past)
        last = past[-1]
    if last.seq != event.seq - 1:
        raise errors.RecordTampered("the log lacks an event of the certificate")
    entries.add([change_entry(last, event)])


def change_entry(former: NewEntry, event: StatusEvent) -> NewEntry:
    """The entry of a status event behind the certificate's entry before it.

    Raises:
        RecordTampered: The former leaf cannot be read.
    """
    try:
        known = read_leaf(former.leaf.encode())
    except LogInvalid as error:
        raise errors.RecordTampered("a leaf of the log was altered") from error
    leaf = Changed(
        at=event.at,
        certificate_identifier=known.certificate_identifier,
        event=_EVENTS[event.operation],
        iss=known.iss,
        prev=former.leaf_hash,
        seq=event.seq,
    )
    # A clock that was set back must not bring an event before its issue.
    created_at = max(event.at, former.created_at)
    return _entry(event.issuer_id, event.certificate_id, event.seq, leaf, created_at=created_at)


def life(
    connection: Connection, sealing: Sealing, row: CertificateRow, *, before: int | None = None
) -> list[NewEntry]:
    """All entries that a certificate should have, made anew from its token and its events.

    Args:
        connection: An open transaction.
        sealing: The issuer's sealing.
        row: The certificate, issued.
        before: Number of the first event to leave out; None: none.

    Raises:
        RecordTampered: The stored token lacks what a leaf says.
    """
    events = Certificates(connection).events(row.issuer_id, row.certificate_id)
    return entries_of(sealing, row, [e for e in events if before is None or e.seq < before])


def entries_of(
    sealing: Sealing, row: CertificateRow, events: Sequence[StatusEvent]
) -> list[NewEntry]:
    """The entries of an issued certificate with these status events, from its token alone.

    Raises:
        RecordTampered: The stored token lacks what a leaf says.
    """
    token = answers.open_credential(sealing, row)["token"]
    try:
        leaf = issued_of(signing_input_of(token))
    except LogInvalid as error:
        raise errors.RecordTampered("a stored token has no leaf") from error
    created_at = row.iat if row.issued_at is None else row.issued_at
    entries = [_entry(row.issuer_id, row.certificate_id, ISSUE, leaf, created_at=created_at)]
    for event in events:
        entries.append(change_entry(entries[-1], event))
    return entries


def backfill(
    engine: Engine, sealing: Callable[[str], Sealing], origin: str, *, keeps: Callable[[], bool]
) -> int:
    """Begin the log: first come the certificates that were issued before there was one.

    Args:
        engine: The issuer's database.
        sealing: Finds an issuer's sealing.
        origin: Name of the log.
        keeps: Whether the caller still holds the lease; else the next worker goes on.

    Returns:
        How many certificates got their entries.
    """
    done, after = 0, ("", "")
    while keeps():
        with reading(engine) as connection:
            if LogHeads(connection).get(origin) is not None:
                return done
            page = LogEntries(connection).unlogged(after=after, limit=BACKFILL)
        with writing(engine) as connection:
            if not page:
                LogHeads(connection).begin(origin)
                return done
            done += sum(_fill(connection, sealing(key[0]), *key) for key in page)
        after = page[-1]
    return done


def _fill(connection: Connection, sealing: Sealing, issuer_id: str, certificate_id: str) -> bool:
    # Locked, and looked for again: a status change may have written them just now.
    row = Certificates(connection).get(issuer_id, certificate_id, lock=True)
    entries = LogEntries(connection)
    if row is None or not row.visible or entries.last(issuer_id, certificate_id) is not None:
        return False
    entries.add(life(connection, sealing, row))
    return True


def _entry(
    issuer_id: str, certificate_id: str, seq: int, leaf: Issued | Changed, *, created_at: int
) -> NewEntry:
    return NewEntry(
        issuer_id=issuer_id,
        certificate_id=certificate_id,
        seq=seq,
        leaf=leaf.to_bytes().decode(),
        leaf_hash=leaf.hash,
        created_at=created_at,
    )
