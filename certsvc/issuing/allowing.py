"""What a client may do at most: the types it was granted, and so many certificates a day (T52)."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy.engine import Connection

from certsvc.issuing import errors
from certsvc.issuing.jobs import Item
from certsvc.service.principal import Principal
from certsvc.storage.allowances import Allowances, day_of, seconds_left


def require(principal: Principal, *scopes: str) -> None:
    """Refuse who lacks a scope.

    Raises:
        ScopeMissing: The caller does.
    """
    for scope in scopes:
        if not principal.may(scope):
            raise errors.ScopeMissing(f"scope {scope} is needed")


def check_type(principal: Principal, type_name: str) -> None:
    """Refuse a type that the client was not granted.

    Raises:
        TypeNotGranted: It was not.
    """
    if principal.types is not None and type_name not in principal.types:
        raise errors.TypeNotGranted(f"the client may not issue {type_name}")


def take_together(connection: Connection, items: Sequence[Item], *, now: int) -> bool:
    """Count certificates that are planned together, before any of their rows is locked.

    Returns:
        Whether every client has room for all of its certificates; if not, each goes alone.
    """
    wanted = Counter(
        item.job.principal for item in items if item.job.principal.daily_limit is not None
    )
    ordered = sorted(wanted.items(), key=lambda pair: (pair[0].issuer_id, pair[0].client_id))
    return all(_take(connection, principal, count, now=now) for principal, count in ordered)


def take(connection: Connection, principal: Principal, *, now: int) -> None:
    """Count one certificate.

    Raises:
        QuotaExceeded: The client has no room for it today.
    """
    if not _take(connection, principal, 1, now=now):
        raise errors.QuotaExceeded(seconds_left(now))


def _take(connection: Connection, principal: Principal, count: int, *, now: int) -> bool:
    limit = principal.daily_limit
    return limit is None or Allowances(connection).take(
        principal.issuer_id,
        principal.client_id,
        day=day_of(now),
        count=count,
        limit=limit,
    )
