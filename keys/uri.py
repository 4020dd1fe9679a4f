"""Names of key stores, and what opens each of them.

- `file:<path>[?kek=<source>]`: keys in encrypted files;
- `pkcs11:<attributes>?<attributes>`: keys in a token (RFC 7512; the extra `hsm`);
- `signer:<path>`: keys in a signer process, by its Unix socket.

The source of a key-encryption key is `file:<path>`, `env:<NAME>` or, percent-encoded, another
store's URI. Without one, whoever opens the store brings the passphrase.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

from keys import disk
from keys.envelope import SCRYPT_N
from keys.errors import (
    FileMalformed,
    KekSourceInvalid,
    KeyUnknown,
    Pkcs11Missing,
    StoreUriInvalid,
)
from keys.filestore import FileKeyStore
from keys.store import KeyStore

SCHEMES = ("file", "pkcs11", "signer")
_KEK = "kek="
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Data key of another store that a file store's passphrase comes from.
KEK_NAME = "file-store-kek"
_KEK_CONTEXT = b"certsvc key store passphrase v1"


@dataclass(frozen=True, slots=True)
class StoreUri:
    """A store's URI, taken apart.

    Attributes:
        scheme: file, pkcs11 or signer.
        path: of the folder or the socket; None for a token.
        kek: source of a file store's key-encryption key; None: the passphrase is brought along.
    """

    scheme: str
    path: Path | None
    kek: str | None = None

    @property
    def needs_passphrase(self) -> bool:
        """Whether whoever opens the store brings its passphrase."""
        return self.scheme == "file" and self.kek is None


def read_uri(uri: str) -> StoreUri:
    """Takes a store's URI apart.

    Raises:
        StoreUriInvalid: another scheme, an empty path, a host, or an unknown attribute.
    """
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme not in SCHEMES:
        known = ", ".join(f"{each}:" for each in SCHEMES)
        raise StoreUriInvalid(f"no key store at {scheme[:16]!r}: use one of {known}")
    if scheme == "pkcs11":
        return StoreUri(scheme, None)
    text, question, query = rest.partition("?")
    if text.startswith("///"):
        text = text[2:]
    if not text or text.startswith("//") or "\0" in text:
        raise StoreUriInvalid(f"{scheme}: needs a path without a host")
    if not question:
        return StoreUri(scheme, Path(text))
    if scheme != "file" or not query.startswith(_KEK) or "&" in query:
        raise StoreUriInvalid(f"{scheme}: knows no such attribute; a file: store takes kek=")
    return StoreUri(scheme, Path(text), unquote(query.removeprefix(_KEK)))


def open_store(
    uri: str,
    *,
    passphrase: bytes | None = None,
    scrypt_n: int = SCRYPT_N,
    allow_software_sm2: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> KeyStore:
    """Opens the key store that the URI names.

    Args:
        uri: see above.
        passphrase: what opens a `file:` store whose URI names no source.
        scrypt_n: cost of key derivation for a store made now.
        allow_software_sm2: whether a store of files may hold SM2 keys.
        environ: variables that a source may name.

    Returns:
        The store.

    Raises:
        StoreUriInvalid: no such store.
        Pkcs11Missing: `pkcs11:` without the extra `hsm`.
        KekSourceInvalid: the source of the key-encryption key gives none.
        KeysError: the store does not open.
    """
    parts = read_uri(uri)
    if parts.path is None:
        return _token(uri)
    if parts.scheme == "signer":
        from keys.signing.client import SignerKeyStore

        return SignerKeyStore(parts.path)
    if parts.kek is not None:
        passphrase = read_kek(parts.kek, environ=environ)
    return FileKeyStore(
        parts.path,
        passphrase=passphrase or b"",
        scrypt_n=scrypt_n,
        allow_software_sm2=allow_software_sm2,
    )


def read_kek(source: str, *, environ: Mapping[str, str] = os.environ) -> bytes:
    """The passphrase that a source gives.

    Args:
        source: `file:<path>` of a file of mode 0600, `env:<NAME>`, or a `pkcs11:` or `signer:`
            URI, whose data key `file-store-kek` then gives it.
        environ: variables.

    Raises:
        KekSourceInvalid: there is nothing, or it is of another form.
        KeysError: the file is not ours alone; the other store does not open.
    """
    kind, _, place = source.partition(":")
    if kind == "file":
        passphrase = _from_file(read_uri(source))
    elif kind == "env" and _VARIABLE.fullmatch(place):
        passphrase = environ.get(place, "").encode("utf-8", "surrogateescape")
    elif kind in SCHEMES:
        other = open_store(source, environ=environ)
        passphrase = other.data_key(KEK_NAME).hmac(_KEK_CONTEXT).hex().encode()
    else:
        raise KekSourceInvalid("kek= must be file:<path>, env:<NAME> or another store's URI")
    if not passphrase:
        raise KekSourceInvalid(f"the {kind}: source of the key-encryption key is empty or not set")
    return passphrase


def _from_file(parts: StoreUri) -> bytes:
    if parts.path is None or parts.kek is not None:
        raise KekSourceInvalid("kek=file: takes the path of a passphrase file")
    try:
        return disk.read(parts.path)[0].rstrip(b"\r\n")
    except (KeyUnknown, FileMalformed) as error:
        raise KekSourceInvalid("kek=file: names no passphrase file") from error


def _token(uri: str) -> KeyStore:
    if find_spec("PyKCS11") is None:
        raise Pkcs11Missing("pkcs11: needs PyKCS11: pip install 'certsvc[hsm]'")
    from keys.pkcs11 import Pkcs11KeyStore

    return Pkcs11KeyStore(uri)
