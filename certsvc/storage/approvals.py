"""Requests that wait for a second person, each tied to its client's Idempotency-Key."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.idempotency import Scope
from certsvc.storage.tables import approval, idempotency


class ApprovalState(StrEnum):
    """What the second person has said."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One request and what became of it. Times are Unix seconds.

    Attributes:
        approval_id: Opaque id, 32 hex characters.
        scope: Whose request it is, and its Idempotency-Key.
        fingerprint: Keyed hash of the request's content: nothing else is approved.
        request: The content, sealed.
        state: What the second person has said.
        created_at: When it was asked for.
        decided_at: When that was said.
        decided_by: Who said it.
    """

    approval_id: str
    scope: Scope
    fingerprint: str
    request: bytes
    state: ApprovalState
    created_at: int
    decided_at: int | None = None
    decided_by: str | None = None


_OF_SCOPE = tuple(
    approval.c[name] == sa.bindparam(f"b_{name}")
    for name in ("issuer_id", "client_id", "route", "key_hash")
)
_BY_SCOPE = approval.select().where(*_OF_SCOPE)


class Approvals:
    """Reads and writes approvals on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: Approval) -> None:
        """Record a request that waits.

        Raises:
            sqlalchemy.exc.IntegrityError: The key has one already.
        """
        scope = new.scope
        self._connection.execute(
            approval.insert().values(
                issuer_id=scope.issuer_id,
                approval_id=new.approval_id,
                client_id=scope.client_id,
                route=scope.route,
                key_hash=scope.key_hash,
                fingerprint=new.fingerprint,
                request=new.request,
                state=new.state.value,
                created_at=new.created_at,
            )
        )

    def of(self, scope: Scope) -> Approval | None:
        """The approval of a request's key."""
        key = {f"b_{name}": getattr(scope, name) for name in Scope.__slots__}
        row = self._connection.execute(_BY_SCOPE, key).mappings().first()
        return None if row is None else _approval(row)

    def get(self, issuer_id: str, approval_id: str) -> Approval | None:
        """One approval of an issuer."""
        query = approval.select().where(
            approval.c.issuer_id == issuer_id, approval.c.approval_id == approval_id
        )
        row = self._connection.execute(query).mappings().first()
        return None if row is None else _approval(row)

    def waiting(
        self, issuer_id: str, *, but: str, limit: int, after: Approval | None = None
    ) -> Sequence[Approval]:
        """Requests that wait, oldest first, but not those of one client.

        Args:
            issuer_id: The issuer.
            but: The client.
            limit: Most requests to return.
            after: The last one returned before; None: from the oldest on.
        """
        order = (approval.c.created_at, approval.c.approval_id)
        query = (
            approval.select()
            .where(_waits(issuer_id), approval.c.client_id != but)
            .order_by(*order)
            .limit(limit)
        )
        if after is not None:
            query = query.where(sa.tuple_(*order) > (after.created_at, after.approval_id))
        return [_approval(row) for row in self._connection.execute(query).mappings()]

    def decide(
        self, issuer_id: str, approval_id: str, state: ApprovalState, *, by: str, now: int
    ) -> bool:
        """Record what the second person says; False: somebody has said something already.

        Raises:
            sqlalchemy.exc.IntegrityError: It is the same person.
        """
        done = self._connection.execute(
            approval.update()
            .where(
                approval.c.issuer_id == issuer_id,
                approval.c.approval_id == approval_id,
                approval.c.state == ApprovalState.WAITING.value,
            )
            .values(state=state.value, decided_at=now, decided_by=by)
        )
        return done.rowcount == 1

    def count_waiting(self, issuer_id: str, client_id: str) -> int:
        """How many requests of a client wait."""
        query = (
            sa.select(sa.func.count())
            .select_from(approval)
            .where(
                approval.c.issuer_id == issuer_id,
                approval.c.client_id == client_id,
                approval.c.state == ApprovalState.WAITING.value,
            )
        )
        return int(self._connection.execute(query).scalar_one())

    def reopen(self, issuer_id: str, decided_by: str) -> int:
        """Let what a client has agreed to and nobody has used wait again; returns how many."""
        used = sa.exists().where(
            *(idempotency.c[name] == approval.c[name] for name in Scope.__slots__)
        )
        done = self._connection.execute(
            approval.update()
            .where(
                approval.c.issuer_id == issuer_id,
                approval.c.decided_by == decided_by,
                approval.c.state == ApprovalState.APPROVED.value,
                ~used,
            )
            .values(state=ApprovalState.WAITING.value, decided_at=None, decided_by=None)
        )
        return done.rowcount

    def any_before(self, moment: int) -> bool:
        """Whether some request was asked for before a moment in Unix seconds."""
        query = sa.select(approval.c.approval_id).where(approval.c.created_at < moment).limit(1)
        return self._connection.execute(query).first() is not None

    def forget(self, *, before: int, limit: int) -> Sequence[tuple[str, str]]:
        """Delete requests that were asked for before a moment, whatever became of them.

        Args:
            before: Unix seconds.
            limit: Most requests to delete.

        Returns:
            Issuer and id of each.
        """
        key = (approval.c.issuer_id, approval.c.approval_id)
        old = (
            sa.select(*key)
            .where(approval.c.created_at < before)
            .order_by(approval.c.created_at, *key)
            .limit(limit)
        )
        gone = approval.delete().where(sa.tuple_(*key).in_(old)).returning(*key)
        return [(row[0], row[1]) for row in self._connection.execute(gone)]


def _waits(issuer_id: str) -> sa.ColumnElement[bool]:
    waiting = ApprovalState.WAITING.value
    return sa.and_(approval.c.issuer_id == issuer_id, approval.c.state == waiting)


def _approval(row: sa.RowMapping) -> Approval:
    return Approval(
        approval_id=row["approval_id"],
        scope=Scope(**{name: row[name] for name in Scope.__slots__}),
        fingerprint=row["fingerprint"],
        request=row["request"],
        state=ApprovalState(row["state"]),
        created_at=row["created_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
    )
