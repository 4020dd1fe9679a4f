"""What every kind of store does alike: the same tests over files and over a token."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

import keys
from keys.algorithms import algorithm, kid_of
from keys.errors import (
    ActiveKeyExists,
    AlgorithmUnsupported,
    CompromiseLoosened,
    KeyNotActive,
    KeyUnknown,
    NameInvalid,
    NoActiveKey,
    TransitionForbidden,
)
from keys.lifecycle import State
from keys.store import KeyInfo, KeyStore

ISSUER = "119999000000000198"
PASSPHRASE = b"correct horse battery staple"
Make = Callable[..., KeyInfo]
Open = Callable[[], KeyStore]


def opened(uri: str) -> KeyStore:
    return keys.open_store(uri, passphrase=PASSPHRASE, scrypt_n=2)


@pytest.fixture(params=["file", "pkcs11"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"file:{tmp_path / 'keys'}"
    hsm = request.getfixturevalue("soft_hsm")
    hsm.new_token("contract")
    return str(hsm.uri("contract"))


@pytest.fixture
def open_again(uri: str) -> Open:
    """Opens the same store as another process would."""
    return partial(opened, uri)


@pytest.fixture
def store(open_again: Open) -> KeyStore:
    return open_again()


def _generate(uri: str, number: int) -> str:
    store = opened(uri)
    info = store.generate(issuer_id=ISSUER, alg="Ed25519", purpose="log", now=number)
    store.set_state(ISSUER, info.kid, State.PRE_PUBLISHED, now=number)
    try:
        store.set_state(ISSUER, info.kid, State.ACTIVE, now=number)
    except ActiveKeyExists:
        return "refused"
    return "active"


def _data_key(uri: str) -> bytes:
    return opened(uri).data_key("rows").hmac(b"x")


def test_a_new_key(store: KeyStore, open_again: Open) -> None:
    info = store.generate(
        issuer_id=ISSUER, alg="ES256", purpose="certificate", now=7, types=("b", "a"), role="r"
    )
    assert info.state is State.GENERATED
    assert (info.types, info.role, info.created_at) == (("a", "b"), "r", 7)
    assert info.kid == kid_of(info.public_jwk)
    assert open_again().get(ISSUER, info.kid) == info
    assert open_again().list() == [info]
    assert open_again().list("other") == []


def test_each_step_is_kept_with_its_time(store: KeyStore, open_again: Open) -> None:
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
def test_an_active_key_signs(store: KeyStore, make: Make, open_again: Open, alg: str) -> None:
    info = make(alg=alg)
    signer = open_again().signer(ISSUER, info.kid)
    assert (signer.kid, signer.alg, signer.public_jwk) == (info.kid, alg, info.public_jwk)
    assert algorithm(alg).verify(info.public_jwk, b"data", signer.sign(b"data"))
    assert store.signer(ISSUER, info.kid) is store.signer(ISSUER, info.kid)


@pytest.mark.parametrize(
    "state", [State.GENERATED, State.PRE_PUBLISHED, State.RETIRED, State.DESTROYED]
)
def test_no_other_key_signs(store: KeyStore, make: Make, state: State) -> None:
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


def test_one_active_key_of_a_group(store: KeyStore, make: Make) -> None:
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


def test_rotation_leaves_no_gap_and_can_be_repeated(store: KeyStore, make: Make) -> None:
    first, second = make(), make(State.PRE_PUBLISHED)
    rotated = store.rotate(ISSUER, second.kid, now=50)
    assert (rotated.state, rotated.activated_at) == (State.ACTIVE, 50)
    assert store.get(ISSUER, first.kid).state is State.RETIRED
    assert store.active(ISSUER, "certificate").kid == second.kid
    assert store.rotate(ISSUER, second.kid, now=60) == rotated
    with pytest.raises(TransitionForbidden):
        store.rotate(ISSUER, first.kid, now=70)


def test_the_key_made_for_the_type_goes_first(store: KeyStore, make: Make) -> None:
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


def test_unknown_keys(store: KeyStore) -> None:
    for call in (
        lambda: store.get(ISSUER, "A" * 11),
        lambda: store.signer(ISSUER, "A" * 11),
        lambda: store.set_state(ISSUER, "A" * 11, State.ACTIVE, now=1),
    ):
        with pytest.raises(KeyUnknown):
            call()


@pytest.mark.parametrize("name", ["", "..", "a/b", "a.b", "-a", "a" * 65, "a\n", "中"])
def test_names_that_are_no_file_names(store: KeyStore, name: str) -> None:
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


def test_processes_share_the_store(uri: str, open_again: Open) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        results = list(pool.map(_generate, [uri] * 4, range(4)))
        hashes = list(pool.map(_data_key, [uri] * 4))
    assert sorted(results) == ["active"] + ["refused"] * 3
    assert len(open_again().list(ISSUER)) == 4
    assert len(set(hashes)) == 1


def test_threads_share_the_store(uri: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda number: _generate(uri, number), range(6)))
    assert results.count("active") == 1


def test_data_keys_last(store: KeyStore, open_again: Open) -> None:
    sealed = store.data_key("rows").seal(b"x", context=b"c")
    assert open_again().data_key("rows").open(sealed, context=b"c") == b"x"
    assert store.data_key("files").hmac(b"x") != store.data_key("rows").hmac(b"x")


def test_a_compromised_key_is_cut_off_once_and_for_all(
    store: KeyStore, make: Make, open_again: Open
) -> None:
    key = make()
    signer = open_again().signer(ISSUER, key.kid)
    signer.sign(b"before")
    now, at = key.created_at + 9, key.created_at + 5
    done = store.compromise(ISSUER, key.kid, now=now, at=at, accept_before_log_index=17)
    assert (done.state, done.compromised_at) == (State.COMPROMISED, at)
    assert open_again().get(ISSUER, key.kid).accept_before_log_index == 17
    with pytest.raises(KeyNotActive):
        signer.sign(b"after")
    with pytest.raises(CompromiseLoosened):
        store.compromise(ISSUER, key.kid, now=now, at=at, accept_before_log_index=18)
    deeper = store.compromise(ISSUER, key.kid, now=now, at=at, accept_before_log_index=None)
    assert open_again().get(ISSUER, key.kid) == deeper
    assert deeper.accept_before_log_index is None


def test_a_destroyed_key_may_still_turn_out_compromised(store: KeyStore, make: Make) -> None:
    key = make(State.DESTROYED)
    store.compromise(ISSUER, key.kid, now=key.created_at, at=key.created_at)
    assert store.get(ISSUER, key.kid).state is State.COMPROMISED
