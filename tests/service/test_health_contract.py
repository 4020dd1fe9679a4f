from pathlib import Path

import pytest
from flask import Flask

from certsvc.service import contract
from certsvc.service.health import ReadyCheck, health_blueprint


class DatabaseAwayError(Exception):
    code = "database_away"


def _raise(error: Exception) -> str:
    raise error


def test_readiness_gives_every_reason(app: Flask) -> None:
    checks = [
        ReadyCheck("database", lambda: _raise(DatabaseAwayError("secret address"))),
        ReadyCheck("keys", lambda: None),
        ReadyCheck("status_list", lambda: "not_published"),
        ReadyCheck("other", lambda: _raise(RuntimeError("x"))),
    ]
    app.register_blueprint(health_blueprint(checks))
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json() == {
        "status": "not_ready",
        "checks": ["database", "keys", "status_list", "other"],
        "reasons": [
            {"check": "database", "reason": "database_away"},
            {"check": "status_list", "reason": "not_published"},
            {"check": "other", "reason": "failed"},
        ],
    }
    assert app.test_client().get("/healthz").get_json() == {"status": "ok"}


def test_ready(app: Flask) -> None:
    app.register_blueprint(health_blueprint([ReadyCheck("keys", lambda: None)]))
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["reasons"] == []


def test_the_contract_is_found_in_both_places(tmp_path: Path) -> None:
    package = tmp_path / "certsvc"
    package.mkdir()
    with pytest.raises(contract.ContractMissing):
        contract.find_contract(package)
    editable = tmp_path / "openapi.yaml"
    editable.write_text("openapi: 3.1.0\n")
    with pytest.raises(contract.ContractMissing):
        contract.find_contract(package)
    (tmp_path / "pyproject.toml").write_text("")
    assert contract.find_contract(package) == editable
    installed = package / "openapi.yaml"
    installed.write_text("openapi: 3.1.0\n")
    assert contract.find_contract(package) == installed


def test_the_contract_is_served_with_an_etag(app: Flask) -> None:
    app.register_blueprint(contract.contract_blueprint())
    client = app.test_client()
    first = client.get("/openapi.yaml")
    assert first.content_type == "application/yaml"
    assert first.data.startswith(b"openapi: 3.1")
    again = client.get("/openapi.yaml", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert not again.data
