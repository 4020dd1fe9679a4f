"""A whole demo world in a temporary folder: two departments, their clients, published lists."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from certsvc import bootstrap
from certsvc.app import create_app
from certsvc.service.engine import make_engine
from certsvc.service.settings import Settings
from certsvc.worker import make_worker
from keys import open_store

NOW = 1_800_000_000  # in January 2027


@dataclass
class Clock:
    """Unix seconds that only move when a test moves them."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class World:
    """The application, its settings, and what a test needs to act in it."""

    app: Flask
    settings: Settings
    clock: Clock
    publish: Callable[[], int]
    merge: Callable[[], int]
    credentials: dict[str, tuple[str, str]]

    def caller(self, type_name: str) -> "Caller":
        """The client of the department that issues a type."""
        return Caller(self.app.test_client(), self.credentials[type_name])


@dataclass(frozen=True)
class Caller:
    """Calls the API with one client's credentials."""

    client: FlaskClient
    auth: tuple[str, str]

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, auth=self.auth, **options)

    def post(
        self, path: str, value: object = None, *, key: str | None = None, **options: Any
    ) -> TestResponse:
        headers = {"Idempotency-Key": key} if key is not None else {}
        headers |= options.pop("headers", {})
        body = options.pop("data", None)
        if body is None:
            body = json.dumps(value, ensure_ascii=False).encode()
        options.setdefault("content_type", "application/json")
        return self.client.post(path, data=body, headers=headers, auth=self.auth, **options)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("world")
    # Nothing merges by itself here, so nobody shall wait for it.
    settings = Settings(home=home, log_wait_ms=0)
    clock = Clock()
    bootstrap.initialise(settings, now=NOW, report=lambda line: None)
    engine = make_engine(settings.database_url)
    keys = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
    worker = make_worker(settings, engine, keys, name="tests", clock=clock)

    def look(name: str) -> int:
        return sum(worker.look(duty) for duty in worker.duties if duty.name == name)

    publish, merge = partial(look, "status"), partial(look, "log")
    publish()
    merge()
    credentials = {
        one.types: (one.client_id, one.secret) for one in bootstrap.demo_clients(settings)
    }
    app = create_app(settings, clock=clock)
    yield World(app, settings, clock, publish, merge, credentials)
    engine.dispose()


@pytest.fixture
def licence(world: World) -> Caller:
    """The market regulator's client."""
    return world.caller("business-licence")


@pytest.fixture
def police(world: World) -> Caller:
    """The police's client."""
    return world.caller("household-register")


def _records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="session")
def licence_claims(samples: Path) -> list[dict[str, Any]]:
    """Licences that are still in force at `NOW`."""
    records = _records(samples / "business-licences.jsonl")
    return [one for one in records if (one["operating_to"] or "9999") > "2028"]


@pytest.fixture(scope="session")
def household_claims(samples: Path) -> list[dict[str, Any]]:
    return _records(samples / "households.jsonl")


@pytest.fixture
def new_key(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Idempotency keys that no other test uses."""
    numbers = iter(range(1000))
    return lambda: f"{abs(hash(request.node.nodeid)):x}-{next(numbers)}"


@pytest.fixture
def issued(
    licence: Caller, licence_claims: list[dict[str, Any]], new_key: Callable[[], str]
) -> dict[str, Any]:
    """A fresh business licence, as the API answered."""
    body = {"type": "business-licence", "claims": licence_claims[0]}
    answer = licence.post("/v1/certificates", body, key=new_key())
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found
