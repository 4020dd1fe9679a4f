"""Who calls: HTTP Basic (RFC 7617) against the clients' table, and what the caller may do."""

from collections.abc import Callable

from flask import g, request

from certsvc.api.known_clients import KnownClients
from certsvc.service.limits import Limiter
from certsvc.service.principal import Principal, client
from certsvc.service.problems import (
    RATE_LIMITED,
    SCOPE_MISSING,
    UNAUTHENTICATED,
    Problem,
    request_id,
)
from certsvc.storage.clients import Client

CHALLENGE = 'Basic realm="certsvc", charset="UTF-8"'
# Both are made by us: a name of at most 64 characters and a secret of 64 hexadecimal ones.
MAX_CREDENTIAL = 256

#: Authenticates the request and checks scopes; none given asks for any authenticated client.
Authorise = Callable[..., Principal]


def authoriser(clients: KnownClients, limiter: Limiter) -> Authorise:
    """Make the function that every private view calls first.

    Args:
        clients: authenticates.
        limiter: counts each client's requests, and failed attempts by address.
    """

    def authorise(*scopes: str) -> Principal:
        found = _authenticate(clients)
        if found is None:
            # Failures count by address: a stranger must not spend a client's allowance.
            limit(limiter, f"address:{request.remote_addr}")
            raise Problem(UNAUTHENTICATED, headers={"WWW-Authenticate": CHALLENGE})
        g.client_id = found.client_id
        limit(limiter, f"client:{found.client_id}")
        principal = client(
            found.issuer_id,
            found.client_id,
            scopes=found.scopes,
            request_id=request_id(),
            types=found.types,
            daily_limit=found.daily_limit,
        )
        for scope in scopes:
            if not principal.may(scope):
                raise Problem(SCOPE_MISSING, detail=f"scope {scope} is needed")
        return principal

    return authorise


def _authenticate(clients: KnownClients) -> Client | None:
    given = request.authorization
    if given is None or given.type != "basic":
        return None
    name, secret = given.username or "", given.password or ""
    if not name or not secret or len(name) > MAX_CREDENTIAL or len(secret) > MAX_CREDENTIAL:
        return None
    if "\x00" in name:  # PostgreSQL takes no NUL in text
        return None
    return clients.authenticate(name, secret)


def limit(limiter: Limiter, key: str) -> None:
    """Count one request of somebody.

    Raises:
        Problem: 429, with `Retry-After`.
    """
    seconds = limiter.wait(key)
    if seconds:
        raise Problem(RATE_LIMITED, headers={"Retry-After": str(seconds)})
