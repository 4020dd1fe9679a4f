"""The closed registry of signature algorithms: how each makes, signs, verifies and names keys."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from keys.errors import AlgorithmUnsupported, FileMalformed

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Jwk = dict[str, str]

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# 11 characters carry 66 bits: short in a QR code, and a clash within one issuer is refused.
KID_LENGTH = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One signature algorithm; signatures are in JOSE form (RFC 7518 section 3.4, RFC 8037)."""

    name: str
    generate: Callable[[], PrivateKey]
    sign: Callable[[PrivateKey, bytes], bytes]
    verify: Callable[[Mapping[str, str], bytes, bytes], bool]
    public_jwk: Callable[[PrivateKey], Jwk]


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
    required = {name: jwk[name] for name in ("crv", "kty", "x", "y") if name in jwk}
    text = json.dumps(required, sort_keys=True, separators=(",", ":"))
    return b64u(hashlib.sha256(text.encode("ascii")).digest())


def kid_of(jwk: Mapping[str, str]) -> str:
    """The key id: the first 11 characters of the thumbprint."""
    return thumbprint(jwk)[:KID_LENGTH]


def _generate_p256() -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _sign_es256(private: PrivateKey, data: bytes) -> bytes:
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise AlgorithmUnsupported("ES256 needs a P-256 key")
    # RFC 6979: no nonce to leak or to repeat.
    der = private.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = decode_dss_signature(der)
    s = min(s, P256_ORDER - s)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _verify_es256(jwk: Mapping[str, str], data: bytes, signature: bytes) -> bool:
    if len(signature) != 64:
        return False
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(unb64u(jwk["x"]), "big"),
        int.from_bytes(unb64u(jwk["y"]), "big"),
        ec.SECP256R1(),
    )
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        numbers.public_key().verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _p256_jwk(private: PrivateKey) -> Jwk:
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise AlgorithmUnsupported("ES256 needs a P-256 key")
    numbers = private.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    return {"kty": "EC", "crv": "P-256", "x": b64u(x), "y": b64u(y)}


def _sign_ed25519(private: PrivateKey, data: bytes) -> bytes:
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise AlgorithmUnsupported("Ed25519 needs an Ed25519 key")
    return private.sign(data)


def _verify_ed25519(jwk: Mapping[str, str], data: bytes, signature: bytes) -> bool:
    try:
        public = ed25519.Ed25519PublicKey.from_public_bytes(unb64u(jwk["x"]))
        public.verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _ed25519_jwk(private: PrivateKey) -> Jwk:
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise AlgorithmUnsupported("Ed25519 needs an Ed25519 key")
    return {"kty": "OKP", "crv": "Ed25519", "x": b64u(private.public_key().public_bytes_raw())}


ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm(
            name="ES256",
            generate=_generate_p256,
            sign=_sign_es256,
            verify=_verify_es256,
            public_jwk=_p256_jwk,
        ),
        Algorithm(
            name="Ed25519",
            generate=ed25519.Ed25519PrivateKey.generate,
            sign=_sign_ed25519,
            verify=_verify_ed25519,
            public_jwk=_ed25519_jwk,
        ),
    )
}


def algorithm(name: str) -> Algorithm:
    """The algorithm of that name.

    Raises:
        AlgorithmUnsupported: the registry has no such name.
    """
    try:
        return ALGORITHMS[name]
    except KeyError as error:
        raise AlgorithmUnsupported(f"no algorithm {name!r}") from error


def private_bytes(private: PrivateKey) -> bytes:
    """PKCS#8 DER in the clear: only ever to be sealed at once."""
    return private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_private(der: bytes) -> PrivateKey:
    """The private key of PKCS#8 DER bytes.

    Raises:
        FileMalformed: the bytes are no private key of a registered kind.
    """
    try:
        private = serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError) as error:
        raise FileMalformed("not a private key") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise FileMalformed("a private key of an unknown kind")
    return private
