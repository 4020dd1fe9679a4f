"""The log's duty: what waits is merged, whatever dies in between, by one worker at a time."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from certsvc.issuing.model import SupersedeRequest
from certsvc.publishing.log import LogPublisher
from certsvc.publishing.log_files import CHECKPOINT, LogFiles
from certsvc.publishing.log_signing import LogSigner
from certsvc.service.engine import DatabaseUnavailable, reading, writing
from certsvc.storage.log import LogEntries, LogHeads
from certsvc.worker import make_worker
from certsvc.worker.log import BUSY_PAUSE, IDLE_PAUSE, LogDuty
from certsvc_sdk.log import merkle
from certsvc_sdk.log.tiles import bundles, unpack_entries
from keys.provision import ensure_active

ORIGIN = "certs.example/log"
DRILL = Path(__file__).parent / "log_drill.py"


# What does not lie with the database is tried on one.
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Crash(BaseException):
    """The process dies here."""


@pytest.fixture
def world(make_world, database_url):
    made = make_world(database_url)
    ensure_active(made.keys, issuer_id="log", alg="Ed25519", purpose="log", now=1)
    made.worker().run_once()
    return made


@pytest.fixture
def merge(world):
    """Function that lets a worker merge once; `crash_at` is the step it dies at."""

    def run(crash_at: int = 0, *, name: str = "one") -> int:
        def step(number: int) -> None:
            if number == crash_at:
                raise Crash

        worker = make_worker(
            world.settings, world.engine, world.keys, name=name, clock=world.clock, log_step=step
        )
        (duty,) = (each for each in worker.duties if each.name == "log")
        return worker.look(duty)

    return run


def head(world):
    with reading(world.engine) as connection:
        return LogHeads(connection).get(ORIGIN)


def seen(world) -> list[bytes]:
    """Every leaf that readers see, checked against the signed root and the database's order."""
    files = LogFiles(world.tree)
    if files.checkpoint() is None:
        return []
    view = LogSigner(world.keys, origin=ORIGIN).view()
    checkpoint = view.open(files.checkpoint()).checkpoint
    leaves, tree = [], merkle.Frontier()
    for bundle in bundles(0, checkpoint.size):
        leaves += unpack_entries(files.read(bundle), bundle.width)
    for leaf in leaves:
        tree.append(merkle.leaf_hash(leaf))
    assert tree.root() == checkpoint.root
    with reading(world.engine) as connection:
        known = LogEntries(connection).leaves(0, len(leaves))
    assert [leaf.data for leaf in known] == leaves
    return leaves


def test_an_empty_log_is_begun(world, merge):
    assert merge() == 1
    assert (head(world).size, seen(world), merge()) == (0, [], 0)
    assert head(world).published_at == world.clock()


def test_issues_and_status_events_are_merged(world, merge):
    merge()
    one = world.issue(0)
    assert merge() == 1
    world.revoke(one)
    world.issue(1)
    assert merge() == 1
    events = [leaf.split(b'"event":"')[1].split(b'"')[0] for leaf in seen(world)]
    assert sorted(events) == [b"issued", b"issued", b"revoked"]
    assert (head(world).size, head(world).published_size) == (3, 3)


@ONE_DATABASE
def test_a_successor_and_its_former_are_both_told(world, merge):
    one = world.issue(0)
    request = SupersedeRequest(claims=world.records[1])
    world.service.supersede(world.market, one, request, "next")
    merge()
    events = sorted(leaf.split(b'"event":"')[1].split(b'"')[0] for leaf in seen(world))
    assert events == [b"issued", b"issued", b"superseded"]


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_a_crash_after_any_step_is_repaired_by_the_next_worker(world, merge, step):
    merge()
    world.issue(0)
    merge()
    before = seen(world)
    world.issue(1)
    with pytest.raises(Crash):
        merge(step)
    after = seen(world)
    assert after[:1] == before
    assert len(after) == (2 if step > 3 else 1)
    world.issue(2)
    world.clock.now += 10
    merge(name="two")
    assert seen(world)[: len(after)] == after
    assert len(seen(world)) == head(world).size == head(world).published_size == 3
    assert merge(name="two") == 0


def test_a_kill_after_any_step_loses_nothing(world, merge):
    run = [sys.executable, str(DRILL), str(world.settings.home), world.settings.database_url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(run, **pipes) as drill:
        for step in range(1, 6):
            before = seen(world)
            world.issue(step)
            world.clock.now += 10
            drill.stdin.write(f"{world.clock.now} {step}\n")
            drill.stdin.flush()
            assert drill.stdout.readline() == f"{signal.SIGKILL.value}\n"
            assert seen(world)[: len(before)] == before
            world.clock.now += 10
            merge(name="two")
            assert len(seen(world)) == head(world).published_size == step
        drill.stdin.close()


@ONE_DATABASE
def test_a_worker_without_the_lease_merges_nothing(world, merge):
    merge()
    world.issue(0)
    world.clock.now += 10
    assert merge(name="two") == 1
    world.issue(1)
    assert merge(name="one") == 0
    assert len(seen(world)) == 1


@ONE_DATABASE
def test_a_worker_that_lost_its_lease_moves_nothing(world, merge):
    merge()
    world.issue(0)
    late = make_worker(
        world.settings, world.engine, world.keys, name="one", clock=world.clock, log_step=_nothing
    )
    (duty,) = (each for each in late.duties if each.name == "log")
    fence = late.tenure.take()
    world.clock.now += 10
    merge(name="two")
    world.issue(1)
    assert duty.do(fence) == 0
    assert len(seen(world)) == 1


def _nothing(_step: int) -> None:
    return


def test_two_workers_that_both_think_they_rule_make_one_tree(world, merge, monkeypatch):
    """The lease only saves work: places, checkpoint and root stay right without it."""
    monkeypatch.setattr("certsvc.worker.tenure.Tenure.keeps", lambda *_: True)
    merge()
    made = [
        make_worker(world.settings, world.engine, world.keys, name=name, clock=world.clock)
        for name in ("one", "two")
    ]
    duties = [next(d for d in worker.duties if d.name == "log") for worker in made]
    for number in range(8):
        world.issue(number)
        duties[number % 2].do(1)
        world.clock.now += 60
    for duty in duties * 2:
        duty.do(1)
        world.clock.now += 60
    assert len(seen(world)) == 8


def test_a_database_from_before_is_merged_first(world, merge):
    ids = [world.issue(number) for number in range(3)]
    world.revoke(ids[0])
    with writing(world.engine) as connection:
        connection.exec_driver_sql("DELETE FROM log_entry")
    merge()
    assert len(seen(world)) == 4


@ONE_DATABASE
def test_a_larger_published_tree_stops_the_log(world, merge, caplog):
    merge()
    world.issue(0)
    merge()
    with writing(world.engine) as connection:
        connection.exec_driver_sql("DELETE FROM log_entry")
        connection.exec_driver_sql("UPDATE log_head SET size = 0, published_size = 0")
    kept = world.tree.read(CHECKPOINT)
    assert merge() == 0
    assert "log_ahead" in {getattr(record, "code", None) for record in caplog.records}
    assert world.tree.read(CHECKPOINT) == kept


@ONE_DATABASE
def test_another_public_address_does_not_rename_the_log(world, merge, caplog):
    merge()
    with writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE log_head SET origin = 'other.example/log'")
    merge()
    assert "log_origin_changed" in {getattr(record, "code", None) for record in caplog.records}


@ONE_DATABASE
def test_a_lost_database_concerns_the_whole_worker(world, merge):
    with writing(world.engine) as connection:
        connection.exec_driver_sql("DROP TABLE log_entry")
    with pytest.raises(DatabaseUnavailable):
        merge()


@ONE_DATABASE
def test_the_duty_looks_more_often_while_entries_come(world):
    publisher = LogPublisher(world.tree, world.keys, origin=ORIGIN)
    worker = world.worker()
    duty = LogDuty(
        world.engine,
        publisher,
        worker.tenure,
        begin=lambda keeps: world.service.begin_log(ORIGIN, keeps),
        origin=ORIGIN,
        clock=world.clock,
        step=_nothing,
    )
    world.issue(0)
    assert duty.pause == IDLE_PAUSE
    assert (worker.look(duty), duty.pause) == (1, BUSY_PAUSE)
    assert (worker.look(duty), duty.pause) == (0, IDLE_PAUSE)


@ONE_DATABASE
def test_a_settled_duty_writes_nothing(world, merge):
    merge()
    worker = make_worker(
        world.settings, world.engine, world.keys, name="one", clock=world.clock, log_step=_nothing
    )
    (duty,) = (each for each in worker.duties if each.name == "log")
    worker.look(duty)
    before = world.rows("SELECT * FROM log_head")
    world.clock.now += 1
    worker.look(duty)
    assert world.rows("SELECT * FROM log_head") == before
