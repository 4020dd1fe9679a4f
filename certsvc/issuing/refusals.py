"""Whose refusals of a day stand in the audit trail already."""

from certsvc.service.principal import Principal
from certsvc.storage.allowances import day_of


class Refusals:
    """One row a client and day, for each process: a stolen client cannot flood the trail."""

    def __init__(self) -> None:
        self._day = 0
        self._clients: set[tuple[str, str]] = set()

    def has(self, principal: Principal, *, now: int) -> bool:
        """Whether today's row of a client is written."""
        return self._day == day_of(now) and (
            (principal.issuer_id, principal.client_id) in self._clients
        )

    def keep(self, principal: Principal, *, now: int) -> None:
        """Remember that it is: after the transaction, not before."""
        if self._day != day_of(now):
            self._day, self._clients = day_of(now), set()
        self._clients.add((principal.issuer_id, principal.client_id))
