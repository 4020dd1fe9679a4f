"""Lets `cryptography` build certificates that a key outside of it signs.

The library calls `sign` of whatever key it is given; such an object is its documented way to sign
with a key in a token or a service. The signature comes as JOSE writes it (r ‖ s) and goes as DER.
"""

from collections.abc import Callable, Mapping
from typing import Final, NoReturn, Self

from cryptography.hazmat.primitives import _serialization as serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from certsvc_sdk.algorithms import der
from certsvc_sdk.algorithms.publickey import PublicKey
from certsvc_sdk.errors import AlgorithmNotAllowed, KeyFormatInvalid
from certsvc_sdk.strict import b64u_decode, b64u_encode

ALGORITHM: Final = "ES256"
_COORDINATE: Final = 32


class ExternalKey(ec.EllipticCurvePrivateKey):
    """A P-256 key that can be used and not read.

    Args:
        sign: makes a signature of some bytes: ECDSA with SHA-256, r ‖ s, 64 bytes.
        public_jwk: the public key.

    Raises:
        KeyFormatInvalid: no key of P-256.
    """

    def __init__(self, sign: Callable[[bytes], bytes], public_jwk: Mapping[str, str]) -> None:
        self._sign = sign
        self._public = public_from_jwk(public_jwk)

    def sign(self, data: bytes, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:  # type: ignore[override]
        """Sign, and write the signature as X.509 wants it (RFC 3279 section 2.2.3).

        Raises:
            AlgorithmNotAllowed: asked for another algorithm, or the signature is none of it.
        """
        asked = signature_algorithm.algorithm
        if isinstance(asked, Prehashed) or not isinstance(asked, SHA256):
            raise AlgorithmNotAllowed("certificates are signed with ECDSA and SHA-256")
        signature = self._sign(bytes(data))
        if len(signature) != 2 * _COORDINATE or not all(map(any, _halves(signature))):
            raise AlgorithmNotAllowed("the signer gave no signature of ES256")
        return der.from_raw(*_halves(signature))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        """P-256."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """Bits of the curve."""
        return self._public.key_size

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        """Not offered."""
        raise _refusal()

    def private_numbers(self) -> NoReturn:
        """Not offered."""
        raise _refusal()

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> NoReturn:
        """Not offered."""
        raise _refusal()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def public_from_jwk(jwk: Mapping[str, str]) -> ec.EllipticCurvePublicKey:
    """The library's key of a JWK.

    Raises:
        KeyFormatInvalid: no key of P-256.
    """
    members = PublicKey.from_jwk(jwk, ALGORITHM).jwk
    x, y = (int.from_bytes(b64u_decode(members[name])) for name in ("x", "y"))
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError as error:
        raise KeyFormatInvalid("JWK is not a point of its curve") from error


def jwk_of(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """The JWK of a P-256 key."""
    numbers = key.public_numbers()
    x, y = (b64u_encode(one.to_bytes(_COORDINATE)) for one in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _halves(signature: bytes) -> tuple[bytes, bytes]:
    return signature[:_COORDINATE], signature[_COORDINATE:]


def _refusal() -> AlgorithmNotAllowed:
    return AlgorithmNotAllowed("the key signs certificates and does nothing else")
