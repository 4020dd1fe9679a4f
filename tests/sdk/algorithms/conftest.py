"""SM2 keys, and the openssl program as the second opinion on them."""

import base64
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gmssl_pyx
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

IDENTITY = b"1234567812345678"


def _b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class Sm2Signer:
    """An SM2 key pair of the library itself."""

    public: bytes
    secret: bytes

    @property
    def jwk(self) -> dict[str, str]:
        x, y = _b64u(self.public[:32]), _b64u(self.public[32:])
        return {"kty": "EC", "crv": "SM2", "x": x, "y": y}

    def sign(self, data: bytes, identity: bytes | None = IDENTITY) -> bytes:
        """r ‖ s, as the library gives them."""
        der = gmssl_pyx.sm2_sign(self.secret, self.public, data, identity)
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.fixture(scope="session")
def sm2_signer() -> Sm2Signer:
    return Sm2Signer(*gmssl_pyx.sm2_key_generate())


@pytest.fixture
def openssl(tmp_path: Path) -> Callable[..., bytes]:
    """Runs the openssl program in a folder of its own; every file argument is relative to it."""

    def run(*arguments: str, **files: bytes) -> bytes:
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
        done: Any = subprocess.run(
            ["openssl", *arguments], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return bytes(done.stdout)

    return run
