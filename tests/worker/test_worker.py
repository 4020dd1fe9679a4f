"""What a worker does: publish, renew, clear, hand over, and go on after failures and deaths."""

import logging
import threading
from typing import Any

import pytest

from certsvc.attempts import MAX_PAUSE, POLL_SECONDS, pause_after
from certsvc.publishing.trust import TrustPublisher
from certsvc.service.engine import DatabaseUnavailable, writing
from certsvc.storage.status_lists import LIST_SIZE, StatusLists
from certsvc.storage.tables import carried_status, status_list
from certsvc.worker import Worker, work
from certsvc.worker.status import HEARTBEAT
from certsvc.worker.tenure import LEASE_TTL, Tenure
from certsvc.worker.upkeep import UPKEEP_SECONDS
from certsvc.worker.worker import repeat

MARKET = "119999000000000198"
POLICE = "119999000000000273"


def published(worker: Worker) -> int:
    """Run a worker once; how many lists it published."""
    return worker.run_once()["status"]


def test_first_lists_are_published_and_nothing_is_done_twice(either: Any) -> None:
    worker = either.worker()
    assert published(worker) == 2
    assert (either.shown(MARKET), either.shown(POLICE)) == (1, 1)
    assert published(worker) == 0


def test_a_revocation_shows(either: Any) -> None:
    worker = either.worker()
    worker.run_once()
    either.revoke(either.issue())
    assert published(worker) == 1
    assert either.shown() == either.marked() == 2
    assert published(worker) == 0


def test_unchanged_lists_are_signed_anew_at_half_their_time_to_live(world: Any) -> None:
    worker = world.worker()
    worker.run_once()
    before = world.tree.read(f"status/{MARKET}/1")
    world.clock.now += HEARTBEAT
    assert published(worker) == 0
    world.clock.now += 1
    assert published(worker) == 2
    assert world.tree.read(f"status/{MARKET}/1") != before
    assert world.shown() == 1


def test_trust_metadata_is_renewed_in_time(world: Any) -> None:
    worker = world.worker()
    worker.run_once()
    before = world.tree.read("trust/metadata/timestamp.json")
    world.clock.now += UPKEEP_SECONDS
    worker.run_once()
    assert world.tree.read("trust/metadata/timestamp.json") == before
    world.clock.now += 20 * 3600
    worker.run_once()
    assert world.tree.read("trust/metadata/timestamp.json") != before


def test_a_clock_set_back_does_not_put_the_upkeep_off(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = world.worker()
    worker.run_once()
    done: list[int] = []
    monkeypatch.setattr(TrustPublisher, "resign", lambda _self, now: bool(done.append(now)))
    world.clock.now -= 86_400
    worker.release()
    worker.run_once()
    assert done == [int(world.clock.now)]


def test_a_list_signed_by_a_clock_that_was_ahead_gets_a_newer_version(world: Any) -> None:
    world.clock.now += 86_400
    worker = world.worker()
    worker.run_once()
    before = world.shown()
    world.clock.now -= 86_400
    worker.release()
    worker.run_once()
    assert world.shown() == before + 1
    worker.run_once()
    assert world.shown() == before + 1


# --- the lease


def test_one_worker_at_a_time(either: Any) -> None:
    first, second = either.worker("first"), either.worker("second")
    first.run_once()
    either.revoke(either.issue())
    assert published(second) == 0
    assert either.shown() == 1
    assert published(first) == 1


def test_another_takes_over_when_the_holder_is_gone(either: Any) -> None:
    either.worker("first").run_once()
    second = either.worker("second")
    either.revoke(either.issue())
    either.clock.now += LEASE_TTL - 1
    assert published(second) == 0
    either.clock.now += 1
    assert published(second) == 1
    assert either.shown() == 2


def test_the_hand_over_fits_into_the_promise_of_five_seconds() -> None:
    assert LEASE_TTL + 2 * POLL_SECONDS <= 5


def test_who_resigns_is_followed_at_once(world: Any) -> None:
    first, second = world.worker("first"), world.worker("second")
    first.run_once()
    first.release()
    world.revoke(world.issue())
    assert published(second) == 1
    assert published(first) == 0


def test_the_lease_is_kept_while_there_is_nothing_to_do(world: Any) -> None:
    first, second = world.worker("first"), world.worker("second")
    for _ in range(10):
        first.run_once()
        assert published(second) == 0
        world.clock.now += 1
    assert world.rows("SELECT fence FROM lease") == [(1,)]


def test_a_late_worker_does_not_publish(either: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    late, second = either.worker("late"), either.worker("second")
    late.run_once()
    either.revoke(either.issue(0))
    keeps, asked = late.tenure.keeps, []

    def sleep_before_asking(fence: int) -> bool:
        if not asked:
            asked.append(fence)
            either.clock.now += LEASE_TTL
            assert published(second) == 1
        return keeps(fence)

    monkeypatch.setattr(late.tenure, "keeps", sleep_before_asking)
    assert published(late) == 0
    assert asked == [1]
    assert either.marked() == 2


@pytest.mark.parametrize("step", [1, 2])
def test_a_publisher_that_was_overtaken_is_refused_by_the_tree_itself(
    either: Any, step: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It asked the database in time and slept afterwards: only the tree can stop it."""
    second = either.worker("second")
    sleepy: list[bool] = []

    def sleep(reached: int) -> None:
        if sleepy and reached == step:
            sleepy.clear()
            either.clock.now += LEASE_TTL
            either.revoke(either.issue(1))
            assert published(second) == 1

    late = either.worker("late", checkpoint=sleep)
    late.run_once()
    either.revoke(either.issue(0))
    sleepy.append(True)
    assert published(late) == 0
    assert either.shown() == either.marked() == 3
    codes = [vars(one).get("code") for one in caplog.records if one.levelno == logging.ERROR]
    assert codes == ["publisher_fenced"]
    # When the lease is its own again, it begins anew with what is out by then.
    either.clock.now += LEASE_TTL + 1
    either.revoke(either.issue(2))
    assert published(late) == 1
    assert either.shown() == either.marked() == 4
    assert either.tree.fence() == 3


def test_a_pointer_that_somebody_else_moved_is_read_anew(world: Any) -> None:
    worker = world.worker()
    worker.run_once()
    world.tree.remove(f"status/{MARKET}/1")
    world.revoke(world.issue())
    assert published(worker) == 1
    assert world.shown() == world.marked() == 2


def test_changes_are_read_and_not_the_list(either: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = either.worker()
    worker.run_once()
    monkeypatch.delattr(StatusLists, "snapshot")
    for number in range(3):
        issued = either.issue(number)
        either.revoke(issued)
        assert published(worker) == 1
    assert sorted(either.out_of_force().values()) == [1, 1, 1]
    either.clock.now += HEARTBEAT + 1
    assert published(worker) == 2
    assert sorted(either.out_of_force().values()) == [1, 1, 1]


def test_what_a_restore_carried_over_is_shown_for_ever(either: Any) -> None:
    with writing(either.engine) as connection:
        connection.execute(
            carried_status.insert().values(
                issuer_id=MARKET, list_no=1, list_index=77, status_value=1, carried_at=1
            )
        )
    worker = either.worker()
    worker.run_once()
    either.revoke(either.issue())
    worker.run_once()
    shown = either.out_of_force()
    assert shown[77] == 1
    assert len(shown) == 2


def test_the_next_list_is_opened_even_if_nobody_met_the_mark(either: Any) -> None:
    """A restore leaves a gap in the places, and may jump over the one that opens the next list."""
    worker = either.worker()
    worker.run_once()
    with writing(either.engine) as connection:
        connection.execute(status_list.update().values(used=int(LIST_SIZE * 0.9)))
    either.clock.now += UPKEEP_SECONDS
    worker.run_once()
    assert published(worker) == 2
    assert (either.shown(list_no=2), either.shown(POLICE, 2)) == (1, 1)
    either.clock.now += UPKEEP_SECONDS
    worker.run_once()
    assert len(either.rows("SELECT 1 FROM status_list")) == 4


# --- failures


def damage(world: Any, issuer_id: str) -> None:
    world.tree.write(f"status/{issuer_id}/1", b"damaged")


def test_one_damaged_list_does_not_stop_the_others(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    worker = world.worker()
    damage(world, MARKET)
    assert published(worker) == 1
    assert world.shown(POLICE) == 1
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert vars(record)["code"] == "tree_unreadable"
    assert record.getMessage() == f"failed: {MARKET}/1"
    assert record.exc_info is None


def test_a_task_that_fails_rests_ever_longer_and_heals(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    worker = world.worker()
    damage(world, MARKET)
    for _ in range(40):
        worker.run_once()
        world.clock.now += 1
    failed = [vars(one)["failures"] for one in caplog.records if one.levelno == logging.ERROR]
    assert failed == [1, 2, 3, 4, 5, 6, 7]
    (world.settings.published / "status" / MARKET / "1").unlink()
    world.clock.now += MAX_PAUSE
    assert published(worker) == 1
    assert world.shown(MARKET) == 1


def test_pauses_are_bounded() -> None:
    assert pause_after(0) == POLL_SECONDS
    assert [pause_after(n) for n in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert pause_after(10_000) == MAX_PAUSE


def test_the_unexpected_is_logged_with_its_place_and_stops_nobody(
    world: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: Any) -> None:
        raise KeyError("claims of somebody")

    monkeypatch.setattr(type(world.service), "sweep", stumble)
    assert published(world.worker()) == 2
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert vars(record)["code"] == "KeyError"
    assert record.exc_info is not None


def test_without_a_database_nothing_is_known(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> None:
        raise DatabaseUnavailable("the database cannot be read")

    worker = world.worker()
    monkeypatch.setattr(StatusLists, "snapshot", gone)
    with pytest.raises(DatabaseUnavailable):
        worker.run_once()


# --- the loop


class Stop(threading.Event):
    """Set after so many pauses; no pause is made."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.pauses: list[float | None] = []
        self._rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        if len(self.pauses) >= self._rounds:
            self.set()
        return self.is_set()


def test_it_runs_until_stopped_and_resigns(world: Any) -> None:
    stop = Stop(8)
    work(world.worker(), stop=stop)
    assert {POLL_SECONDS, 1.0} <= set(stop.pauses)
    assert world.rows("SELECT holder, expires_at FROM lease") == [("", 0)]
    assert (world.shown(MARKET), world.shown(POLICE)) == (1, 1)


def test_while_the_database_is_away_it_looks_ever_more_rarely(
    world: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise DatabaseUnavailable("the database cannot be read")

    monkeypatch.setattr(Tenure, "take", gone)
    stop, worker = Stop(8), world.worker()
    repeat(worker, worker.duties[0], stop=stop)
    assert stop.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]
    assert {vars(one)["code"] for one in caplog.records} == {"database_unavailable"}


def test_a_lease_that_cannot_be_given_back_ends_by_itself(
    world: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise DatabaseUnavailable("the database cannot be written")

    monkeypatch.setattr(Tenure, "release", gone)
    work(world.worker(), stop=Stop(1))
    assert "could not be given back" in caplog.records[-1].getMessage()


def test_what_nobody_expected_ends_the_worker(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor starts a new one; half a worker would be worse than none."""

    def stumble(*_: Any, **__: Any) -> None:
        raise KeyError("claims of somebody")

    monkeypatch.setattr(StatusLists, "due", stumble)
    with pytest.raises(KeyError):
        work(world.worker(), stop=threading.Event())
    assert world.rows("SELECT holder FROM lease") == [("",)]
