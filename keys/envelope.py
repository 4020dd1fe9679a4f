"""The sealed envelope in which secrets lie on disk.

One scrypt run (RFC 7914) over the passphrase gives the store's two keys: the key-encryption key
for AES-256-GCM and the key that authenticates a file's open members. Each envelope binds its
place through the additional authenticated data, so it opens nowhere else.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keys.errors import FileMalformed, FileTampered

RandomBytes = Callable[[int], bytes]

# About 0.4 s and 128 MiB: paid once per opened store, by an attacker once per guess.
SCRYPT_N = 2**17
SCRYPT_R = 8
SCRYPT_P = 1
# A planted store file must not make the service allocate without bound (1 GiB at 2**20).
SCRYPT_N_MAX = 2**20
SALT_BYTES = 16
NONCE_BYTES = 12


def canonical(value: Mapping[str, object]) -> bytes:
    """One spelling for one value: sorted members, no white space, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """Seals and opens under one passphrase's keys."""

    seal_key: bytes
    mac_key: bytes
    rng: RandomBytes

    @classmethod
    def derive(cls, passphrase: bytes, *, salt: bytes, n: int, rng: RandomBytes) -> "Envelope":
        """Derives the keys.

        Args:
            passphrase: what the operator holds.
            salt: 16 random bytes of the store.
            n: scrypt cost, a power of two.
            rng: source of nonces.

        Returns:
            The envelope maker.

        Raises:
            FileMalformed: `n` is no power of two or out of bounds.
        """
        if not 2 <= n <= SCRYPT_N_MAX or n & (n - 1):
            raise FileMalformed("scrypt cost out of bounds")
        material = Scrypt(salt=salt, length=64, n=n, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase)
        return cls(material[:32], material[32:], rng)

    def seal(self, plaintext: bytes, *, aad: bytes) -> bytes:
        """nonce:12 | ciphertext | tag:16, with a fresh random nonce."""
        nonce = self.rng(NONCE_BYTES)
        return nonce + AESGCM(self.seal_key).encrypt(nonce, plaintext, aad)

    def open(self, sealed: bytes, *, aad: bytes) -> bytes:
        """The plaintext.

        Raises:
            FileTampered: other bytes, another place (`aad`) or another passphrase.
        """
        try:
            return AESGCM(self.seal_key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
        except (InvalidTag, ValueError) as error:
            raise FileTampered("the sealed part does not open") from error

    def mac(self, value: Mapping[str, object]) -> bytes:
        """HMAC-SHA256 over the canonical JSON of a file's members, 32 bytes."""
        return hmac.new(self.mac_key, canonical(value), hashlib.sha256).digest()

    def check_mac(self, value: Mapping[str, object], mac: bytes) -> None:
        """Refuses members that were changed without the passphrase.

        Raises:
            FileTampered: the code does not match.
        """
        if not hmac.compare_digest(self.mac(value), mac):
            raise FileTampered("the file's authentication code does not match")
