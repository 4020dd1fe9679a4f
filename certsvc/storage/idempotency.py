"""Idempotency keys: one request has one effect, however often it is sent (threats T57, T58)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.many import inserting, updating
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
class Claim:
    """A key, what its request contains, and the certificate that it leads to."""

    scope: Scope
    fingerprint: str
    certificate_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """What is known of a key; `answer` is sealed and absent while the request is in progress."""

    fingerprint: str
    certificate_id: str
    answer: bytes | None
    created_at: int


_SCOPE = tuple(idempotency.c[name] for name in Scope.__slots__)
# Built once: most of a statement's cost is its building.
_FIND = idempotency.select().where(sa.tuple_(*_SCOPE).in_(sa.bindparam("b_scopes", expanding=True)))
_MATCHES = tuple(
    idempotency.c[name] == sa.bindparam(f"b_{name}")
    for name in ("issuer_id", "client_id", "route", "key_hash")
)
_SELECT = idempotency.select().where(*_MATCHES)
_INSERT = inserting(idempotency, (*Scope.__slots__, "fingerprint", "certificate_id", "created_at"))
_FINISH = updating(
    {
        **{f"b_{name}": idempotency.c[name] for name in Scope.__slots__},
        "b_answer": idempotency.c.answer,
        "b_now": idempotency.c.done_at,
    },
    lambda given: (
        idempotency.update()
        .where(
            *(idempotency.c[name] == given[f"b_{name}"] for name in Scope.__slots__),
            idempotency.c.done_at.is_(None),
        )
        .values(answer=given["b_answer"], done_at=given["b_now"])
    ),
)
_RELEASE = idempotency.delete().where(*_MATCHES, idempotency.c.done_at.is_(None))


class Idempotency:
    """Reads and writes idempotency keys on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, scope: Scope) -> KeyRow | None:
        """Look a key up."""
        row = self._connection.execute(_SELECT, _key(scope)).mappings().first()
        return None if row is None else _row(row)

    def find(self, scopes: Collection[Scope]) -> Mapping[Scope, KeyRow]:
        """Look many keys up; those that nobody has claimed are absent."""
        wanted = [tuple(getattr(scope, name) for name in Scope.__slots__) for scope in scopes]
        if not wanted:
            return {}
        rows = self._connection.execute(_FIND, {"b_scopes": wanted}).mappings()
        return {Scope(**{name: row[name] for name in Scope.__slots__}): _row(row) for row in rows}

    def claim(self, scope: Scope, *, fingerprint: str, certificate_id: str, now: int) -> None:
        """Claim a key for a request that now begins.

        Raises:
            sqlalchemy.exc.IntegrityError: Another request holds the key.
        """
        claim = Claim(scope=scope, fingerprint=fingerprint, certificate_id=certificate_id)
        self.claim_many([claim], now=now)

    def claim_many(self, claims: Sequence[Claim], *, now: int) -> None:
        """Claim keys for requests that now begin.

        Raises:
            sqlalchemy.exc.IntegrityError: Another request holds one of the keys.
        """
        rows = [
            {
                **{name: getattr(claim.scope, name) for name in Scope.__slots__},
                "fingerprint": claim.fingerprint,
                "certificate_id": claim.certificate_id,
                "created_at": now,
            }
            for claim in claims
        ]
        _INSERT.run(self._connection, rows)

    def finish(self, scope: Scope, *, answer: bytes, now: int) -> None:
        """Store the sealed answer of a request that is done."""
        self.finish_many({scope: answer}, now=now)

    def finish_many(self, answers: Mapping[Scope, bytes], *, now: int) -> None:
        """Store the sealed answers of requests that are done."""
        rows = [
            _key(scope) | {"b_answer": answer, "b_now": now} for scope, answer in answers.items()
        ]
        _FINISH.run(self._connection, rows)

    def release(self, scope: Scope) -> None:
        """Forget a key whose request was given up, so that the client may send it again."""
        self._connection.execute(_RELEASE, _key(scope))


def _row(values: sa.RowMapping) -> KeyRow:
    return KeyRow(**{name: values[name] for name in KeyRow.__slots__})


def _key(scope: Scope) -> dict[str, object]:
    return {
        "b_issuer_id": scope.issuer_id,
        "b_client_id": scope.client_id,
        "b_route": scope.route,
        "b_key_hash": scope.key_hash,
    }
