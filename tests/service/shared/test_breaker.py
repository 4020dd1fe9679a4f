import threading
from typing import Any

import pytest

from certsvc.service.shared.breaker import OPEN_SECONDS, Breaker, State


@pytest.fixture
def clock() -> Any:
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    return Clock()


def test_its_way_round(clock: Any) -> None:
    seen: list[State] = []
    breaker = Breaker(monotonic=clock, changed=seen.append)
    assert (breaker.state, breaker.take_probe()) == (State.CLOSED, False)
    breaker.failed()
    clock.now = OPEN_SECONDS - 0.001
    assert (breaker.state, breaker.take_probe()) == (State.OPEN, False)
    clock.now = OPEN_SECONDS
    assert breaker.take_probe()
    assert (breaker.state, breaker.take_probe()) == (State.HALF_OPEN, False)
    breaker.failed()
    clock.now += OPEN_SECONDS - 0.001
    assert not breaker.take_probe()
    clock.now += 0.001
    assert breaker.take_probe()
    breaker.succeeded()
    assert breaker.state is State.CLOSED
    assert seen == [1 + 1, 1, 2, 1, 0]


def test_a_late_success_does_not_close_it(clock: Any) -> None:
    breaker = Breaker(monotonic=clock)
    breaker.failed()
    breaker.succeeded()
    assert breaker.state is State.OPEN


def test_further_failures_put_the_probe_off(clock: Any) -> None:
    breaker = Breaker(monotonic=clock)
    breaker.failed()
    clock.now = 1.5
    breaker.failed()  # a request that was under way
    clock.now = OPEN_SECONDS
    assert not breaker.take_probe()


def test_one_probe_at_a_time(clock: Any) -> None:
    breaker = Breaker(monotonic=clock, is_open=True)
    gate, taken = threading.Barrier(16), []

    def ask() -> None:
        gate.wait()
        taken.append(breaker.take_probe())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 1
