"""Public keys as JWKs (RFC 7517), base64url, thumbprints and key ids."""

import base64
import hashlib
import json
from collections.abc import Mapping

from keys.errors import FileMalformed

Jwk = dict[str, str]

# 11 characters carry 66 bits: short in a QR code, and a clash within one issuer is refused.
KID_LENGTH = 11
# What makes the key, by its type (RFC 7638 section 3.2, RFC 8037 section 2, RFC 9964 section 3).
_MEMBERS = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "AKP": ("alg", "kty", "pub"),
}


def b64u(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64u(text: str) -> bytes:
    """The bytes of canonical base64url text.

    Raises:
        FileMalformed: the text is not what `b64u` makes.
    """
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise FileMalformed("not base64url") from error
    if b64u(data) != text:
        raise FileMalformed("not canonical base64url")
    return data


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638 thumbprint with SHA-256, 43 characters, over the members of section 3.2."""
    required = {name: jwk[name] for name in _MEMBERS[jwk["kty"]]}
    text = json.dumps(required, sort_keys=True, separators=(",", ":"))
    return b64u(hashlib.sha256(text.encode("ascii")).digest())


def kid_of(jwk: Mapping[str, str]) -> str:
    """The key id: the first 11 characters of the thumbprint."""
    return thumbprint(jwk)[:KID_LENGTH]
