"""A count that is taken back, in Redis and while it is away."""

from collections.abc import Callable
from typing import Any

from certsvc.service.limits import RateLimiter
from certsvc.service.shared.limiter import SharedLimiter

Way = Any


def shared(way: Way, local: RateLimiter | None = None) -> SharedLimiter:
    # So slow that no test's own time gives anything back.
    local = local or RateLimiter(0.001, monotonic=lambda: 1_000.0, burst_seconds=3_000)
    return SharedLimiter(way.shared, 0.001, local=local, kind="t", burst_seconds=3_000)


def passed(limiter: Any, key: str, tries: int = 10) -> int:
    return sum(not limiter.wait(key) for _ in range(tries))


def test_what_is_given_back_may_be_used_again(way: Way) -> None:
    limiter = shared(way)
    assert passed(limiter, "one") == 3
    limiter.give_back("one")
    assert passed(limiter, "one") == 1
    for _ in range(3):
        limiter.give_back("one")
    assert passed(limiter, "one") == 3


def test_nobody_saves_up_by_giving_back(way: Way) -> None:
    limiter = shared(way)
    for _ in range(20):
        limiter.give_back("new")
    assert passed(limiter, "new") == 3


def test_while_redis_is_away_the_machine_counts(way_to: Callable[..., Way]) -> None:
    local = RateLimiter(0.001, monotonic=lambda: 1_000.0, burst_seconds=3_000)
    limiter = shared(way_to("redis://127.0.0.1:1/0"), local)
    assert passed(limiter, "one") == 3
    limiter.give_back("one")
    assert passed(local, "one") == 1


def test_the_local_one_saves_nothing_up_either() -> None:
    limiter = RateLimiter(0.001, monotonic=lambda: 1_000.0, burst_seconds=3_000)
    for _ in range(20):
        limiter.give_back("new")
    assert passed(limiter, "new") == 3
    for _ in range(20):
        limiter.give_back("new")
    assert passed(limiter, "new") == 3
