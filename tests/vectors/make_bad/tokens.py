"""Certificates by hand: claims, disclosures, JWS and key binding, right or wrong as asked."""

import hashlib
from typing import Any

from signing import CERT, HOLDER, Key, b64u, js

NOW = 1_800_000_000
DAY = 86_400
BASE = "https://certs.example/"
USCC = "119999000000000198"
ISS = f"{BASE}i/{USCC}"
PREFIX = f"{BASE}status/{USCC}/"
URI = f"{PREFIX}1"
LICENCE = f"{BASE}vct/business-licence"
POLICE_USCC = "11999800000000019X"
POLICE_ISS = f"{BASE}i/{POLICE_USCC}"
POLICE_PREFIX = f"{BASE}status/{POLICE_USCC}/"
HOUSEHOLD = f"{BASE}vct/household-register"
IDENTIFIER = "1.2.156.3005.2.11100000MB0143028R001.119999000000000198.999900000000000001.001.X"
# Entries of the shared list: what each index says.
VALID, REVOKED, SUSPENDED, SUPERSEDED = 7, 8, 9, 10
AUD, NONCE = "https://verifier.example", "n-5b7de9c0a1f24e6388"


def status(idx: Any = VALID, uri: Any = URI) -> dict[str, Any]:
    """The `status` claim."""
    return {"status_list": {"idx": idx, "uri": uri}}


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of the usual licence; `name=...` leaves one out."""
    usual = {
        "iss": ISS,
        "vct": f"{LICENCE}/1",
        "certificate_identifier": IDENTIFIER,
        "iat": NOW - DAY,
        "nbf": NOW - DAY,
        "exp": NOW + 300 * DAY,
        "status": status(),
        "unified_social_credit_code": "91999900MA0000007U",
        "name": "示例科技有限公司",
    }
    return {name: value for name, value in (usual | changes).items() if value is not ...}


def police_claims(**changes: Any) -> dict[str, Any]:
    """The claims of a household extract by the other issuer."""
    own = {
        "iss": POLICE_ISS,
        "vct": f"{HOUSEHOLD}/1",
        "status": status(7, f"{POLICE_PREFIX}1"),
        "unified_social_credit_code": ...,
        "name": ...,
        "address": "示例省示例市一号",
    }
    return claims(**{**own, **changes})


def salt(label: object) -> str:
    """A 128-bit salt that repeats from run to run."""
    return b64u(hashlib.sha256(f"salt {label}".encode()).digest()[:16])


def line(*content: Any) -> str:
    """A disclosure of exactly these items."""
    return b64u(js(list(content)))


def claim(name: Any, value: Any, label: object = None) -> str:
    """A disclosure of a claim."""
    return line(salt(name if label is None else label), name, value)


def element(value: Any, label: object = "element") -> str:
    """A disclosure of an array element."""
    return line(salt(label), value)


def digest(disclosure: str) -> str:
    """SHA-256 over the text of a disclosure."""
    return b64u(hashlib.sha256(disclosure.encode("ascii")).digest())


def sd(*disclosures: str, alg: Any = "sha-256", **changes: Any) -> dict[str, Any]:
    """Claims whose `_sd` references these disclosures."""
    found = {"_sd": sorted(digest(one) for one in disclosures), "_sd_alg": alg}
    return claims(**{**found, **changes})


def text_of(value: Any) -> bytes:
    """JSON of a dict, bytes as they are."""
    return value if isinstance(value, bytes) else js(value)


def jws(
    payload: Any,
    header: Any = None,
    *,
    key: Key = CERT,
    signature: bytes | None = None,
) -> str:
    """A compact JWS; header and payload are objects or raw bytes, the signature fits or not."""
    head = key.header() if header is None else header
    return seal(f"{b64u(text_of(head))}.{b64u(text_of(payload))}", key=key, signature=signature)


def seal(signing_input: str, *, key: Key = CERT, signature: bytes | None = None) -> str:
    """Sign any text as it stands."""
    made = key.sign(signing_input.encode("utf-8")) if signature is None else signature
    return f"{signing_input}.{b64u(made)}"


def token(payload: Any = None, *disclosures: str, header: Any = None, **how: Any) -> str:
    """A certificate: JWS, the disclosures, and the final ~."""
    signed = jws(claims() if payload is None else payload, header, **how)
    return "~".join((signed, *disclosures, ""))


LEGAL = claim("legal_representative", "张三")
SHARE = claim("registered_capital", "壹佰万元整")


def usual(**changes: Any) -> str:
    """The certificate that is in order, with one disclosure."""
    return token(sd(LEGAL, **changes), LEGAL)


def cnf(key: Key = HOLDER) -> dict[str, Any]:
    """The holder's key as a claim."""
    return {"jwk": key.jwk}


def binding(
    presentation: str,
    *,
    key: Key = HOLDER,
    header: Any = None,
    signature: bytes | None = None,
    raw: bytes | None = None,
    **changes: Any,
) -> str:
    """A key-binding JWT for a presentation; `raw` is its payload as bytes."""
    payload = {
        "iat": NOW - 5,
        "aud": AUD,
        "nonce": NONCE,
        "sd_hash": b64u(hashlib.sha256(presentation.encode("utf-8")).digest()),
    } | changes
    kept = {name: value for name, value in payload.items() if value is not ...}
    head = {"alg": key.alg, "typ": "kb+jwt"} if header is None else header
    return jws(kept if raw is None else raw, head, key=key, signature=signature)
