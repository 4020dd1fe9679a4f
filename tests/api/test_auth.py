import base64
from collections.abc import Callable
from typing import Any

import pytest

from certsvc.app import create_app
from certsvc.service.engine import make_engine, writing
from certsvc.storage.clients import Clients

Keys = Callable[[], str]
MISSING = "0" * 32
PRIVATE = [
    ("POST", "/v1/certificates"),
    ("GET", "/v1/certificates/{id}"),
    ("POST", "/v1/certificates/{id}/suspend"),
    ("POST", "/v1/certificates/{id}/resume"),
    ("POST", "/v1/certificates/{id}/revoke"),
    ("POST", "/v1/certificates/{id}/supersede"),
    ("GET", "/v1/certificates/{id}/qr.svg"),
    ("GET", "/v1/certificates/{id}/qr.png"),
    ("GET", "/v1/types"),
    ("GET", "/v1/types/business-licence"),
]
SCOPES = {
    "issue": ["/v1/certificates"],
    "read": [
        "/v1/certificates/{id}",
        "/v1/certificates/{id}/qr.svg",
        "/v1/certificates/{id}/qr.png",
    ],
    "status": [f"/v1/certificates/{{id}}/{name}" for name in ("suspend", "resume", "revoke")],
}


def _basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_private_routes_ask_for_credentials(world: Any, method: str, path: str) -> None:
    client = world.app.test_client()
    name, secret = world.credentials["business-licence"]
    wrong = [
        {},
        _basic(f"{name}:{secret[:-1]}"),
        _basic(f"{name}:"),
        _basic(f":{secret}"),
        _basic(f"nobody:{secret}"),
        _basic(f"{name}\x00:{secret}"),
        _basic(f"{name}:{'a' * 300}"),
        _basic(f"{name}' OR '1'='1:{secret}"),
        {"Authorization": "Basic !!!"},
        {"Authorization": f"Bearer {secret}"},
    ]
    for headers in wrong:
        answer = client.open(path.format(id=MISSING), method=method, headers=headers)
        assert answer.status_code == 401, headers
        assert answer.get_json()["code"] == "unauthenticated"
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="certsvc", charset="UTF-8"'


@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_opens_its_routes_only(world: Any, scope: str) -> None:
    engine = make_engine(world.settings.database_url)
    with writing(engine) as connection:
        secret = Clients(connection).add(
            "119999000000000198", f"only-{scope}", name="示例", scopes={scope}, now=1
        )
    engine.dispose()
    for needed, paths in SCOPES.items():
        for path in paths:
            method = "GET" if needed == "read" else "POST"
            answer = world.app.test_client().open(
                path.format(id=MISSING), method=method, auth=(f"only-{scope}", secret)
            )
            assert (answer.status_code == 403) == (needed != scope), path
            if needed != scope:
                assert answer.get_json()["code"] == "scope_missing"
                assert needed in answer.get_json()["detail"]


def test_another_issuers_certificate_looks_missing(
    licence: Any, police: Any, issued: dict[str, Any], new_key: Keys
) -> None:
    operations = ["", "/qr.svg", "/qr.png"]
    for other in (police, licence):
        found = issued["id"] if other is police else MISSING
        answers = [other.get(f"/v1/certificates/{found}{end}") for end in operations]
        answers += [
            other.post(f"/v1/certificates/{found}/{name}", {"reason": "x"})
            for name in ("suspend", "resume", "revoke")
        ]
        answers.append(
            other.post(f"/v1/certificates/{found}/supersede", {"claims": {}}, key=new_key())
        )
        for answer in answers:
            assert answer.status_code == 404
            document = answer.get_json()
            document.pop("instance")
            assert document == {
                "type": "urn:certsvc:problem:not_found",
                "code": "not_found",
                "title": "Not found",
                "title_zh": "未找到",
                "status": 404,
            }


@pytest.mark.parametrize("name", ["x", "0" * 31, "0" * 33, "Z" * 32, "0" * 32 + "%00", "%27--"])
def test_ids_of_another_shape_are_missing_too(licence: Any, name: str) -> None:
    assert licence.get(f"/v1/certificates/{name}").status_code == 404


def test_the_same_key_of_another_client_is_another_key(
    licence: Any,
    police: Any,
    licence_claims: list[dict[str, Any]],
    household_claims: list[dict[str, Any]],
    new_key: Keys,
) -> None:
    key = new_key()
    path = "/v1/certificates"
    first = licence.post(path, {"type": "business-licence", "claims": licence_claims[5]}, key=key)
    other = police.post(
        path, {"type": "household-register", "claims": household_claims[5]}, key=key
    )
    assert (first.status_code, other.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in other.headers


def test_clients_are_limited_each_for_itself(world: Any) -> None:
    settings = world.settings.model_copy(update={"rate_per_second": 0.5})
    client = create_app(settings, clock=world.clock).test_client()
    licence, police = world.credentials["business-licence"], world.credentials["household-register"]
    statuses = [client.get("/v1/types", auth=licence).status_code for _ in range(5)]
    assert statuses[:2] == [200, 200]
    assert statuses[-1] == 429
    refused = client.get("/v1/types", auth=licence)
    assert refused.get_json()["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) >= 1
    # Strangers cannot spend a client's allowance, and have one of their own.
    strangers = [client.get("/v1/types", auth=(police[0], "x")).status_code for _ in range(5)]
    assert strangers[-1] == 429
    assert client.get("/v1/types", auth=police).status_code == 200
    assert client.get("/healthz").status_code == 200
