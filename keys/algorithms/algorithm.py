"""What every algorithm of the registry can do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey

from keys.algorithms.encoding import Jwk
from keys.errors import FileMalformed

Library = EllipticCurvePrivateKey | Ed25519PrivateKey | MLDSA44PrivateKey | MLDSA65PrivateKey


@dataclass(frozen=True, slots=True, repr=False)
class Sm2PrivateKey:
    """An SM2 key pair as bytes: the secret number (32) and the point x ‖ y (64)."""

    secret: bytes
    public: bytes


PrivateKey = Library | Sm2PrivateKey


def private_bytes(private: PrivateKey) -> bytes:
    """PKCS#8 DER in the clear: only ever to be sealed at once."""
    if isinstance(private, Sm2PrivateKey):
        raise TypeError("an SM2 key is written by its own algorithm")
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
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise FileMalformed("not a private key") from error
    if not isinstance(private, Library):
        raise FileMalformed("a private key of an unknown kind")
    return private


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One signature algorithm; signatures are in JOSE form.

    Attributes:
        name: as headers and trust records write it.
        generate: makes a private key.
        sign: private key and data to the signature.
        verify: public JWK, data and signature to a yes or no.
        public_jwk: the public half of a private key.
        dump: PKCS#8 DER in the clear: only ever to be sealed at once.
        load: the opposite of `dump`; raises `FileMalformed`.
    """

    name: str
    generate: Callable[[], PrivateKey]
    sign: Callable[[PrivateKey, bytes], bytes]
    verify: Callable[[Mapping[str, str], bytes, bytes], bool]
    public_jwk: Callable[[PrivateKey], Jwk]
    dump: Callable[[PrivateKey], bytes] = private_bytes
    load: Callable[[bytes], PrivateKey] = load_private
