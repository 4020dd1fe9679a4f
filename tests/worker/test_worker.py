"""What a worker does: publish, renew, clear, hand over, and go on after failures and deaths."""

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from certsvc.attempts import MAX_PAUSE, POLL_SECONDS, pause_after
from certsvc.publishing.status import StatusPublisher
from certsvc.publishing.trust import TrustPublisher
from certsvc.service.engine import DatabaseUnavailable
from certsvc.storage.outbox import Outbox
from certsvc.storage.status_lists import StatusLists
from certsvc.worker import HEARTBEAT, LEASE_TTL, UPKEEP_SECONDS, work

MARKET = "119999000000000198"
POLICE = "119999000000000273"


def test_first_lists_are_published_and_nothing_is_done_twice(world: Any) -> None:
    worker = world.worker()
    assert worker.run_once() == 2
    assert (world.shown(MARKET), world.shown(POLICE)) == (1, 1)
    assert worker.run_once() == 0


def test_a_revocation_shows_and_its_message_is_done(world: Any) -> None:
    worker = world.worker()
    worker.run_once()
    world.revoke(world.issue())
    assert world.announced() == 1
    assert worker.run_once() == 1
    assert world.shown() == world.marked() == 2
    assert world.announced() == 0
    assert world.waiting() == 1  # the issue itself waits for the log


def test_unchanged_lists_are_signed_anew_at_half_their_time_to_live(world: Any) -> None:
    worker = world.worker()
    worker.run_once()
    before = world.tree.read(f"status/{MARKET}/1")
    world.clock.now += HEARTBEAT
    assert worker.run_once() == 0
    world.clock.now += 1
    assert worker.run_once() == 2
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


# --- the lease


def test_one_worker_at_a_time(world: Any) -> None:
    first, second = world.worker("first"), world.worker("second")
    first.run_once()
    world.revoke(world.issue())
    assert second.run_once() == 0
    assert world.shown() == 1
    assert first.run_once() == 1


def test_another_takes_over_when_the_holder_is_gone(world: Any) -> None:
    world.worker("first").run_once()
    second = world.worker("second")
    world.revoke(world.issue())
    world.clock.now += LEASE_TTL - 1
    assert second.run_once() == 0
    world.clock.now += 1
    assert second.run_once() == 1
    assert world.shown() == 2


def test_the_hand_over_fits_into_the_promise_of_five_seconds() -> None:
    assert LEASE_TTL + 2 * POLL_SECONDS <= 5


def test_who_resigns_is_followed_at_once(world: Any) -> None:
    first, second = world.worker("first"), world.worker("second")
    first.run_once()
    first.release()
    world.revoke(world.issue())
    assert second.run_once() == 1
    assert first.run_once() == 0


def test_the_lease_is_kept_while_there_is_nothing_to_do(world: Any) -> None:
    first, second = world.worker("first"), world.worker("second")
    for _ in range(10):
        first.run_once()
        assert second.run_once() == 0
        world.clock.now += 1
    assert world.rows("SELECT fence FROM lease") == [(1,)]


def test_a_late_worker_does_not_publish(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    late, second = world.worker("late"), world.worker("second")
    late.run_once()
    world.revoke(world.issue(0))
    find_due = StatusLists.due

    def sleep_after_finding(lists: StatusLists, **options: Any) -> Any:
        found = find_due(lists, **options)
        monkeypatch.setattr(StatusLists, "due", find_due)
        world.clock.now += LEASE_TTL
        return found

    monkeypatch.setattr(StatusLists, "due", sleep_after_finding)
    publish = StatusPublisher.publish
    published: list[int] = []

    def note(publisher: StatusPublisher, *arguments: Any) -> str:
        published.append(arguments[3])
        return publish(publisher, *arguments)

    monkeypatch.setattr(StatusPublisher, "publish", note)
    take = late._take_lease
    awake: list[bool] = []

    def another_is_faster() -> bool:
        if awake:
            second.run_once()
        awake.append(True)
        return bool(take())

    monkeypatch.setattr(late, "_take_lease", another_is_faster)
    assert late.run_once() == 0
    assert published == [2]  # by the second one
    assert world.marked() == 2


def test_a_list_never_goes_back_whoever_writes_late(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, second = world.worker("late"), world.worker("second")
    late.run_once()
    world.revoke(world.issue(0))
    snapshot = StatusLists.snapshot

    def sleep_with_old_bits(lists: StatusLists, *arguments: Any) -> Any:
        found = snapshot(lists, *arguments)
        monkeypatch.setattr(StatusLists, "snapshot", snapshot)
        world.clock.now += LEASE_TTL
        return found

    monkeypatch.setattr(StatusLists, "snapshot", sleep_with_old_bits)
    publish = StatusPublisher.publish

    def overtaken(publisher: StatusPublisher, *arguments: Any) -> str:
        monkeypatch.setattr(StatusPublisher, "publish", publish)
        world.revoke(world.issue(1))
        assert second.run_once() == 1
        return publish(publisher, *arguments)

    monkeypatch.setattr(StatusPublisher, "publish", overtaken)
    assert late.run_once() == 0
    assert world.shown() == world.marked() == 3


# --- deaths


@pytest.mark.parametrize(
    ("owner", "name", "when"),
    [
        (StatusLists, "snapshot", "before"),
        (StatusPublisher, "publish", "before"),
        (StatusPublisher, "publish", "after"),
        (StatusLists, "mark_published", "before"),
        (StatusLists, "mark_published", "after"),
        (Outbox, "take", "after"),
        (Outbox, "done", "before"),
    ],
)
def test_a_death_at_any_step_loses_nothing(
    world: Any,
    dying: Callable[[object, str, str], None],
    killed: Callable[[Any], None],
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    when: str,
) -> None:
    world.worker().run_once()
    world.revoke(world.issue())
    with monkeypatch.context():
        dying(owner, name, when)
        killed(world.worker())
        monkeypatch.undo()
    assert world.announced() == 1
    world.clock.now += UPKEEP_SECONDS
    world.worker("next").run_once()
    assert world.shown() == world.marked() == 2
    assert world.announced() == 0


def test_a_message_stays_until_the_lists_show_it(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = world.worker()
    worker.run_once()
    world.revoke(world.issue(0))
    second = world.issue(1)
    publish = StatusPublisher.publish

    def after_the_snapshot(publisher: StatusPublisher, *arguments: Any) -> str:
        monkeypatch.setattr(StatusPublisher, "publish", publish)
        world.revoke(second)
        return publish(publisher, *arguments)

    monkeypatch.setattr(StatusPublisher, "publish", after_the_snapshot)
    assert worker.run_once() == 1
    assert world.shown() == 2
    assert world.announced() == 1
    worker.run_once()
    assert world.shown() == 3
    world.clock.now += UPKEEP_SECONDS
    worker.run_once()
    assert world.announced() == 0


# --- failures


def damage(world: Any, issuer_id: str) -> None:
    world.tree.write(f"status/{issuer_id}/1", b"damaged")


def test_one_damaged_list_does_not_stop_the_others(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    worker = world.worker()
    damage(world, MARKET)
    assert worker.run_once() == 1
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
    assert worker.run_once() == 1
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
    assert world.worker().run_once() == 2
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
    stop = Stop(3)
    work(world.worker(), stop=stop)
    assert stop.pauses == [POLL_SECONDS] * 3
    assert world.rows("SELECT holder, expires_at FROM lease") == [("", 0)]


def test_while_the_database_is_away_it_looks_ever_more_rarely(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    world.settings.home.joinpath("certsvc.db").write_bytes(b"no database at all" * 100)
    world.engine.dispose()
    stop = Stop(8)
    work(world.worker(), stop=stop)
    assert stop.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]
    assert {vars(one).get("code") for one in caplog.records} >= {"database_unavailable"}
    assert "could not be given back" in caplog.records[-1].getMessage()


def test_messages_are_json_without_personal_data(world: Any) -> None:
    world.worker().run_once()
    world.revoke(world.issue())
    texts = [row[0] for row in world.rows("SELECT payload FROM outbox")]
    assert all(json.loads(text) for text in texts)
    assert world.records[0]["name"] not in "".join(texts)
