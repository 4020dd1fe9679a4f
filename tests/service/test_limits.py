import threading
from collections.abc import Callable
from pathlib import Path

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
    monkeypatch.setattr(limits, "BUCKETS", 1)
    limiter = RateLimiter(0.1, monotonic=clock)
    for name in "abcdefghi":
        assert limiter.wait(name) == 0
        clock.now += 0.001
    assert [limiter.wait(name) for name in "bcdefghi"] == [10] * 8
    assert limiter.wait("a") == 0


def test_many_clients_keep_their_own_counts(clock) -> None:
    limiter = RateLimiter(0.1, monotonic=clock)
    names = [f"192.0.2.{number}" for number in range(500)]
    assert [limiter.wait(name) for name in names] == [0] * 500
    assert [limiter.wait(name) for name in names] == [10] * 500


def test_processes_share_one_count(clock, tmp_path: Path) -> None:
    one, other = (
        RateLimiter(2, monotonic=clock, burst_seconds=5, shared=tmp_path / "new" / "rate")
        for _ in range(2)
    )
    assert [limiter.wait("a") for limiter in (one, other) * 5] == [0] * 10
    assert (one.wait("a"), other.wait("a"), other.wait("b")) == (1, 1, 0)


def test_a_limiter_that_is_off_writes_no_file(clock, tmp_path: Path) -> None:
    assert RateLimiter(0, monotonic=clock, shared=tmp_path / "rate").wait("a") == 0
    assert list(tmp_path.iterdir()) == []


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
