from collections.abc import Callable
from typing import Any

import pytest

Keys = Callable[[], str]


@pytest.fixture
def reasons(licence: Any) -> dict[str, dict[str, Any]]:
    """The first reason of each operation of business licences."""
    detail = licence.get("/v1/types/business-licence").get_json()
    return {one["name"]: one["reasons"][0] for one in detail["operations"]}


def _change(reason: dict[str, Any]) -> dict[str, Any]:
    body = {"reason": reason["code"]}
    return {**body, "detail": "示例说明"} if reason["detail_required"] else body


def test_suspend_resume_revoke(
    licence: Any, issued: dict[str, Any], reasons: dict[str, Any]
) -> None:
    path = issued["links"]["self"]
    states = []
    for operation in ("suspend", "resume", "revoke"):
        answer = licence.post(f"{path}/{operation}", _change(reasons[operation]))
        assert answer.status_code == 200, answer.text
        found = answer.get_json()
        assert found["status_reason"] == reasons[operation]["code"]
        assert found["token"] == issued["token"]
        states.append(found["state"])
    assert states == ["suspended", "valid", "revoked"]
    assert licence.get(path).get_json()["state"] == "revoked"
    for operation in ("suspend", "resume"):
        answer = licence.post(f"{path}/{operation}", _change(reasons[operation]))
        assert (answer.status_code, answer.get_json()["code"]) == (409, "state_conflict")


def test_a_keyed_change_can_be_repeated(
    licence: Any, issued: dict[str, Any], reasons: dict[str, Any], new_key: Keys
) -> None:
    path = issued["links"]["self"]
    key = new_key()
    first = licence.post(f"{path}/suspend", _change(reasons["suspend"]), key=key)
    again = licence.post(f"{path}/suspend", _change(reasons["suspend"]), key=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.get_json() == first.get_json()
    unkeyed = licence.post(f"{path}/suspend", _change(reasons["suspend"]))
    assert unkeyed.status_code == 409
    bad = licence.post(f"{path}/suspend", _change(reasons["suspend"]), key="a" * 129)
    assert (bad.status_code, bad.get_json()["code"]) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ({}, "request_invalid", "/reason"),
        ({"reason": "no_such_reason"}, "reason_invalid", "/reason"),
        ({"reason": "x", "detail": "a" * 501}, "request_invalid", "/detail"),
        ({"reason": "x", "state": "valid"}, "request_invalid", "/state"),
    ],
)
def test_wrong_reasons(
    licence: Any, issued: dict[str, Any], body: dict[str, Any], code: str, path: str
) -> None:
    answer = licence.post(f"{issued['links']['self']}/revoke", body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert path in {error["path"] for error in answer.get_json()["errors"]}


def test_a_revocation_is_published(
    world: Any, licence: Any, issued: dict[str, Any], reasons: dict[str, Any]
) -> None:
    path = "/status/119999000000000198/1"
    before = world.app.test_client().get(path)
    licence.post(f"{issued['links']['self']}/revoke", _change(reasons["revoke"]))
    world.publish()
    after = world.app.test_client().get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.content_type == "application/statuslist+jwt"
    assert after.data != before.data
