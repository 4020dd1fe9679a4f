"""Logs as JSON lines on stderr, with request ids and without personal data (T68).

What keeps people out of the log: the access line carries the route's template, never the address;
an exception is written as its class and code places, never its message; and everything that
looks like a token, a QR code, a credential or an identity number is blanked.
"""

import json
import logging
import re
import sys
import time
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
from flask import g, has_request_context

MAX_MESSAGE = 2_000  # characters; a longer line is a dump, not a message
MAX_FRAMES = 40  # places of a trace; deeper is recursion

#: Members a log call may add with `extra=`; everything else is dropped.
FIELDS = (
    "method", "route", "status", "duration_ms", "problem", "certificate_id", "issuer_id", "reasons",
    "list_no", "version", "code", "failures",
)  # fmt: skip

#: Id of a request that is answered without Flask (`certsvc.service.direct`).
direct_request: ContextVar[str | None] = ContextVar("direct_request", default=None)

#: Trace that the request belongs to (`certsvc.service.tracing`).
current_trace: ContextVar[str | None] = ContextVar("current_trace", default=None)

# Libraries that write a line at each look at the database.
_CHATTY = ("alembic",)
_REDACTED = "[redacted]"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"eyJ[A-Za-z0-9_-]{10,}[A-Za-z0-9_.~-]*",  # a JWS, a disclosure, an SD-JWT
        r"(?:Basic|Bearer) [A-Za-z0-9+/=._~-]{4,}",
        r"/[vp]#[0-9]+",  # a QR code's or presentation code's fragment
        r"[0-9]{60,}",  # its bare digits
        # A typed code, and the digits of its barcode (certsvc_sdk.typedcode).
        r"(?<![0-9A-Za-z])(?:(?i:[2-9CDFHKMRWX])[- ]?){15}(?i:[2-9CDFHKMRWX])(?![0-9A-Za-z])",
        r"(?<![0-9A-Za-z])[0-9]{20}(?![0-9A-Za-z])",
        # A citizen ID (GB 11643): division, birth date, order, check character.
        r"(?<![0-9A-Za-z])[0-9]{6}(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9Xx](?![0-9A-Za-z])",
        r"://[^/@\s]+:[^/@\s]+@",  # a password inside an address
    )
)


def redact(text: str) -> str:
    """Blank what must not stand in a log."""
    for pattern in _PATTERNS:
        text = pattern.sub(_REDACTED, text)
    return text


class RedactionFilter(logging.Filter):
    """Renders the message once and blanks it; the arguments do not travel further."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact in place; no record is ever dropped."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = "log message could not be formatted"
        record.msg = redact(message)[:MAX_MESSAGE]
        record.args = None
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line; times in UTC with milliseconds."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record that `RedactionFilter` has seen."""
        line = _begin(record.created, record.levelname.lower(), record.name, record.msg)
        given = vars(record)
        line.update({name: given[name] for name in FIELDS if name in given})
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _describe(record.exc_info[1])
        return _to_json(line)


class JsonHandler(logging.StreamHandler[TextIO]):
    """Writes records as JSON lines, and lines that were never a record."""

    def write(self, text: str) -> None:
        """Write a line; a broken stream breaks no request."""
        self.acquire()
        try:
            self.stream.write(text + self.terminator)
            self.flush()
        except (OSError, ValueError):
            pass
        finally:
            self.release()


def write_line(logger: logging.Logger, level: int, message: str, fields: Mapping[str, Any]) -> None:
    """Write a line of which there is one a request.

    Making a `LogRecord` and sending it round would cost two thirds of a signature check.

    Args:
        logger: whose line it is.
        level: as for `Logger.log`.
        message: fixed words, nothing that would have to be blanked.
        fields: further members.
    """
    if logger.isEnabledFor(level):
        now = time.time()  # noqa: TID251 - a line says when it was written
        line = _begin(now, logging.getLevelName(level).lower(), logger.name, message)
        text = _to_json({**line, **fields})
        for handler in logging.getLogger().handlers:
            if isinstance(handler, JsonHandler):
                handler.write(text)


def _begin(moment: float, level: str, logger: str, message: str) -> dict[str, Any]:
    """The members that every line has; `moment` is Unix seconds."""
    stamp = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    line: dict[str, Any] = {
        "time": stamp.removesuffix("+00:00") + "Z",
        "level": level,
        "logger": logger,
        "message": message,
    }
    if has_request_context():
        line["request_id"] = g.get("request_id")
        line["client_id"] = g.get("client_id")
    elif (request_id := direct_request.get()) is not None:
        line["request_id"] = request_id
        line["client_id"] = None
    if (trace_id := current_trace.get()) is not None:
        line["trace_id"] = trace_id
    return line


def _to_json(line: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str).decode()
    except TypeError:  # a surrogate, or an integer beyond 64 bits
        # Escaped: a stream refuses half a surrogate pair, and the line would be lost.
        return json.dumps(line, default=str)


def _describe(error: BaseException) -> dict[str, Any]:
    """Class, stable code and places of an exception and its causes, without any message."""
    chain: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(chain) < MAX_FRAMES:
        chain.append(type(seen).__qualname__)
        seen = seen.__cause__ or seen.__context__
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return {
        "classes": chain,
        "code": getattr(error, "code", None),
        "trace": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def configure(stream: TextIO | None = None, *, level: int = logging.INFO) -> logging.Handler:
    """Send every logger's records to `stream` (stderr) as JSON lines; called once by a process.

    Returns:
        The handler, so that a caller can take it away again.
    """
    handler = JsonHandler(stream or sys.stderr)
    handler.addFilter(RedactionFilter())
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    for old in [item for item in root.handlers if isinstance(item, JsonHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


def milliseconds(seconds: float) -> float:
    """A duration as lines show it."""
    return round(seconds * 1000, 1)
