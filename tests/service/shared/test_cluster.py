"""Redis Cluster of three nodes: the same uses, and a node that is killed or hangs."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from certsvc.service.shared.breaker import OPEN_SECONDS, State
from certsvc.service.shared.connection import SharedUnavailable
from certsvc.service.shared.limiter import SharedLimiter
from certsvc.service.shared.objects import SharedObjects

SLOTS = ((0, 5461), (5462, 10922), (10923, 16383))


@pytest.fixture(scope="module")
def nodes(redis_server: Any) -> Iterator[list[Any]]:
    # Asked for first: without the program this skips, or fails in CI.
    assert redis_server.url
    server, processes = sys.modules["servers.redis"], sys.modules["servers.processes"]
    made = [
        server.Redis(
            server.program(),
            cluster_enabled="yes",
            cluster_port=str(processes.free_port()),
            cluster_config_file="nodes.conf",
            cluster_require_full_coverage="no",
            cluster_node_timeout="60000",
        )
        for _ in SLOTS
    ]
    try:
        for node, (first, last) in zip(made, SLOTS, strict=True):
            node.start()
            node.command("CLUSTER", "ADDSLOTSRANGE", str(first), str(last))
        bus = made[0]._settings["cluster-port"]
        for node in made[1:]:
            node.command("CLUSTER", "MEET", "127.0.0.1", str(made[0].port), bus)
        processes.wait_until(lambda: all(_knows_all(node) for node in made), "the cluster")
        yield made
    finally:
        for node in made:
            node.end()


def _knows_all(node: Any) -> bool:
    return bool(node.command("CLUSTER", "SLOTS") == f"*{len(SLOTS)}")


@pytest.fixture
def way(nodes: list[Any], way_to: Callable[..., Any]) -> Any:
    way = way_to(f"redis+cluster://127.0.0.1:{nodes[0].port}")
    with pytest.raises(SharedUnavailable):
        way.shared.call(lambda client: client.ping())
    way.probe()  # the cluster's map is learnt beside the requests
    assert way.shared.state is State.CLOSED
    return way


class _AwayError(Exception):
    """The limiter fell back: the cluster did not answer within its 100 ms."""


class _NoLocal:
    def wait(self, key: str) -> int:
        raise _AwayError(key)


def test_the_uses(way: Any, wait_until: Callable[..., None]) -> None:
    objects = SharedObjects(way.shared)
    limiter = SharedLimiter(way.shared, 0.01, local=_NoLocal(), kind="t", burst_seconds=0)
    attempts = iter(range(10**6))

    # A machine under load may let 100 ms go by: then the breaker opens, and all is asked again.
    def closed() -> bool:
        way.clock.now += OPEN_SECONDS
        objects.get("0", max_bytes=10)
        if way.probes:
            way.probe()
        return bool(way.shared.state is State.CLOSED)

    def kept() -> bool:
        for number in range(30):
            objects.put(f"{number}", b"%d" % number, seconds=60)
        found = [objects.get(f"{n}", max_bytes=10) for n in range(30)]
        if way.shared.state is not State.CLOSED:
            return closed() and False
        assert found == [b"%d" % n for n in range(30)]
        return True

    def limited() -> bool:
        names = [f"{next(attempts)}" for _ in range(10)]
        try:
            first, second = ([limiter.wait(name) for name in names] for _ in range(2))
        except _AwayError:
            return closed() and False
        assert first == [0] * 10
        assert all(seconds > 0 for seconds in second)
        return True

    wait_until(kept, "objects that all nodes keep")
    wait_until(limited, "limits that all nodes keep")


def test_a_node_that_hangs(way: Any, nodes: list[Any], wait_until: Callable[..., None]) -> None:
    objects = SharedObjects(way.shared)
    nodes[1].pause()
    try:
        answers = [objects.get(f"{n}", max_bytes=10) for n in range(30)]
        assert way.shared.state is State.OPEN
        assert None in answers
    finally:
        nodes[1].resume()

    def back() -> bool:
        way.clock.now += OPEN_SECONDS
        objects.get("0", max_bytes=10)
        if way.probes:
            way.probe()
        return bool(way.shared.state is State.CLOSED)

    wait_until(back, "the cluster's return")
    objects.put("again", b"x", seconds=9)
    assert objects.get("again", max_bytes=9) == b"x"
