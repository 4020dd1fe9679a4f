"""What every request and answer of both services has: ids, caps, headers, an access line."""

import logging
import re
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import ClientDisconnected

from certsvc.service.health import PROBES
from certsvc.service.limits import REQUEST_ID_CHARACTERS
from certsvc.service.logs import milliseconds, redact, write_line
from certsvc.service.metrics import Metrics
from certsvc.service.problems import (
    BODY_TOO_LARGE,
    MEDIA_TYPE_UNSUPPORTED,
    REQUEST_MALFORMED,
    Problem,
    ProblemTable,
    register_problems,
)
from certsvc.service.tracing import NO_TRACER, Tracer

JSON = "application/json"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_REQUEST_ID = re.compile(rf"[A-Za-z0-9._-]{{8,{REQUEST_ID_CHARACTERS}}}")
_access = logging.getLogger("certsvc.access")

#: Set unless a view has set its own. No script, no frame, no store, no sniffing (T64).
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """What differs between the services.

    Args:
        max_body: bytes a request body may have; more is 413.
        monotonic: clock in seconds for durations.
        new_request_id: makes an id for a request that brought none.
        metrics: counts requests.
        tracer: notes them.
    """

    max_body: int
    monotonic: Callable[[], float]
    new_request_id: Callable[[], str]
    metrics: Metrics = field(default_factory=Metrics)
    tracer: Tracer = NO_TRACER


def new_app(import_name: str, options: HttpOptions, table: ProblemTable) -> Flask:
    """A Flask application with the plumbing and no routes.

    Args:
        import_name: the package whose files the application may read.
        options: see `HttpOptions`.
        table: error class -> problem.
    """
    app = Flask(import_name, static_folder=None)
    # One more: Werkzeug cuts a body without a length off at the limit and says nothing, so the
    # extra byte is what tells a full body from a cut one (`read_body`).
    app.config["MAX_CONTENT_LENGTH"] = options.max_body + 1
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.compact = True  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # a redirect would answer for an address nobody published
    app.url_map.strict_slashes = True
    register_problems(app, table)

    @app.before_request
    def begin() -> None:
        g.started = options.monotonic()
        name = request.url_rule.rule if request.url_rule else "none"
        g.trace = ExitStack()
        tracing = options.tracer.request(name, request.headers.get("traceparent", ""))
        g.span = g.trace.enter_context(tracing)
        g.request_id = request_id(request.headers.get("X-Request-Id", ""), options)

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = g.request_id
        g.span.note(http_method=request.method, http_status=response.status_code)
        close_request(
            options,
            method=request.method,
            # The template: an address could hold a token, and its last part may name a certificate.
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            started=g.started,
            problem=g.get("problem_code"),
        )
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        if "trace" in g:
            g.trace.close()

    return app


def request_id(given: str, options: HttpOptions) -> str:
    """The id a client gave where it is harmless, else a new one; empty: none was given."""
    kept = given and _REQUEST_ID.fullmatch(given) and redact(given) == given
    return given if kept else options.new_request_id()


def close_request(
    options: HttpOptions,
    *,
    method: str,
    route: str | None,
    status: int,
    started: float,
    problem: str | None,
) -> None:
    """Count a request that has its answer, and write its line."""
    taken = options.monotonic() - started
    # A method or an address that somebody made up must not become a label.
    named, shown = route or "none", method if method in _METHODS else "other"
    options.metrics.requests.add(shown, named, str(status))
    options.metrics.request_seconds.observe(taken, named)
    # A probe every second that finds all well is noise.
    quiet = route in PROBES and status == HTTPStatus.OK
    fields = {
        "method": method,
        "route": route,
        "status": status,
        "duration_ms": milliseconds(taken),
        "problem": problem,
    }
    write_line(_access, logging.DEBUG if quiet else logging.INFO, "request", fields)


def require_media_type(allowed: Collection[str]) -> str:
    """The request's media type without parameters.

    Raises:
        Problem: 415, with `Accept` naming what is allowed (RFC 9110, 15.5.16).
    """
    if request.mimetype not in allowed:
        raise Problem(MEDIA_TYPE_UNSUPPORTED, headers={"Accept": ", ".join(sorted(allowed))})
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype == JSON and charset != "utf-8":
        raise Problem(MEDIA_TYPE_UNSUPPORTED, detail="JSON is UTF-8 (RFC 8259, 8.1)")
    return request.mimetype


def read_body(max_bytes: int) -> bytes:
    """The whole body.

    Args:
        max_bytes: cap; the application's own holds where it is smaller.

    Raises:
        Problem: 413 above the cap, 400 when the client went away in the middle.
    """
    max_bytes = min(max_bytes, current_app.config["MAX_CONTENT_LENGTH"] - 1)
    if (request.content_length or 0) > max_bytes:
        raise Problem(BODY_TOO_LARGE)
    try:
        body = request.get_data(cache=False)
    except ClientDisconnected as error:
        raise Problem(REQUEST_MALFORMED) from error
    if len(body) > max_bytes:
        raise Problem(BODY_TOO_LARGE)
    if len(body) < (request.content_length or 0):
        raise Problem(REQUEST_MALFORMED, detail="the body ended before its announced length")
    return body
