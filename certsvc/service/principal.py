"""Who acts: carried by every call that changes something, and written into its audit row."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

PrincipalKind = Literal["client", "operator", "system"]

#: What a department's own system may be given.
DEPARTMENT_SCOPES = frozenset({"approve", "issue", "read", "status"})
#: `resolve` is for verifiers: it reaches every issuer's certificates, by their typed codes.
SCOPES = DEPARTMENT_SCOPES | {"resolve"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller, bound to one issuer.

    Attributes:
        kind: `client` (a department's system), `operator` (a person at the command line) or
            `system` (the worker).
        client_id: Name of the caller, unique within its issuer.
        issuer_id: The issuer in whose name the caller acts; the caller sees nothing else.
        scopes: What the caller may do, a subset of `SCOPES`.
        request_id: Ties log lines, audit rows and answers together; never personal data.
        types: Short names of the certificate types it may issue; None: all of its issuer's.
        daily_limit: Certificates it may issue a day in Asia/Shanghai; None: no limit.
    """

    kind: PrincipalKind
    client_id: str
    issuer_id: str
    scopes: frozenset[str]
    request_id: str
    types: frozenset[str] | None = None
    daily_limit: int | None = None

    def may(self, scope: str) -> bool:
        """Say whether the caller holds a scope."""
        return scope in self.scopes


def client(
    issuer_id: str,
    client_id: str,
    *,
    scopes: Iterable[str],
    request_id: str = "",
    types: frozenset[str] | None = None,
    daily_limit: int | None = None,
) -> Principal:
    """Name a department's system."""
    return Principal(
        kind="client",
        client_id=client_id,
        issuer_id=issuer_id,
        scopes=frozenset(scopes),
        request_id=request_id,
        types=types,
        daily_limit=daily_limit,
    )


def operator(issuer_id: str, *, name: str = "operator", request_id: str = "") -> Principal:
    """Name a person at the command line, who holds every scope for one issuer."""
    return Principal(
        kind="operator",
        client_id=name,
        issuer_id=issuer_id,
        scopes=SCOPES,
        request_id=request_id,
    )


def system(issuer_id: str, *, name: str = "worker", request_id: str = "") -> Principal:
    """Name a part of the service itself, such as the sweeper."""
    return Principal(
        kind="system",
        client_id=name,
        issuer_id=issuer_id,
        scopes=SCOPES,
        request_id=request_id,
    )
