"""Where a file store's key-encryption key comes from, and how it is changed."""

import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest
from servers.softhsm import SoftHsm

import keys
from keys import record
from keys.algorithms import b64u
from keys.envelope import Envelope, canonical
from keys.errors import (
    KekSourceInvalid,
    KeysError,
    PassphraseWrong,
    PermissionsLoose,
    StoreUriInvalid,
    SymlinkRefused,
)
from keys.filestore import FileKeyStore
from keys.unlock import rewrap
from keys.uri import read_kek, read_uri

ISSUER = "119999000000000198"


@pytest.fixture
def kek_file(tmp_path: Path) -> Path:
    path = tmp_path / "kek"
    path.write_bytes(b"secret of a file\r\n")
    path.chmod(0o600)
    return path


def made(uri: str, **changes: object) -> keys.KeyInfo:
    store = keys.open_store(uri, scrypt_n=2, **changes)  # type: ignore[arg-type]
    return store.generate(issuer_id=ISSUER, alg="ES256", purpose="log", now=1)


def test_a_passphrase_file_opens_it(tmp_path: Path, kek_file: Path) -> None:
    info = made(f"file:{tmp_path}/keys?kek=file:{quote(str(kek_file))}")
    store = keys.open_store(f"file:{tmp_path}/keys", passphrase=b"secret of a file")
    assert store.list() == [info]


def test_a_variable_opens_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFICE_KEK", "from outside")
    info = made(f"file:{tmp_path}/keys?kek=env:OFFICE_KEK")
    assert FileKeyStore(tmp_path / "keys", passphrase=b"from outside").list() == [info]


def test_a_token_opens_it(tmp_path: Path, soft_hsm: SoftHsm) -> None:
    """The passphrase comes from a secret that only the token can open."""
    soft_hsm.new_token("kek")
    soft_hsm.new_token("other")
    uri = f"file:{tmp_path}/keys?kek={quote(soft_hsm.uri('kek'), safe='')}"
    info = made(uri)
    assert keys.open_store(uri).list() == [info]
    with pytest.raises(PassphraseWrong):
        keys.open_store(f"file:{tmp_path}/keys?kek={quote(soft_hsm.uri('other'), safe='')}")


@pytest.mark.parametrize(
    "source",
    ["", "env:", "env:a-b", "env:NOBODY_SET_IT", "file:/nonexistent", "prompt:", "file:x?kek=y"],
)
def test_sources_that_give_nothing(source: str) -> None:
    with pytest.raises(KeysError) as caught:
        read_kek(source, environ={})
    assert isinstance(caught.value, KekSourceInvalid | StoreUriInvalid)


def test_a_passphrase_file_is_ours_alone(tmp_path: Path, kek_file: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(kek_file)
    with pytest.raises(SymlinkRefused):
        read_kek(f"file:{link}")
    kek_file.chmod(0o640)
    with pytest.raises(PermissionsLoose):
        read_kek(f"file:{kek_file}")
    kek_file.chmod(0o600)
    for content in (b"", b"\n", b"x" * 70_000):
        kek_file.write_bytes(content)
        with pytest.raises(KekSourceInvalid):
            read_kek(f"file:{kek_file}")


def test_uris_taken_apart() -> None:
    plain = read_uri("file:///srv/keys")
    assert (plain.scheme, plain.path, plain.kek, plain.needs_passphrase) == (
        "file",
        Path("/srv/keys"),
        None,
        True,
    )
    assert not read_uri("file:keys?kek=env:X").needs_passphrase
    assert not read_uri("pkcs11:token=x").needs_passphrase
    assert read_uri("signer:/run/certsvc/signer.sock").path == Path("/run/certsvc/signer.sock")
    for uri in (
        "file",
        "file:",
        "file://host/x",
        "file:x?pass=y",
        "file:x?kek=env:A&kek=env:B",
        "signer:",
        "signer:x?kek=env:A",
        "http://x",
        "file:a\0b",
    ):
        with pytest.raises(StoreUriInvalid):
            read_uri(uri)


def test_another_passphrase_and_not_one_key_touched(tmp_path: Path) -> None:
    root = tmp_path / "keys"
    store = FileKeyStore(root, passphrase=b"old", scrypt_n=2)
    info = store.generate(issuer_id=ISSUER, alg="ES256", purpose="log", now=1)
    sealed = store.data_key("rows").seal(b"x", context=b"c")
    before = {path: path.read_bytes() for path in root.rglob("*.json") if path.parent != root}
    rewrap(root, old=b"old", new=b"new", rng=os.urandom, scrypt_n=2)
    assert {path: path.read_bytes() for path in before} == before
    with pytest.raises(PassphraseWrong):
        FileKeyStore(root, passphrase=b"old")
    again = FileKeyStore(root, passphrase=b"new")
    assert again.list() == [info]
    assert again.data_key("rows").open(sealed, context=b"c") == b"x"
    store.generate(issuer_id=ISSUER, alg="ES256", purpose="log", now=2)  # open all the while
    assert len(again.list()) == 2
    for old, new in ((b"old", b"newer"), (b"new", b"")):
        with pytest.raises(PassphraseWrong):
            rewrap(root, old=old, new=new, rng=os.urandom, scrypt_n=2)
    assert FileKeyStore(root, passphrase=b"new").list() == again.list()


def test_a_store_of_before_opens_and_is_wrapped_anew(tmp_path: Path) -> None:
    """Version 1 took its keys from the passphrase itself and kept a proof beside the salt."""
    root = tmp_path / "keys"
    FileKeyStore(root, passphrase=b"old", scrypt_n=2)
    salt = bytes(16)
    envelope = Envelope.derive(b"old", salt=salt, n=2, rng=os.urandom)
    check = envelope.seal(b"certsvc key store", aad=b"certsvc key store")
    members = {"version": 1, "kdf": "scrypt", "n": 2, "salt": b64u(salt), "check": b64u(check)}
    (root / "store.json").write_bytes(canonical(members))
    info = FileKeyStore(root, passphrase=b"old").generate(
        issuer_id=ISSUER, alg="ES256", purpose="log", now=1
    )
    data = (root / "issuers" / ISSUER / f"{info.kid}.json").read_bytes()
    assert record.read_key(data, envelope, issuer_id=ISSUER, kid=info.kid)[0] == info
    with pytest.raises(PassphraseWrong):
        FileKeyStore(root, passphrase=b"wrong")
    rewrap(root, old=b"old", new=b"new", rng=os.urandom, scrypt_n=2)
    assert json.loads((root / "store.json").read_text())["version"] == 2
    assert FileKeyStore(root, passphrase=b"new").list() == [info]
