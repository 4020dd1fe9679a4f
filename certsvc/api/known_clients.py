"""Authenticated clients, remembered for a second: one question to the database serves many.

When the second is over one request asks anew, and the others go by the former answer meanwhile.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy.engine import Engine

from certsvc.service.engine import reading
from certsvc.storage.clients import Client, Clients

#: Seconds for which an answer of the database is believed. Whoever was shut out, or may do less
#: from now on, has noticed it after twice as long: the one who asks may have to wait.
LIFE = 1.0
# Only names that exist come in; a service with more clients asks more often.
_MOST = 1024


@dataclass(frozen=True, slots=True)
class _Known:
    # When the database said so, and when it was asked last.
    at: float
    asked: float
    secret_sha256: bytes
    client: Client


class KnownClients:
    """Authenticates clients; any number of threads.

    A name or secret that is wrong is never remembered, so it costs what it always did.

    Args:
        engine: the issuer's database.
        monotonic: clock in seconds that never goes back.
    """

    def __init__(self, engine: Engine, *, monotonic: Callable[[], float]) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._known: dict[str, _Known] = {}

    def authenticate(self, name: str, secret: str) -> Client | None:
        """The client that a name and a secret belong to; None for any mismatch.

        Raises:
            DatabaseUnavailable: the database failed.
        """
        now, known = self._monotonic(), self._known.get(name)
        digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
        if known is None or not hmac.compare_digest(known.secret_sha256, digest):
            return self._ask(name, secret, digest, now)
        if now - known.asked < LIFE and now - known.at < 2 * LIFE:
            return known.client
        self._known[name] = replace(known, asked=now)
        return self._ask(name, secret, digest, now)

    def _ask(self, name: str, secret: str, digest: bytes, now: float) -> Client | None:
        with reading(self._engine, single=True) as connection:
            found = Clients(connection).authenticate(name, secret)
        if found is None:
            known = self._known.get(name)
            # A stranger's wrong secret takes nothing from the client itself.
            if known is not None and known.secret_sha256 == digest:
                self._known.pop(name, None)
            return None
        if len(self._known) >= _MOST:
            self._known.clear()
        # As old as the question: what changed behind it is noticed in time.
        self._known[name] = _Known(now, now, digest, found)
        return found
