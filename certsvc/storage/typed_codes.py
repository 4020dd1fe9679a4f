"""Typed codes: whose a code is. The table holds keyed hashes: a stolen one tells no code."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.certificate_rows import VISIBLE, CertificateRow, State
from certsvc.storage.many import updating
from certsvc.storage.sealing import DataKey
from certsvc.storage.tables import certificate

#: Name of the one data key of all typed codes: a code names no issuer. It seals nothing.
CODES_KEY = "typed-codes"
LOOKUP_BYTES = 16

# Built once. The states stand in the question: what may not be shown is not even read.
_FIND = certificate.select().where(
    certificate.c.code_lookup == sa.bindparam("b_lookup"),
    certificate.c.state.in_(sorted(VISIBLE)),
)
_NOTE = updating(
    {
        "b_issuer_id": certificate.c.issuer_id,
        "b_certificate_id": certificate.c.certificate_id,
        "b_code_lookup": certificate.c.code_lookup,
    },
    lambda given: (
        certificate.update()
        .where(
            certificate.c.issuer_id == given["b_issuer_id"],
            certificate.c.certificate_id == given["b_certificate_id"],
            certificate.c.code_lookup.is_(None),
        )
        .values(code_lookup=given["b_code_lookup"])
    ),
)


def code_lookup(key: DataKey, code: str) -> bytes:
    """Hash a code for the look-up column.

    Args:
        key: The data key `CODES_KEY`.
        code: As `certsvc_sdk.typedcode.read` returns it.
    """
    return key.hmac(b"typed-code|" + code.encode())[:LOOKUP_BYTES]


class TypedCodes:
    """Finds and notes codes on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, lookup: bytes) -> Sequence[CertificateRow]:
        """Find the issued certificates of a code, of any issuer: hardly ever more than one."""
        rows = self._connection.execute(_FIND, {"b_lookup": lookup}).mappings()
        return [_row(row) for row in rows]

    def missing(self, *, after: tuple[str, str], limit: int) -> Sequence[CertificateRow]:
        """List issued certificates that lack their code.

        Args:
            after: Issuer and id of the last one seen.
            limit: Most to list.
        """
        place = sa.tuple_(certificate.c.issuer_id, certificate.c.certificate_id)
        query = (
            certificate.select()
            .where(sa.text("code_lookup IS NULL AND credential IS NOT NULL"), place > after)
            .order_by(certificate.c.issuer_id, certificate.c.certificate_id)
            .limit(limit)
        )
        return [_row(row) for row in self._connection.execute(query).mappings()]

    def note(self, lookups: Mapping[tuple[str, str], bytes]) -> int:
        """Write codes that are missing, by issuer and id; returns how many were."""
        rows = [
            {"b_issuer_id": issuer_id, "b_certificate_id": certificate_id, "b_code_lookup": lookup}
            for (issuer_id, certificate_id), lookup in sorted(lookups.items())
        ]
        return _NOTE.run(self._connection, rows)


def _row(values: sa.RowMapping) -> CertificateRow:
    return CertificateRow(**{**values, "state": State(values["state"])})
