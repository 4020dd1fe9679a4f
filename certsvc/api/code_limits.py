"""How often typed codes may be looked up: what makes guessing hopeless (docs/typed-code.md).

A code of 61 bits cannot be guessed at these rates. Every look-up is taken for a miss until it
turns out to be none, so that many at once find no more than one after the other.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from certsvc.service.limits import Budget
from certsvc.service.problems import RATE_LIMITED, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A rate a second, and for how many seconds one may save up."""

    per_second: float
    saved_seconds: float


#: Each client, and each address: a hall of two hundred windows types a few codes a minute.
REQUESTS = Rate(per_second=5, saved_seconds=10)
#: Codes that nobody has, of one client: 60 at once, then one in five seconds.
CLIENT_MISSES = Rate(per_second=0.2, saved_seconds=300)
#: Of all clients together: 300 at once, then two a second, 63 million a year.
ALL_MISSES = Rate(per_second=2, saved_seconds=150)

#: Makes the budget of a rate; the name keeps budgets apart.
MakeBudget = Callable[[str, Rate], Budget]
_ALL = "all"


class CodeLimits:
    """Counts look-ups of typed codes.

    Args:
        make: makes each budget.
        over: told of every refusal.
    """

    def __init__(self, make: MakeBudget, *, over: Callable[[], object] = lambda: None) -> None:
        self._requests = make("codes", REQUESTS)
        self._client_misses = make("code-misses", CLIENT_MISSES)
        self._all_misses = make("all-code-misses", ALL_MISSES)
        self._over = over

    @contextmanager
    def counting(self, client_id: str, address: str) -> Iterator[Callable[[], None]]:
        """Count a look-up as a miss; call what it yields when the code was found.

        Args:
            client_id: who asks.
            address: where from.

        Raises:
            Problem: 429, with `Retry-After`.
        """
        self._take(self._requests, f"client:{client_id}")
        self._take(self._requests, f"address:{address}")
        self._take(self._client_misses, client_id)
        try:
            self._take(self._all_misses, _ALL)
        except Problem:
            # The others' misses are not this client's.
            self._client_misses.give_back(client_id)
            raise

        def found() -> None:
            self._client_misses.give_back(client_id)
            self._all_misses.give_back(_ALL)

        yield found

    def _take(self, budget: Budget, key: str) -> None:
        seconds = budget.wait(key)
        if seconds:
            self._over()
            raise Problem(RATE_LIMITED, headers={"Retry-After": str(seconds)})
