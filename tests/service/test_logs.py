import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from certsvc.service import logs

Lines = Callable[[], list[dict[str, Any]]]
_log = logging.getLogger("certsvc.test")


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.c2ln~WyJh~",
        "Basic bWFya2V0OnNlY3JldA==",
        "https://certs.example/v#1234",
        "1" * 60,
        "11010519491231002X",
        "postgresql://certsvc:hunter2@db/certs",
    ],
)
def test_secrets_are_blanked(log_lines: Lines, secret: str) -> None:
    _log.info("value %s seen", secret)
    (line,) = log_lines()
    assert "[redacted]" in line["message"]
    for part in secret.replace("/v#", " ").split():
        assert part.split("://")[-1] not in line["message"] or part == "https://certs.example"


def test_harmless_text_stays(log_lines: Lines) -> None:
    _log.info("published list %d of 119999000000000198", 3)
    (line,) = log_lines()
    assert line["message"] == "published list 3 of 119999000000000198"
    assert line["level"] == "info"
    assert line["logger"] == "certsvc.test"
    assert line["time"].endswith("Z")
    assert len(line["time"]) == 24


def test_exceptions_leave_their_messages_behind(log_lines: Lines) -> None:
    class CodedError(Exception):
        code = "coded"

    def inner() -> None:
        try:
            raise ValueError("张三")
        except ValueError as error:
            raise CodedError("李四") from error

    try:
        inner()
    except CodedError:
        _log.exception("work failed")
    (line,) = log_lines()
    assert line["error"]["code"] == "coded"
    assert [name.split(".")[-1] for name in line["error"]["classes"]] == [
        "CodedError",
        "ValueError",
    ]
    assert any("inner" in place for place in line["error"]["trace"])
    assert "张三" not in json.dumps(line, ensure_ascii=False)
    assert "李四" not in json.dumps(line, ensure_ascii=False)


def test_long_and_broken_messages(log_lines: Lines) -> None:
    _log.info("word " * 1000)
    _log.info("%d", "not a number")
    long, broken = log_lines()
    assert len(long["message"]) == logs.MAX_MESSAGE
    assert "could not be formatted" in broken["message"]


def test_only_known_extra_members_are_written(log_lines: Lines) -> None:
    _log.info("x", extra={"status": 200, "holder": "张三"})
    (line,) = log_lines()
    assert line["status"] == 200
    assert "holder" not in line


def test_lines_inside_a_request_carry_its_id(app: Flask, log_lines: Lines) -> None:
    app.test_client().get("/ok/a")
    assert {line["request_id"] for line in log_lines()} == {"made-0001"}


def test_configuring_twice_does_not_write_twice(log_lines: Lines) -> None:
    root = logging.getLogger()
    before = len(root.handlers)
    handler = logs.configure()
    assert len(root.handlers) == before
    root.removeHandler(handler)


def test_an_unexpected_error_is_logged_without_its_message(app: Flask, log_lines: Lines) -> None:
    app.test_client().get("/raise/other")
    error = next(line for line in log_lines() if line["level"] == "error")
    assert error["error"]["classes"] == ["RuntimeError"]
    assert "张三" not in json.dumps(log_lines(), ensure_ascii=False)


def test_lines_that_are_no_records_have_the_same_members(log_lines: Lines) -> None:
    logs.write_line(_log, logging.INFO, "request", {"status": 200})
    logs.write_line(_log, logging.DEBUG, "request", {"status": 200})
    _log.info("request", extra={"status": 200})
    one, other = log_lines()
    assert one | {"time": ""} == other | {"time": ""}
    assert len(one["time"]) == len(other["time"]) == 24


def test_a_line_of_a_request_outside_flask_carries_its_id(log_lines: Lines) -> None:
    token = logs.direct_request.set("direct-01")
    try:
        _log.warning("seen")
        logs.write_line(_log, logging.INFO, "request", {})
    finally:
        logs.direct_request.reset(token)
    _log.warning("elsewhere")
    first, second, third = log_lines()
    assert (first["request_id"], second["request_id"]) == ("direct-01", "direct-01")
    assert "request_id" not in third


def test_what_has_no_quick_form_is_written_all_the_same(log_lines: Lines) -> None:
    logs.write_line(_log, logging.INFO, "request", {"status": 2**70, "route": "\ud800"})
    (line,) = log_lines()
    assert (line["status"], line["route"]) == (2**70, "\ud800")


def test_half_a_surrogate_pair_loses_no_line() -> None:
    raw = io.BytesIO()
    root, level = logging.getLogger(), logging.getLogger().level
    handler = logs.configure(io.TextIOWrapper(raw, encoding="utf-8"))
    try:
        # Straight to the handler: the runner's own records could not be passed on.
        handler.handle(_log.makeRecord("x", logging.WARNING, "", 0, "of %s", ("\ud800",), None))
        logs.write_line(_log, logging.INFO, "request", {"route": "\ud800"})
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    first, second = map(json.loads, raw.getvalue().splitlines())
    assert (first["message"], second["route"]) == ("of \ud800", "\ud800")


def test_a_closed_stream_breaks_no_request() -> None:
    stream = io.StringIO()
    root, level = logging.getLogger(), logging.getLogger().level
    handler = logs.configure(stream)
    try:
        stream.close()
        logs.write_line(_log, logging.INFO, "request", {})
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
