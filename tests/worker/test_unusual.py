"""T52: what gives a stolen credential away is that it behaves otherwise than its owner."""

from collections.abc import Callable
from typing import Any

import pytest

from certsvc.service.engine import reading
from certsvc.service.metrics import Metrics
from certsvc.storage.activity import HOUR, Activity
from certsvc.worker.pace import FEW, LEARNING_HOURS, NIGHT, PAST_HOURS, Kind, Pace, Source
from certsvc.worker.unusual import LOOK_SECONDS, UnusualDuty

MARKET = "119999000000000198"
# An hour that begins at 08:00 in Shanghai.
MORNING = 24 * 20_819
ONE, OTHER = Source(MARKET, "one", "business-licence"), Source(MARKET, "one", "food-permit")
ELSE = Source(MARKET, "other", "business-licence")
World = Any


@pytest.fixture
def pace() -> Pace:
    """A client that issues ten licences each morning from eight to ten, for three weeks."""
    made = Pace()
    for day in range(1, 22):
        for hour in (0, 1):
            made.add(ONE, MORNING - 24 * day + hour, 10)
    return made


def kinds(pace: Pace, hour: int) -> set[tuple[Source, Kind]]:
    return {(found.source, found.kind) for found in pace.judge(hour)}


@pytest.mark.parametrize(
    ("shift", "count", "expected"),
    [
        (0, 10, set()),
        (0, 30, set()),
        (0, 31, {Kind.RATE}),
        (2, 3, set()),
        (-1, 3, set()),
        (3, NIGHT, {Kind.HOUR}),
        (-6, NIGHT - 1, set()),
        (-6, 31, {Kind.HOUR, Kind.RATE}),
    ],
)
def test_an_hour_is_held_against_the_clients_own_past(
    pace: Pace, shift: int, count: int, expected: set[Kind]
) -> None:
    pace.add(ONE, MORNING + shift, count)
    assert kinds(pace, MORNING + shift) == {(ONE, kind) for kind in expected}


def test_a_type_it_never_issued(pace: Pace) -> None:
    pace.add(OTHER, MORNING, 1)
    assert kinds(pace, MORNING) == {(OTHER, Kind.TYPE)}
    # From then on it is a type of its own, and few are nobody's alarm.
    pace.add(OTHER, MORNING + 1, FEW)
    assert kinds(pace, MORNING + 1) == set()
    pace.add(OTHER, MORNING + 2, FEW + 1)
    assert (OTHER, Kind.RATE) not in kinds(pace, MORNING + 1)


def test_nobody_is_judged_by_the_past_of_others_or_by_none(pace: Pace) -> None:
    pace.add(ELSE, MORNING - LEARNING_HOURS + 1, 1)
    pace.add(ELSE, MORNING, 10_000)
    assert kinds(pace, MORNING) == set()
    pace.add(ELSE, MORNING - LEARNING_HOURS, 1)
    assert kinds(pace, MORNING) == {(ELSE, Kind.RATE)}


def test_a_thief_does_not_make_a_habit_of_one_night(pace: Pace) -> None:
    night = MORNING - 7
    for hour in range(night, night + 3):
        pace.add(ONE, hour, NIGHT)
        assert (ONE, Kind.HOUR) in kinds(pace, hour)


def test_what_is_long_ago_is_forgotten(pace: Pace) -> None:
    late = MORNING + PAST_HOURS
    pace.forget(late - PAST_HOURS)
    pace.add(ONE, late, 1000)
    assert kinds(pace, late) == set()


def published(world: World) -> World:
    """With a status list that readers see."""
    worker = world.worker()
    worker.run_once()
    worker.release()
    return world


def warned(messages: list[str]) -> list[str]:
    return [line for line in messages if line.startswith("unusual issuing")]


def test_the_worker_warns_and_counts(
    make_world: Callable[[str], World],
    database_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = published(make_world(database_url))
    begin = int(world.clock.now) // HOUR * HOUR
    numbers = iter(range(100))
    for day in range(8):
        world.clock.now = begin + day * 24 * HOUR
        world.issue(next(numbers))
    metrics = Metrics()
    duty = UnusualDuty(world.engine, clock=world.clock, metrics=metrics)
    duty.do(1)
    assert warned(caplog.messages) == []
    # Thirteen hours later, at night.
    world.clock.now += 13 * HOUR
    for _ in range(NIGHT):
        world.issue(next(numbers))
    duty.do(1)
    (line,) = warned(caplog.messages)
    assert "(hour): client market of 119999000000000198, type business-licence, 3 in an" in line
    # Said once, by this worker; one that begins now reads the same past.
    world.clock.now += LOOK_SECONDS
    duty.do(1)
    assert len(warned(caplog.messages)) == 1
    after = UnusualDuty(world.engine, clock=world.clock, metrics=metrics)
    after.do(1)
    after.do(1)
    assert len(warned(caplog.messages)) == 2
    (family,) = (one for one in metrics.families() if one.name == "certsvc_unusual_issuing")
    assert [sample.value for sample in family.samples if sample.name.endswith("_total")] == [2]


def test_a_long_past_is_read_in_parts(
    make_world: Callable[[str], World],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = published(make_world(database_url))
    for number in range(6):
        world.issue(number)
        world.clock.now += 10
    with reading(world.engine) as connection:
        activity = Activity(connection)
        head = activity.heads()[MARKET]
        assert activity.first_since(MARKET, 0, head=head) == 0
        assert activity.first_since(MARKET, int(world.clock.now), head=head) == head
        middle = activity.first_since(MARKET, int(world.clock.now) - 30, head=head)
        (tally,) = activity.tallies(MARKET, after=middle, end=head)
        assert (tally.client_id, tally.type, tally.count) == ("market", "business-licence", 3)
    monkeypatch.setattr("certsvc.worker.unusual.BATCH", 2)
    monkeypatch.setattr("certsvc.worker.unusual.MOST", 4)
    duty = UnusualDuty(world.engine, clock=world.clock)
    looks = 0
    while duty._read.get(MARKET) != head:
        duty.do(1)
        looks += 1
    assert looks > 1
    assert sum(sum(hours.values()) for hours in duty._pace._hours.values()) == 6
