"""`store.json`: salt and cost of a store, its wrapped keys, and what wraps them anew.

The store's keys are random and lie wrapped under the key-encryption key, so that another
passphrase takes one file and no key. In version 1 the keys came from the passphrase itself and
the file held only a proof; such stores open as before, and become version 2 when wrapped anew.
"""

from pathlib import Path

from keys import disk, record
from keys.algorithms import b64u, unb64u
from keys.envelope import SALT_BYTES, SCRYPT_N, Envelope, RandomBytes, canonical
from keys.errors import FileMalformed, FileTampered, PassphraseWrong

VERSION = 2
_CHECK = b"certsvc key store"
_WRAP = b"certsvc key store keys"
_KEY_BYTES = 32


def unlock(root: Path, *, passphrase: bytes, scrypt_n: int, rng: RandomBytes) -> Envelope:
    """Opens the store's keys; founds the store when the directory is empty.

    Args:
        root: the store's directory, with its folders `issuers` and `data`.
        passphrase: what the key-encryption key is derived from.
        scrypt_n: cost for a store founded now.
        rng: random bytes.

    Returns:
        The envelope maker of this store.

    Raises:
        PassphraseWrong: empty, or not this store's.
        FileMalformed: `store.json` is missing beside keys, or not of a known version.
        KeysError: the file is not ours, or the medium failed.
    """
    if not passphrase:
        raise PassphraseWrong("the passphrase is empty")
    path = root / "store.json"
    with disk.exclusive(root):
        if not path.is_file() and not path.is_symlink():
            if any((root / "issuers").iterdir()) or any((root / "data").iterdir()):
                raise FileMalformed("store.json is missing beside keys")
            founded = Envelope(rng(_KEY_BYTES), rng(_KEY_BYTES), rng)
            disk.create(path, _written(founded, passphrase, scrypt_n, rng), rng=rng)
    return _opened(path, passphrase, rng)


def rewrap(
    root: Path, *, old: bytes, new: bytes, rng: RandomBytes, scrypt_n: int = SCRYPT_N
) -> None:
    """Lets another passphrase open the store; no key is touched, open stores stay open.

    What the old passphrase has protected in copies made before, it still opens there.

    Args:
        root: the store's directory.
        old: the passphrase that opens it now.
        new: the one that shall.
        rng: random bytes.
        scrypt_n: cost of key derivation from now on.

    Raises:
        PassphraseWrong: `old` does not open it, or `new` is empty.
        KeysError: the store is not sound, or the medium failed.
    """
    if not new:
        raise PassphraseWrong("the new passphrase is empty")
    disk.check_directory(root)
    path = root / "store.json"
    with disk.exclusive(root):
        envelope = _opened(path, old, rng)
        disk.replace(path, _written(envelope, new, scrypt_n, rng), rng=rng)


def _opened(path: Path, passphrase: bytes, rng: RandomBytes) -> Envelope:
    members = record.read_object(disk.read(path)[0])
    version = members.get("version")
    if version not in (1, VERSION) or members.get("kdf") != "scrypt":
        raise FileMalformed("store.json is of an unknown version")
    sealed = members.get("check" if version == 1 else "wrapped")
    n, salt = members.get("n"), members.get("salt")
    if not (isinstance(n, int) and isinstance(salt, str) and isinstance(sealed, str)):
        raise FileMalformed("store.json lacks members")
    derived = Envelope.derive(passphrase, salt=unb64u(salt), n=n, rng=rng)
    try:
        opened = derived.open(unb64u(sealed), aad=_CHECK if version == 1 else _WRAP)
    except FileTampered as error:
        raise PassphraseWrong("the passphrase does not open this store") from error
    if version == 1:
        return derived
    return Envelope(opened[:_KEY_BYTES], opened[_KEY_BYTES:], rng)


def _written(envelope: Envelope, passphrase: bytes, n: int, rng: RandomBytes) -> bytes:
    salt = rng(SALT_BYTES)
    wrapping = Envelope.derive(passphrase, salt=salt, n=n, rng=rng)
    keys = envelope.seal_key + envelope.mac_key
    members = {
        "version": VERSION,
        "kdf": "scrypt",
        "n": n,
        "salt": b64u(salt),
        "wrapped": b64u(wrapping.seal(keys, aad=_WRAP)),
    }
    return canonical(members) + b"\n"
