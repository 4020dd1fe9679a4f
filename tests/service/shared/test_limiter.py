from collections.abc import Callable
from typing import Any

import pytest

from certsvc.service.limits import RateLimiter
from certsvc.service.shared.breaker import State
from certsvc.service.shared.limiter import SharedLimiter


class Never:
    """A local limiter that must not be asked."""

    def wait(self, key: str) -> int:
        raise AssertionError(key)


@pytest.fixture
def limiter(way: Any) -> Callable[..., SharedLimiter]:
    def make(per_second: float, local: Any = None, **more: Any) -> SharedLimiter:
        more = {"kind": "test", "burst_seconds": 5, **more}
        return SharedLimiter(way.shared, per_second, local=local or Never(), **more)

    return make


def test_machines_count_together(limiter: Callable[..., SharedLimiter]) -> None:
    # One request in a hundred seconds, four at once: no test is so slow that a fifth is due.
    here, there = (limiter(0.01, burst_seconds=400) for _ in range(2))
    answers = [one.wait("client") for one in (here, there, here, there)]
    assert answers == [0, 0, 0, 0]
    assert 0 < here.wait("client") <= 100
    assert 0 < there.wait("client") <= 100
    assert here.wait("another") == 0


def test_kinds_and_a_rate_of_none(limiter: Callable[..., SharedLimiter], way: Any) -> None:
    tight = limiter(0.01, burst_seconds=0)
    assert tight.wait("c") == 0
    assert tight.wait("c") > 0
    assert limiter(0.01, kind="other", burst_seconds=0).wait("c") == 0
    assert [limiter(0).wait("c") for _ in range(100)] == [0] * 100


@pytest.mark.parametrize("value", ["garbage", "-5", "nan", "inf", "1e300", "9" * 17, ""])
def test_a_poisoned_value_locks_nobody_out(
    limiter: Callable[..., SharedLimiter], way: Any, raw: Callable[..., str], value: str
) -> None:
    key = way.shared.key("limit-test", "c")
    raw("SET", key, value)
    assert limiter(1).wait("c") == 0


def test_a_value_of_another_type_is_replaced(
    limiter: Callable[..., SharedLimiter], way: Any, raw: Callable[..., str]
) -> None:
    raw("RPUSH", way.shared.key("limit-test", "c"), "x")
    tight = limiter(0.01, burst_seconds=0)
    assert tight.wait("c") == 0
    assert tight.wait("c") > 0


def test_a_key_ends_by_itself(
    limiter: Callable[..., SharedLimiter], way: Any, raw: Callable[..., str]
) -> None:
    limiter(10).wait("c")
    life = int(raw("PTTL", way.shared.key("limit-test", "c")).removeprefix(":"))
    assert 0 < life <= 102


def test_without_redis_this_machine_counts(
    limiter: Callable[..., SharedLimiter], way: Any, redis_server: Any
) -> None:
    local = RateLimiter(0.01, monotonic=way.clock, burst_seconds=0)
    tight = limiter(0.01, local, burst_seconds=0)
    assert tight.wait("c") == 0
    redis_server.kill()
    # What Redis counted is gone with it: a client may begin anew, and is not blocked by both.
    assert tight.wait("c") == 0
    assert way.shared.state is State.OPEN
    assert tight.wait("c") == 100
