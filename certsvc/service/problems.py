"""RFC 9457 problem details: one shape for every error answer, one table from errors to them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, json
from werkzeug.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:certsvc:problem:"
MAX_FIELD_ERRORS = 100  # a wrong form has a few; more would only make the answer a burden

_log = logging.getLogger("certsvc.http")


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One row of the problem table: a stable code, its HTTP status and its two titles."""

    code: str
    status: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong at one place of the request.

    Attributes:
        path: JSON pointer (RFC 6901) into the body, empty for the whole; `/name` for the query
            parameter or form field of that name.
        code: stable code of the defect.
        zh: Chinese sentence.
        en: English sentence.
        value_position: 1-based position of the character meant, where it is one character.
        least: the smallest number that would do, where it is a number that was too small.
    """

    path: str
    code: str
    zh: str
    en: str
    value_position: int | None = None
    least: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The element of `errors`."""
        element: dict[str, Any] = {
            "path": self.path,
            "code": self.code,
            "zh": self.zh,
            "en": self.en,
        }
        if self.value_position is not None:
            element["value_position"] = self.value_position
        if self.least is not None:
            element["least"] = self.least
        return element


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """An error answer on its way to the client.

    Args:
        kind: the row of the table.
        detail: one English sentence about this occurrence, free of personal data.
        errors: places in the request, at most `MAX_FIELD_ERRORS` are sent.
        headers: response headers such as `Retry-After`.
    """

    def __init__(
        self,
        kind: ProblemKind,
        *,
        detail: str | None = None,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def to_json(self, instance: str) -> dict[str, Any]:
        """The problem document; `instance` is the request id."""
        document: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind.code,
            "code": self.kind.code,
            "title": self.kind.en,
            "title_zh": self.kind.zh,
            "status": self.kind.status,
            "instance": instance,
        }
        if self.detail is not None:
            document["detail"] = self.detail
        if self.errors:
            document["errors"] = [item.to_json() for item in self.errors[:MAX_FIELD_ERRORS]]
        return document


def problem_at(kind: ProblemKind, path: str, *, detail: str | None = None) -> Problem:
    """The problem with its own sentences at one place; `path` as in `FieldProblem`."""
    return Problem(kind, detail=detail, errors=[FieldProblem(path, kind.code, kind.zh, kind.en)])


REQUEST_MALFORMED = ProblemKind(
    "request_malformed", 400, "请求格式有误", "The request is malformed"
)
BODY_MALFORMED = ProblemKind(
    "body_malformed", 400, "请求正文不是合格的 JSON", "The body is not acceptable JSON"
)
UNAUTHENTICATED = ProblemKind(
    "unauthenticated", 401, "未提供有效的客户端凭据", "Valid client credentials are needed"
)
SCOPE_MISSING = ProblemKind(
    "scope_missing", 403, "该客户端没有此项权限", "The client lacks the scope for this operation"
)
NOT_FOUND = ProblemKind("not_found", 404, "未找到", "Not found")
METHOD_NOT_ALLOWED = ProblemKind(
    "method_not_allowed", 405, "此地址不支持该方法", "The method is not allowed here"
)
BODY_TOO_LARGE = ProblemKind("body_too_large", 413, "请求正文过大", "The body is too large")
MEDIA_TYPE_UNSUPPORTED = ProblemKind(
    "media_type_unsupported", 415, "不支持该内容类型", "The content type is not supported"
)
REQUEST_INVALID = ProblemKind(
    "request_invalid", 422, "请求内容不符合要求", "The request does not follow the schema"
)
RATE_LIMITED = ProblemKind("rate_limited", 429, "请求过于频繁，请稍后再试", "Too many requests")
INTERNAL_ERROR = ProblemKind("internal_error", 500, "服务内部错误", "Internal error")

SERVICE_KINDS: tuple[ProblemKind, ...] = (
    REQUEST_MALFORMED,
    BODY_MALFORMED,
    UNAUTHENTICATED,
    SCOPE_MISSING,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    BODY_TOO_LARGE,
    MEDIA_TYPE_UNSUPPORTED,
    REQUEST_INVALID,
    RATE_LIMITED,
    INTERNAL_ERROR,
)

_BY_STATUS = {
    kind.status: kind
    for kind in (
        REQUEST_MALFORMED,
        UNAUTHENTICATED,
        NOT_FOUND,
        METHOD_NOT_ALLOWED,
        BODY_TOO_LARGE,
        MEDIA_TYPE_UNSUPPORTED,
        RATE_LIMITED,
    )
}

#: Error class -> what the client is told. Subclasses follow their nearest listed ancestor.
ProblemTable = Mapping[type[Exception], Callable[[Any], Problem]]


def request_id() -> str:
    """The current request's id (set by `certsvc.service.http`)."""
    return str(g.get("request_id", ""))


def problem_response(problem: Problem) -> Response:
    """Render a problem."""
    body = json.dumps(problem.to_json(request_id()), ensure_ascii=False)
    response = Response(body, status=problem.kind.status, content_type=MEDIA_TYPE)
    response.headers.update(problem.headers)
    g.problem_code = problem.kind.code
    return response


def register_problems(app: Flask, table: ProblemTable) -> None:
    """Turn every error into a problem document: ours by `table`, Werkzeug's by status.

    Args:
        app: the application.
        table: error class -> function that makes the problem.
    """

    def on_error(error: Exception) -> Response:
        for base in type(error).__mro__:
            if base in table:
                problem: Problem = table[base](error)
                return problem_response(problem)
        return problem_response(_unexpected(error))

    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(HTTPException, _on_http_exception)
    app.register_error_handler(Exception, on_error)


def _unexpected(error: Exception) -> Problem:
    # The message stays out of the answer and out of the log: it may quote a request's values.
    _log.error("unexpected error", exc_info=error)
    return Problem(INTERNAL_ERROR)


def _on_http_exception(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem_response(_unexpected(error))
    kind = _BY_STATUS.get(status, REQUEST_MALFORMED)
    headers = {}
    allow = getattr(error, "valid_methods", None)
    if allow:
        headers["Allow"] = ", ".join(sorted(allow))
    return problem_response(Problem(kind, headers=headers))
