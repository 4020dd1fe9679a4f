"""Integrity of referenced documents (SD-JWT VC, "Integrity of Referenced Documents").

The syntax is W3C Subresource Integrity's, section 3; the procedure is SD-JWT VC's own.
"""

import hashlib
import hmac
import re
from typing import Final

from certsvc_sdk import strict
from certsvc_sdk.errors import IntegrityInvalid, Malformed

# Weakest first: of several expressions those with the strongest algorithm count.
_STRENGTH: Final = ("sha256", "sha384", "sha512")
# Three SHA-512 expressions have 300 characters.
MAX_INTEGRITY: Final = 1024
# Options after ? are reserved and mean nothing yet; parts are matched one by one, hence linear.
_EXPRESSION = re.compile(r"([A-Za-z0-9]+)-([A-Za-z0-9+/]+={0,2})(?:\?[!-~]*)?")


def integrity_of(data: bytes) -> str:
    """Return the integrity metadata of a document, `sha256-<base64>`, 51 characters."""
    text = strict.b64u_encode(hashlib.sha256(data).digest())
    return f"sha256-{text.translate(_STANDARD)}="


def check_integrity(data: bytes, integrity: object) -> None:
    """Check that a document is the one `integrity` was made for.

    Args:
        data: the document's bytes as they were received.
        integrity: value of a `…#integrity` member.

    Raises:
        IntegrityInvalid: another document, no integrity metadata, or only algorithms that are not
            known here; the document must not be processed.
    """
    expected = _strongest(integrity)
    algorithm = max(expected, key=_STRENGTH.index)
    actual = hashlib.new(algorithm, data).digest()
    if not any(hmac.compare_digest(actual, digest) for digest in expected[algorithm]):
        raise IntegrityInvalid("the document is not the one that the reference was made for")


_STANDARD = str.maketrans("-_", "+/")
_URLSAFE = str.maketrans("+/", "-_")


def _strongest(integrity: object) -> dict[str, list[bytes]]:
    """Return the digests by known algorithm; never empty."""
    if not isinstance(integrity, str) or len(integrity) > MAX_INTEGRITY:
        raise IntegrityInvalid("integrity metadata is a short string")
    found: dict[str, list[bytes]] = {}
    for expression in re.split(r"[ \t]+", integrity.strip(" \t")):
        match = _EXPRESSION.fullmatch(expression)
        if match is None:
            raise IntegrityInvalid("integrity metadata is <algorithm>-<base64>")
        algorithm = match[1]
        if algorithm in _STRENGTH:
            found.setdefault(algorithm, []).append(_digest(algorithm, match[2]))
    if not found:
        raise IntegrityInvalid("integrity metadata names no algorithm that is known here")
    return found


def _digest(algorithm: str, text: str) -> bytes:
    try:
        value = strict.b64u_decode(text.rstrip("=").translate(_URLSAFE), what="integrity digest")
    except Malformed as error:
        raise IntegrityInvalid(str(error)) from error
    if len(text) % 4 or len(value) != hashlib.new(algorithm).digest_size:
        raise IntegrityInvalid(f"an integrity digest is not one of {algorithm}")
    return value
