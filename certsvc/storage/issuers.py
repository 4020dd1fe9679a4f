"""Issuers: departments, each with its trust record as published."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.audit import FIRST_PREVIOUS
from certsvc.storage.errors import IssuerExists, IssuerUnknown
from certsvc.storage.tables import issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """A department; `record` is its trust record as JSON text."""

    issuer_id: str
    uscc: str
    record: str


# Built once: most of a statement's cost is its building.
_ALL = sa.select(issuer.c.issuer_id, issuer.c.uscc, issuer.c.record).order_by(issuer.c.issuer_id)
_ONE = _ALL.where(issuer.c.issuer_id == sa.bindparam("b_issuer_id"))


class Issuers:
    """Reads and writes issuers on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: Issuer, *, now: int) -> None:
        """Register an issuer.

        Raises:
            IssuerExists: The id or the code is taken.
        """
        try:
            with self._connection.begin_nested():
                self._connection.execute(
                    issuer.insert().values(
                        issuer_id=new.issuer_id,
                        uscc=new.uscc,
                        record=new.record,
                        audit_seq=0,
                        audit_hash=FIRST_PREVIOUS,
                        created_at=now,
                        updated_at=now,
                    )
                )
        except sa.exc.IntegrityError as error:
            raise IssuerExists(f"issuer {new.issuer_id} is registered already") from error

    def set_record(self, issuer_id: str, record: str, *, now: int) -> None:
        """Replace the trust record, together with its publication.

        Raises:
            IssuerUnknown: No such issuer.
        """
        done = self._connection.execute(
            issuer.update()
            .where(issuer.c.issuer_id == issuer_id)
            .values(record=record, updated_at=now)
        )
        if done.rowcount != 1:
            raise IssuerUnknown(f"issuer {issuer_id} is not registered")

    def get(self, issuer_id: str) -> Issuer:
        """Read one issuer.

        Raises:
            IssuerUnknown: No such issuer.
        """
        row = self._connection.execute(_ONE, {"b_issuer_id": issuer_id}).mappings().first()
        if row is None:
            raise IssuerUnknown(f"issuer {issuer_id} is not registered")
        return Issuer(**row)

    def all(self) -> Sequence[Issuer]:
        """List every issuer."""
        return [Issuer(**row) for row in self._connection.execute(_ALL).mappings()]
