"""Keys made by `cryptography` alone, so that no oracle checks what our own signing code made."""

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc_sdk.algorithms import PublicKey, kid_of

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ML_DSA = {"ML-DSA-44": mldsa.MLDSA44PrivateKey, "ML-DSA-65": mldsa.MLDSA65PrivateKey}


def b64u(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A private key with what a keys backend offers, and its JWK for other programs.

    `Signer("ES256", 3)` is the same key in every run, another one for every number.
    """

    def __init__(self, alg: str, number: int = 1) -> None:
        self.alg = alg
        secret = hashlib.sha256(f"{alg} {number}".encode()).digest()
        self.jwk, private, self._sign = _KINDS[alg](alg, secret)
        self.private_jwk = {**self.jwk, **private}
        self.kid = kid_of(self.jwk)

    @property
    def public(self) -> PublicKey:
        return PublicKey.from_jwk(self.jwk, self.alg)

    def header(self, typ: str = "dc+sd-jwt") -> dict[str, Any]:
        return {"alg": self.alg, "typ": typ, "kid": self.kid}

    def sign(self, data: bytes) -> bytes:
        """The signature in JOSE form."""
        return bytes(self._sign(data))


def _es256(_alg: str, secret: bytes) -> tuple[dict[str, str], dict[str, str], Any]:
    number = int.from_bytes(secret, "big") % _P256_ORDER
    key = ec.derive_private_key(number, ec.SECP256R1())
    point = key.public_key().public_numbers()

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    x, y = (b64u(value.to_bytes(32, "big")) for value in (point.x, point.y))
    public = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    return public, {"d": b64u(number.to_bytes(32, "big"))}, sign


def _ed25519(_alg: str, secret: bytes) -> tuple[dict[str, str], dict[str, str], Any]:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    x = b64u(key.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x}, {"d": b64u(secret)}, key.sign


def _ml_dsa(alg: str, secret: bytes) -> tuple[dict[str, str], dict[str, str], Any]:
    # RFC 9964 section 3: `priv` is the 32-byte seed.
    key = _ML_DSA[alg].from_seed_bytes(secret)
    pub = b64u(key.public_key().public_bytes_raw())
    return {"kty": "AKP", "alg": alg, "pub": pub}, {"priv": b64u(secret)}, key.sign


_KINDS = {
    "ES256": _es256,
    "Ed25519": _ed25519,
    "EdDSA": _ed25519,
    "ML-DSA-44": _ml_dsa,
    "ML-DSA-65": _ml_dsa,
}
