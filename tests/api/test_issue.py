import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

Claims = list[dict[str, Any]]
Keys = Callable[[], str]
PATH = "/v1/certificates"


def _payload(token: str) -> dict[str, Any]:
    part = token.split("~")[0].split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def test_a_licence_is_issued(licence: Any, licence_claims: Claims, new_key: Keys) -> None:
    body = {"type": "business-licence", "claims": licence_claims[3]}
    answer = licence.post(PATH, body, key=new_key())
    assert answer.status_code == 201
    found = answer.get_json()
    assert answer.headers["Location"] == found["links"]["self"] == f"{PATH}/{found['id']}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Idempotent-Replayed" not in answer.headers
    assert found["type"] == "business-licence"
    assert found["state"] == "valid"
    assert found["certificate_identifier"].startswith("1.2.156.3005.2.")
    assert found["qr"]["text"].startswith("https://certs.example/v#")
    assert found["qr"]["ecc"] in {"Q", "M"}
    assert found["qr"]["svg"] == f"{PATH}/{found['id']}/qr.svg"
    assert found["qr_reason"] is None
    payload = _payload(found["token"])
    assert payload["iss"] == "https://certs.example/i/119999000000000198"
    assert payload["name"] == licence_claims[3]["name"]
    assert payload["iat"] == found["issued_at"]


def test_a_household_is_issued(police: Any, household_claims: Claims, new_key: Keys) -> None:
    body = {"type": "household-register", "claims": household_claims[0], "profile": "core"}
    answer = police.post(PATH, body, key=new_key())
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["profile"] == "core"


def test_it_reads_back_the_same(licence: Any, issued: dict[str, Any]) -> None:
    answer = licence.get(issued["links"]["self"])
    assert answer.status_code == 200
    assert answer.get_json() == issued


def test_a_retry_gets_the_stored_answer(
    licence: Any, licence_claims: Claims, new_key: Keys
) -> None:
    body = {"type": "business-licence", "claims": licence_claims[1]}
    key = new_key()
    first = licence.post(PATH, body, key=key)
    again = licence.post(PATH, body, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = licence.post(PATH, {**body, "claims": licence_claims[2]}, key=key)
    assert other.status_code == 422
    assert other.get_json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "idempotency_key_missing"),
        ({"Idempotency-Key": ""}, "idempotency_key_invalid"),
        ({"Idempotency-Key": "a" * 129}, "idempotency_key_invalid"),
        ({"Idempotency-Key": "line\x7fbreak"}, "idempotency_key_invalid"),
        ({"Idempotency-Key": "caf\u00e9"}, "idempotency_key_invalid"),
        ({"Idempotency-Key": "tab\there"}, "idempotency_key_invalid"),
    ],
)
@pytest.mark.parametrize("path", [PATH, f"{PATH}/{'0' * 32}/supersede"])
def test_the_idempotency_key(licence: Any, path: str, headers: Any, code: str) -> None:
    answer = licence.client.post(path, json={}, headers=headers, auth=licence.auth)
    assert answer.status_code == 400
    assert answer.get_json()["code"] == code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"type":"a","type":"b","claims":{}}',
        b'{"type":"a","claims":{"n":NaN}}',
        b'{"type":"a","claims":{"n":1e400}}',
        b'{"type":"a","claims":{"n":99999999999999999999}}',
        b'{"type":"a","claims":{"n":"\\ud800"}}',
        b'{"type":"a","claims":{"n":"\\u0000"}}',
        b'{"type":"a","claims":' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
def test_bodies_that_are_not_strict_json(licence: Any, body: bytes, new_key: Keys) -> None:
    answer = licence.post(PATH, data=body, key=new_key())
    assert answer.status_code == 400
    document = answer.get_json()
    assert document["code"] == "body_malformed"
    (error,) = document["errors"]
    assert (error["path"], error["zh"]) == ("", "请求正文不是合格的 JSON")
    assert error["en"]


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ([], "", "type_invalid"),
        ({}, "/type", "required"),
        ({"type": 1, "claims": {}}, "/type", "type_invalid"),
        ({"type": "", "claims": {}}, "/type", "format_invalid"),
        ({"type": "a" * 65, "claims": {}}, "/type", "text_too_long"),
        ({"type": "../x", "claims": {}}, "/type", "format_invalid"),
        ({"type": "a", "claims": []}, "/claims", "type_invalid"),
        ({"type": "a", "claims": {}, "version": "1"}, "/version", "type_invalid"),
        ({"type": "a", "claims": {}, "version": True}, "/version", "type_invalid"),
        ({"type": "a", "claims": {}, "version": 0}, "/version", "format_invalid"),
        ({"type": "a", "claims": {}, "iat": 1}, "/iat", "unknown_member"),
        ({"type": "a", "claims": {}, "a/~b": 1}, "/a~1~0b", "unknown_member"),
    ],
)
def test_bodies_that_break_the_schema(
    licence: Any, body: Any, path: str, code: str, new_key: Keys
) -> None:
    answer = licence.post(PATH, body, key=new_key())
    assert answer.status_code == 422
    document = answer.get_json()
    assert document["code"] == "request_invalid"
    found = {error["path"]: error["code"] for error in document["errors"]}
    assert found[path] == code


def test_claims_are_named_at_their_places(
    licence: Any, licence_claims: Claims, new_key: Keys
) -> None:
    claims = {
        **licence_claims[0],
        "unified_social_credit_code": "91999900MA0000007V",
        "established_on": "2018-02-30",
        "iat": 1,
    }
    key = new_key()
    body = {"type": "business-licence", "claims": claims}
    answer = licence.post(PATH, body, key=key)
    assert answer.status_code == 422
    document = answer.get_json()
    assert document["code"] == "claims_invalid"
    found = {error["path"]: error for error in document["errors"]}
    assert found["/claims/unified_social_credit_code"]["value_position"] == 18
    assert found["/claims/established_on"]["code"] == "date_invalid"
    assert found["/claims/iat"]["code"] == "unknown_member"
    assert all(error["zh"] and error["en"] for error in document["errors"])
    # A refusal is not stored: the corrected request may use the same key.
    good = licence.post(PATH, {**body, "claims": licence_claims[0]}, key=key)
    assert good.status_code == 201


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"type": "no-such-type"}, 422, "type_unknown"),
        ({"version": 99}, 422, "type_unknown"),
        ({"profile": "no-such"}, 422, "profile_unknown"),
    ],
)
def test_unknown_types(
    licence: Any,
    licence_claims: Claims,
    new_key: Keys,
    change: dict[str, Any],
    status: int,
    code: str,
) -> None:
    body = {"type": "business-licence", "claims": licence_claims[0], **change}
    answer = licence.post(PATH, body, key=new_key())
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_a_department_issues_its_own_types_only(
    licence: Any, household_claims: Claims, new_key: Keys
) -> None:
    body = {"type": "household-register", "claims": household_claims[0]}
    answer = licence.post(PATH, body, key=new_key())
    assert answer.status_code == 403
    document = answer.get_json()
    assert document["code"] == "not_authorised_for_type"
    (error,) = document["errors"]
    assert error["path"] == "/type"
    assert all((error["zh"], error["en"]))


def test_content_type_and_size(licence: Any, new_key: Keys) -> None:
    answer = licence.post(PATH, {}, key=new_key(), content_type="text/json")
    assert (answer.status_code, answer.get_json()["code"]) == (415, "media_type_unsupported")
    large = b'{"type":"' + b"a" * 262_144 + b'"}'
    answer = licence.post(PATH, data=large, key=new_key())
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")


def test_a_new_version_takes_the_place_of_the_old(
    licence: Any, licence_claims: Claims, issued: dict[str, Any], new_key: Keys
) -> None:
    changed = {**licence_claims[0], "domicile": "示例市新址路2号"}
    path = issued["links"]["self"]
    key = new_key()
    answer = licence.post(f"{path}/supersede", {"claims": changed}, key=key)
    assert answer.status_code == 201, answer.text
    new = answer.get_json()
    assert new["links"]["supersedes"] == path
    assert new["certificate_identifier"].split(".")[-2] == "002"
    old = licence.get(path).get_json()
    assert old["state"] == "superseded"
    assert old["links"]["superseded_by"] == new["links"]["self"]
    again = licence.post(f"{path}/supersede", {"claims": changed}, key=key)
    assert again.get_json() == new
    assert again.headers["Idempotent-Replayed"] == "true"
    late = licence.post(f"{path}/supersede", {"claims": changed}, key=new_key())
    assert (late.status_code, late.get_json()["code"]) == (409, "state_conflict")
