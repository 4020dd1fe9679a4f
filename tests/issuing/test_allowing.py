"""T52: what a stolen credential can do at most: granted types, so many certificates a day."""

from threading import Barrier, Thread

import pytest

from certsvc.issuing import errors
from certsvc.issuing.model import Issued, SupersedeRequest
from certsvc.service.engine import make_engine, reading
from certsvc.storage.allowances import Allowances
from certsvc.storage.audit import Audit

MARKET = "119999000000000198"
DAY = 24 * 3600
SHANGHAI = 8 * 3600


def used(world, client="c-198", *, day=None):
    today = (world.clock.now + SHANGHAI) // DAY if day is None else day
    with reading(world.engine) as connection:
        return Allowances(connection).used(MARKET, client, day=today)


def refusals(world):
    with reading(world.engine) as connection:
        assert Audit(connection).first_fault(MARKET) is None
        rows = Audit(connection).rows(MARKET)
    return [row.object for row in rows if row.action == "quota.refuse"]


def test_a_type_that_was_not_granted(world, licence):
    other = world.caller(types=frozenset({"household-register"}))
    with pytest.raises(errors.TypeNotGranted):
        world.service.issue(other, licence(), "k")
    assert world.counts()["certificate"] == 0
    granted = world.caller(types=frozenset({"business-licence"}))
    made = world.service.issue(granted, licence(), "k")
    # An earlier certificate's type is what counts, not what the request says.
    request = SupersedeRequest(claims=licence(1).claims)
    with pytest.raises(errors.TypeNotGranted):
        world.service.supersede(other, made.certificate_id, request, "s")


def test_no_more_than_the_days_number(world, licence):
    caller = world.caller(daily_limit=2)
    for number in range(2):
        world.service.issue(caller, licence(number), f"k-{number}")
    before = world.counts()
    with pytest.raises(errors.QuotaExceeded) as refused:
        world.service.issue(caller, licence(2), "k-2")
    assert refused.value.retry_after == DAY - (world.clock.now + SHANGHAI) % DAY
    # One row in the trail says so, however often it is tried that day.
    assert world.counts() == {**before, "audit": before["audit"] + 1}
    with pytest.raises(errors.QuotaExceeded):
        world.service.issue(caller, licence(2), "k-3")
    assert refusals(world) == ["c-198"]
    # What was issued is still answered, and counts once.
    assert world.service.issue(caller, licence(0), "k-0").replayed
    assert used(world) == 2
    world.clock.now += refused.value.retry_after - 1
    with pytest.raises(errors.QuotaExceeded):
        world.service.issue(caller, licence(2), "k-2")
    world.clock.now += 1
    assert not world.service.issue(caller, licence(2), "k-2").replayed
    assert used(world) == 1
    world.service.issue(caller, licence(3), "k-4")
    with pytest.raises(errors.QuotaExceeded):
        world.service.issue(caller, licence(4), "k-5")
    assert refusals(world) == ["c-198", "c-198"]


def test_a_refused_request_costs_nothing(world, licence):
    caller = world.caller(daily_limit=1)
    with pytest.raises(errors.ClaimsInvalid):
        world.service.issue(caller, licence(name=""), "bad")
    assert world.service.issue(caller, licence(), "good")


def test_many_at_once_get_what_is_left(world, licence):
    caller = world.caller(daily_limit=3)
    requests = [(licence(number), f"k-{number}") for number in range(5)]
    outcomes = world.service.issue_many(caller, requests)
    assert [isinstance(one, Issued) for one in outcomes].count(True) == 3
    assert {type(one) for one in outcomes} == {Issued, errors.QuotaExceeded}
    assert used(world) == 3
    assert world.counts()["certificate"] == 3


def test_others_have_numbers_of_their_own(world, licence):
    limited = world.caller(daily_limit=0)
    with pytest.raises(errors.QuotaExceeded):
        world.service.issue(limited, licence(), "k")
    assert world.service.issue(world.caller(client_id="other"), licence(), "k")


def test_workers_that_count_at_once(world, licence):
    caller, limit, threads = world.caller(daily_limit=4), 4, 8
    barrier, outcomes = Barrier(threads), []
    engines = [make_engine(world.url) for _ in range(threads)]
    workers = [world.make(engine=engine) for engine in engines]

    def act(number):
        barrier.wait(60)
        outcomes.extend(
            workers[number].issue_many(caller, [(licence(number), f"k-{number}")], adopt=True)
        )

    running = [Thread(target=act, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(120)
    for engine in engines:
        engine.dispose()
    assert sum(isinstance(one, Issued) for one in outcomes) == limit
    assert used(world) == limit
