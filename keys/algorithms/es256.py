"""ES256: ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4)."""

from collections.abc import Mapping
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from keys.algorithms.algorithm import Algorithm, PrivateKey
from keys.algorithms.encoding import Jwk, b64u, unb64u
from keys.errors import AlgorithmUnsupported

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


# RFC 6979: no nonce to leak or to repeat. Made once: making one takes a quarter of a signature.
_SIGN = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_VERIFY = ec.ECDSA(hashes.SHA256())


def _generate() -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _sign(private: PrivateKey, data: bytes) -> bytes:
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise AlgorithmUnsupported("ES256 needs a P-256 key")
    der = private.sign(data, _SIGN)
    r, s = decode_dss_signature(der)
    s = min(s, P256_ORDER - s)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _verify(jwk: Mapping[str, str], data: bytes, signature: bytes) -> bool:
    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        _public_key(jwk["x"], jwk["y"]).verify(encode_dss_signature(r, s), data, _VERIFY)
    except (InvalidSignature, ValueError):
        return False
    return True


# Every signature is verified before release, and loading a point takes as long as that.
@lru_cache(maxsize=256)
def _public_key(x: str, y: str) -> ec.EllipticCurvePublicKey:
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(unb64u(x), "big"), int.from_bytes(unb64u(y), "big"), ec.SECP256R1()
    )
    return numbers.public_key()


def _public_jwk(private: PrivateKey) -> Jwk:
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise AlgorithmUnsupported("ES256 needs a P-256 key")
    numbers = private.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    return {"kty": "EC", "crv": "P-256", "x": b64u(x), "y": b64u(y)}


ES256 = Algorithm(
    name="ES256", generate=_generate, sign=_sign, verify=_verify, public_jwk=_public_jwk
)
