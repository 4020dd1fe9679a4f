"""Keys for data at rest: sealing of columns and keyed hashes for look-ups."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from keys.envelope import NONCE_BYTES, RandomBytes
from keys.errors import DataSealInvalid

# Names the format, so that a later one can be told apart row by row.
VERSION = b"\x01"
SECRET_BYTES = 32


class SealingKey(Protocol):
    """What a data key does, wherever its secret lies."""

    def seal(self, plaintext: bytes, *, context: bytes) -> bytes:
        """Hides the plaintext; it opens only with the same context."""
        ...

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """The plaintext, or `DataSealInvalid`."""
        ...

    def hmac(self, data: bytes) -> bytes:
        """A keyed hash of 32 bytes."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """A named data key.

    Random 96-bit nonces bear 2**32 seals under one key (NIST SP 800-38D section 8.3): use
    another name before that.
    """

    name: str
    rng: RandomBytes
    _cipher: AESGCM = field(compare=False)
    _mac_key: bytes

    @classmethod
    def from_secret(cls, name: str, secret: bytes, *, rng: RandomBytes) -> "DataKey":
        """Derives the sealing and the hashing key from one 32-byte secret (RFC 5869 expand)."""

        def expand(use: bytes) -> bytes:
            info = b"certsvc data key v1 " + use + b" " + name.encode()
            return HKDFExpand(hashes.SHA256(), 32, info).derive(secret)

        return cls(name, rng, AESGCM(expand(b"seal")), expand(b"hmac"))

    def seal(self, plaintext: bytes, *, context: bytes) -> bytes:
        """version:1 | nonce:12 | ciphertext | tag:16.

        Args:
            plaintext: what to hide.
            context: where it will lie; it opens only with the same context.

        Returns:
            The sealed bytes, 29 longer than the plaintext.
        """
        nonce = self.rng(NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, plaintext, VERSION + context)

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """The plaintext.

        Args:
            sealed: what `seal` returned.
            context: the same as at sealing.

        Returns:
            The plaintext.

        Raises:
            DataSealInvalid: altered, truncated, of another version, key or context.
        """
        if sealed[:1] != VERSION:
            raise DataSealInvalid("unknown seal version")
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, body, VERSION + context)
        except (InvalidTag, ValueError) as error:
            raise DataSealInvalid("the sealed data does not open here") from error

    def hmac(self, data: bytes) -> bytes:
        """HMAC-SHA256, 32 bytes: equal data can be found again without being readable."""
        return hmac.new(self._mac_key, data, hashlib.sha256).digest()
