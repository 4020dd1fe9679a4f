"""Private Ed25519 keys of witnesses and makers, in files of their own (PKCS #8, PEM)."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc_sdk.errors import CertsvcError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def key_in(
    path: Path, *, new: bool, whose: str, refusal: type[CertsvcError]
) -> "Ed25519PrivateKey":
    """Return the key of a file.

    Args:
        path: the file, readable by its owner only.
        new: make the key first; a file that is there is never written over.
        whose: for the message.
        refusal: what is raised.

    Raises:
        CertsvcError: `refusal`: it cannot be read or written, or is no Ed25519 key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if new:
        made = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        try:
            _create(path, made)
        except OSError as error:
            raise refusal(f"the key cannot be written: {error.strerror}") from error
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise refusal(f"the {whose}'s key cannot be read") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise refusal(f"the {whose}'s key is no Ed25519 key")
    return private


def _create(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
