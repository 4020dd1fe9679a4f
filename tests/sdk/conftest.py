"""Keys and a signer made with `cryptography` alone, so that no test signs with our own code."""

import hashlib
import importlib.util
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc_sdk.algorithms import PublicKey, kid_of
from certsvc_sdk.jws import attach, signing_input

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _b64u(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class TestSigner:
    """A private key with what a keys backend would offer: kid, alg, public JWK, sign."""

    __test__ = False

    def __init__(self, alg: str, private: Any) -> None:
        self.alg = alg
        self.private = private
        self.jwk: dict[str, str] = self._public_jwk()
        self.kid = kid_of(self.jwk)
        self.public = PublicKey.from_jwk(self.jwk, alg)

    def _public_jwk(self) -> dict[str, str]:
        public = self.private.public_key()
        if self.alg == "ES256":
            numbers = public.public_numbers()
            x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
            return {"kty": "EC", "crv": "P-256", "x": _b64u(x), "y": _b64u(y)}
        return {"kty": "OKP", "crv": "Ed25519", "x": _b64u(public.public_bytes_raw())}

    @property
    def private_jwk(self) -> dict[str, str]:
        """The JWK with `d`, for other libraries."""
        if self.alg == "ES256":
            d = self.private.private_numbers().private_value.to_bytes(32, "big")
        else:
            d = self.private.private_bytes_raw()
        return {**self.jwk, "d": _b64u(d)}

    def header(self, typ: str = "dc+sd-jwt") -> dict[str, Any]:
        return {"alg": self.alg, "typ": typ, "kid": self.kid}

    def sign(self, data: bytes) -> bytes:
        """64 bytes: r and low s, or Ed25519."""
        if self.alg != "ES256":
            return bytes(self.private.sign(data))
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")

    def jws(self, payload: bytes, *, header: dict[str, Any] | None = None) -> str:
        """Compact JWS over a payload; header default is an SD-JWT VC's."""
        data = signing_input(self.header() if header is None else header, payload)
        return attach(data, self.sign(data))


def _es256(number: int) -> TestSigner:
    """A fixed P-256 key, so that failures repeat."""
    secret = int.from_bytes(hashlib.sha256(b"es256 %d" % number).digest(), "big") % P256_ORDER
    return TestSigner("ES256", ec.derive_private_key(secret, ec.SECP256R1()))


def _ed25519(number: int, alg: str = "Ed25519") -> TestSigner:
    secret = hashlib.sha256(b"ed25519 %d" % number).digest()
    return TestSigner(alg, ed25519.Ed25519PrivateKey.from_private_bytes(secret))


@pytest.fixture(scope="session")
def es256_signer() -> TestSigner:
    """The issuer's usual key."""
    return _es256(1)


@pytest.fixture(scope="session")
def ed25519_signer() -> TestSigner:
    return _ed25519(1)


@pytest.fixture(scope="session", params=["ES256", "Ed25519", "EdDSA"])
def any_signer(request: pytest.FixtureRequest) -> TestSigner:
    """One test for each algorithm and spelling."""
    return _es256(2) if request.param == "ES256" else _ed25519(2, request.param)


@pytest.fixture(scope="session")
def make_signer() -> Callable[..., TestSigner]:
    """`make_signer("ES256", 7)`: more keys, different for each number."""

    def make(alg: str = "ES256", number: int = 3) -> TestSigner:
        return _es256(number) if alg == "ES256" else _ed25519(number, alg)

    return make


@pytest.fixture(scope="session")
def holder_signer() -> TestSigner:
    """A holder's device key for key binding."""
    return _es256(99)


@pytest.fixture(scope="session")
def numbered_salts() -> Callable[[int], bytes]:
    """Salts that repeat from run to run."""
    return lambda index: hashlib.sha256(b"salt %d" % index).digest()[:16]


def _load_logbook() -> ModuleType:
    # Test modules cannot import one another.
    name = "logbook"
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


LOGBOOK = _load_logbook()


@pytest.fixture(scope="session")
def logbooks() -> ModuleType:
    """The module `tests/sdk/logbook.py`: a small log with real keys."""
    return LOGBOOK


@pytest.fixture
def book(make_signer: Callable[..., TestSigner]) -> Any:
    """A log without leaves, `certs.example/log`."""
    return LOGBOOK.LogBook("certs.example/log", make_signer("Ed25519", 40))
