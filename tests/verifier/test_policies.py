"""Policies that the service keeps: requests name them, the clerk chooses a matter."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from certsvc.service.settings import SettingsInvalid

POLICIES: dict[str, Any] = {
    "tender": {
        "title": {"zh": "工程投标", "en": "Tender"},
        "types": ["business-licence"],
        "predicates": [
            {"claim": "/registered_capital", "op": "yuan_at_least", "value": 100_000_000}
        ],
    },
    "signed": {
        "predicates": [{"claim": "/legal_representative", "op": "equals", "given": "applicant"}]
    },
    "bound": {"require_holder_binding": True},
    "plain": {},
}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    file = tmp_path / "policies.json"
    file.write_text(json.dumps(POLICIES, ensure_ascii=False), encoding="utf-8")
    return file


@pytest.fixture
def client(kept: Path, make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app().test_client()


def verdict(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.get_json()
    (entry,) = answer.get_json()["verifications"]
    found: dict[str, Any] = entry["verdict"]
    return found


def test_a_request_names_a_policy(client: FlaskClient, world: Any) -> None:
    token = world.issue()
    by_json = client.post("/v1/verifications", json={"text": token, "policy": "tender"})
    by_form = client.post("/v1/verifications", data={"text": token, "policy": "tender"},
                          content_type="multipart/form-data")  # fmt: skip
    for answer in (by_json, by_form):
        found = verdict(answer)
        assert (found["code"], found["reasons"]) == ("valid", ["policy_not_met"])
        assert found["sentence"]["zh"].endswith("：注册资本须不低于人民币 100000000 元")
        assert found["unmet"][0]["rule"] == "/predicates/0"
        assert found["policy"] == POLICIES["tender"]


def test_what_belongs_to_the_case_comes_beside_the_name(client: FlaskClient, world: Any) -> None:
    token = world.issue()
    for applicant, reasons in (("张示例", []), ("李示例", ["policy_not_met"])):
        wanted = {"name": "signed", "given": {"applicant": applicant}}
        answer = client.post("/v1/verifications", json={"text": token, "policy": wanted})
        found = verdict(answer)
        assert found["reasons"] == reasons
        assert "given" not in found["policy"]
    answer = client.post("/v1/verifications", json={"text": token, "policy": "signed"})
    assert verdict(answer)["reasons"] == ["policy_not_met"]


@pytest.mark.parametrize(
    ("policy", "path", "code"),
    [
        ("unheard", "/policy", "format_invalid"),
        ({"name": "unheard"}, "/policy/name", "format_invalid"),
        ({"name": "tender", "predicates": []}, "/policy/predicates", "unknown_member"),
        ({"name": "signed", "given": {"a": []}}, "/policy/given/a", "format_invalid"),
    ],
    ids=str,
)
def test_the_rules_are_the_departments(
    client: FlaskClient, policy: Any, path: str, code: str
) -> None:
    answer = client.post("/v1/verifications", json={"text": "x", "policy": policy})
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (422, "policy_invalid")
    (error,) = problem["errors"]
    assert (error["path"], error["code"]) == (path, code)


def test_without_a_file_no_name_is_known(make_app: Callable[..., Flask]) -> None:
    answer = make_app().test_client().post("/v1/verifications", json={"text": "x", "policy": "any"})
    assert answer.get_json()["code"] == "policy_invalid"


def test_the_clerk_chooses_a_matter(client: FlaskClient, world: Any) -> None:
    html = client.get("/").get_data(as_text=True)
    # What needs a device or a value of the case cannot be answered by a certificate alone.
    assert re.findall(r'<option value="@(\w+)">(.*?)</option>', html) == [
        ("tender", "工程投标 Tender"),
        ("plain", "plain "),
    ]
    answer = client.post("/", data={"text": world.issue(), "type": "@tender"})
    html = answer.get_data(as_text=True)
    assert '<article class="card blue"' in html
    assert "未满足办理规则：注册资本须不低于人民币 100000000 元" in html
    assert '<option value="@tender" selected>' in html
    assert client.post("/", data={"text": "x", "type": "@unheard"}).status_code == 422


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"a": {"types": []}}', b'{"a": {}, "a": {}}'], ids=str
)
def test_a_wrong_file_stops_the_start(
    kept: Path, make_app: Callable[..., Flask], content: bytes
) -> None:
    kept.write_bytes(content)
    with pytest.raises(SettingsInvalid, match=r"^CERTSVC_POLICIES: "):
        make_app()


def test_a_file_that_cannot_be_read_stops_the_start(
    tmp_path: Path, make_app: Callable[..., Flask]
) -> None:
    with pytest.raises(SettingsInvalid, match=r"^CERTSVC_POLICIES: the file cannot be read"):
        make_app(policies=tmp_path)
