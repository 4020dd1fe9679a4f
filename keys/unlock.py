"""`store.json`: salt and cost of a store, and the proof that a passphrase is the right one."""

from pathlib import Path

from keys import disk, record
from keys.algorithms import b64u, unb64u
from keys.envelope import SALT_BYTES, Envelope, RandomBytes, canonical
from keys.errors import FileMalformed, FileTampered, PassphraseWrong

_CHECK = b"certsvc key store"


def unlock(root: Path, *, passphrase: bytes, scrypt_n: int, rng: RandomBytes) -> Envelope:
    """Derives the store's keys; founds the store when the directory is empty.

    Args:
        root: the store's directory, with its folders `issuers` and `data`.
        passphrase: what the operator holds.
        scrypt_n: cost for a store founded now.
        rng: random bytes.

    Returns:
        The envelope maker of this store.

    Raises:
        PassphraseWrong: empty, or not this store's.
        FileMalformed: `store.json` is missing beside keys, or not of this version.
        KeysError: the file is not ours, or the medium failed.
    """
    if not passphrase:
        raise PassphraseWrong("the passphrase is empty")
    path = root / "store.json"
    with disk.exclusive(root):
        if not path.is_file() and not path.is_symlink():
            if any((root / "issuers").iterdir()) or any((root / "data").iterdir()):
                raise FileMalformed("store.json is missing beside keys")
            _found(path, passphrase, scrypt_n, rng)
    members = record.read_object(disk.read(path)[0])
    if members.get("version") != record.VERSION or members.get("kdf") != "scrypt":
        raise FileMalformed("store.json is of an unknown version")
    n, salt, check = members.get("n"), members.get("salt"), members.get("check")
    if not (isinstance(n, int) and isinstance(salt, str) and isinstance(check, str)):
        raise FileMalformed("store.json lacks members")
    envelope = Envelope.derive(passphrase, salt=unb64u(salt), n=n, rng=rng)
    try:
        envelope.open(unb64u(check), aad=_CHECK)
    except FileTampered as error:
        raise PassphraseWrong("the passphrase does not open this store") from error
    return envelope


def _found(path: Path, passphrase: bytes, n: int, rng: RandomBytes) -> None:
    salt = rng(SALT_BYTES)
    envelope = Envelope.derive(passphrase, salt=salt, n=n, rng=rng)
    members = {
        "version": record.VERSION,
        "kdf": "scrypt",
        "n": n,
        "salt": b64u(salt),
        "check": b64u(envelope.seal(_CHECK, aad=_CHECK)),
    }
    disk.create(path, canonical(members) + b"\n", rng=rng)
