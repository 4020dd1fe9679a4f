"""Takes published bits back: a list that readers have seen only goes forward."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from certsvc.issuing import transitions
from certsvc.issuing.errors import IssuingError
from certsvc.restoring.errors import RecoveryStopped
from certsvc.restoring.leaves import ACTOR, drop_plan
from certsvc.restoring.outside import Outside, PublishedList, verified_bits
from certsvc.restoring.report import Report
from certsvc.service.engine import reading, writing
from certsvc.service.principal import system
from certsvc.storage.audit import Audit
from certsvc.storage.certificate_rows import CertificateRow
from certsvc.storage.certificates import Certificates
from certsvc.storage.sealing import Sealing, data_key_name
from certsvc.storage.status_lists import StatusLists
from certsvc.storage.tables import carried_status, certificate, issuer, status_list
from certsvc_sdk.statuslist import SUSPENDED, VALID, StatusBits
from keys import KeyStore

_OPERATIONS = {0: "resume", 1: "revoke", 2: "suspend", 3: transitions.SUPERSEDE}


def lists_ahead(engine: Engine, outside: Outside) -> list[PublishedList]:
    """The published lists that are newer than the database's.

    Raises:
        RecoveryStopped: a list of an issuer that the database does not know.
        TreeUnreadable: a list cannot be read.
    """
    with reading(engine) as connection:
        return [
            each
            for each in outside.lists()
            if each.version > _version(connection, issuer_of(connection, each), each.list_no)
        ]


def take_list(
    engine: Engine, keys: KeyStore, listed: PublishedList, report: Report, *, now: int
) -> None:
    """Bring one list forward to what readers have seen, in one transaction.

    Raises:
        TreeUnreadable: it is not signed by its issuer.
        RecoveryStopped: it contradicts the database.
    """
    with writing(engine) as connection:
        issuer_id = issuer_of(connection, listed)
        bits = verified_bits(listed, keys, issuer_id)
        if _version(connection, issuer_id, listed.list_no) < 0:
            _add_closed(connection, issuer_id, listed, len(bits), now)
            report.lists_unknown += 1
        taker = _Bits(connection, keys, issuer_id, listed.list_no, report, now)
        taker.take(bits)
        # Above what readers saw, so that every change from here on is newer for them.
        connection.execute(
            status_list.update()
            .where(_is_list(issuer_id, listed.list_no))
            .values(version=listed.version + 1, published_version=listed.version)
        )
        report.lists_raised += 1


class _Bits:
    """Compares the bits of one list with the database's."""

    def __init__(
        self,
        connection: Connection,
        keys: KeyStore,
        issuer_id: str,
        list_no: int,
        report: Report,
        now: int,
    ) -> None:
        self._connection = connection
        self._sealing = Sealing(issuer_id, keys.data_key(data_key_name(issuer_id)))
        self._issuer_id = issuer_id
        self._list_no = list_no
        self._report = report
        self._now = now

    def take(self, published: StatusBits) -> None:
        known, _version = StatusLists(self._connection).snapshot(self._issuer_id, self._list_no)
        for index, value in _different(published, known):
            if known.get(index) & 1:
                continue  # revoked is for ever, whatever was lost
            row = self._certificate(index)
            if row is not None and row.visible:
                if value != VALID or not self._is_taken(row):
                    self._change(row, value)
            elif row is not None and value == 1:
                self._abandon(row)
            else:
                if row is not None:
                    drop_plan(self._connection, row)
                    self._report.plans_dropped += 1
                self._carry(index, value)

    def _certificate(self, index: int) -> CertificateRow | None:
        query = sa.select(certificate.c.certificate_id).where(
            certificate.c.issuer_id == self._issuer_id,
            certificate.c.list_no == self._list_no,
            certificate.c.list_index == index,
        )
        found = self._connection.execute(query).scalar()
        if found is None:
            return None
        return Certificates(self._connection).get(self._issuer_id, str(found), lock=True)

    def _is_taken(self, row: CertificateRow) -> bool:
        """Whether the log told of the last event: nobody knows if the list is newer or older."""
        events = Certificates(self._connection).events(row.issuer_id, row.certificate_id)
        return bool(events) and events[-1].client_id == ACTOR

    def _change(self, row: CertificateRow, value: int) -> None:
        operation, principal = _OPERATIONS[value], system(row.issuer_id, name=ACTOR)
        try:
            transitions.write_change(
                self._connection,
                self._sealing,
                row,
                operation=operation,
                principal=principal,
                reason=None,
                detail=None,
                now=self._now,
            )
        except IssuingError as error:
            raise RecoveryStopped(
                f"{row.certificate_identifier}: published as {operation}, is {row.state.value}"
            ) from error
        Audit(self._connection).append(
            principal, f"certificate.{operation}", [row.certificate_id], now=self._now
        )
        self._report.changes_taken += 1

    def _abandon(self, row: CertificateRow) -> None:
        Certificates(self._connection).abandon(
            row.issuer_id, row.certificate_id, row.plan_no, reason=ACTOR
        )
        self._report.changes_taken += 1

    def _carry(self, index: int, value: int) -> None:
        place = (
            carried_status.c.issuer_id == self._issuer_id,
            carried_status.c.list_no == self._list_no,
            carried_status.c.list_index == index,
        )
        self._connection.execute(carried_status.delete().where(*place))
        if value != VALID:
            values = {"list_index": index, "status_value": value, "carried_at": self._now}
            self._connection.execute(
                carried_status.insert().values(
                    issuer_id=self._issuer_id, list_no=self._list_no, **values
                )
            )
        self._report.bits_carried += 1


def _different(published: StatusBits, known: StatusBits) -> Iterator[tuple[int, int]]:
    """Places where the lists differ, with the published value; whole bytes are skipped."""
    per_byte = 8 // published.bits
    for place, (theirs, ours) in enumerate(zip(published.data, known.data, strict=True)):
        if theirs == ours:
            continue
        for index in range(place * per_byte, (place + 1) * per_byte):
            value = published.get(index)
            if value != known.get(index) and (value != VALID or known.get(index) == SUSPENDED):
                yield index, value


def issuer_of(connection: Connection, listed: PublishedList) -> str:
    """The issuer whose list it is.

    Raises:
        RecoveryStopped: the database does not know it.
    """
    query = sa.select(issuer.c.issuer_id).where(issuer.c.uscc == listed.uscc)
    found = connection.execute(query).scalar()
    if found is None:
        raise RecoveryStopped(f"{listed.path} is published, its issuer is unknown here")
    return str(found)


def _version(connection: Connection, issuer_id: str, list_no: int) -> int:
    query = sa.select(status_list.c.version).where(_is_list(issuer_id, list_no))
    found = connection.execute(query).scalar()
    return -1 if found is None else int(found)


def _add_closed(
    connection: Connection, issuer_id: str, listed: PublishedList, size: int, now: int
) -> None:
    # The order in which its places were given out is lost with its key: it gives out no more.
    connection.execute(
        status_list.insert().values(
            issuer_id=issuer_id,
            list_no=listed.list_no,
            size=size,
            used=size,
            permutation_key=b"",
            version=listed.version,
            published_version=listed.version,
            published_at=now,
            created_at=now,
        )
    )


def _is_list(issuer_id: str, list_no: int) -> sa.ColumnElement[bool]:
    return sa.and_(status_list.c.issuer_id == issuer_id, status_list.c.list_no == list_no)
