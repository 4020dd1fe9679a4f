"""Worlds around the vectors: trust records and status lists, self-contained JSON."""

import zlib
from typing import Any

from signing import CERT, LOG, POLICE, POLICE_STATUS, STATUS, Key, b64u, js
from tokens import (
    BASE,
    DAY,
    HOUSEHOLD,
    ISS,
    LICENCE,
    NOW,
    POLICE_ISS,
    POLICE_PREFIX,
    POLICE_USCC,
    PREFIX,
    REVOKED,
    SUPERSEDED,
    SUSPENDED,
    URI,
    USCC,
    jws,
)

PATH = f"issuers/999900/{USCC}.json"
POLICE_PATH = f"issuers/999800/{POLICE_USCC}.json"
POLICE_URI = f"{POLICE_PREFIX}1"
# Lists are published with 100,000 entries at least, so that a fetch tells nothing (T43).
ENTRIES = 131_072
VALUES = {REVOKED: 1, SUSPENDED: 2, SUPERSEDED: 3}


def key_record(key: Key, use: str = "certificate", **changes: Any) -> dict[str, Any]:
    """A member of a record's `keys`."""
    usual = {
        "kid": key.kid,
        "alg": key.alg,
        "use": use,
        "public": key.jwk,
        "not_before": NOW - 400 * DAY,
        "not_after": None,
        "state": "active",
        "types": None,
        "compromised_at": None,
        "accept_before_log_index": None,
    }
    return usual | changes


def right(vct: str = LICENCE, division: str = "999900", **changes: Any) -> dict[str, Any]:
    """A member of a record's `rights`."""
    usual = {
        "vct": vct,
        "division": division,
        "from": NOW - 400 * DAY,
        "to": None,
        "max_validity": None,
    }
    return usual | changes


def record(**changes: Any) -> dict[str, Any]:
    """The record of the market regulator; `name=...` leaves a member out."""
    usual = {
        "version": 1,
        "iss": ISS,
        "uscc": USCC,
        "division": "999900",
        "names": {"zh": "示例市市场监督管理局", "en": "Example Market Regulator"},
        "level": "city",
        "keys": [key_record(CERT), key_record(STATUS, "status"), key_record(LOG, "log")],
        "rights": [right()],
        "status_prefix": PREFIX,
        "status_aggregation": None,
        "log_origin": None,
        "aliases": [],
        "mirrors": [],
        "successor": None,
    }
    return {name: value for name, value in (usual | changes).items() if value is not ...}


def with_key(**changes: Any) -> dict[str, Any]:
    """The regulator's record with its certificate key changed."""
    return record(keys=[key_record(CERT, **changes), key_record(STATUS, "status")])


def with_jwk(jwk: Any, key: Key = CERT, **changes: Any) -> dict[str, Any]:
    """The regulator's record with another public JWK."""
    return record(
        keys=[key_record(key, public=jwk, **changes), key_record(STATUS, "status")],
    )


def with_right(**changes: Any) -> dict[str, Any]:
    """The regulator's record with its right changed."""
    return record(rights=[right(**changes)])


def police_record(**changes: Any) -> dict[str, Any]:
    """The record of the other issuer."""
    own = {
        "iss": POLICE_ISS,
        "uscc": POLICE_USCC,
        "division": "999800",
        "names": {"zh": "示例市公安局", "en": "Example Public Security Bureau"},
        "keys": [key_record(POLICE), key_record(POLICE_STATUS, "status")],
        "rights": [right(HOUSEHOLD, "999800")],
        "status_prefix": POLICE_PREFIX,
    }
    return record(**{**own, **changes})


def bits(values: dict[int, int], width: int = 2, entries: int = ENTRIES) -> bytes:
    """Packed entries, least significant bits first."""
    data = bytearray(entries * width // 8)
    for index, value in values.items():
        place = index * width
        data[place >> 3] |= value << (place & 7)
    return bytes(data)


def status_list(
    values: dict[int, int] | None = None,
    *,
    key: Key = STATUS,
    header: Any = None,
    data: bytes | None = None,
    lst: Any = None,
    width: Any = 2,
    raw: bytes | None = None,
    signature: bytes | None = None,
    entry: Any = None,
    **changes: Any,
) -> str:
    """A status list token; `data` are the bytes compressed, `lst` and `raw` replace the text."""
    content = bits(VALUES if values is None else values) if data is None else data
    packed = b64u(zlib.compress(content, 9)) if lst is None else lst
    usual = {
        "sub": URI,
        "iat": NOW - 60,
        "exp": NOW + DAY,
        "ttl": 300,
        "version": 5,
        "status_list": {"bits": width, "lst": packed} if entry is None else entry,
    }
    payload = {name: value for name, value in (usual | changes).items() if value is not ...}
    head = key.header("statuslist+jwt") if header is None else header
    return jws(payload if raw is None else raw, head, key=key, signature=signature)


def served(text: str, uri: str = URI) -> dict[str, Any]:
    """The override that serves this text as the list."""
    return {"status_lists": {uri: text}}


def trust(as_of: int = NOW - 5, life: int = DAY) -> dict[str, int]:
    """Trust data last verified as current at `as_of`."""
    return {"as_of": as_of, "expires": as_of + life, "refresh_due": as_of + 300}


def worlds() -> dict[str, dict[str, Any]]:
    """The shared worlds by name."""
    lists = {
        URI: status_list(),
        POLICE_URI: status_list({}, key=POLICE_STATUS, sub=POLICE_URI),
    }
    standard = {
        "title": {
            "zh": "两个发证机关，信任清单和状态清单均为最新",
            "en": "Two issuers; trust data and status lists are fresh",
        },
        "environment": "production",
        "base": BASE,
        "trust": trust(),
        "records": {PATH: record(), POLICE_PATH: police_record()},
        "status_lists": lists,
    }
    demo = standard | {
        "title": {
            "zh": "演示环境，机关地址为本机明文地址",
            "en": "A demonstration: the issuer's addresses are plain http to this machine",
        },
        "environment": "demo",
        **_demo(),
    }
    return {"standard": standard, "demo": demo}


DEMO = "http://127.0.0.1:8080/"
DEMO_ISS = f"{DEMO}i/{USCC}"
DEMO_URI = f"{DEMO}status/{USCC}/1"


def demo_record(**changes: Any) -> dict[str, Any]:
    """The regulator of a demonstration."""
    own = {
        "iss": DEMO_ISS,
        "rights": [right(f"{DEMO}vct/business-licence")],
        "status_prefix": f"{DEMO}status/{USCC}/",
    }
    return record(**{**own, **changes})


def _demo() -> dict[str, Any]:
    return {
        "base": DEMO,
        "records": {PATH: demo_record()},
        "status_lists": {DEMO_URI: status_list(sub=DEMO_URI)},
    }


def raw(value: Any) -> str:
    """JSON text of a record, to be altered as text."""
    return js(value).decode("utf-8")
