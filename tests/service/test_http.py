import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from certsvc.service.health import ReadyCheck, health_blueprint
from certsvc.service.http import SECURITY_HEADERS
from certsvc.service.problems import MAX_FIELD_ERRORS, MEDIA_TYPE

Lines = Callable[[], list[dict[str, Any]]]


def test_every_answer_has_a_request_id_and_security_headers(app: Flask) -> None:
    client = app.test_client()
    for path in ("/ok/a", "/missing", "/raise/own", "/raise/other"):
        answer = client.get(path)
        assert answer.headers["X-Request-Id"] == "made-0001"
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0b8e5f0e-1a", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("short", False),
        ("has space 12", False),
        ("990102199003070010", False),  # a citizen ID would travel into the log
        ("line\u00e9break-1", False),
    ],
)
def test_a_given_request_id_is_kept_when_it_is_harmless(app: Flask, given: str, kept: bool) -> None:
    answer = app.test_client().get("/ok/a", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == (given if kept else "made-0001")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/missing", 404, "not_found"),
        ("//ok/a", 404, "not_found"),
        ("/raise/own", 404, "not_found"),
        ("/raise/other", 500, "internal_error"),
        ("/raise/gateway", 500, "internal_error"),
    ],
)
def test_errors_are_problem_documents(app: Flask, path: str, status: int, code: str) -> None:
    answer = app.test_client().get(path)
    assert answer.status_code == status
    assert answer.content_type == MEDIA_TYPE
    document = answer.get_json()
    assert document["code"] == code
    assert document["type"] == f"urn:certsvc:problem:{code}"
    assert document["status"] == status
    assert document["instance"] == "made-0001"
    assert document["title"]
    assert document["title_zh"]
    assert "张三" not in answer.text


def test_a_wrong_method_names_the_right_ones(app: Flask) -> None:
    answer = app.test_client().put("/ok/a")
    assert answer.status_code == 405
    assert answer.get_json()["code"] == "method_not_allowed"
    assert "GET" in answer.headers["Allow"]


def test_field_errors_are_capped_and_headers_travel(app: Flask) -> None:
    answer = app.test_client().get("/raise/fields")
    errors = answer.get_json()["errors"]
    assert len(errors) == MAX_FIELD_ERRORS
    assert errors[0]["value_position"] == 7
    assert errors[1] == {"path": "/claims/1", "code": "required", "zh": "缺", "en": "missing"}
    assert answer.headers["X-Extra"] == "1"


@pytest.mark.parametrize(
    ("size", "cap", "status"), [(50, 50, 200), (51, 50, 413), (100, 200, 200), (101, 200, 413)]
)
def test_body_caps(app: Flask, size: int, cap: int, status: int) -> None:
    answer = app.test_client().post(
        f"/body/{cap}", data=b"x" * size, content_type="application/json"
    )
    assert answer.status_code == status
    if status == 413:
        assert answer.get_json()["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("cap", "size", "status"),
    [
        (50, 50, 200),
        (50, 51, 413),
        (50, 5000, 413),
        (100, 100, 200),
        (100, 101, 413),
        (999, 150, 413),
    ],
)
def test_body_caps_hold_without_a_length(app: Flask, cap: int, size: int, status: int) -> None:
    answer = app.test_client().post(
        f"/body/{cap}",
        input_stream=io.BytesIO(b"x" * size),
        content_type="application/json",
        environ_overrides={
            "CONTENT_LENGTH": "",
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input_terminated": True,
        },
    )
    assert answer.status_code == status


@pytest.mark.parametrize("terminated", [{}, {"wsgi.input_terminated": True}])
def test_a_body_cut_off_in_the_middle_is_malformed(app: Flask, terminated: dict[str, Any]) -> None:
    answer = app.test_client().post(
        "/body/50",
        input_stream=io.BytesIO(b"x" * 10),
        content_type="application/json",
        environ_overrides={"CONTENT_LENGTH": "40", **terminated},
    )
    assert answer.status_code == 400
    assert answer.get_json()["code"] == "request_malformed"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=UTF-8", 200),
        ("application/json; charset=utf-16", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        (None, 415),
    ],
)
def test_media_types(app: Flask, content_type: str | None, status: int) -> None:
    answer = app.test_client().post("/body/50", data=b"{}", content_type=content_type)
    assert answer.status_code == status
    if status == 415 and content_type != "application/json; charset=utf-16":
        assert answer.headers["Accept"] == "application/json"


def test_the_access_line_names_the_template_and_never_the_address(
    app: Flask, log_lines: Lines
) -> None:
    app.test_client().get("/ok/secret-name?token=eyJhbGciOiJFUzI1NiJ9.e30.x")
    app.test_client().get("/nowhere/secret-name")
    known, unknown = (line for line in log_lines() if line["logger"] == "certsvc.access")
    assert known["route"] == "/ok/<name>"
    assert known["method"] == "GET"
    assert known["status"] == 200
    assert known["duration_ms"] == 250.0
    assert known["request_id"] == "made-0001"
    assert unknown["route"] is None
    assert unknown["problem"] == "not_found"
    assert "secret-name" not in str([known, unknown])


@pytest.mark.parametrize(("path", "seen"), [("/healthz", 0), ("/readyz", 0), ("/elsewhere", 1)])
def test_probes_that_find_all_well_write_no_access_line(
    app: Flask, log_lines: Any, path: str, seen: int
) -> None:
    app.register_blueprint(health_blueprint([]))
    app.test_client().get(path)
    assert len([line for line in log_lines() if line["logger"] == "certsvc.access"]) == seen


def test_a_probe_that_finds_something_missing_does(app: Flask, log_lines: Any) -> None:
    app.register_blueprint(health_blueprint([ReadyCheck("keys", lambda: "no_active_key")]))
    app.test_client().get("/readyz")
    (line,) = (line for line in log_lines() if line["logger"] == "certsvc.access")
    assert (line["route"], line["status"]) == ("/readyz", 503)
