"""Certificates against the log, their events against their states, and the audit trail."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from certsvc.checking.finding import Finding
from certsvc.issuing.answers import open_credential
from certsvc.issuing.errors import IssuingError
from certsvc.issuing.leaves import entries_of
from certsvc.service.engine import DatabaseUnavailable, reading
from certsvc.storage.audit import Audit
from certsvc.storage.certificate_rows import (
    STATUS_VALUES,
    VISIBLE,
    CertificateRow,
    State,
    StatusEvent,
)
from certsvc.storage.issuers import Issuers
from certsvc.storage.sealing import DataKey, Sealing, data_key_name
from certsvc.storage.tables import certificate, log_entry, status_event
from certsvc.storage.typed_codes import CODES_KEY, code_lookup
from certsvc_sdk import sdjwt, typedcode
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.log.leaf import Issued, read_leaf
from certsvc_sdk.status import reference
from certsvc_sdk.strict import Json
from keys import KeyStore
from keys.errors import KeysError

PAGE = 500

Progress = Callable[[int], object]


@dataclass(slots=True)
class _Life:
    """What the database has of one certificate beside its row."""

    events: list[StatusEvent] = field(default_factory=list)
    leaves: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)


class CertificateCheck:
    """Checks every certificate of every issuer.

    Args:
        engine: the issuer's database.
        keys: opens what is sealed.
    """

    def __init__(self, engine: Engine, keys: KeyStore) -> None:
        self._engine = engine
        self._keys = keys
        self._sealings: dict[str, Sealing] = {}

    def count(self) -> int:
        """How many certificates there are."""
        query = sa.select(sa.func.count()).select_from(certificate)
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar_one())

    def run(self, progress: Progress) -> Iterator[Finding]:
        """Check everything; `progress` takes the certificates done since its last call."""
        with reading(self._engine) as connection:
            issuers = [one.issuer_id for one in Issuers(connection).all()]
        for issuer_id in issuers:
            after = ""
            while found := self._page(issuer_id, after):
                rows, after = found
                yield from rows
                progress(PAGE)
            yield from self._audit(issuer_id)
        yield from self.surplus()

    def one(self, issuer_id: str, certificate_id: str) -> list[Finding]:
        """Check one certificate."""
        with reading(self._engine) as connection:
            return self._check(connection, issuer_id, [certificate_id])

    def _page(self, issuer_id: str, after: str) -> tuple[list[Finding], str] | None:
        query = (
            sa.select(certificate.c.certificate_id)
            .where(certificate.c.issuer_id == issuer_id, certificate.c.certificate_id > after)
            .order_by(certificate.c.certificate_id)
            .limit(PAGE)
        )
        with reading(self._engine) as connection:
            ids = [row.certificate_id for row in connection.execute(query)]
            if not ids:
                return None
            return self._check(connection, issuer_id, ids), ids[-1]

    def _check(self, connection: Connection, issuer_id: str, ids: Sequence[str]) -> list[Finding]:
        """Check the certificates from the first to the last of these."""
        key = certificate.c.certificate_id.between(ids[0], ids[-1])
        query = certificate.select().where(certificate.c.issuer_id == issuer_id, key)
        try:
            rows = [
                CertificateRow(**{**row, "state": State(row["state"])})
                for row in connection.execute(query).mappings()
            ]
            lives = _lives(connection, issuer_id, ids[0], ids[-1])
        except ValueError:  # a state that is none
            if len(ids) == 1:
                return [Finding("database_unreadable", f"certificate {issuer_id}/{ids[0]}")]
            return [found for one in ids for found in self._check(connection, issuer_id, [one])]
        findings: list[Finding] = []
        for row in rows:
            findings += self._certificate(row, lives.get(row.certificate_id) or _Life())
        return findings

    def _certificate(self, row: CertificateRow, life: _Life) -> Iterator[Finding]:
        place = f"certificate {row.issuer_id}/{row.certificate_id}"
        if not _state_is_right(row, life.events):
            yield Finding("certificate_state", place)
        if row.state not in VISIBLE:
            if life.leaves:
                yield Finding("leaf_surplus", place)
            return
        try:
            sealing = self._sealing(row.issuer_id)
            entries = entries_of(sealing, row, life.events)
            issue = read_leaf(entries[0].leaf.encode())
            token = open_credential(sealing, row)["token"]
            same = _is_of(sdjwt.parse(token).payload(), row)
            wrong_code = row.code_lookup not in (None, self._code(token))
        except (IssuingError, KeysError, CertsvcError, ValueError, KeyError):
            yield Finding("certificate_unreadable", place)
            return
        if not same or not isinstance(issue, Issued) or issue.kid != row.kid:
            yield Finding("certificate_unreadable", place)
        yield from [Finding("certificate_code", place)] * wrong_code
        for entry in entries:
            found = life.leaves.pop(entry.seq, None)
            if found is None:
                yield Finding("leaf_missing", f"{place}/{entry.seq}")
            elif found != (entry.leaf.encode(), entry.leaf_hash):
                yield Finding("leaf_differs", f"{place}/{entry.seq}")
        for seq in sorted(life.leaves):
            yield Finding("leaf_surplus", f"{place}/{seq}")

    def surplus(self) -> Iterator[Finding]:
        """Leaves without a certificate, but for those that a recovery took from outside."""
        query = (
            sa.select(log_entry.c.issuer_id, log_entry.c.certificate_id, _bytes_of(self._engine))
            .outerjoin(
                certificate,
                sa.and_(
                    certificate.c.issuer_id == log_entry.c.issuer_id,
                    certificate.c.certificate_id == log_entry.c.certificate_id,
                ),
            )
            .where(certificate.c.certificate_id.is_(None))
        )
        with reading(self._engine) as connection:
            for issuer_id, certificate_id, data in connection.execute(query):
                if not _is_recovered(certificate_id, bytes(data)):
                    yield Finding("leaf_surplus", f"log_entry {issuer_id}/{certificate_id}")

    def _audit(self, issuer_id: str) -> Iterator[Finding]:
        try:
            with reading(self._engine) as connection:
                fault = Audit(connection).first_fault(issuer_id)
        except DatabaseUnavailable:
            yield Finding("database_unreadable", f"audit {issuer_id}")
            return
        if fault is not None:
            yield Finding("audit_broken", f"audit {issuer_id}/{fault}")

    def _code(self, token: str) -> bytes:
        return code_lookup(self._codes_key, typedcode.of(token))

    @cached_property
    def _codes_key(self) -> DataKey:
        return self._keys.data_key(CODES_KEY)

    def _sealing(self, issuer_id: str) -> Sealing:
        known = self._sealings.get(issuer_id)
        if known is None:
            known = Sealing(issuer_id, self._keys.data_key(data_key_name(issuer_id)))
            self._sealings[issuer_id] = known
        return known


def _lives(connection: Connection, issuer_id: str, first: str, last: str) -> Mapping[str, _Life]:
    lives: dict[str, _Life] = defaultdict(_Life)
    events = (
        status_event.select()
        .where(
            status_event.c.issuer_id == issuer_id,
            status_event.c.certificate_id.between(first, last),
        )
        .order_by(status_event.c.certificate_id, status_event.c.seq)
    )
    for row in connection.execute(events).mappings():
        states = {name: State(row[name]) for name in ("state_before", "state_after")}
        lives[row["certificate_id"]].events.append(StatusEvent(**{**row, **states}))
    leaves = sa.select(
        log_entry.c.certificate_id,
        log_entry.c.seq,
        _bytes_of(connection),
        log_entry.c.leaf_hash,
    ).where(log_entry.c.issuer_id == issuer_id, log_entry.c.certificate_id.between(first, last))
    for certificate_id, seq, data, leaf_hash in connection.execute(leaves):
        lives[certificate_id].leaves[seq] = bytes(data), bytes(leaf_hash)
    return lives


def _bytes_of(bind: Connection | Engine) -> sa.ColumnElement[bytes]:
    text = log_entry.c.leaf
    if bind.dialect.name == "sqlite":
        return sa.cast(text, sa.LargeBinary)
    return sa.func.convert_to(text, "UTF8")


def _state_is_right(row: CertificateRow, events: Sequence[StatusEvent]) -> bool:
    if row.state not in VISIBLE:
        return not events and row.status_value == STATUS_VALUES[row.state]
    state = State.VALID
    for number, event in enumerate(events, 1):
        if (event.seq, event.state_before) != (number, state):
            return False
        state = event.state_after
    expected = state, STATUS_VALUES[state], len(events)
    return (row.state, row.status_value, row.status_seq) == expected


def _is_of(payload: Mapping[str, Json], row: CertificateRow) -> bool:
    """Whether a row says what its token says; by its list and index a certificate is revoked."""
    names = ("certificate_identifier", "iat", "exp")
    if any(payload.get(name) != getattr(row, name) for name in names):
        return False
    told = reference(payload)
    status = told.uri.rpartition("/")[2], told.idx
    vct = str(payload.get("vct"))
    return status == (str(row.list_no), row.list_index) and vct.endswith(
        f"/{row.type}/{row.type_version}"
    )


def _is_recovered(certificate_id: str, data: bytes) -> bool:
    try:
        identifier = read_leaf(data).certificate_identifier
    except CertsvcError:
        return False
    return hashlib.sha256(identifier.encode()).hexdigest()[:32] == certificate_id
