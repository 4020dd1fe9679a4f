"""The plain case of a busy route, answered in plain WSGI in front of the framework.

Only a success is answered here. Whatever else a request turns out to be (another media type, a
body without a length, a client over its rate, content that is refused) goes on to the framework
as if it had never been looked at, which alone knows how to say no. Ids, caps, headers and the
access line are those of `certsvc.service.http`.
"""

import io
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask

from certsvc.service.http import JSON, SECURITY_HEADERS, HttpOptions, close_request, request_id
from certsvc.service.logs import direct_request

#: Set in the environment of a request that the rate limiter has let pass: it counts once.
ADMITTED = "certsvc.admitted"

# A length of more digits is above every cap.
_LENGTH_DIGITS = 9
_SECURITY = tuple(SECURITY_HEADERS.items())


class NotDirect(Exception):  # noqa: N818 - the name says what is wrong
    """A route's own reason to leave a request to the framework."""

    code = "not_direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectRoute:
    """A POST route that takes JSON and answers JSON.

    Attributes:
        path: exact path, without a query.
        max_body: bytes of a body.
        admit: counts a request of a client's address; False: the client is over its rate.
        answer: body of the request → body of the answer; whatever it raises sends the request
            on to the framework.
    """

    path: str
    max_body: int
    admit: Callable[[str], bool]
    answer: Callable[[bytes], bytes]


def answer_directly(app: Flask, route: DirectRoute, options: HttpOptions) -> None:
    """Put a route in front of an application.

    Args:
        app: the application; it has the same route.
        route: the route.
        options: the application's own.
    """
    behind: WSGIApplication = app.wsgi_app

    def front(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = _plain_length(environ, route)
        if length is None or not route.admit(environ.get("REMOTE_ADDR", "")):
            return behind(environ, start_response)
        environ[ADMITTED] = True
        started = options.monotonic()
        given = request_id(environ.get("HTTP_X_REQUEST_ID", ""), options)
        body = environ["wsgi.input"].read(length)
        token = direct_request.set(given)
        stack = ExitStack()
        try:
            if len(body) < length:
                raise EOFError("the body ended before its announced length")
            trace = stack.enter_context(
                options.tracer.request(route.path, environ.get("HTTP_TRACEPARENT", ""))
            )
            answer = route.answer(body)
        except Exception:  # the framework finds it again, and says it
            stack.close()
            environ["HTTP_X_REQUEST_ID"] = given
            environ["wsgi.input"] = io.BytesIO(body)
            return behind(environ, start_response)
        else:
            trace.note(http_method="POST", http_status=int(HTTPStatus.OK))
            close_request(
                options,
                method="POST",
                route=route.path,
                status=HTTPStatus.OK,
                started=started,
                problem=None,
            )
        finally:
            stack.close()
            direct_request.reset(token)
        own = [("Content-Type", JSON), ("Content-Length", str(len(answer)))]
        start_response("200 OK", [*own, *_SECURITY, ("X-Request-Id", given)])
        return (answer,)

    app.wsgi_app = front  # type: ignore[method-assign]


def _plain_length(environ: WSGIEnvironment, route: DirectRoute) -> int | None:
    """The length of the body where the request is the plain case, else None."""
    if (
        environ["PATH_INFO"] != route.path
        or environ["REQUEST_METHOD"] != "POST"
        or environ.get("CONTENT_TYPE") != JSON
        or environ.get("QUERY_STRING")
        or environ.get("SCRIPT_NAME")
        or "HTTP_TRANSFER_ENCODING" in environ
    ):
        return None
    text = environ.get("CONTENT_LENGTH", "")
    if not (text.isascii() and text.isdigit() and len(text) <= _LENGTH_DIGITS):
        return None
    length = int(text)
    return length if length <= route.max_body else None
