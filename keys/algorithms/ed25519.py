"""Ed25519 (RFC 8032, RFC 8037, RFC 9864)."""

from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from keys.algorithms.algorithm import Algorithm, PrivateKey
from keys.algorithms.encoding import Jwk, b64u, unb64u
from keys.errors import AlgorithmUnsupported


def _sign(private: PrivateKey, data: bytes) -> bytes:
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise AlgorithmUnsupported("Ed25519 needs an Ed25519 key")
    return private.sign(data)


def _verify(jwk: Mapping[str, str], data: bytes, signature: bytes) -> bool:
    try:
        public = ed25519.Ed25519PublicKey.from_public_bytes(unb64u(jwk["x"]))
        public.verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _public_jwk(private: PrivateKey) -> Jwk:
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise AlgorithmUnsupported("Ed25519 needs an Ed25519 key")
    return {"kty": "OKP", "crv": "Ed25519", "x": b64u(private.public_key().public_bytes_raw())}


ED25519 = Algorithm(
    name="Ed25519",
    generate=ed25519.Ed25519PrivateKey.generate,
    sign=_sign,
    verify=_verify,
    public_jwk=_public_jwk,
)
