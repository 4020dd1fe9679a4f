"""Workers killed at random moments: nothing acknowledged is lost, nothing is twice (R07, R08).

CERTSVC_KILLS and CERTSVC_KILL_SEED make the drill longer and another one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from certsvc.service.engine import reading
from certsvc.storage.audit import Audit
from certsvc_sdk.verdict import Outcome
from certsvc_sdk.verify import check_fresh

MARKET = "119999000000000198"
ROOT = Path(__file__).parents[2]
KILLS = os.environ.get("CERTSVC_KILLS", "15")
SEED = os.environ.get("CERTSVC_KILL_SEED", "1")
# What a resumed or repeated worker needs at most; the sweep comes after it.
LATER = 30


@pytest.fixture
def told(world, samples):
    """What killed workers were answered, with everything left behind swept up."""
    path = world.database.parent / "acknowledged"
    arguments = (
        str(world.database),
        str(world.database.parent / "keys"),
        str(samples / "business-licences.jsonl"),
        str(world.clock.now),
        str(path),
        KILLS,
        SEED,
    )
    subprocess.run(
        [sys.executable, str(Path(__file__).parent / "kill_drill.py"), *arguments],
        check=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}"},
    )
    world.clock.now += LATER * int(KILLS)
    world.service.sweep(world.clock.now)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_nothing_lost_nothing_twice(world, licence, told):
    assert [answer for answer in told if "fault" in answer] == []
    assert len(told) > int(KILLS)
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
    """No identifier, place or key twice; one message an event; the trail whole."""
    total = len(rows)
    assert len({one["certificate_identifier"] for one in rows.values()}) == total
    assert len({(one["list_no"], one["list_index"]) for one in rows.values()}) == total
    assert world.rows("SELECT sum(used) FROM status_list") == [(total,)]
    made = "SELECT count(*), count(DISTINCT certificate_id), count(answer) FROM idempotency"
    assert world.rows(made) == [(total, total, total)]
    events = world.counts()["status_event"]
    topics = dict(world.rows("SELECT topic, count(*) FROM outbox GROUP BY topic"))
    assert topics == {"issued": total, "status": events}
    assert world.rows(f"SELECT version FROM status_list WHERE issuer_id = '{MARKET}'") == [
        (1 + events,)
    ]
    acts = dict(world.rows("SELECT action, count(*) FROM audit GROUP BY action"))
    assert acts["certificate.plan"] == acts["certificate.issue"] == total
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
