import threading
from collections.abc import Callable

import pytest

from certsvc.service import limits
from certsvc.service.limits import RateLimiter

# `clock` is the fixture of conftest.py: an object with a writable `now`.


def test_zero_is_off(clock: Callable[[], float]) -> None:
    limiter = RateLimiter(0, monotonic=clock)
    assert [limiter.wait("a") for _ in range(1000)] == [0] * 1000


def test_a_burst_then_an_even_rate(clock) -> None:
    limiter = RateLimiter(2, monotonic=clock, burst_seconds=5)
    assert [limiter.wait("a") for _ in range(10)] == [0] * 10
    assert limiter.wait("a") == 1
    assert limiter.wait("b") == 0
    clock.now += 0.5
    assert limiter.wait("a") == 0
    assert limiter.wait("a") == 1
    clock.now += 100
    assert [limiter.wait("a") for _ in range(10)] == [0] * 10
    assert limiter.wait("a") == 1


def test_a_refused_request_costs_nothing(clock) -> None:
    limiter = RateLimiter(0.1, monotonic=clock)
    assert limiter.wait("a") == 0
    for _ in range(100):
        assert limiter.wait("a") == 10
    clock.now += 10
    assert limiter.wait("a") == 0


def test_memory_is_bounded(clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_TRACKED", 3)
    limiter = RateLimiter(0.1, monotonic=clock)
    for name in "abcd":
        assert limiter.wait(name) == 0
    assert limiter.wait("d") == 10
    assert limiter.wait("a") == 0


def test_threads_share_one_count(clock: Callable[[], float]) -> None:
    limiter = RateLimiter(20, monotonic=clock, burst_seconds=5)
    passed: list[int] = []

    def work() -> None:
        passed.extend(limiter.wait("a") for _ in range(100))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passed.count(0) == 100
