"""ES256: ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from certsvc_sdk.algorithms import der
from certsvc_sdk.algorithms.algorithm import Algorithm, Check
from certsvc_sdk.errors import KeyFormatInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

# Order of the P-256 group (SEC 2 section 2.4.2).
_ORDER: Final = bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
_ZERO: Final = bytes(32)


def _load(jwk: Mapping[str, str]) -> Check:
    # Imported here: importing the package must not pay for cryptography before a key is loaded.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256
    from jwt.algorithms import ECAlgorithm
    from jwt.exceptions import InvalidKeyError

    try:
        # Without the member `d` a JWK makes a public key.
        key = cast("EllipticCurvePublicKey", ECAlgorithm.from_jwk(dict(jwk)))
    except (InvalidKeyError, ValueError) as error:
        raise KeyFormatInvalid("JWK is not a point of its curve") from error
    verify, ecdsa = key.verify, ECDSA(SHA256())

    def check(signing_input: bytes, signature: bytes) -> bool:
        r, s = signature[:32], signature[32:]
        # FIPS 186-5 section 6.4.2: r and s in 1..n-1; big-endian bytes compare like numbers.
        if not (_ZERO < r < _ORDER and _ZERO < s < _ORDER):
            return False
        try:
            verify(der.from_raw(r, s), signing_input, ecdsa)
        except InvalidSignature:
            return False
        return True

    return check


ES256: Final = Algorithm(
    spellings=("ES256",),
    fixed=MappingProxyType({"kty": "EC", "crv": "P-256"}),
    sizes=MappingProxyType({"x": 32, "y": 32}),
    signature_bytes=64,
    load=_load,
)
