"""Budgets of typed codes: by client, by address, together; hits cost nothing."""

from pathlib import Path

import pytest

from certsvc.api.code_limits import ALL_MISSES, CLIENT_MISSES, REQUESTS, CodeLimits, Rate
from certsvc.service.limits import Budget, RateLimiter
from certsvc.service.problems import Problem


class Ticks:
    """Seconds that a test moves."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


def limits_of(ticks: Ticks, folder: Path | None = None) -> CodeLimits:
    def make(name: str, rate: Rate) -> Budget:
        return RateLimiter(
            rate.per_second,
            monotonic=ticks,
            burst_seconds=rate.saved_seconds,
            shared=None if folder is None else folder / name,
        )

    return CodeLimits(make)


def miss(limits: CodeLimits, ticks: Ticks, client: str, address: str | None = None) -> bool:
    """One look-up in vain; the clock moves so that its own rate never stands in the way."""
    ticks.now += 1 / REQUESTS.per_second
    try:
        with limits.counting(client, address or client):
            return True
    except Problem as problem:
        return (problem.kind.code, int(problem.headers["Retry-After"]) >= 1) != (
            "rate_limited",
            True,
        )


def hit(limits: CodeLimits, client: str, address: str = "a") -> None:
    with limits.counting(client, address) as found:
        found()


def hits(limits: CodeLimits, clients: list[str], address: str = "a") -> None:
    for client in clients:
        hit(limits, client, address)


def test_a_client_may_guess_sixty_times_and_then_every_five_seconds(ticks: Ticks) -> None:
    limits = limits_of(ticks)
    passed = sum(miss(limits, ticks, "one") for _ in range(200))
    seconds = 200 / REQUESTS.per_second
    assert passed == pytest.approx(60 + CLIENT_MISSES.per_second * seconds, abs=1)
    ticks.now += 100
    assert sum(miss(limits, ticks, "one") for _ in range(40)) == pytest.approx(21, abs=2)
    assert miss(limits, ticks, "other")


def test_all_clients_together_have_one_budget(ticks: Ticks) -> None:
    """Many stolen credentials gain no more than this, whatever their own budgets."""
    limits = limits_of(ticks)
    tried = 2_000
    passed = sum(miss(limits, ticks, f"c{number % 100}") for number in range(tried))
    seconds = tried / REQUESTS.per_second
    assert passed == pytest.approx(300 + ALL_MISSES.per_second * seconds, abs=2)


def test_the_budget_of_all_takes_nothing_from_a_clients_own(ticks: Ticks) -> None:
    limits = limits_of(ticks)
    while all(miss(limits, ticks, f"c{number}") for number in range(50)):
        pass
    # Refused for the others' sake, again and again.
    for number in range(100):
        with pytest.raises(Problem), limits.counting("honest", f"far{number % 10}"):
            pass
        ticks.now += 0.001
    ticks.now += 150
    assert sum(miss(limits, ticks, "honest") for _ in range(58)) == 58


def test_hits_cost_no_budget_but_their_rate(ticks: Ticks) -> None:
    limits = limits_of(ticks)
    for _ in range(1_000):
        ticks.now += 1 / REQUESTS.per_second
        hit(limits, "one")
    with pytest.raises(Problem):
        hits(limits, ["one"] * 52)


def test_an_address_counts_whatever_the_client(ticks: Ticks) -> None:
    limits = limits_of(ticks)
    with pytest.raises(Problem):
        hits(limits, [f"c{number}" for number in range(52)], "same")
    hit(limits, "c99", "another")


def test_many_at_once_find_no_more_than_one_after_the_other(ticks: Ticks) -> None:
    """Each open look-up holds its place until it is known to be a hit."""
    limits = limits_of(ticks)
    open_ones = []
    for number in range(60):
        ticks.now += 0.2
        look_up = limits.counting("one", f"a{number}")
        open_ones.append((look_up, look_up.__enter__()))
    refused = sum(not miss(limits, ticks, "one", "b") for _ in range(10))
    assert refused >= 8
    for _, found in open_ones:
        found()
    assert miss(limits, ticks, "one", "b")


def test_processes_count_together(ticks: Ticks, tmp_path: Path) -> None:
    several = [limits_of(ticks, tmp_path) for _ in range(4)]
    passed = sum(miss(several[number % 4], ticks, "one") for number in range(120))
    assert passed == pytest.approx(60 + CLIENT_MISSES.per_second * 24, abs=1)
