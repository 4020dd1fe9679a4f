"""What the file store does for those who hold the passphrase."""

from collections.abc import Callable
from pathlib import Path

import pytest

import keys
from keys import disk
from keys.algorithms import algorithm, kid_of
from keys.errors import (
    KeyClash,
    KeyNotActive,
    PassphraseWrong,
    SignatureRejected,
    StoreUnavailable,
    StoreUriInvalid,
)
from keys.filestore import FileKeyStore
from keys.lifecycle import State
from keys.signer import StoredSigner
from keys.store import KeyInfo

ISSUER = "119999000000000198"
PASSPHRASE = b"correct horse battery staple"
Make = Callable[..., KeyInfo]
Open = Callable[[], FileKeyStore]


def test_a_key_whose_file_is_gone_stops_signing(make: Make, root: Path, open_again: Open) -> None:
    info = make()
    signer = open_again().signer(ISSUER, info.kid)
    (root / "issuers" / ISSUER / f"{info.kid}.json").unlink()
    with pytest.raises(KeyNotActive):
        signer.sign(b"after")


@pytest.mark.parametrize("end", [State.DESTROYED, State.COMPROMISED])
def test_the_private_key_is_gone_from_disk(
    store: FileKeyStore, make: Make, root: Path, end: State
) -> None:
    info = make(State.RETIRED)
    path = root / "issuers" / ISSUER / f"{info.kid}.json"
    secret = path.read_text().split('"secret": "')[1].split('"')[0]
    store.set_state(ISSUER, info.kid, end, now=9)
    everything = b"".join(file.read_bytes() for file in root.rglob("*") if file.is_file())
    assert secret.encode() not in everything
    assert '"secret": null' in path.read_text()


def test_what_a_crash_left_is_swept(store: FileKeyStore, make: Make, root: Path) -> None:
    info = make(State.RETIRED)
    left = root / "issuers" / ISSUER / ".x.json.00.tmp"
    left.write_text("sealed")
    store.set_state(ISSUER, info.kid, State.DESTROYED, now=9)
    assert not left.exists()


def test_a_clash_of_key_ids_is_refused(root: Path, store: FileKeyStore, make: Make) -> None:
    info = make()
    path = root / "issuers" / ISSUER / f"{info.kid}.json"
    before = path.read_bytes()
    with pytest.raises(KeyClash):
        disk.create(path, b"another", rng=lambda size: bytes(size))
    assert path.read_bytes() == before


def test_a_signer_dropped_by_another_thread_is_still_handed_out(
    store: FileKeyStore, make: Make
) -> None:
    class Forgetful(dict[Path, StoredSigner]):
        """As if another thread saw the key retired at this very moment."""

        def __setitem__(self, path: Path, signer: StoredSigner) -> None:
            return

    info = make()
    store._signers = Forgetful()
    assert store.signer(info.issuer_id, info.kid).kid == info.kid


def test_a_bad_signature_is_never_released() -> None:
    chosen = algorithm("ES256")
    foreign = chosen.public_jwk(chosen.generate())
    signer = StoredSigner(
        kid=kid_of(foreign),
        alg="ES256",
        public_jwk=foreign,
        private=chosen.generate(),
        guard=lambda: None,
    )
    with pytest.raises(SignatureRejected):
        signer.sign(b"data")


def test_uris(tmp_path: Path) -> None:
    store = keys.open_store(f"file:{tmp_path}/a", passphrase=PASSPHRASE, scrypt_n=2)
    info = store.generate(issuer_id=ISSUER, alg="ES256", purpose="log", now=1)
    again = keys.open_store(f"file://{tmp_path}/a", passphrase=PASSPHRASE)
    assert again.list() == [info]
    for uri in ("", "file:", "pkcs11:token=x", str(tmp_path), "file://host/path"):
        with pytest.raises(StoreUriInvalid):
            keys.open_store(uri, passphrase=PASSPHRASE)


def test_passphrases(root: Path, store: FileKeyStore) -> None:
    for passphrase in (b"", b"wrong"):
        with pytest.raises(PassphraseWrong):
            FileKeyStore(root, passphrase=passphrase)


def test_the_medium_can_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        FileKeyStore(tmp_path / "file" / "keys", passphrase=PASSPHRASE, scrypt_n=2)


def test_a_full_disk_leaves_the_old_file(root: Path, store: FileKeyStore, make: Make) -> None:
    info = make()
    path = root / "issuers" / ISSUER / f"{info.kid}.json"
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable):
        disk.replace(path, b"x", rng=lambda size: b"n" * 300)
    assert path.read_bytes() == before
