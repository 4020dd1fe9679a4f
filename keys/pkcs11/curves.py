"""How tokens name the two algorithms that they sign with, and how they write public keys."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import PyKCS11

from keys.algorithms import Jwk, b64u
from keys.errors import AlgorithmUnsupported, StoreUnavailable
from keys.pkcs11.objects import Handle, Session, template

# RFC 5480 section 2.1.1.1; for Ed25519 the name (PKCS #11 3.0 section 2.3.5) and the RFC 8410 OID.
_P256 = bytes.fromhex("06082a8648ce3d030107")
_ED25519 = (b"\x13\x0cedwards25519", bytes.fromhex("06032b6570"))
# What tokens answer to a spelling of the curve that they do not know.
_REFUSALS = frozenset(
    {
        PyKCS11.CKR_CURVE_NOT_SUPPORTED,
        PyKCS11.CKR_DOMAIN_PARAMS_INVALID,
        PyKCS11.CKR_ATTRIBUTE_VALUE_INVALID,
        PyKCS11.CKR_TEMPLATE_INCONSISTENT,
        PyKCS11.CKR_MECHANISM_PARAM_INVALID,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One algorithm in the words of PKCS #11.

    Attributes:
        generating: mechanism that makes a pair.
        signing: mechanism that signs; for ECDSA a digest, hashed outside.
        parameters: spellings of the curve, the usual one first.
        jwk: CKA_EC_POINT to the public key.
    """

    generating: int
    signing: Any
    parameters: tuple[bytes, ...]
    jwk: Callable[[Sequence[int]], Jwk]


def curve(alg: str) -> Curve:
    """The curve of an algorithm.

    Raises:
        AlgorithmUnsupported: neither ES256 nor Ed25519.
    """
    try:
        return _CURVES[alg]
    except KeyError as error:
        raise AlgorithmUnsupported(f"tokens sign with ES256 and Ed25519, not {alg!r}") from error


def make_pair(session: Session, curve: Curve, *, label: str) -> tuple[Handle, Handle]:
    """Public and private key; the private one stays in the token and cannot be read.

    Raises:
        AlgorithmUnsupported: the token refuses the curve in each of its spellings.
    """
    private = template(
        TOKEN=True,
        PRIVATE=True,
        SENSITIVE=True,
        EXTRACTABLE=False,
        SIGN=True,
        ID=secrets.token_bytes(16),
        LABEL=label,
    )
    making = PyKCS11.Mechanism(curve.generating, None)
    for parameters in curve.parameters:
        public = template(TOKEN=False, PRIVATE=False, VERIFY=True, EC_PARAMS=parameters)
        try:
            made: tuple[Handle, Handle] = session.generateKeyPair(public, private, making)
            return made
        except PyKCS11.PyKCS11Error as error:
            if error.value not in _REFUSALS:
                raise
    raise AlgorithmUnsupported("this token refuses the curve")


def _p256(point: Sequence[int]) -> Jwk:
    raw = _unwrapped(point, 65)
    if raw[:1] != b"\x04":
        raise StoreUnavailable("the token wrote a compressed point")
    return {"kty": "EC", "crv": "P-256", "x": b64u(raw[1:33]), "y": b64u(raw[33:])}


def _ed25519(point: Sequence[int]) -> Jwk:
    return {"kty": "OKP", "crv": "Ed25519", "x": b64u(_unwrapped(point, 32))}


def _unwrapped(point: Sequence[int], size: int) -> bytes:
    """The point as most tokens write it, in a DER octet string, or bare as some do."""
    raw = bytes(point)
    if len(raw) == size + 2 and raw[:2] == bytes((4, size)):
        return raw[2:]
    if len(raw) != size:
        raise StoreUnavailable("the token wrote a public key of another form")
    return raw


_CURVES: Mapping[str, Curve] = {
    "ES256": Curve(
        generating=PyKCS11.CKM_EC_KEY_PAIR_GEN,
        signing=PyKCS11.Mechanism(PyKCS11.CKM_ECDSA, None),
        parameters=(_P256,),
        jwk=_p256,
    ),
    "Ed25519": Curve(
        generating=PyKCS11.CKM_EC_EDWARDS_KEY_PAIR_GEN,
        signing=PyKCS11.Mechanism(PyKCS11.CKM_EDDSA, None),
        parameters=_ED25519,
        jwk=_ed25519,
    ),
}
