"""What `POST /v1/verifications` refuses before any verdict: shape, size, type, number."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from certsvc_sdk.policy.rules import MEMBERS
from verifier.inputs import FILE_BYTES, JSON_BYTES, REQUEST_BYTES
from verifier.problems import VERIFIER_KINDS

Ask = Callable[..., tuple[int, Any]]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def form(**fields: Any) -> dict[str, Any]:
    return {"data": fields, "content_type": "multipart/form-data"}


@pytest.mark.parametrize(
    ("policy", "path", "code"),
    [
        ({"types": []}, "/policy/types", "format_invalid"),
        ({"surprise": 1}, "/policy/surprise", "unknown_member"),
        ({"a/b~": 1}, "/policy/a~1b~0", "unknown_member"),
        ({"max_status_age": "1"}, "/policy/max_status_age", "format_invalid"),
        ({"predicates": [{"claim": "a", "op": "~="}]}, "/policy/predicates/0/op", "format_invalid"),
        ({"predicates": [{"rule": "a"}]}, "/policy/predicates/0/rule", "unknown_member"),
        ({"types": ["a", {"type": 1}]}, "/policy/types/1/type", "format_invalid"),
        ({"name": "unheard"}, "/policy/name", "format_invalid"),
    ],
    ids=str,
)
def test_a_bad_policy(ask: Ask, policy: dict[str, Any], path: str, code: str) -> None:
    for arguments in (
        {"body": {"text": "x", "policy": policy}},
        form(text="x", policy=json.dumps(policy)),
    ):
        status, problem = ask(**arguments)
        assert (status, problem["code"]) == (422, "policy_invalid")
        (error,) = problem["errors"]
        assert (error["path"], error["code"]) == (path, code)
        assert CHINESE.search(error["zh"])
        assert error["en"]


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_every_rule_has_words_of_its_own(ask: Ask, name: str) -> None:
    _, problem = ask({"text": "x", "policy": {name: 0.5}})
    (error,) = problem["errors"]
    assert (error["path"], error["code"]) == (f"/policy/{name}", "format_invalid")
    assert CHINESE.search(error["zh"])


@pytest.mark.parametrize("policy", ["", "{", "[]", '{"types":["a"],"types":["b"]}', "\ufffd"])
def test_a_policy_that_is_no_json(ask: Ask, policy: str) -> None:
    status, problem = ask(**form(text="x", policy=policy))
    assert (status, problem["code"]) == (422, "policy_invalid")
    (error,) = problem["errors"]
    assert (error["path"], error["code"]) == ("/policy", "type_invalid")
    assert "JSON 对象" in error["zh"]


def test_single_is_true_or_false(ask: Ask) -> None:
    status, problem = ask({"text": "x"}, query="?single=yes")
    assert (status, problem["code"]) == (422, "request_invalid")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"text":"a","text":"b"}',
        b'{"text":NaN}',
        b"\xff",
        b'\xef\xbb\xbf{"text":"a"}',
        b'{"text":"\\ud800"}',
        b'{"policy":' + b"[" * 50 + b"]" * 50 + b"}",
    ],
    ids=repr,
)
def test_malformed_bodies(ask: Ask, body: bytes) -> None:
    status, problem = ask(data=body, content_type="application/json")
    assert (status, problem["code"]) == (400, "body_malformed")
    assert "detail" not in problem
    (error,) = problem["errors"]
    assert (error["path"], error["zh"]) == ("", "请求正文不是合格的 JSON")


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"text": 1}, "/text", "type_invalid"),
        ({"surprise": 1, "text": "x"}, "/surprise", "unknown_member"),
        ({"items": [{"text": "x"}, {}]}, "/items/1/text", "required"),
        ({"items": [{"text": "x", "a/b~": 1}]}, "/items/0/a~1b~0", "unknown_member"),
        ({"items": "x"}, "/items", "type_invalid"),
        ({"text": "x", "policy": []}, "/policy", "type_invalid"),
        ({"text": "x", "items": [{"text": "x"}]}, "/items", "exclusive"),
    ],
    ids=str,
)
def test_requests_of_another_shape(ask: Ask, body: Any, path: str, code: str) -> None:
    status, problem = ask(body)
    assert (status, problem["code"]) == (422, "request_invalid")
    assert [(error["path"], error["code"]) for error in problem["errors"]] == [(path, code)]
    assert (problem["errors"][0]["zh"] == "没有此项") == (code == "unknown_member")


def test_forms_of_another_shape(ask: Ask) -> None:
    for fields in (
        {"text": "x", "surprise": "1"},
        {"text": "x", "other": (io.BytesIO(b"x"), "a.png")},
    ):
        status, problem = ask(**form(**fields))
        assert (status, problem["code"]) == (422, "request_invalid")
        assert [error["zh"] for error in problem["errors"]] == ["没有此项"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"body": {}},
        {"body": {"text": " \n"}},
        {"body": {"items": []}},
        {"data": b"", "content_type": "image/png"},
        form(text=""),
        form(),
    ],
    ids=str,
)
def test_nothing_to_verify(ask: Ask, arguments: Any) -> None:
    status, problem = ask(**arguments)
    assert (status, problem["code"]) == (422, "input_missing")


def test_too_many(ask: Ask, world: Any) -> None:
    status, problem = ask({"items": [{"text": "x"}] * 101})
    assert (status, problem["code"]) == (422, "too_many_items")
    assert "至多 10 个文件、共 100 项" in problem["title_zh"]
    assert "at most 10 files, 100 items" in problem["title"]
    status, problem = ask(**form(file=[(io.BytesIO(b"x"), "a.png") for _ in range(11)]))
    assert (status, problem["code"]) == (422, "too_many_items")
    assert ask({"items": [{"text": "x"}] * 100})[0] == 200


@pytest.mark.parametrize(
    ("size", "content_type", "code"),
    [
        (JSON_BYTES + 1, "application/json", "body_too_large"),
        (FILE_BYTES + 1, "image/png", "body_too_large"),
        (FILE_BYTES + 1, "application/pdf", "body_too_large"),
        (REQUEST_BYTES + 1, "multipart/form-data; boundary=x", "body_too_large"),
    ],
)
def test_oversize(ask: Ask, size: int, content_type: str, code: str) -> None:
    status, problem = ask(data=bytes(size), content_type=content_type)
    assert (status, problem["code"]) == (413, code)


def test_an_oversize_file_in_a_form(ask: Ask) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    body = head + bytes(FILE_BYTES + 1) + b"\r\n--x--\r\n"
    status, problem = ask(data=body, content_type="multipart/form-data; boundary=x")
    assert (status, problem["code"]) == (413, "file_too_large")
    assert problem["errors"][0]["path"] == "/file/0"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "image/", "", "video/mp4"]
)
def test_other_content_types(ask: Ask, content_type: str) -> None:
    status, problem = ask(data=b"x", content_type=content_type)
    assert (status, problem["code"]) == (415, "media_type_unsupported")


def test_problems_speak_both_languages(ask: Ask) -> None:
    _, problem = ask({})
    assert problem["title_zh"] == "没有可核验的内容"
    assert problem["title"] == "Nothing to verify was given"
    assert problem["type"] == "urn:certsvc:problem:input_missing"
    assert len({kind.code for kind in VERIFIER_KINDS}) == len(VERIFIER_KINDS)


def test_the_rate_limit(make_app: Callable[..., Flask]) -> None:
    client = make_app(rate_per_second=0.1).test_client()
    post = {"data": '{"text":"x"}', "content_type": "application/json"}
    answers = [client.post("/v1/verifications", **post) for _ in range(3)]
    assert answers[0].status_code == 200
    assert answers[-1].get_json()["code"] == "rate_limited"
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert client.get("/healthz").status_code == 200
