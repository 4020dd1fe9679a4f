"""Files that are not as they were written: each defect has its own code."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from keys import disk, record
from keys.algorithms import algorithm
from keys.envelope import Envelope
from keys.errors import (
    FileMalformed,
    FileMisplaced,
    FileTampered,
    ForeignOwner,
    KeysError,
    PermissionsLoose,
    StoreUnavailable,
    SymlinkRefused,
)
from keys.filestore import FileKeyStore
from keys.lifecycle import State
from keys.store import KeyInfo

ISSUER = "119999000000000198"
PASSPHRASE = b"correct horse battery staple"
Make = Callable[..., KeyInfo]
Open = Callable[[], FileKeyStore]


@pytest.fixture
def path(root: Path, make: Make) -> Path:
    """The file of an active key."""
    return root / "issuers" / ISSUER / f"{make().kid}.json"


def edit(path: Path, **changes: object) -> None:
    members = json.loads(path.read_text())
    path.write_text(json.dumps({**members, **changes}))


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(KeysError) as caught:
        call()
    return caught.value.code


def test_files_and_directories_are_ours_alone(root: Path, path: Path) -> None:
    for entry in (root, *root.rglob("*")):
        assert entry.stat().st_mode & 0o777 == (0o700 if entry.is_dir() else 0o600)


def test_no_private_key_in_the_clear(root: Path, path: Path) -> None:
    text = path.read_text()
    assert "PRIVATE" not in text
    assert set(json.loads(text)["public_jwk"]) == {"kty", "crv", "x", "y"}


@pytest.mark.parametrize(
    "change",
    [
        {"state": "pre_published"},
        {"alg": "Ed25519"},
        {"purpose": "log"},
        {"types": ["x"]},
        {"activated_at": 1},
        {"public_jwk": {}},
        {"secret": "AAAA"},
        {"secret": None},
        {"added": 1},
        {"mac": "AAAA"},
    ],
    ids=str,
)
def test_any_changed_member_is_noticed(
    path: Path, open_again: Open, change: dict[str, object]
) -> None:
    edit(path, **change)
    store = open_again()
    assert code_of(lambda: store.get(ISSUER, path.stem)) == "key_file_tampered"
    assert code_of(lambda: store.signer(ISSUER, path.stem)) == "key_file_tampered"
    assert code_of(store.list) == "key_file_tampered"


def test_a_running_signer_notices(path: Path, open_again: Open) -> None:
    signer = open_again().signer(ISSUER, path.stem)
    edit(path, activated_at=1)
    assert code_of(lambda: signer.sign(b"x")) == "key_file_tampered"


def test_a_renamed_file_is_misplaced(path: Path, open_again: Open) -> None:
    other = path.with_name("A" * 11 + ".json")
    shutil.copy(path, other)
    assert code_of(lambda: open_again().get(ISSUER, "A" * 11)) == FileMisplaced.code
    folder = path.parent.with_name("other")
    shutil.copytree(path.parent, folder)
    assert code_of(lambda: open_again().get("other", path.stem)) == FileMisplaced.code


def test_a_sealed_key_opens_only_in_its_place(
    store: FileKeyStore, path: Path, root: Path, open_again: Open
) -> None:
    """Even who can write a sound file cannot move a private key to another one."""
    envelope: Envelope = store._envelope
    other = store.generate(issuer_id=ISSUER, alg="ES256", purpose="status", now=1)
    target = path.with_name(f"{other.kid}.json")
    _, sealed = record.read_key(path.read_bytes(), envelope, issuer_id=ISSUER, kid=path.stem)
    info, _ = record.read_key(target.read_bytes(), envelope, issuer_id=ISSUER, kid=other.kid)
    target.write_bytes(record.write_key(info, sealed, envelope))
    again = open_again()
    again.set_state(ISSUER, other.kid, State.PRE_PUBLISHED, now=1)
    again.set_state(ISSUER, other.kid, State.ACTIVE, now=1)
    assert code_of(lambda: again.signer(ISSUER, other.kid)) == FileTampered.code


@pytest.mark.parametrize("alg", ["ES256", "Ed25519", "ML-DSA-44"])
def test_private_and_public_key_belong_together(store: FileKeyStore, make: Make, alg: str) -> None:
    info = make()
    chosen = algorithm(alg)
    foreign = chosen.dump(chosen.generate())
    sealed = store._envelope.seal(foreign, aad=record.aad_of(info))
    with pytest.raises(FileTampered):
        record.open_private(info, sealed, store._envelope)
    with pytest.raises(KeysError) as caught:
        record.open_private(info, None, store._envelope)
    assert caught.value.code == "key_not_active"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "[" * 5000, "\xff", "{}", '{"version": 2}', " " * 70_000], ids=repr
)
def test_malformed_files(path: Path, open_again: Open, text: str) -> None:
    path.write_bytes(text.encode("latin-1"))
    code = code_of(lambda: open_again().get(ISSUER, path.stem))
    assert code in {FileMalformed.code, FileMisplaced.code}


def test_a_sound_file_of_another_shape(store: FileKeyStore, path: Path) -> None:
    envelope = store._envelope
    for members in (
        {"version": 1, "kid": path.stem, "issuer_id": ISSUER},
        {**json.loads(path.read_text()), "state": "asleep"},
    ):
        members.pop("mac", None)
        data = record.write_sealed(members, b"", envelope)
        with pytest.raises(FileMalformed):
            record.read_key(data, envelope, issuer_id=ISSUER, kid=path.stem)
    with pytest.raises(FileMalformed):
        record.read_sealed(b'{"version": 2, "mac": "AAAA"}', envelope)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o601, 0o660])
def test_loose_permissions_of_a_file(path: Path, open_again: Open, mode: int) -> None:
    path.chmod(mode)
    assert code_of(lambda: open_again().get(ISSUER, path.stem)) == PermissionsLoose.code


def test_loose_permissions_show_in_a_running_signer(path: Path, open_again: Open) -> None:
    signer = open_again().signer(ISSUER, path.stem)
    path.chmod(0o644)
    assert code_of(lambda: signer.sign(b"x")) == PermissionsLoose.code


def test_loose_permissions_of_directories(path: Path, root: Path, open_again: Open) -> None:
    path.parent.chmod(0o750)
    assert code_of(lambda: open_again().get(ISSUER, path.stem)) == PermissionsLoose.code
    path.parent.chmod(0o700)
    root.chmod(0o711)
    assert code_of(open_again) == PermissionsLoose.code


def test_symbolic_links(path: Path, root: Path, tmp_path: Path, open_again: Open) -> None:
    moved = tmp_path / "moved"
    path.rename(moved)
    path.symlink_to(moved)
    assert code_of(lambda: open_again().get(ISSUER, path.stem)) == SymlinkRefused.code
    path.unlink()
    moved.rename(path)
    path.parent.rename(moved)
    path.parent.symlink_to(moved, target_is_directory=True)
    assert code_of(lambda: open_again().get(ISSUER, path.stem)) == SymlinkRefused.code


def test_symbolic_link_in_place_of_the_store(root: Path, path: Path, open_again: Open) -> None:
    moved = root.with_name("moved")
    root.rename(moved)
    root.symlink_to(moved, target_is_directory=True)
    assert code_of(open_again) == SymlinkRefused.code


@pytest.mark.parametrize("name", ["lock", "store.json", "data/rows.json"])
def test_other_symbolic_links(
    root: Path, store: FileKeyStore, tmp_path: Path, open_again: Open, name: str
) -> None:
    store.data_key("rows")
    moved = tmp_path / "moved"
    (root / name).rename(moved)
    (root / name).symlink_to(moved)
    assert code_of(lambda: open_again().data_key("rows")) == SymlinkRefused.code


def test_a_pipe_is_no_key_file(path: Path, open_again: Open) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)
    assert code_of(lambda: open_again().get(ISSUER, path.stem)) == SymlinkRefused.code


def test_a_foreign_owner(path: Path, open_again: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    assert code_of(open_again) == ForeignOwner.code
    with pytest.raises(ForeignOwner):
        disk.read(path)


def test_a_lost_store_file_is_not_made_anew(root: Path, path: Path, open_again: Open) -> None:
    (root / "store.json").unlink()
    assert code_of(open_again) == FileMalformed.code
    assert not (root / "store.json").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 3},
        {"version": 1},
        {"kdf": "pbkdf2"},
        {"n": 2**21},
        {"n": 3},
        {"n": "2"},
        {"salt": None},
        {"wrapped": 1},
        {"salt": "!"},
    ],
    ids=str,
)
def test_malformed_store_files(
    root: Path, store: FileKeyStore, open_again: Open, change: dict[str, object]
) -> None:
    edit(root / "store.json", **change)
    assert code_of(open_again) == FileMalformed.code


def test_a_data_key_moved_to_another_name(root: Path, store: FileKeyStore) -> None:
    store.data_key("rows")
    shutil.copy(root / "data" / "rows.json", root / "data" / "other.json")
    assert code_of(lambda: store.data_key("other")) == FileTampered.code


def test_a_disk_that_fails_while_writing(
    root: Path, path: Path, store: FileKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    before = store.list()
    monkeypatch.setattr(os, "fsync", full)
    for call in (
        lambda: store.generate(issuer_id=ISSUER, alg="ES256", purpose="log", now=1),
        lambda: store.set_state(ISSUER, path.stem, State.RETIRED, now=1),
    ):
        assert code_of(call) == StoreUnavailable.code
    monkeypatch.undo()
    assert store.list() == before
    assert not list(root.rglob(f".*{disk.TEMPORARY}"))
