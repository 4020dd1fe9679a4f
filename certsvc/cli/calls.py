"""HTTP calls of the command line to the two services: small, timed, and plain about failures."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

#: Seconds until a call to our own loopback service counts as failed.
TIMEOUT_SECONDS = 30.0
#: Largest answer read; a batch of verdicts stays far below.
MAX_ANSWER = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers of one call; the headers by their names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:  # noqa: ANN401 - the body of another program
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls one service under one base address.

    Args:
        base: Address that ends in ``/``.
        credentials: ``client_id:secret`` for HTTP Basic, or None.
    """

    base: str
    credentials: str | None = None

    def get(self, path: str) -> Answer:
        """GET `path`."""
        return self._send("GET", path, None, {})

    def post(self, path: str, value: object, *, idempotency_key: str | None = None) -> Answer:
        """POST `value` as JSON."""
        headers = {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        return self._send("POST", path, json.dumps(value, ensure_ascii=False).encode(), headers)

    def upload(self, path: str, data: bytes, *, name: str, content_type: str) -> Answer:
        """POST one file as multipart/form-data (RFC 7578), as a browser would."""
        mark = uuid.uuid4().hex
        body = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        ).encode()
        body += data + f"\r\n--{mark}--\r\n".encode()
        return self._send(
            "POST", path, body, {"Content-Type": f"multipart/form-data; boundary={mark}"}
        )

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        request = urllib.request.Request(  # noqa: S310 - our own loopback service
            self.base + path.lstrip("/"), data=body, headers=headers, method=method
        )
        if self.credentials is not None:
            token = base64.b64encode(self.credentials.encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return Answer(answer.status, answer.read(MAX_ANSWER), _named(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(MAX_ANSWER), _named(error.headers))


def _named(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
