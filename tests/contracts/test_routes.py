"""The routes of both applications and the contract's paths are the same, both ways."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from certsvc.app import create_app
from certsvc.service.settings import Settings
from keys import open_store
from verifier.app import create_app as create_verifier

Operations = set[tuple[str, str]]


@pytest.fixture
def issuer(tmp_path: Path) -> Flask:
    settings = Settings(home=tmp_path)
    descriptor = os.open(settings.keys_passphrase_file, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, b"correct horse battery staple")
    os.close(descriptor)
    open_store(settings.keys_url, passphrase=settings.keys_passphrase(), scrypt_n=2**14)
    return create_app(settings)


@pytest.fixture
def verifier(tmp_path: Path, trust_root: bytes) -> Flask:
    settings = Settings(home=tmp_path, trust_url="http://127.0.0.1:9/")
    settings.trust_root.write_bytes(trust_root)
    return create_verifier(settings)


def test_issuer_routes(
    issuer: Flask,
    routes_of: Callable[[Flask], Operations],
    operations_of: Callable[[str], Operations],
) -> None:
    assert routes_of(issuer) == operations_of("issuer")


def test_verifier_routes(
    verifier: Flask,
    routes_of: Callable[[Flask], Operations],
    operations_of: Callable[[str], Operations],
) -> None:
    assert routes_of(verifier) == operations_of("verifier")


def test_every_operation_belongs_to_a_service(contract: dict[str, Any]) -> None:
    identifiers = []
    for item in contract["paths"].values():
        for operation in item.values():
            assert {"issuer", "verifier"} & set(operation["tags"])
            identifiers.append(operation["operationId"])
    assert len(identifiers) == len(set(identifiers))


def test_private_operations_say_so(
    contract: dict[str, Any], issuer: Flask, operations_of: Callable[[str], Operations]
) -> None:
    client = issuer.test_client()
    for method, path in sorted(operations_of("issuer")):
        operation = contract["paths"][path][method.lower()]
        answer = client.open(path.replace("{certificate_id}", "0" * 32), method=method)
        assert (answer.status_code == 401) == ("security" in operation), path
