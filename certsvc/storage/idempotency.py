"""Idempotency keys: one request has one effect, however often it is sent (threats T57, T58)."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.tables import idempotency


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a key belongs to: one route of one client of one issuer.

    Attributes:
        issuer_id: The issuer.
        client_id: The client.
        route: The operation, such as `issue`.
        key_hash: Keyed hash of the client's Idempotency-Key, 64 hex characters.
    """

    issuer_id: str
    client_id: str
    route: str
    key_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """What is known of a key; `answer` is sealed and absent while the request is in progress."""

    fingerprint: str
    certificate_id: str
    answer: bytes | None
    created_at: int


# Built once: most of a statement's cost is its building.
_MATCHES = tuple(
    idempotency.c[name] == sa.bindparam(f"b_{name}")
    for name in ("issuer_id", "client_id", "route", "key_hash")
)
_SELECT = idempotency.select().where(*_MATCHES)
_INSERT = idempotency.insert()
_FINISH = (
    idempotency.update()
    .where(*_MATCHES, idempotency.c.done_at.is_(None))
    .values(answer=sa.bindparam("b_answer"), done_at=sa.bindparam("b_now"))
)
_RELEASE = idempotency.delete().where(*_MATCHES, idempotency.c.done_at.is_(None))


class Idempotency:
    """Reads and writes idempotency keys on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, scope: Scope) -> KeyRow | None:
        """Look a key up."""
        row = self._connection.execute(_SELECT, _key(scope)).mappings().first()
        if row is None:
            return None
        return KeyRow(
            fingerprint=row["fingerprint"],
            certificate_id=row["certificate_id"],
            answer=row["answer"],
            created_at=row["created_at"],
        )

    def claim(self, scope: Scope, *, fingerprint: str, certificate_id: str, now: int) -> None:
        """Claim a key for a request that now begins.

        Raises:
            sqlalchemy.exc.IntegrityError: Another request holds the key.
        """
        values = {
            "issuer_id": scope.issuer_id,
            "client_id": scope.client_id,
            "route": scope.route,
            "key_hash": scope.key_hash,
            "fingerprint": fingerprint,
            "certificate_id": certificate_id,
            "created_at": now,
        }
        self._connection.execute(_INSERT, values)

    def finish(self, scope: Scope, *, answer: bytes, now: int) -> None:
        """Store the sealed answer of a request that is done."""
        self._connection.execute(_FINISH, _key(scope) | {"b_answer": answer, "b_now": now})

    def release(self, scope: Scope) -> None:
        """Forget a key whose request was given up, so that the client may send it again."""
        self._connection.execute(_RELEASE, _key(scope))


def _key(scope: Scope) -> dict[str, object]:
    return {
        "b_issuer_id": scope.issuer_id,
        "b_client_id": scope.client_id,
        "b_route": scope.route,
        "b_key_hash": scope.key_hash,
    }
