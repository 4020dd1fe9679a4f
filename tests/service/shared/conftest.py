"""Ways to a real Redis whose breaker runs on a clock to set, and probes done when asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from certsvc.service.metrics import Metrics
from certsvc.service.shared.address import read_address
from certsvc.service.shared.connection import Shared


class Clock:
    """Seconds that stand still until somebody moves them."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Way:
    """A way to Redis under test."""

    shared: Shared
    clock: Clock
    metrics: Metrics
    probes: list[Callable[[], None]] = field(default_factory=list)

    def probe(self) -> None:
        """Do the probe that is due."""
        self.probes.pop()()

    def counted(self, name: str) -> dict[tuple[str, ...], float]:
        """What an instrument counted, by its labels."""
        return {
            tuple(sample.labels.values()): sample.value
            for family in self.metrics.families()
            for sample in family.samples
            if sample.name == f"certsvc_{name}"
        }


@pytest.fixture
def way_to() -> Iterator[Callable[..., Way]]:
    """Function from an address to a way there."""
    made: list[Way] = []

    def make(url: str, *, environment: str = "demo") -> Way:
        probes: list[Callable[[], None]] = []
        clock, metrics = Clock(), Metrics()
        shared = Shared(
            read_address(url),
            environment=environment,
            metrics=metrics,
            monotonic=clock,
            spawn=probes.append,
        )
        made.append(Way(shared, clock, metrics, probes))
        return made[-1]

    yield make
    for one in made:
        one.shared.close()


@pytest.fixture
def way(way_to: Callable[..., Way], redis_url: str) -> Way:
    return way_to(redis_url)


@pytest.fixture
def raw(redis_server: Any) -> Callable[..., str]:
    """Sends a command of somebody who may write into the same Redis."""
    command: Callable[..., str] = redis_server.command
    return command
