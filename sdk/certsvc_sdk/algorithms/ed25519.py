"""Ed25519 (RFC 8032, RFC 8037), by its own name (RFC 9864) and the older one, `EdDSA`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from certsvc_sdk import strict
from certsvc_sdk.algorithms.algorithm import Algorithm, Check
from certsvc_sdk.errors import KeyFormatInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# Field and curve constant (RFC 8032 section 5.1).
_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P


def _load(jwk: Mapping[str, str]) -> Check:
    # Imported here: importing the package must not pay for cryptography before a key is loaded.
    from cryptography.exceptions import InvalidSignature
    from jwt.algorithms import OKPAlgorithm
    from jwt.exceptions import InvalidKeyError

    _check_point(strict.b64u_decode(jwk["x"], what="JWK member"))
    try:
        # Without the member `d` a JWK makes a public key.
        key = cast("Ed25519PublicKey", OKPAlgorithm.from_jwk(dict(jwk)))
    except (InvalidKeyError, ValueError) as error:
        raise KeyFormatInvalid("JWK is not a point of its curve") from error
    verify = key.verify

    def check(signing_input: bytes, signature: bytes) -> bool:
        try:
            verify(signature, signing_input)
        except InvalidSignature:
            return False
        return True

    return check


def _check_point(encoded: bytes) -> None:
    """Refuse encodings off the curve, non-canonical or of small order (RFC 8032 section 5.1.3).

    OpenSSL accepts any 32 bytes; under a small-order key one signature fits many messages.
    """
    number = int.from_bytes(encoded, "little")
    y = number & (2**255 - 1)
    y2 = y * y % _P
    x2 = (y2 - 1) * pow(_D * y2 + 1, -1, _P) % _P
    on_curve = x2 == 0 or pow(x2, (_P - 1) // 2, _P) == 1
    # Order 1 and 2 have y = 1 and -1, order 4 has y = 0, order 8 solves d y^4 + 2 y^2 - 1 = 0.
    small = x2 == 0 or y == 0 or (_D * y2 * y2 + 2 * y2 - 1) % _P == 0
    if y >= _P or not on_curve or small:
        raise KeyFormatInvalid("JWK is not a usable Ed25519 point")


ED25519: Final = Algorithm(
    spellings=("Ed25519", "EdDSA"),
    fixed=MappingProxyType({"kty": "OKP", "crv": "Ed25519"}),
    sizes=MappingProxyType({"x": 32}),
    signature_bytes=64,
    load=_load,
)
