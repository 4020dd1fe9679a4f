"""What the worker tells on its port, and that it works without."""

import socket
import urllib.request
from typing import Any

import pytest

from certsvc.service.metrics import Metrics
from certsvc.worker.running import make_worker
from certsvc.worker.telling import SILENT_SECONDS, Pulse, telling, worker_app


class Duty:
    name = "status"
    pause = 1.0

    def do(self, fence: int) -> int:
        return 0


@pytest.fixture
def told(world: Any) -> Any:
    class Told:
        now = 0.0
        metrics = Metrics()

        def __init__(self) -> None:
            self.pulse = Pulse(lambda: self.now)
            self.app = worker_app(
                world.settings,
                self.metrics,
                [self.pulse.check(Duty())],
                monotonic=lambda: self.now,
                new_request_id=lambda: "made-0001",
            )

    return Told()


def test_a_silent_duty_is_named(told: Any) -> None:
    client = told.app.test_client()
    assert client.get("/readyz").status_code == 200
    told.now = SILENT_SECONDS + 1
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["reasons"] == [{"check": "status", "reason": "silent"}]
    told.pulse.beat(Duty())
    assert client.get("/readyz").status_code == 200
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_it_counts_what_it_does(world: Any) -> None:
    looked: list[str] = []
    metrics = Metrics()
    worker = make_worker(
        world.settings,
        world.engine,
        world.keys,
        name="one",
        clock=world.clock,
        metrics=metrics,
        looked=lambda duty: looked.append(duty.name),
    )
    worker.run_once()
    world.revoke(world.issue())
    worker.run_once()
    assert set(looked) == {"keys", "log", "status", "unusual", "upkeep"}
    samples = {one.name: one.value for family in metrics.families() for one in family.samples}
    assert samples["certsvc_status_lists_published_total"] >= 3
    assert samples["certsvc_status_publish_seconds_count"] >= 3


def test_it_answers_on_its_port(told: Any, world: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = world.settings.model_copy(update={"worker_port": port})
    told.metrics.merged.add(amount=3)
    with telling(settings, told.app) as listening:
        assert listening == port
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"certsvc_log_merged_total 3.0" in answer.read()


def test_a_port_that_is_taken_stops_nobody(told: Any, world: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with telling(world.settings.model_copy(update={"worker_port": port}), told.app) as none:
            assert none is None
    with telling(world.settings.model_copy(update={"worker_port": 0}), told.app) as off:
        assert off is None
