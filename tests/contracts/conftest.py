"""The contract file, and the reduction of schemas to what they mean."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask

from certsvc import bootstrap
from certsvc.app import create_app
from certsvc.service.engine import make_engine
from certsvc.service.settings import Settings
from certsvc.worker import make_worker
from keys import open_store

ROOT = Path(__file__).parents[2]
# Members that explain and do not constrain.
_WORDS = {"title", "description", "example", "examples", "default", "format", "contentMediaType"}
Json = Any


def _nullable(parts: list[Json]) -> Json:
    """`anyOf [X, null]` as pydantic writes it, in the short form the contract uses."""
    others = [part for part in parts if part != {"type": "null"}]
    if len(others) != 1 or len(parts) != 2 or "$ref" in others[0]:
        return {"anyOf": parts}
    reduced = dict(others[0])
    if "enum" in reduced:
        reduced["enum"] = [*reduced["enum"], None]
    if "type" in reduced:
        reduced["type"] = [reduced["type"], "null"]
        return reduced
    return {"anyOf": parts}


def reduce_schema(schema: Json) -> Json:
    """A schema without words, with local references and one spelling of the same rule."""
    if isinstance(schema, list):
        return [reduce_schema(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    result: dict[str, Json] = {}
    for name, value in schema.items():
        result.update(_reduce_member(name, value))
    if set(result) == {"anyOf"}:
        result = _nullable(result["anyOf"])
    return result


def _reduce_member(name: str, value: Json) -> dict[str, Json]:
    if name in _WORDS or name == "$defs" or (name == "additionalProperties" and value is True):
        return {}
    if name == "properties":
        return {name: {key: reduce_schema(item) for key, item in value.items()}}
    if name == "$ref":
        return {name: value.rsplit("/", 1)[-1]}
    if name == "const":
        return {"enum": [value]}
    return {name: sorted(value) if name == "required" else reduce_schema(value)}


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    return loaded


@pytest.fixture(scope="session")
def reduced() -> Callable[[Json], Json]:
    return reduce_schema


@pytest.fixture(scope="session")
def routes_of() -> Callable[[Flask], set[tuple[str, str]]]:
    """(method, path in the contract's spelling) of each route of an application."""

    def routes(app: Flask) -> set[tuple[str, str]]:
        found = set()
        for rule in app.url_map.iter_rules():
            path = re.sub(r"<(?:[a-z]+(?:\([^)]*\))?:)?([a-z_]+)>", r"{\1}", rule.rule)
            found |= {(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
        return found

    return routes


@pytest.fixture(scope="session")
def operations_of(contract: dict[str, Any]) -> Callable[[str], set[tuple[str, str]]]:
    """(method, path) of each operation with a service's tag."""

    def operations(tag: str) -> set[tuple[str, str]]:
        return {
            (method.upper(), path)
            for path, item in contract["paths"].items()
            for method, operation in item.items()
            if tag in operation["tags"]
        }

    return operations


@dataclass(frozen=True)
class World:
    """A demo world's issuer application, its settings, and one client's credentials."""

    app: Flask
    settings: Settings
    credentials: tuple[str, str]


NOW = 1_800_000_000  # in January 2027


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    settings = Settings(home=tmp_path_factory.mktemp("world"))
    bootstrap.initialise(settings, now=NOW, report=lambda line: None)
    engine = make_engine(settings.database_url)
    keys = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
    make_worker(settings, engine, keys, name="tests", clock=lambda: NOW).run_once()
    engine.dispose()
    clients = {one.types: one for one in bootstrap.demo_clients(settings)}
    found = clients["business-licence"]
    return World(create_app(settings, clock=lambda: NOW), settings, (found.client_id, found.secret))


@pytest.fixture(scope="session")
def trust_root(world: World) -> bytes:
    return world.settings.trust_root.read_bytes()
