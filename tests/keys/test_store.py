"""What the file store does for those who hold the passphrase."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

import keys
from keys import disk
from keys.algorithms import algorithm, kid_of
from keys.errors import (
    ActiveKeyExists,
    AlgorithmUnsupported,
    KeyClash,
    KeyNotActive,
    KeyUnknown,
    NameInvalid,
    NoActiveKey,
    PassphraseWrong,
    SignatureRejected,
    StoreUnavailable,
    StoreUriInvalid,
    TransitionForbidden,
)
from keys.filestore import FileKeyStore
from keys.lifecycle import State
from keys.signer import StoredSigner
from keys.store import KeyInfo

ISSUER = "119999000000000198"
PASSPHRASE = b"correct horse battery staple"
Make = Callable[..., KeyInfo]
Open = Callable[[], FileKeyStore]


def _generate(root: Path, number: int) -> str:
    store = FileKeyStore(root, passphrase=PASSPHRASE, scrypt_n=2)
    info = store.generate(issuer_id=ISSUER, alg="Ed25519", purpose="log", now=number)
    store.set_state(ISSUER, info.kid, State.PRE_PUBLISHED, now=number)
    try:
        store.set_state(ISSUER, info.kid, State.ACTIVE, now=number)
    except ActiveKeyExists:
        return "refused"
    return "active"


def _data_key(root: Path) -> bytes:
    return FileKeyStore(root, passphrase=PASSPHRASE).data_key("rows").hmac(b"x")


def test_a_new_key(store: FileKeyStore, open_again: Open) -> None:
    info = store.generate(
        issuer_id=ISSUER, alg="ES256", purpose="certificate", now=7, types=("b", "a"), role="r"
    )
    assert info.state is State.GENERATED
    assert (info.types, info.role, info.created_at) == (("a", "b"), "r", 7)
    assert info.kid == kid_of(info.public_jwk)
    assert open_again().get(ISSUER, info.kid) == info
    assert open_again().list() == [info]
    assert open_again().list("other") == []


def test_each_step_is_kept_with_its_time(store: FileKeyStore, open_again: Open) -> None:
    info = store.generate(issuer_id=ISSUER, alg="ES256", purpose="status", now=1)
    steps = [State.PRE_PUBLISHED, State.ACTIVE, State.RETIRED, State.DESTROYED, State.COMPROMISED]
    for number, state in enumerate(steps):
        info = store.set_state(ISSUER, info.kid, state, now=10 + number)
        assert info.state is state
        assert open_again().get(ISSUER, info.kid) == info
    assert [
        info.pre_published_at,
        info.activated_at,
        info.retired_at,
        info.destroyed_at,
        info.compromised_at,
    ] == [10, 11, 12, 13, 14]
    with pytest.raises(TransitionForbidden):
        store.set_state(ISSUER, info.kid, State.ACTIVE, now=20)


@pytest.mark.parametrize("alg", ["ES256", "Ed25519"])
def test_an_active_key_signs(store: FileKeyStore, make: Make, open_again: Open, alg: str) -> None:
    info = make(alg=alg)
    signer = open_again().signer(ISSUER, info.kid)
    assert (signer.kid, signer.alg, signer.public_jwk) == (info.kid, alg, info.public_jwk)
    assert algorithm(alg).verify(info.public_jwk, b"data", signer.sign(b"data"))
    assert store.signer(ISSUER, info.kid) is store.signer(ISSUER, info.kid)


@pytest.mark.parametrize(
    "state", [State.GENERATED, State.PRE_PUBLISHED, State.RETIRED, State.DESTROYED]
)
def test_no_other_key_signs(store: FileKeyStore, make: Make, state: State) -> None:
    info = make(state)
    with pytest.raises(KeyNotActive):
        store.signer(ISSUER, info.kid)


def test_a_key_retired_elsewhere_stops_signing_here(make: Make, open_again: Open) -> None:
    info = make()
    running, other = open_again(), open_again()
    signer = running.signer(ISSUER, info.kid)
    signer.sign(b"before")
    other.set_state(ISSUER, info.kid, State.RETIRED, now=5)
    with pytest.raises(KeyNotActive):
        signer.sign(b"after")


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


def test_one_active_key_of_a_group(store: FileKeyStore, make: Make) -> None:
    make()
    second = make(State.PRE_PUBLISHED)
    with pytest.raises(ActiveKeyExists):
        store.set_state(ISSUER, second.kid, State.ACTIVE, now=5)
    for other in (
        {"issuer_id": "other"},
        {"purpose": "status"},
        {"types": ("business-licence",)},
        {"role": "r"},
    ):
        assert make(**other).state is State.ACTIVE


def test_rotation_leaves_no_gap_and_can_be_repeated(store: FileKeyStore, make: Make) -> None:
    first, second = make(), make(State.PRE_PUBLISHED)
    rotated = store.rotate(ISSUER, second.kid, now=50)
    assert (rotated.state, rotated.activated_at) == (State.ACTIVE, 50)
    assert store.get(ISSUER, first.kid).state is State.RETIRED
    assert store.active(ISSUER, "certificate").kid == second.kid
    assert store.rotate(ISSUER, second.kid, now=60) == rotated
    with pytest.raises(TransitionForbidden):
        store.rotate(ISSUER, first.kid, now=70)


def test_the_key_made_for_the_type_goes_first(store: FileKeyStore, make: Make) -> None:
    general = make()
    special = make(types=("business-licence",))
    role = make(purpose="trust", role="root", alg="Ed25519")
    assert store.active(ISSUER, "certificate", type="business-licence").kid == special.kid
    assert store.active(ISSUER, "certificate", type="other").kid == general.kid
    assert store.active(ISSUER, "certificate").kid == general.kid
    assert store.active(ISSUER, "trust", role="root").kid == role.kid
    for purpose, asked in [("trust", None), ("trust", "targets"), ("log", None)]:
        with pytest.raises(NoActiveKey):
            store.active(ISSUER, purpose, role=asked)


def test_a_clash_of_key_ids_is_refused(root: Path, store: FileKeyStore, make: Make) -> None:
    info = make()
    path = root / "issuers" / ISSUER / f"{info.kid}.json"
    before = path.read_bytes()
    with pytest.raises(KeyClash):
        disk.create(path, b"another", rng=lambda size: bytes(size))
    assert path.read_bytes() == before


def test_unknown_keys(store: FileKeyStore) -> None:
    for call in (
        lambda: store.get(ISSUER, "A" * 11),
        lambda: store.signer(ISSUER, "A" * 11),
        lambda: store.set_state(ISSUER, "A" * 11, State.ACTIVE, now=1),
    ):
        with pytest.raises(KeyUnknown):
            call()


@pytest.mark.parametrize("name", ["", "..", "a/b", "a.b", "-a", "a" * 65, "a\n", "中"])
def test_names_that_are_no_file_names(store: FileKeyStore, name: str) -> None:
    for call in (
        lambda: store.generate(issuer_id=name, alg="ES256", purpose="log", now=1),
        lambda: store.get(name, "A" * 11),
        lambda: store.list(name),
        lambda: store.data_key(name),
        lambda: store.get(ISSUER, name),
    ):
        with pytest.raises(NameInvalid):
            call()


def test_arguments_out_of_the_lists(make: Make) -> None:
    for changes in ({"purpose": "fun"}, {"types": ("",)}, {"role": "a b"}):
        with pytest.raises(NameInvalid):
            make(State.GENERATED, **changes)
    with pytest.raises(AlgorithmUnsupported):
        make(State.GENERATED, alg="RS256")


def test_processes_share_the_store(root: Path, open_again: Open) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        results = list(pool.map(_generate, [root] * 6, range(6)))
        hashes = list(pool.map(_data_key, [root] * 4))
    assert sorted(results) == ["active"] + ["refused"] * 5
    assert len(open_again().list(ISSUER)) == 6
    assert len(set(hashes)) == 1


def test_threads_share_the_store(root: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: _generate(root, number), range(16)))
    assert results.count("active") == 1


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


def test_data_keys_last(store: FileKeyStore, open_again: Open) -> None:
    sealed = store.data_key("rows").seal(b"x", context=b"c")
    assert open_again().data_key("rows").open(sealed, context=b"c") == b"x"
    assert store.data_key("files").hmac(b"x") != store.data_key("rows").hmac(b"x")


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
