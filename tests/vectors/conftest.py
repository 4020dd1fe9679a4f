"""Replays the vectors of `bad/` against the SDK's verifier and the verification API."""

import functools
import importlib.util
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask.testing import FlaskClient

from certsvc.service.settings import Settings
from certsvc_sdk.client import Verifier
from verifier.app import TRUST_REFRESH, create_app


def _load(name: str) -> ModuleType:
    """A module beside this one, by its plain name; test modules cannot import one another."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


REPLAY = _load("replay")
PLACES = _load("places")
VECTORS = [vector for vector in REPLAY.load() if vector.usable]
# The API gives out no nonces, answers for now only, and asks resolvers over a network.
OVER_HTTP = [vector for vector in VECTORS if not vector.content.keys() & {"nonces", "at", "codes"}]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a file, named like it."""
    for name, vectors in {"vector": VECTORS, "http_vector": OVER_HTTP}.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, vectors, ids=[vector.name for vector in vectors])


@pytest.fixture(scope="session")
def replay() -> ModuleType:
    """The pure runner, `tests/vectors/replay.py`."""
    return REPLAY


@pytest.fixture(scope="session")
def every_vector() -> list[Any]:
    """All vectors."""
    return list(VECTORS)


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return PLACES.Worlds(tmp_path_factory.mktemp("worlds"))


@pytest.fixture(scope="session")
def verifiers(worlds: Any) -> Any:
    """`Verifier.from_root` over each vector's world: trust from the cache, lists from files."""

    def make(vector: Any) -> tuple[Verifier, Any, Any]:
        place, clock = worlds.place(vector), PLACES.Clock()
        trust = vector.world["trust"]
        verifier = Verifier.from_root(
            place.root,
            sources={place.base: place.url},
            cache_dir=place.cache,
            clock=clock,
            trust_refresh=300 if trust is None else trust["refresh_due"] - trust["as_of"],
            status_refresh=0,
            nonces=REPLAY.nonces_of(vector),
            resolver=REPLAY.resolver_of(vector),
        )
        return verifier, place, clock

    return PLACES.Readers(make)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves the places without a word."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def mirror(worlds: Any) -> Iterator[str]:
    """Address of all places; the service reads no files."""
    handler = functools.partial(QuietHandler, directory=str(worlds.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def services(worlds: Any, mirror: str) -> Any:
    """The verification API over each vector's world."""

    def make(vector: Any) -> tuple[FlaskClient, Any, Any]:
        place, clock, trust = worlds.place(vector), PLACES.Clock(), vector.world["trust"]
        if trust is not None:
            # The service's own refresh time must not change what is absent and what is unknown.
            due = vector.now >= trust["as_of"] + TRUST_REFRESH
            assert due == (vector.now >= trust["refresh_due"])
        pinned = place.served.with_name("root.json")
        pinned.write_bytes(place.root)
        settings = Settings(
            home=place.served.parent,
            trust_root=pinned,
            trust_url=f"{mirror}{place.served.relative_to(worlds.folder)}/",
            verifier_cache=place.cache,
            rate_per_second=0,
        )
        return create_app(settings, clock=clock).test_client(), place, clock

    return PLACES.Readers(make)
