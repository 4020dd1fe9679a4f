"""Custody of private keys: algorithms, stores, life cycle. Signs bytes and knows no format."""

from pathlib import Path

from keys.envelope import SCRYPT_N
from keys.errors import StoreUriInvalid
from keys.filestore import FileKeyStore
from keys.lifecycle import State
from keys.signer import Signer
from keys.store import KeyInfo, KeyStore

__all__ = ["KeyInfo", "KeyStore", "Signer", "State", "open_store"]


def open_store(
    uri: str, *, passphrase: bytes, scrypt_n: int = SCRYPT_N, allow_software_sm2: bool = False
) -> KeyStore:
    """Opens the key store that the URI names.

    Args:
        uri: `file:<path>`, relative or absolute; `file:///<path>` as well.
        passphrase: what opens it.
        scrypt_n: cost of key derivation for a store made now.
        allow_software_sm2: whether a store of files may hold SM2 keys.

    Returns:
        The store.

    Raises:
        StoreUriInvalid: another scheme, an empty path or a host.
        KeysError: see `FileKeyStore`.
    """
    scheme, _, path = uri.partition(":")
    if path.startswith("///"):
        path = path[2:]
    if scheme != "file" or not path or path.startswith("//"):
        raise StoreUriInvalid(f"no key store at {scheme[:16]!r}: use file:<path>")
    return FileKeyStore(
        Path(path),
        passphrase=passphrase,
        scrypt_n=scrypt_n,
        allow_software_sm2=allow_software_sm2,
    )
