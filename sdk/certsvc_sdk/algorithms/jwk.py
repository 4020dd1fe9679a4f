"""Public JWKs (RFC 7517): required members, thumbprint (RFC 7638) and key identifier."""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from certsvc_sdk import strict
from certsvc_sdk.algorithms.algorithm import Algorithm
from certsvc_sdk.algorithms.registry import ALGORITHMS
from certsvc_sdk.errors import KeyFormatInvalid, Malformed
from certsvc_sdk.strict import Json

_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# 11 characters are 66 bits: enough to tell one issuer's keys apart, short enough for a QR code.
KID_LENGTH: Final = 11


def is_kid(value: object) -> bool:
    """Tell whether a value has the form of a key identifier."""
    return isinstance(value, str) and _KID.fullmatch(value) is not None


def required_members(jwk: Mapping[str, Json], algorithm: Algorithm) -> dict[str, str]:
    """Return the members that make the key, checked for type, value and length.

    Raises:
        KeyFormatInvalid: one is missing or is not the algorithm's.
    """
    required: dict[str, str] = {}
    for name in (*algorithm.fixed, *algorithm.sizes):
        value = jwk.get(name)
        if not isinstance(value, str):
            raise KeyFormatInvalid(f"JWK member {name} is missing or not a string")
        required[name] = value
    for name, expected in algorithm.fixed.items():
        if required[name] != expected:
            raise KeyFormatInvalid(f"JWK member {name} is not {expected}")
    for name, size in algorithm.sizes.items():
        try:
            length = len(strict.b64u_decode(required[name], what="JWK member"))
        except Malformed as error:
            raise KeyFormatInvalid(str(error)) from error
        if length != size:
            raise KeyFormatInvalid(f"JWK member {name} is not {size} bytes long")
    return required


def thumbprint(jwk: Mapping[str, Json]) -> str:
    """Return the SHA-256 JWK thumbprint (RFC 7638), 43 characters.

    Raises:
        KeyFormatInvalid: not a key of a supported type and curve.
    """
    for algorithm in ALGORITHMS.values():
        if all(jwk.get(name) == value for name, value in algorithm.fixed.items()):
            required = required_members(jwk, algorithm)
            # RFC 7638 section 3.2: the required members in lexicographic order.
            ordered = {name: required[name] for name in sorted(required)}
            return strict.b64u_encode(hashlib.sha256(strict.dumps(ordered)).digest())
    raise KeyFormatInvalid("key type or curve is not supported")


def kid_of(jwk: Mapping[str, Json]) -> str:
    """Return the key identifier of a key: the first 11 characters of its thumbprint.

    Raises:
        KeyFormatInvalid: not a key of a supported type and curve.
    """
    return thumbprint(jwk)[:KID_LENGTH]
