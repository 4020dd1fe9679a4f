"""What steps do to a key's open part, and what no step undoes."""

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import record
from keys.errors import (
    CompromiseLoosened,
    CompromiseTimeInvalid,
    FileMalformed,
    KeyNotActive,
    NoActiveKey,
    TransitionForbidden,
)
from keys.filestore import FileKeyStore
from keys.lifecycle import State
from keys.moves import compromised, moved, others_active, serving
from keys.store import KeyInfo

NOW = 1_800_000_000
ISSUER = "119999000000000198"
Make = Callable[..., KeyInfo]


def info(state: State = State.GENERATED, **members: object) -> KeyInfo:
    known = {
        "kid": "AAAAAAAAAAA",
        "issuer_id": ISSUER,
        "alg": "ES256",
        "purpose": "certificate",
        "types": (),
        "role": None,
        "state": state,
        "public_jwk": {},
        "created_at": NOW,
    }
    return KeyInfo(**{**known, **members})  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(State), max_size=12))
def test_no_walk_leads_back(walk: list[State]) -> None:
    key, order = info(), list(State)
    for number, state in enumerate(walk):
        before = key
        try:
            key = moved(key, state, now=NOW + number)
        except TransitionForbidden:
            assert key == before
            continue
        assert order.index(key.state) > order.index(before.state)
        # Moments of earlier steps stand for ever: published windows depend on them.
        for name, value in asdict(before).items():
            assert name == "state" or value is None or getattr(key, name) == value


@given(
    st.lists(
        st.tuples(st.none() | st.integers(-2, 50), st.integers(-2, 9), st.integers(0, 9)),
        min_size=1,
        max_size=8,
    )
)
def test_a_cut_only_ever_moves_inwards(words: list[tuple[int | None, int, int]]) -> None:
    key = info(State.ACTIVE)
    for cut, at, now in words:
        before = key
        try:
            key = compromised(key, now=NOW + now, at=NOW + at, accept_before_log_index=cut)
        except CompromiseTimeInvalid:
            assert not 0 <= at <= now or (cut is not None and cut < 0)
            continue
        except CompromiseLoosened:
            assert before.state is State.COMPROMISED
            continue
        if before.state is State.COMPROMISED:
            assert (key.compromised_at or 0) <= (before.compromised_at or 0)
            reach = -1 if before.accept_before_log_index is None else before.accept_before_log_index
            assert (-1 if cut is None else cut) <= reach
        assert key.accept_before_log_index == cut
        # The same word again changes nothing.
        assert compromised(key, now=NOW + now, at=NOW + at, accept_before_log_index=cut) == key


def test_a_stolen_key_in_the_store(
    store: FileKeyStore, make: Make, open_again: Callable[[], FileKeyStore], root: Path
) -> None:
    key = make()
    signer, file = store.signer(ISSUER, key.kid), root / "issuers" / ISSUER / f"{key.kid}.json"
    assert "accept_before_log_index" not in json.loads(file.read_text())
    done = store.compromise(ISSUER, key.kid, now=NOW + 9, at=NOW + 5, accept_before_log_index=17)
    assert (done.state, done.compromised_at) == (State.COMPROMISED, NOW + 5)
    assert done.accept_before_log_index == 17
    assert open_again().get(ISSUER, key.kid) == done
    assert json.loads(file.read_text())["secret"] is None
    with pytest.raises(KeyNotActive):
        signer.sign(b"after")
    with pytest.raises(CompromiseLoosened) as loosened:
        store.compromise(ISSUER, key.kid, now=NOW + 9, at=NOW + 5, accept_before_log_index=18)
    with pytest.raises(CompromiseTimeInvalid) as early:
        store.compromise(ISSUER, key.kid, now=NOW + 9, at=NOW - 1, accept_before_log_index=1)
    codes = (loosened.value.code, early.value.code)
    assert codes == ("compromise_loosened", "compromise_time_invalid")
    assert store.compromise(ISSUER, key.kid, now=NOW + 99, at=NOW + 50) != done
    assert open_again().get(ISSUER, key.kid).accept_before_log_index is None
    assert open_again().get(ISSUER, key.kid).compromised_at == NOW + 5


@pytest.mark.parametrize("state", list(State))
def test_a_record_reads_back(state: State) -> None:
    cut = 0 if state is State.COMPROMISED else None
    key = info(state, types=("a", "b"), role="r", accept_before_log_index=cut)
    members = record.members_of(key)
    assert record.info_of(json.loads(json.dumps(members))) == key
    assert ("accept_before_log_index" in members) == (cut is not None)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"added": 1},
        {"kid": ...},
        {"role": ...},
        {"state": "borrowed"},
        {"types": None},
    ],
    ids=str,
)
def test_records_that_no_key_has(change: dict[str, object]) -> None:
    members = {**record.members_of(info()), **change}
    with pytest.raises(FileMalformed):
        record.info_of({name: value for name, value in members.items() if value is not ...})


def test_which_key_serves() -> None:
    general = info(State.ACTIVE, kid="general0000", activated_at=9)
    special = info(State.ACTIVE, kid="special0000", types=("a",), activated_at=1)
    every = [general, special, info(kid="generated00")]
    assert serving(every, ISSUER, "certificate", type="a") is special
    assert serving(every, ISSUER, "certificate", type="b") is general
    assert serving(every, ISSUER, "certificate") is general
    for issuer, purpose, role in [("b", "certificate", None), (ISSUER, "status", None)]:
        with pytest.raises(NoActiveKey):
            serving(every, issuer, purpose, role=role)
    with pytest.raises(NoActiveKey):
        serving(every, ISSUER, "certificate", role="root")


def test_groups() -> None:
    each = [
        info(State.ACTIVE, kid="0"),
        info(State.ACTIVE, kid="1", types=("a",)),
        info(State.ACTIVE, kid="2", role="r"),
        info(State.ACTIVE, kid="3", purpose="status"),
        info(State.ACTIVE, kid="4", issuer_id="b"),
    ]
    for one, other in itertools.permutations(each, 2):
        assert others_active([other], one) == []
    twin = info(State.PRE_PUBLISHED, kid="5")
    assert others_active(each, twin) == [each[0]]
