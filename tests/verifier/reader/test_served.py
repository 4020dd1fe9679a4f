"""The verifier service gives the reader's modules and the dictionaries they ask for."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from certsvc.publishing.publication import publish
from certsvc_sdk.qr import dictionaries

NOW = 1_800_000_000
MODULES = sorted((Path(__file__).parents[3] / "verifier" / "static" / "qr").glob("*.js"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module(client: FlaskClient, path: Path) -> None:
    answer = client.get(f"/static/qr/{path.name}")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    source = answer.get_data(as_text=True)
    answer.close()
    # Nothing from elsewhere, and nothing that a policy without `unsafe-eval` forbids.
    imported = re.findall(r'^(?:import|export) .*?from "([^"]+)";', source, re.MULTILINE)
    assert {name for name in imported} <= {f"./{other.name}" for other in MODULES}
    assert not re.search(r"\beval\b|new Function|https?://(?![$<])|innerHTML", source)


def test_there_are_modules() -> None:
    assert "reader.js" in {path.name for path in MODULES}


@pytest.mark.parametrize("number", dictionaries.numbers())
def test_a_built_in_dictionary(client: FlaskClient, number: int) -> None:
    answer = client.get(f"/v1/dictionaries/{number}")
    assert answer.status_code == 200
    assert answer.mimetype == "application/octet-stream"
    assert answer.data == dictionaries.load(number)
    assert "immutable" in answer.headers["Cache-Control"]
    known = {"If-None-Match": answer.headers["ETag"]}
    assert client.get(f"/v1/dictionaries/{number}", headers=known).status_code == 304


def test_a_later_dictionary_comes_from_the_trust_list(
    make_app: Callable[..., Flask], world: Any
) -> None:
    """As an operator would list it; its number is not built in, and stays free."""
    edition = world.publisher.edition()
    assert edition.list_target("targets", "dictionaries/250.bin", b"later words", NOW)
    publish(edition, world.publisher.online(), NOW)
    client = make_app().test_client()
    assert client.get("/v1/dictionaries/250").data == b"later words"
    assert client.get("/v1/dictionaries/251").get_json()["code"] == "not_found"


@pytest.mark.parametrize("number", ["256", "99", "-1", "x", "1.bin", "9" * 30])
def test_no_dictionary(client: FlaskClient, number: str) -> None:
    answer = client.get(f"/v1/dictionaries/{number}")
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "not_found"
