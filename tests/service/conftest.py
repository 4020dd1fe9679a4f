"""A small application over the shared plumbing, and a clock that only moves when told."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from certsvc.service import logs
from certsvc.service.http import HttpOptions, new_app, read_body, require_media_type
from certsvc.service.problems import NOT_FOUND, FieldProblem, Problem


class StoreLostError(Exception):
    """Stands for a domain error with a stable code."""

    code = "store_lost"


class StoreLostTodayError(StoreLostError):
    """A leaf under a listed ancestor."""


class Clock:
    """Seconds that stand still until somebody moves them."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(clock: Clock) -> Flask:
    options = HttpOptions(max_body=100, monotonic=clock, new_request_id=lambda: "made-0001")
    table = {StoreLostError: lambda error: Problem(NOT_FOUND, detail=error.code)}
    app = new_app("certsvc", options, table)

    @app.get("/ok/<name>")
    def ok(name: str) -> str:
        clock.now += 0.25
        logging.getLogger("certsvc.test").info("seen %s", name)
        return "ok"

    @app.get("/raise/<name>")
    def fail(name: str) -> str:
        if name == "own":
            raise StoreLostTodayError("张三 330102199003070010")
        if name == "fields":
            errors = [FieldProblem("/claims/0", "uscc_alphabet", "字", "character", 7)]
            errors += [
                FieldProblem(f"/claims/{n}", "required", "缺", "missing") for n in range(1, 150)
            ]
            raise Problem(NOT_FOUND, errors=errors, headers={"X-Extra": "1"})
        if name == "gateway":
            from werkzeug.exceptions import BadGateway

            raise BadGateway
        raise RuntimeError("张三 330102199003070010")

    @app.post("/body/<int:cap>")
    def body(cap: int) -> dict[str, Any]:
        require_media_type({"application/json"})
        return {"length": len(read_body(cap))}

    return app


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    stream = io.StringIO()
    root = logging.getLogger()
    level = root.level
    handler = logs.configure(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)
