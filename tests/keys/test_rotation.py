"""Rotation's rules: by example, and whatever random weeks bring."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import KeysError, PolicyInvalid, StepOutdated
from keys.filestore import FileKeyStore
from keys.lifecycle import State
from keys.moves import moved, others_active
from keys.rotation import Action, Reason, RotationPolicy, Step, apply, due, overdue, plan
from keys.steps import DAY
from keys.store import KeyInfo, KeyInfos

NOW = 1_800_000_000
ISSUER = "119999000000000198"
POLICY = RotationPolicy()
Make = Callable[..., KeyInfo]


def planned(
    keys: KeyInfos, now: int, used: dict[str, int] | None = None, **more: object
) -> list[tuple[str, int, str, str | None]]:
    steps = plan(keys, policy=POLICY, now=now, used=used or {}, **more)  # type: ignore[arg-type]
    return [(step.action.value, step.at - NOW, step.reason.value, step.kid) for step in steps]


@pytest.mark.parametrize(
    "limits",
    [
        {"max_age": 0},
        {"max_signatures": 0},
        {"pre_publish": -1},
        {"lead": -1},
        {"lead_signatures": -1},
        {"destroy_after": -1},
        {"max_age": 7 * DAY},
        {"purposes": frozenset({"post"})},
    ],
    ids=str,
)
def test_limits_that_leave_no_room(limits: dict[str, object]) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        RotationPolicy(**limits)  # type: ignore[arg-type]
    assert caught.value.code == "policy_invalid"


def test_a_first_key_need_not_wait(store: FileKeyStore, make: Make) -> None:
    key = make(State.GENERATED)
    assert planned(store.list(), NOW) == [("publish", 0, "waiting", key.kid)]
    key = store.set_state(ISSUER, key.kid, State.PRE_PUBLISHED, now=NOW)
    assert planned(store.list(), NOW + 5) == [("activate", 5, "first", key.kid)]


def test_the_second_key_of_a_purpose_waits(store: FileKeyStore, make: Make) -> None:
    make()
    other = make(State.PRE_PUBLISHED, types=("food-permit",))
    found = planned(store.list(), NOW)
    assert ("activate", 2 * DAY, "waiting", other.kid) in found


def test_a_turn_by_age(store: FileKeyStore, make: Make) -> None:
    old = make()
    before = 83 * DAY
    assert planned(store.list(), NOW) == [("prepare", before, "age", None)]
    assert apply(store, plan(store.list(), policy=POLICY, now=NOW, used={}), now=NOW) == []
    (new,) = turn(store, NOW + before)
    assert (new.state, new.alg, new.group) == (State.PRE_PUBLISHED, old.alg, old.group)
    assert planned(store.list(), NOW + before) == [("activate", 90 * DAY, "age", new.kid)]
    turn(store, NOW + 90 * DAY)
    assert store.get(ISSUER, new.kid).state is State.ACTIVE
    assert store.get(ISSUER, old.kid).state is State.RETIRED
    steps = planned(store.list(), NOW + 90 * DAY)
    assert steps == [("destroy", 97 * DAY, "retired", old.kid), ("prepare", 173 * DAY, "age", None)]
    turn(store, NOW + 97 * DAY)
    assert store.get(ISSUER, old.kid).state is State.DESTROYED


def turn(store: FileKeyStore, now: int, used: dict[str, int] | None = None) -> KeyInfos:
    return apply(store, plan(store.list(), policy=POLICY, now=now, used=used or {}), now=now)


def test_a_turn_by_count_waits_for_its_successor(store: FileKeyStore, make: Make) -> None:
    old = make()
    assert planned(store.list(), NOW, {old.kid: 79_999})[0][2] == "age"
    (step,) = plan(store.list(), policy=POLICY, now=NOW + 9, used={old.kid: 80_000})
    assert (step.action, step.at, step.reason) == (Action.PREPARE, NOW + 9, Reason.COUNT)
    (new,) = turn(store, NOW + 9, {old.kid: 80_000})
    # Over its limit it still signs: an office that stands still helps nobody.
    (late,) = overdue(store.list(), policy=POLICY, now=NOW + 10, used={old.kid: 100_000})
    assert (late.info.kid, late.reason, late.used) == (old.kid, Reason.COUNT, 100_000)
    (step,) = plan(store.list(), policy=POLICY, now=NOW + 10, used={old.kid: 100_000})
    assert (step.kid, step.at, step.replaces) == (new.kid, NOW + 9 + 2 * DAY, old.kid)


def test_the_wait_begins_when_readers_can_see_the_key(store: FileKeyStore, make: Make) -> None:
    make()
    key = make(State.PRE_PUBLISHED)
    late = NOW + 89 * DAY
    unseen = plan(store.list(), policy=POLICY, now=late, used={}, listed={})
    assert [(step.kid, step.at) for step in unseen] == [(key.kid, late + 2 * DAY)]
    seen = plan(store.list(), policy=POLICY, now=late, used={}, listed={key.kid: late - DAY})
    assert [step.at for step in seen] == [late + DAY]


def test_overdue_by_age(store: FileKeyStore, make: Make) -> None:
    make()
    make(purpose="log")
    assert not overdue(store.list(), policy=POLICY, now=NOW + 90 * DAY - 1, used={})
    (late,) = overdue(store.list(), policy=POLICY, now=NOW + 90 * DAY, used={})
    assert (late.info.purpose, late.reason) == ("certificate", Reason.AGE)


def test_other_purposes_are_left_alone(store: FileKeyStore, make: Make) -> None:
    for purpose in ("log", "trust", "ca"):
        make(purpose=purpose)
    assert planned(store.list(), NOW + 1000 * DAY) == []


def test_a_stolen_key_gets_a_successor_and_a_retired_one_none(
    store: FileKeyStore, make: Make
) -> None:
    key = make()
    store.set_state(ISSUER, key.kid, State.RETIRED, now=NOW)
    assert [step[0] for step in planned(store.list(), NOW)] == ["destroy"]
    key = make()
    store.compromise(ISSUER, key.kid, now=NOW + 1, at=NOW)
    kinds = [(step[0], step[2]) for step in planned(store.list(), NOW + 1)]
    assert ("prepare", "compromised") in kinds
    (new, *_) = turn(store, NOW + 1)
    assert new.state is State.PRE_PUBLISHED
    steps = plan(store.list(), policy=POLICY, now=NOW + 2, used={})
    assert [step.at for step in steps if step.action is Action.ACTIVATE] == [NOW + 1 + 2 * DAY]


def test_a_theft_dated_back_before_the_former_keys_end(store: FileKeyStore, make: Make) -> None:
    old, new = make(), make(State.PRE_PUBLISHED)
    store.rotate(ISSUER, new.kid, now=NOW + 9)
    assert store.get(ISSUER, old.kid).state is State.RETIRED
    store.compromise(ISSUER, new.kid, now=NOW + 20, at=NOW + 1)
    kinds = [(step[0], step[2]) for step in planned(store.list(), NOW + 20)]
    assert ("prepare", "compromised") in kinds


def test_a_rotation_that_a_crash_cut_short_is_finished(
    store: FileKeyStore, make: Make, root: Path
) -> None:
    old, new = make(), make(State.PRE_PUBLISHED)
    file = root / "issuers" / ISSUER / f"{old.kid}.json"
    before = file.read_bytes()
    store.rotate(ISSUER, new.kid, now=NOW + 5)
    file.write_bytes(before)  # the second half never happened
    assert planned(store.list(), NOW + 6) == [("activate", 6, "unfinished", new.kid)]
    turn(store, NOW + 6)
    assert [k.kid for k in store.list() if k.state is State.ACTIVE] == [new.kid]


def test_every_step_may_be_repeated(store: FileKeyStore, make: Make) -> None:
    old = make()
    for now in (NOW + 83 * DAY, NOW + 90 * DAY, NOW + 97 * DAY):
        steps = plan(store.list(), policy=POLICY, now=now, used={})
        apply(store, steps, now=now)
        after = store.list()
        apply(store, steps, now=now + 60)
        assert store.list() == after
    assert store.get(ISSUER, old.kid).state is State.DESTROYED
    made = make(State.GENERATED, purpose="status")
    steps = plan(store.list(), policy=POLICY, now=NOW, used={})
    apply(store, steps, now=NOW)
    assert [key.kid for key in apply(store, steps, now=NOW)] == [made.kid]


def test_half_a_preparation_is_taken_on(store: FileKeyStore, make: Make) -> None:
    make()
    steps = plan(store.list(), policy=POLICY, now=NOW + 83 * DAY, used={})
    half = make(State.GENERATED)
    (done,) = apply(store, steps, now=NOW + 83 * DAY)
    assert (done.kid, done.state) == (half.kid, State.PRE_PUBLISHED)


def _destroyed(store: FileKeyStore, kid: str) -> None:
    store.set_state(ISSUER, kid, State.RETIRED, now=NOW)
    store.set_state(ISSUER, kid, State.DESTROYED, now=NOW)


@pytest.mark.parametrize("action", [Action.ACTIVATE, Action.PUBLISH, Action.DESTROY])
def test_a_plan_that_the_world_has_left_behind(
    store: FileKeyStore, make: Make, action: Action
) -> None:
    make()
    key = make(State.PRE_PUBLISHED)
    step = Step(action=action, at=NOW, reason=Reason.AGE, group=key.group, alg=key.alg, kid=key.kid)
    if action is Action.PUBLISH:
        store.compromise(ISSUER, key.kid, now=NOW, at=NOW)
    elif action is Action.DESTROY:
        store.rotate(ISSUER, key.kid, now=NOW)
    with pytest.raises(StepOutdated) as caught:
        # Activation: the step knows of no key to replace, but one is active.
        apply(store, [step], now=NOW)
    assert caught.value.code == "step_outdated"


def test_an_outdated_activation(store: FileKeyStore, make: Make) -> None:
    key = make(State.PRE_PUBLISHED)
    (step,) = plan(store.list(), policy=POLICY, now=NOW, used={})
    _destroyed(store, key.kid)
    with pytest.raises(StepOutdated):
        apply(store, [step], now=NOW)
    with pytest.raises(StepOutdated):
        apply(store, [replace(step, kid=None)], now=NOW)


# Weeks of a model store: an operator who applies plans whenever, thefts, and verifiers that looked
# at some earlier time. Keys are values here, so a thousand weeks cost nothing.


class Shelf:
    """A key store without keys: the rules of `keys.moves` over a dictionary."""

    def __init__(self) -> None:
        self.keys: dict[str, KeyInfo] = {}

    def list(self, issuer_id: str | None = None) -> KeyInfos:
        return [k for k in self.keys.values() if issuer_id in (None, k.issuer_id)]

    def get(self, issuer_id: str, kid: str) -> KeyInfo:
        return self.keys[kid]

    def generate(self, *, now: int, **members: object) -> KeyInfo:
        kid = f"k{len(self.keys):010d}"
        info = KeyInfo(
            kid=kid,
            state=State.GENERATED,
            public_jwk={},
            created_at=now,
            **members,  # type: ignore[arg-type]
        )
        self.keys[kid] = info
        return info

    def set_state(self, issuer_id: str, kid: str, state: State, *, now: int) -> KeyInfo:
        self.keys[kid] = moved(self.keys[kid], state, now=now)
        return self.keys[kid]

    def rotate(self, issuer_id: str, kid: str, *, now: int) -> KeyInfo:
        former = others_active(self.list(), self.keys[kid])
        if self.keys[kid].state is not State.ACTIVE:
            self.set_state(issuer_id, kid, State.ACTIVE, now=now)
        for other in former:
            self.set_state(issuer_id, other.kid, State.RETIRED, now=now)
        return self.keys[kid]


pauses = st.lists(
    st.tuples(st.integers(1, 20 * DAY), st.integers(0, 40_000), st.booleans()),
    min_size=5,
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(pauses, st.integers(0, 2 * DAY))
def test_whoever_looked_in_time_knows_the_key_that_signs(
    weeks: list[tuple[int, int, bool]], behind: int
) -> None:
    shelf, now = Shelf(), NOW
    used: dict[str, int] = {}
    shelf.generate(now=now, issuer_id="a", alg="ES256", purpose="certificate", types=(), role=None)
    seen: dict[str, int] = {}
    for pause, signatures, acts in weeks:
        now += pause
        for _ in range(2 if acts else 0):
            steps = plan(shelf.list(), policy=POLICY, now=now, used=used, listed=seen)
            apply(shelf, steps, now=now)  # type: ignore[arg-type]
            for key in shelf.list():
                if key.pre_published_at is not None:
                    seen.setdefault(key.kid, now)
        active = [key for key in shelf.list() if key.state is State.ACTIVE]
        assert len(active) <= 1
        for key in active:
            used[key.kid] = used.get(key.kid, 0) + signatures
            first = key.kid == "k0000000000"
            # Seen by everybody who looked in the last `behind` seconds before the first signature.
            assert first or seen[key.kid] <= (key.activated_at or 0) - behind


@given(st.sampled_from(State), st.integers(0, 9), st.booleans())
def test_no_plan_leads_where_the_life_cycle_does_not(state: State, age: int, used: bool) -> None:
    shelf = Shelf()
    info = shelf.generate(
        now=NOW, issuer_id="a", alg="ES256", purpose="status", types=(), role=None
    )
    shelf.keys[info.kid] = replace(
        info,
        state=state,
        pre_published_at=NOW,
        activated_at=NOW if used else None,
        retired_at=NOW,
        compromised_at=NOW,
    )
    now = NOW + age * 20 * DAY
    for _ in range(4):
        steps = plan(shelf.list(), policy=POLICY, now=now, used={})
        try:
            apply(shelf, steps, now=now)  # type: ignore[arg-type]
        except KeysError as error:  # pragma: no cover - says which step was wrong
            raise AssertionError(steps) from error
    assert not due(plan(shelf.list(), policy=POLICY, now=now, used={}), now=now)
