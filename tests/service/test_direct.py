"""A route answered in front of Flask keeps what Flask promises, and leaves every refusal to it."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, request

from certsvc.service.direct import ADMITTED, DirectRoute, answer_directly
from certsvc.service.http import JSON, SECURITY_HEADERS, HttpOptions, read_body

Lines = Callable[[], list[dict[str, Any]]]
CAP = 40


@pytest.fixture
def front(app: Flask, clock: Any) -> Flask:
    """`/double` answers `{"n": 2}` with `{"n": 4}`, both ways; five requests are let pass."""
    admitted = iter([True] * 5 + [False] * 100)

    def double(body: bytes) -> bytes:
        return json.dumps({"n": json.loads(body)["n"] * 2}).encode()

    @app.post("/double")
    def by_flask() -> Response:
        answer = Response(double(read_body(CAP)), content_type=JSON)
        answer.headers["X-Way"] = f"flask, admitted {request.environ.get(ADMITTED, False)}"
        return answer

    route = DirectRoute(
        path="/double", max_body=CAP, admit=lambda _client: next(admitted), answer=double
    )
    options = HttpOptions(max_body=CAP, monotonic=clock, new_request_id=lambda: "made-by-the-front")
    answer_directly(app, route, options)
    return app


def post(app: Flask, body: bytes = b'{"n":2}', **more: Any) -> Any:
    return app.test_client().post("/double", data=body, content_type=JSON, **more)


def test_the_plain_case_never_reaches_flask(front: Flask) -> None:
    answer = post(front, headers={"X-Request-Id": "given-0001"})
    assert (answer.status_code, answer.get_json()) == (200, {"n": 4})
    assert "X-Way" not in answer.headers
    assert answer.headers["X-Request-Id"] == "given-0001"
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert post(front).headers["X-Request-Id"] == "made-by-the-front"


def test_a_harmful_request_id_is_replaced(front: Flask) -> None:
    answer = post(front, headers={"X-Request-Id": "990102199003070010"})
    assert answer.headers["X-Request-Id"] == "made-by-the-front"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"content_type": "application/json; charset=utf-8"}, 200),
        ({"query_string": "n=1"}, 200),
        ({"headers": {"Transfer-Encoding": "chunked"}}, 200),
        ({"data": b'{"n":2' + b" " * CAP + b"}"}, 413),
        ({"path": "/double/"}, 404),
        ({"method": "PUT"}, 405),
        ({"environ_overrides": {"CONTENT_LENGTH": "-7"}}, 200),
        ({"environ_overrides": {"CONTENT_LENGTH": "1" * 30}}, 413),
        ({"environ_overrides": {"CONTENT_LENGTH": "٧"}}, 200),
    ],
)
def test_any_other_case_is_flasks(front: Flask, more: dict[str, Any], status: int) -> None:
    asked = {"path": "/double", "method": "POST", "data": b'{"n":2}', "content_type": JSON}
    answer = front.test_client().open(**asked | more)
    if status == 200:
        assert answer.headers.get("X-Way") == "flask, admitted False" or answer.status_code >= 400
    else:
        assert answer.status_code == status


def test_a_client_over_its_rate_is_flasks_to_refuse(front: Flask) -> None:
    ways = [post(front).headers.get("X-Way") for _ in range(6)]
    assert ways == [None] * 5 + ["flask, admitted False"]


@pytest.mark.parametrize("body", [b"no json", b"{}", b'{"n":null}'])
def test_what_is_refused_is_said_by_flask_and_counted_once(
    front: Flask, body: bytes, log_lines: Lines
) -> None:
    answer = post(front, body)
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] == "made-by-the-front"
    assert answer.get_json()["instance"] == "made-by-the-front"
    (line,) = (line for line in log_lines() if line["logger"] == "certsvc.access")
    assert (line["status"], line["problem"]) == (500, "internal_error")


def test_flask_sees_the_body_again(front: Flask) -> None:
    seen = []
    front.before_request(lambda: seen.append((request.environ[ADMITTED], request.get_data())))
    post(front, b'{"m":2}')
    assert seen == [(True, b'{"m":2}')]


def test_a_body_cut_off_in_the_middle_is_malformed(front: Flask) -> None:
    answer = front.test_client().post(
        "/double",
        input_stream=io.BytesIO(b'{"n":2}'),
        content_type=JSON,
        environ_overrides={"CONTENT_LENGTH": "12"},
    )
    assert (answer.status_code, answer.get_json()["code"]) == (400, "request_malformed")


def test_the_access_line_is_the_same_both_ways(front: Flask, log_lines: Lines) -> None:
    given = {"X-Request-Id": "given-0001"}
    post(front, headers=given)
    front.test_client().post(
        "/double", data=b'{"n":2}', content_type=f"{JSON}; charset=utf-8", headers=given
    )
    one, other = ({**line, "time": ""} for line in log_lines() if "route" in line)
    assert one | {"duration_ms": 0.0} == other | {"duration_ms": 0.0}
    assert (one["request_id"], one["client_id"], one["route"]) == ("given-0001", None, "/double")
