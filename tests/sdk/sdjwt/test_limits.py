"""T15, T21: how much an SD-JWT may hold."""

import base64
import hashlib
import json
from typing import Any

import pytest

from certsvc_sdk import sdjwt
from certsvc_sdk.errors import DisclosureInvalid, Malformed

HEADER = "eyJhbGciOiJFUzI1NiJ9"
SALT = "AAAAAAAAAAAAAAAAAAAAAA"


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def line(*items: Any, raw: str | None = None) -> str:
    return b64u((json.dumps(list(items)) if raw is None else raw).encode())


def digest(encoded: str) -> str:
    return b64u(hashlib.sha256(encoded.encode()).digest())


def token(payload: Any, *disclosures: str) -> str:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = f"{HEADER}.{b64u(body)}.AA"
    return "~".join((signed, *disclosures, ""))


def claims(payload: Any, *disclosures: str) -> sdjwt.Presented:
    return sdjwt.parse(token(payload, *disclosures)).claims()


def test_t21_limits() -> None:
    lines = [line(SALT, str(number), 1) for number in range(257)]
    payload = {"_sd": sorted(map(digest, lines[:256]))}
    assert len(claims(payload, *lines[:256]).claims) == 256
    with pytest.raises(Malformed):
        sdjwt.parse(token(payload, *lines))
    with pytest.raises(Malformed):
        sdjwt.parse("~" * 70_000)
    with pytest.raises(Malformed):
        sdjwt.parse(token({"a": "x" * 50_000}))


@pytest.mark.parametrize(
    "payload", [b"[]", b"null", b'{"a":1,"a":2}', b"{", b'{"a":' * 17 + b"1" + b"}" * 17]
)
def test_payload_is_a_strict_object(payload: bytes) -> None:
    with pytest.raises(Malformed):
        claims(payload)


def test_t15_disclosures_cannot_nest_without_bound() -> None:
    lines = chain(15)
    assert len(claims({"_sd": [digest(lines[0])]}, *lines).disclosed) == 15
    for depth in (16, 17, 250):
        lines = chain(depth)
        with pytest.raises(DisclosureInvalid, match="nested"):
            claims({"_sd": [digest(lines[0])]}, *lines)


def chain(depth: int) -> list[str]:
    lines = [line(SALT, "a", {"leaf": depth})]
    for _ in range(depth - 1):
        lines.insert(0, line(SALT, "a", {"_sd": [digest(lines[0])]}))
    return lines
