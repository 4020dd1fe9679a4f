"""The audit trail: who did what to what, chained by hashes so that a missing row shows.

A row holds no personal data: objects are opaque ids.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.service.principal import Principal
from certsvc.storage.errors import IssuerUnknown
from certsvc.storage.many import inserting
from certsvc.storage.tables import audit, issuer

# The chain's beginning has no row before it.
FIRST_PREVIOUS = ""


_ADVANCE = (
    issuer.update()
    .where(issuer.c.issuer_id == sa.bindparam("b_issuer_id"))
    .values(audit_seq=issuer.c.audit_seq + sa.bindparam("b_count", type_=sa.BigInteger))
    .returning(issuer.c.audit_seq, issuer.c.audit_hash)
)
_HOOK = (
    issuer.update()
    .where(issuer.c.issuer_id == sa.bindparam("b_issuer_id"))
    .values(audit_hash=sa.bindparam("b_hash"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One act."""

    issuer_id: str
    seq: int
    at: int
    principal_kind: str
    client_id: str
    action: str
    object: str
    request_id: str
    prev_hash: str
    hash: str

    def expected_hash(self) -> str:
        """Compute SHA-256, as 64 hex characters, over everything else in the row."""
        members: list[object] = [
            self.issuer_id,
            self.seq,
            self.at,
            self.principal_kind,
            self.client_id,
            self.action,
            self.object,
            self.request_id,
            self.prev_hash,
        ]
        text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


_INSERT = inserting(audit, AuditRow.__slots__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does what to what; `object` is an opaque id."""

    principal: Principal
    action: str
    object: str


class Audit:
    """Appends to and checks the audit trail on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, principal: Principal, action: str, objects: Sequence[str], *, now: int) -> int:
        """Append one row an object.

        Args:
            principal: Who acts.
            action: What is done, such as `certificate.issue`.
            objects: Opaque ids of what it is done to.
            now: Unix seconds.

        Returns:
            The number of the last row.

        Raises:
            IssuerUnknown: The principal's issuer is not registered.
        """
        acts = [Act(principal=principal, action=action, object=name) for name in objects]
        return self._extend(principal.issuer_id, acts, now=now)

    def extend(self, acts: Sequence[Act], *, now: int) -> None:
        """Append rows of any issuers, whose heads are locked in order.

        Args:
            acts: Acts, in the order in which an issuer's chain shall have them.
            now: Unix seconds.

        Raises:
            IssuerUnknown: A principal's issuer is not registered.
        """
        for issuer_id in sorted({act.principal.issuer_id for act in acts}):
            mine = [act for act in acts if act.principal.issuer_id == issuer_id]
            self._extend(issuer_id, mine, now=now)

    def _extend(self, issuer_id: str, acts: Sequence[Act], *, now: int) -> int:
        # Writing the head first takes the issuer's row lock: chains cannot fork.
        advance = {"b_issuer_id": issuer_id, "b_count": len(acts)}
        head = self._connection.execute(_ADVANCE, advance).first()
        if head is None:
            raise IssuerUnknown("the issuer is not registered")
        previous, rows = head.audit_hash, []
        for seq, act in enumerate(acts, head.audit_seq - len(acts) + 1):
            row = _chained(act, seq=seq, now=now, prev_hash=previous)
            previous = row["hash"]
            rows.append(row)
        if rows:
            _INSERT.run(self._connection, rows)
            hooked = {"b_issuer_id": issuer_id, "b_hash": previous}
            self._connection.execute(_HOOK, hooked)
        return int(head.audit_seq)

    def rows(self, issuer_id: str, *, after: int = 0, limit: int = 1000) -> Sequence[AuditRow]:
        """List rows in order, beginning behind number `after`."""
        query = (
            audit.select()
            .where(audit.c.issuer_id == issuer_id, audit.c.seq > after)
            .order_by(audit.c.seq)
            .limit(limit)
        )
        return [AuditRow(**row) for row in self._connection.execute(query).mappings()]

    def first_fault(self, issuer_id: str) -> int | None:
        """Walk the whole chain.

        Returns:
            The number of the first row that is missing, changed or surplus; `None` if the
            chain is whole.
        """
        expected, previous = 1, FIRST_PREVIOUS
        while batch := self.rows(issuer_id, after=expected - 1):
            for row in batch:
                sound = row.prev_hash == previous and row.hash == row.expected_hash()
                if row.seq != expected or not sound:
                    return expected
                expected, previous = expected + 1, row.hash
        head = self._connection.execute(
            sa.select(issuer.c.audit_seq, issuer.c.audit_hash).where(
                issuer.c.issuer_id == issuer_id
            )
        ).one()
        return None if (head.audit_seq, head.audit_hash) == (expected - 1, previous) else expected


def _chained(act: Act, *, seq: int, now: int, prev_hash: str) -> dict[str, str]:
    principal = act.principal
    row = AuditRow(
        issuer_id=principal.issuer_id,
        seq=seq,
        at=now,
        principal_kind=principal.kind,
        client_id=principal.client_id,
        action=act.action,
        object=act.object,
        request_id=principal.request_id,
        prev_hash=prev_hash,
        hash="",
    )
    return {field: getattr(row, field) for field in AuditRow.__slots__} | {
        "hash": row.expected_hash()
    }
