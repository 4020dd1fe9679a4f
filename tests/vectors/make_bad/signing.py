"""Test keys from fixed labels, and signatures that come out the same in every run.

Nothing here is secret and nothing here is the product's code: keys are SHA-256 of a label, ES256
nonces come from RFC 6979, and whoever runs the generator again gets the same bytes.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

N256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256 = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES256K": ec.SECP256K1()}
_HASHES = {"ES256": hashes.SHA256(), "ES384": hashes.SHA384(), "ES256K": hashes.SHA256()}
_SIZES = {"ES256": 32, "ES384": 48, "ES256K": 32}
_NAMES = {"ES256": "P-256", "ES384": "P-384", "ES256K": "secp256k1"}


def b64u(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64u(text: str) -> bytes:
    """The bytes of base64url text without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def js(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


@dataclass(frozen=True)
class Key:
    """A key pair made from a label."""

    label: str
    alg: str = "ES256"

    @cached_property
    def number(self) -> int:
        """The secret as a number (of `alg`'s group)."""
        seed = hashlib.sha256(f"certsvc test key {self.label}".encode()).digest()
        return int.from_bytes(seed, "big") % (N256 - 1) + 1

    @cached_property
    def private(self) -> Any:
        """The `cryptography` object."""
        if self.alg in _CURVES:
            return ec.derive_private_key(self.number, _CURVES[self.alg])
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.number.to_bytes(32, "big"))

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The public JWK, members in thumbprint order."""
        public = self.private.public_key()
        if self.alg not in _CURVES:
            return {"crv": "Ed25519", "kty": "OKP", "x": b64u(public.public_bytes_raw())}
        numbers, size = public.public_numbers(), _SIZES[self.alg]
        x, y = (b64u(value.to_bytes(size, "big")) for value in (numbers.x, numbers.y))
        return {"crv": _NAMES[self.alg], "kty": "EC", "x": x, "y": y}

    @cached_property
    def thumbprint(self) -> str:
        """RFC 7638."""
        return b64u(hashlib.sha256(js(self.jwk)).digest())

    @property
    def kid(self) -> str:
        """The first 11 characters of the thumbprint."""
        return self.thumbprint[:11]

    def header(self, typ: str = "dc+sd-jwt", **more: Any) -> dict[str, Any]:
        """A JOSE header of this key; `name=...` leaves a member out."""
        members = {"alg": self.alg, "typ": typ, "kid": self.kid, **more}
        return {name: value for name, value in members.items() if value is not ...}

    def sign(self, data: bytes) -> bytes:
        """The signature in JOSE form, low s."""
        if self.alg not in _CURVES:
            return bytes(self.private.sign(data))
        method = ec.ECDSA(_HASHES[self.alg], deterministic_signing=True)
        r, s = decode_dss_signature(self.private.sign(data, method))
        return pair(r, min(s, N256 - s) if self.alg == "ES256" else s, _SIZES[self.alg])

    def sign_with_nonce(self, data: bytes, k: int) -> bytes:
        """An ES256 signature made with a given nonce, as a broken signer would."""
        digest = int.from_bytes(hashlib.sha256(data).digest(), "big")
        r = ec.derive_private_key(k, ec.SECP256R1()).public_key().public_numbers().x % N256
        s = pow(k, -1, N256) * (digest + r * self.number) % N256
        return pair(r, min(s, N256 - s))


def pair(r: int, s: int, size: int = 32) -> bytes:
    """R and s as fixed-length big-endian bytes."""
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def split(signature: bytes) -> tuple[int, int]:
    """R and s of a 64-byte signature."""
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


CERT = Key("regulator certificate")
STATUS = Key("regulator status")
LOG = Key("regulator log")
POLICE = Key("police certificate", "Ed25519")
POLICE_STATUS = Key("police status", "Ed25519")
HOLDER = Key("holder device")
ED_HOLDER = Key("holder tablet", "Ed25519")
STRANGER = Key("stranger")
STAGING = Key("staging certificate")
