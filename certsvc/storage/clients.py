"""Clients of the issuing interface: departments' systems with a secret and scopes."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.errors import ClientExists
from certsvc.storage.tables import client

# 256 random bits: nothing to guess, so that a plain hash is enough to store.
SECRET_BYTES = 32
# Built once: most of a statement's cost is its building.
_NAMED = client.select().where(client.c.client_id == sa.bindparam("b_client_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client as stored, without its secret. Times are Unix seconds.

    Attributes:
        issuer_id: The issuer in whose name it acts.
        client_id: Its name, unique among all issuers.
        name: What people call it.
        scopes: What it may do.
        created_at: When it was registered.
        disabled_at: When it was shut out.
        types: Types it may issue; None: all.
        daily_limit: Certificates a day; None: no limit.
    """

    issuer_id: str
    client_id: str
    name: str
    scopes: frozenset[str]
    created_at: int
    disabled_at: int | None
    types: frozenset[str] | None = None
    daily_limit: int | None = None


class Clients:
    """Reads and writes clients on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        issuer_id: str,
        client_id: str,
        *,
        name: str,
        scopes: Collection[str],
        now: int,
        rng: Callable[[int], bytes] = secrets.token_bytes,
    ) -> str:
        """Register a client.

        Returns:
            Its secret, 64 hex characters, shown once and never stored.

        Raises:
            ClientExists: The identifier is taken, by whichever issuer, or the issuer is unknown.
        """
        secret = rng(SECRET_BYTES).hex()
        try:
            with self._connection.begin_nested():
                self._connection.execute(
                    client.insert().values(
                        issuer_id=issuer_id,
                        client_id=client_id,
                        name=name,
                        secret_sha256=_digest(secret),
                        scopes=json.dumps(sorted(scopes)),
                        created_at=now,
                    )
                )
        except sa.exc.IntegrityError as error:
            raise ClientExists(f"client {client_id} cannot be added") from error
        return secret

    def authenticate(self, client_id: str, secret: str) -> Client | None:
        """Find the client that a name and a secret belong to; `None` for any mismatch."""
        row = self._connection.execute(_NAMED, {"b_client_id": client_id}).mappings().first()
        # Compared also when there is no such client, so that the answer takes the same time.
        stored = bytes(32) if row is None else row["secret_sha256"]
        equal = hmac.compare_digest(stored, _digest(secret))
        if row is None or not equal or row["disabled_at"] is not None:
            return None
        return _client(row)

    def restrict(
        self,
        issuer_id: str,
        client_id: str,
        *,
        types: Collection[str] | None,
        daily_limit: int | None,
    ) -> bool:
        """Say what a client may issue, known to services in two seconds; `False`: no such client.

        Args:
            issuer_id: Its issuer.
            client_id: Its name.
            types: Short names of types; None: all of its issuer's.
            daily_limit: Certificates a day in Asia/Shanghai; None: no limit.
        """
        done = self._connection.execute(
            client.update()
            .where(client.c.issuer_id == issuer_id, client.c.client_id == client_id)
            .values(
                types=None if types is None else json.dumps(sorted(types)), daily_limit=daily_limit
            )
        )
        return done.rowcount == 1

    def disable(self, issuer_id: str, client_id: str, *, now: int) -> bool:
        """Shut a client out; `False` if there is no such client."""
        done = self._connection.execute(
            client.update()
            .where(client.c.issuer_id == issuer_id, client.c.client_id == client_id)
            .values(disabled_at=sa.func.coalesce(client.c.disabled_at, now))
        )
        return done.rowcount == 1

    def all(self, issuer_id: str) -> Sequence[Client]:
        """List an issuer's clients."""
        query = client.select().where(client.c.issuer_id == issuer_id).order_by(client.c.client_id)
        return [_client(row) for row in self._connection.execute(query).mappings()]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _client(row: sa.RowMapping) -> Client:
    return Client(
        issuer_id=row["issuer_id"],
        client_id=row["client_id"],
        name=row["name"],
        scopes=frozenset(json.loads(row["scopes"])),
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
        types=None if row["types"] is None else frozenset(json.loads(row["types"])),
        daily_limit=row["daily_limit"],
    )
