"""R16, T54: whatever the schedule and however long a window was without a line, no valid
certificate is refused; where its data are too old the window says so."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from drills.rotation import DAY, HOUR, MARKET, TYPES, World
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from keys import State
from keys.errors import KeyNotActive
from keys.rotation import RotationPolicy

SCHEDULES = int(os.environ.get("CERTSVC_ROTATIONS", "300"))
# Short lives, so that a schedule of weeks sees several turns; the waiting is the real one.
POLICY = RotationPolicy(
    max_age=8 * DAY, max_signatures=12, lead=DAY, lead_signatures=4, destroy_after=3 * DAY
)
WAITS = st.one_of(
    st.integers(1, 2 * HOUR),
    st.integers(1, 60).map(lambda hours: hours * HOUR),
    st.sampled_from([DAY - 1, DAY, DAY + 1, 2 * DAY - 1, 2 * DAY, 2 * DAY + 1]),
    st.integers(3, 12).map(lambda days: days * DAY),
)
WINDOWS = st.integers(0, 2)
PICK = st.integers(0, 10**6)


class Schedule(RuleBasedStateMachine):
    """Operators turn keys, offices issue, windows come and go."""

    policy = POLICY

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.policy)

    def teardown(self) -> None:
        try:
            self.check()
        finally:
            self.world.end()

    def pick(self, found: list[Any], number: int) -> Any:
        return found[number % len(found)]

    @rule(seconds=WAITS, lag=st.integers(0, 6 * HOUR), turn=st.booleans())
    def wait(self, seconds: int, lag: int, turn: bool) -> None:
        self.world.wait(seconds, lag, turn=turn)

    @rule()
    def turn(self) -> None:
        # A crash, or officers who take their time, may lie between custody and publication.
        self.world.turn()

    @rule()
    def publish(self) -> None:
        self.world.wait(1)
        self.world.publish()

    @rule(number=PICK)
    def prepare_by_hand(self, number: int) -> None:
        world = self.world
        key = self.pick(world.in_state(State.ACTIVE, State.RETIRED), number)
        made = world.store.generate(
            issuer_id=key.issuer_id, alg=key.alg, purpose=key.purpose, types=key.types,
            now=world.now,
        )  # fmt: skip
        if number % 2:
            world.store.set_state(key.issuer_id, made.kid, State.PRE_PUBLISHED, now=world.now)

    @precondition(lambda self: self.world.ripe())
    @rule(number=PICK)
    def activate_by_hand(self, number: int) -> None:
        key = self.pick(self.world.ripe(), number)
        self.world.store.rotate(key.issuer_id, key.kid, now=self.world.now)

    @rule(number=PICK)
    def end_by_hand(self, number: int) -> None:
        """Withdraw a spare, retire an active key, or erase a retired one."""
        world = self.world
        found = world.in_state(State.PRE_PUBLISHED, State.RETIRED)
        found += world.in_state(State.ACTIVE, purpose="certificate")
        if not found:
            return
        key = self.pick(found, number)
        after = State.DESTROYED if key.state is State.RETIRED else State.RETIRED
        world.store.set_state(key.issuer_id, key.kid, after, now=world.now)

    @rule(skew=st.integers(-30, 30))
    def issue(self, skew: int) -> None:
        for office, names in TYPES.items():
            for name in names:
                self.world.issue(office, name, skew)

    @rule(which=WINDOWS)
    def go_offline(self, which: int) -> None:
        self.world.cut(self.world.windows[which])

    @rule(which=WINDOWS, whole=st.booleans())
    def come_back(self, which: int, whole: bool) -> None:
        window = self.world.windows[which]
        self.world.connect(window)
        self.world.fetch(window, whole=whole)

    @rule(which=WINDOWS)
    def restart(self, which: int) -> None:
        self.world.restart(self.world.windows[which])

    @rule()
    def copy(self) -> None:
        self.world.wait(1)
        self.world.copy()

    @rule()
    def check(self) -> None:
        newest = {each.kid: each for each in self.world.certificates}
        for window in self.world.windows:
            for each in newest.values():
                said, must = self.world.check(window, each)
                assert said == must, f"{window.name} said {said}, and not {must}"

    @invariant()
    def only_active_keys_sign(self) -> None:
        store = self.world.store
        for key in self.world.in_state(*State):
            if key.state is State.ACTIVE:
                continue
            with pytest.raises(KeyNotActive):
                store.signer(key.issuer_id, key.kid)
            if key.kid in self.world.held:
                with pytest.raises(KeyNotActive):
                    self.world.held[key.kid].sign(b"whatever the caller asks")


def run(machine: type[Schedule], examples: int, **changes: Any) -> None:
    usual: dict[str, Any] = {
        "max_examples": examples,
        "stateful_step_count": 25,
        "deadline": None,
        "database": None,
        "suppress_health_check": list(HealthCheck),
    }
    run_state_machine_as_test(machine, settings=settings(**usual | changes))


def test_no_schedule_makes_a_window_refuse_a_valid_certificate() -> None:
    run(Schedule, SCHEDULES, phases=[Phase.generate])


@pytest.fixture
def longest_way() -> Iterator[Callable[[int], tuple[str, str]]]:
    """Function from the hours of a rule to what the window of the longest way says, and must say.

    It looks at a mirror's copy of nearly a day, made just before the successor was listed, and
    goes without a line for another day; the successor signs as soon as the rule lets it.
    """
    made: list[World] = []

    def play(hours: int) -> tuple[str, str]:
        world = World(replace(POLICY, pre_publish=hours * HOUR))
        made.append(world)
        village = world.windows[1]
        world.fetch(village, whole=True)
        store, began = world.store, world.now
        new = store.generate(issuer_id=MARKET, alg="ES256", purpose="certificate", now=began)
        store.set_state(MARKET, new.kid, State.PRE_PUBLISHED, now=began)
        world.wait(1)
        world.publish()
        look = began + DAY - 30
        while not world.ripe() or world.now < look:
            until = [time for time in (look, world.listed[new.kid] + hours * HOUR)
                     if time > world.now]  # fmt: skip
            world.wait(min(until) - world.now)
            if world.now == look:
                world.fetch(village, whole=True)
                world.cut(village)
        store.rotate(MARKET, new.kid, now=world.now)
        world.publish()
        world.issue(MARKET, "business-licence", 0)
        assert world.certificates[-1].kid == new.kid
        return world.check(village, world.certificates[-1])

    yield play
    for world in made:
        world.end()


def test_the_rule_covers_the_longest_way(longest_way: Any) -> None:
    said, must = longest_way(48)
    assert said == must


@pytest.mark.parametrize("hours", [12, 24, 36, 47])
def test_a_shorter_pre_publication_is_found(longest_way: Any, hours: int) -> None:
    said, must = longest_way(hours)
    assert (said, must) == ("key_unknown" if hours < 24 else "trust_stale", "valid")


@pytest.mark.skipif(SCHEDULES <= 300, reason="a long search: CERTSVC_ROTATIONS=3000")
def test_a_shorter_pre_publication_is_found_by_chance_too() -> None:
    class Hasty(Schedule):
        policy = replace(POLICY, pre_publish=12 * HOUR)

    with pytest.raises(AssertionError, match=r"said \w+, and not valid"):
        run(Hasty, SCHEDULES, phases=[Phase.generate], report_multiple_bugs=False)
