"""SM2 by its definition (GB/T 32918), and ML-DSA, for keys beside ES256 and Ed25519."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import mldsa
from signing import Key, b64u, js, pair, unb64u

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
IDENTITY = b"1234567812345678"
# ML-DSA signatures of the library are drawn anew each time; the first one made is kept.
KEPT = Path(__file__).with_name("ml-dsa-signatures.json")

Point = tuple[int, int] | None


def _add(p: Point, q: Point) -> Point:
    if p is None or q is None:
        return q if p is None else p
    if p[0] == q[0]:
        if (p[1] + q[1]) % P == 0:
            return None
        slope = (3 * p[0] * p[0] + A) * pow(2 * p[1], -1, P)
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, P)
    x = (slope * slope - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P


def _times(k: int, point: Point = G) -> tuple[int, int]:
    total: Point = None
    while k:
        if k & 1:
            total = _add(total, point)
        point, k = _add(point, point), k >> 1
    if total is None:
        raise ValueError("the point at infinity")
    return total


def _sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


@dataclass(frozen=True)
class Sm2Key(Key):
    """An SM2 key pair made from a label."""

    alg: str = "SM2"

    @cached_property
    def point(self) -> tuple[int, int]:
        """The public point."""
        return _times(self.number)

    @cached_property
    def jwk(self) -> dict[str, str]:  # type: ignore[override]
        """The public JWK of this system: EC, SM2."""
        x, y = (b64u(value.to_bytes(32, "big")) for value in self.point)
        return {"crv": "SM2", "kty": "EC", "x": x, "y": y}

    def sign(self, data: bytes) -> bytes:
        """R and s, with the nonce made from key and data."""
        numbers = (A, B, *G, *self.point)
        za = _sm3(b"\x00\x80" + IDENTITY + b"".join(n.to_bytes(32, "big") for n in numbers))
        e = int.from_bytes(_sm3(za + data), "big")
        seed = hashlib.sha256(f"nonce {self.label}".encode() + data).digest()
        k = int.from_bytes(seed, "big") % (N - 1) + 1
        r = (e + _times(k)[0]) % N
        s = pow(1 + self.number, -1, N) * (k - r * self.number) % N
        return pair(r, s)


@dataclass(frozen=True)
class MlDsaKey(Key):
    """An ML-DSA key pair from a label; RFC 9964 calls its public key `pub`."""

    alg: str = "ML-DSA-44"

    @cached_property
    def private(self) -> Any:
        """The `cryptography` object."""
        kind = mldsa.MLDSA44PrivateKey if self.alg == "ML-DSA-44" else mldsa.MLDSA65PrivateKey
        return kind.from_seed_bytes(hashlib.sha256(self.label.encode()).digest())

    @cached_property
    def jwk(self) -> dict[str, str]:  # type: ignore[override]
        """The public JWK."""
        public = self.private.public_key().public_bytes_raw()
        return {"alg": self.alg, "kty": "AKP", "pub": b64u(public)}

    def sign(self, data: bytes) -> bytes:
        """The signature that is kept for these bytes; a new one only where there is none."""
        kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
        name = b64u(hashlib.sha256(js(self.jwk) + data).digest())
        if name not in kept:
            kept[name] = b64u(self.private.sign(data))
            KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        made = unb64u(kept[name])
        self.private.public_key().verify(made, data)
        return made
