"""Workers or their database killed at random moments: nothing acknowledged is lost (R07, R08).

CERTSVC_KILLS (of workers, on each database), CERTSVC_DATABASE_KILLS and CERTSVC_KILL_SEED make the
drills longer, and other ones.
"""

import json
import os
import random  # noqa: TID251 — a drill that can be repeated by its seed
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from certsvc.service.engine import reading
from certsvc.storage.audit import Audit
from certsvc_sdk.verdict import Outcome
from certsvc_sdk.verify import check_fresh

MARKET = "119999000000000198"
ROOT = Path(__file__).parents[2]
KILLS = os.environ.get("CERTSVC_KILLS", "30")
DATABASE_KILLS = int(os.environ.get("CERTSVC_DATABASE_KILLS", "5"))
SEED = os.environ.get("CERTSVC_KILL_SEED", "1")
# What a resumed or repeated worker needs at most; the sweep comes after it.
LATER = 30


@pytest.fixture
def drill(world, samples):
    """Function from a number of kills to the drill's process; 0: one worker that lives on."""

    def start(kills: str) -> subprocess.Popen[bytes]:
        arguments = (
            world.url,
            str(world.folder / "keys"),
            str(samples / "business-licences.jsonl"),
            str(world.clock.now),
            str(world.folder / "acknowledged"),
            kills,
            SEED,
        )
        return subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "kill_drill.py"), *arguments],
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}"},
        )

    return start


@pytest.fixture
def told(world):
    """Function: what workers were answered, with everything left behind swept up."""

    def read(lives: int) -> list[dict[str, Any]]:
        world.clock.now += LATER * lives
        world.service.sweep(world.clock.now)
        return _answers(world)

    return read


def _answers(world):
    path = world.folder / "acknowledged"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    # Of a line that a kill cut short nobody was told anything.
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def test_nothing_lost_nothing_twice(world, licence, drill, told):
    assert drill(KILLS).wait() == 0
    answers = told(int(KILLS))
    assert len(answers) > int(KILLS)
    check(world, licence, answers)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_dies_loses_nothing_it_has_acknowledged(
    world, licence, postgres_server, drill, told, wait_until
):
    """SIGKILL and immediate stop of PostgreSQL between any two steps of six busy threads."""
    moments = random.Random(SEED)
    worker = drill("0")
    try:
        for number in range(DATABASE_KILLS):
            before = len(_answers(world))
            busy = moments.randrange(5, 60)
            wait_until(lambda goal=before + busy: len(_answers(world)) >= goal, "work")
            (postgres_server.kill if number % 2 else postgres_server.crash)()
            postgres_server.start()
    finally:
        assert worker.poll() is None, "the worker ended by itself"
        worker.kill()
        worker.wait()
    answers = [answer for answer in told(DATABASE_KILLS) if "outage" not in answer]
    check(world, licence, answers)


def check(world, licence, told):
    """Hold what was answered to what the database has now."""
    assert [answer for answer in told if "fault" in answer] == []
    rows = {one.certificate_id: one._mapping for one in world.rows("SELECT * FROM certificate")}
    assert {one["state"] for one in rows.values()} <= {
        "valid", "suspended", "revoked", "superseded"
    }  # fmt: skip
    _check_answers(world, licence, told, rows)
    _check_counts(world, rows)
    _check_successors(rows)


def _check_answers(world, licence, told, rows):
    """Everything acknowledged is there, once a key, and a repeated request tells the same."""
    by_key: dict[object, set[str]] = {}
    changes = set(world.rows("SELECT certificate_id, operation FROM status_event"))
    for answer in told:
        assert answer["id"] in rows
        if "key" in answer or "file" in answer:
            key = answer.get("key", (answer.get("file"), answer.get("row")))
            by_key.setdefault(key, set()).add(answer["id"])
        if "operation" in answer:
            assert (answer["id"], answer["operation"]) in changes
        if "former" in answer:
            assert rows[answer["former"]]["superseded_by_id"] == answer["id"]
    assert all(len(ids) == 1 for ids in by_key.values())
    for answer in told:
        if "key" in answer:
            again = world.service.issue(world.caller(), licence(answer["number"]), answer["key"])
            assert (again.replayed, again.certificate_id) == (True, answer["id"])
            verdict = check_fresh(again.token, world.records[MARKET], world.clock.now)
            assert verdict.outcome is Outcome.VALID


def _check_counts(world, rows):
    """No identifier, place or key twice; one leaf an event; the trail whole."""
    total = len(rows)
    assert len({one["certificate_identifier"] for one in rows.values()}) == total
    assert len({(one["list_no"], one["list_index"]) for one in rows.values()}) == total
    assert world.rows("SELECT sum(used) FROM status_list") == [(total,)]
    made = "SELECT count(*), count(DISTINCT certificate_id), count(answer) FROM idempotency"
    assert world.rows(made) == [(total, total, total)]
    events = world.counts()["status_event"]
    leaves = dict(world.rows("SELECT seq > 0, count(*) FROM log_entry GROUP BY seq > 0"))
    assert (leaves[0], leaves.get(1, 0)) == (total, events)
    assert world.rows(f"SELECT version FROM status_list WHERE issuer_id = '{MARKET}'") == [
        (1 + events,)
    ]
    acts = dict(world.rows("SELECT action, count(*) FROM audit GROUP BY action"))
    assert acts["certificate.plan"] == acts["certificate.issue"] == total
    if world.engine.dialect.name == "sqlite":
        assert world.rows("PRAGMA integrity_check") == [("ok",)]
    with reading(world.engine) as connection:
        assert Audit(connection).first_fault(MARKET) is None


def _check_successors(rows):
    """Both sides of a supersession, or neither."""
    for one in rows.values():
        if one["supersedes_id"] is not None:
            former = rows[one["supersedes_id"]]
            assert former["state"] == "superseded"
            assert former["superseded_by_id"] == one["certificate_id"]
            assert former["version_no"] < one["version_no"]
        assert (one["state"] == "superseded") == (one["superseded_by_id"] is not None)
