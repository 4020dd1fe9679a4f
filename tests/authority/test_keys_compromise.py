"""`certsvc keys impact` and `compromise`: what hangs on a key, and where it ends."""

import time
from contextlib import suppress
from typing import Any

from certsvc.publishing.log_signing import LogSigner
from certsvc.service.engine import reading
from certsvc.storage.tables import status_list
from certsvc.worker import make_worker
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import LogUntrusted
from certsvc_sdk.log.checkpoint import Checkpoint
from certsvc_sdk.log.view import LogView
from certsvc_sdk.trust.record import KeyState
from keys import State

ISSUER = "119999000000000198"
ORIGIN = "certs.example/log"
DAY = 86_400
World = Any


def now() -> int:
    """The commands read the real clock, so the test does."""
    return time.time_ns() // 10**9


def test_impact_before_and_compromise_after(world: World) -> None:
    key = world.active()
    world.worker()
    world.issue("a", "b", "c")
    world.worker()
    late = world.issue("d")
    found = world.run("impact", ISSUER, key.kid, "--at", "2020-01-01T00:00:00+08:00")
    assert (found["live"], found["kept"], found["lost"]) == (4, 3, 1)
    assert (found["log_size"], found["cut"], found["log_size_at"]) == (3, 3, 0)
    assert found["lost_certificates"] == late
    assert found["lost_certificates_complete"] is True
    assert list(found["status_lists"].values()) == [4]
    (row,) = found["types"]
    assert (row["type"], row["states"]) == ("business-licence", {"valid": 4})
    nearer = world.run("impact", ISSUER, key.kid, "--log-index", "1")
    assert (nearer["kept"], nearer["lost"]) == (1, 3)
    text = world.text("impact", ISSUER, key.kid)
    assert "仍有效 kept 3 · 须重发 lost 1" in text
    assert "█" * 30 + "░" * 10 in text
    done = world.run("compromise", ISSUER, key.kid, "--replace")
    assert (done["key"]["state"], done["key"]["accept_before_log_index"]) == ("compromised", 3)
    assert (done["successor"], done["unlisted"], done["outcome"]) == (True, False, "published")
    record = world.record().key(key.kid, "certificate")
    assert record is not None
    assert (record.state, record.accept_before_log_index) == (KeyState.COMPROMISED, 3)
    assert world.active().kid == done["active"]
    assert world.issue("e")
    world.worker()
    # The log goes on; the line stays where it was drawn.
    again = world.run("compromise", ISSUER, key.kid, "--replace")
    assert again["key"] == done["key"]
    assert (again["successor"], again["active"]) == (False, done["active"])
    after = world.run("impact", ISSUER, key.kid)
    assert (after["cut"], after["kept"], after["lost_certificates"]) == (3, 3, late)
    assert "key.activate_emergency" in world.actions()


def test_a_line_once_drawn_only_moves_back(quick: World) -> None:
    quick.worker()
    key, issued = quick.active(), quick.issue("a", "b", "c")
    quick.worker()
    quick.run("compromise", ISSUER, key.kid, "--log-index", "2")
    loosened = quick.refused("compromise", ISSUER, key.kid, "--log-index", "3")
    assert loosened == "compromise_loosened"
    tightened = quick.run("compromise", ISSUER, key.kid, "--log-index", "1")
    assert tightened["key"]["accept_before_log_index"] == 1
    quick.run("compromise", ISSUER, key.kid, "--nothing")
    last = quick.record().key(key.kid, "certificate")
    assert last is not None
    assert last.accept_before_log_index is None
    lost = quick.run("impact", ISSUER, key.kid)
    assert (lost["kept"], sorted(lost["lost_certificates"])) == (0, sorted(issued))
    assert quick.actions() == ["key.compromise"] * 3


def test_a_compromise_that_makes_no_sense(quick: World) -> None:
    key = quick.active()
    assert quick.refused("compromise", ISSUER, key.kid, "--log-index", "5") == "cut_beyond_log"
    future = str(now() + 9999)
    refusal = quick.refused("compromise", ISSUER, key.kid, "--at", future)
    assert refusal == "compromise_time_invalid"
    assert quick.active() == key
    assert quick.actions() == []
    both = ("compromise", ISSUER, key.kid, "--nothing", "--log-index", "0")
    assert "--nothing" in quick.text(*both, code=2)
    assert "offset" in quick.text("compromise", ISSUER, key.kid, "--at", "yesterday", code=2)


def test_without_a_published_log_nobody_ends_honest_certificates_unasked(quick: World) -> None:
    quick.worker()
    key = quick.active()
    quick.issue("a")
    (quick.settings.published / "log" / "checkpoint").unlink()
    assert quick.refused("compromise", ISSUER, key.kid) == "cut_beyond_log"
    assert quick.active() == key
    done = quick.run("compromise", ISSUER, key.kid, "--nothing")
    assert done["key"]["accept_before_log_index"] is None


def test_a_stolen_key_without_successor_stops_issuing(quick: World) -> None:
    text = quick.text("compromise", ISSUER, quick.active().kid)
    assert "签发已停止" in text
    assert "--replace" in text


def test_a_stolen_status_key_has_its_lists_signed_anew(world: World) -> None:
    world.worker()
    key = world.active("status")
    found = world.run("impact", ISSUER, key.kid)
    assert (found["types"], list(found["status_lists"])) == ([], ["1"])
    refusal = world.refused("compromise", ISSUER, key.kid, "--log-index", "0")
    assert refusal == "cut_beyond_log"
    done = world.run("compromise", ISSUER, key.kid, "--replace")
    assert (done["status_lists"], done["key"]["accept_before_log_index"]) == (1, None)
    made = make_worker(world.settings, world.engine, world.keys, name="tests")
    assert made.run_once()["status"] >= 1
    made.release()
    with reading(world.engine) as connection:
        times = connection.execute(status_list.select()).mappings()
        assert all(row["published_at"] > 0 for row in times if row["issuer_id"] == ISSUER)


def signed_by(world: World) -> set[str]:
    """Keys of the log by whose signature alone readers would take the checkpoint."""
    data = (world.settings.published / "log" / "checkpoint").read_bytes()
    found = set()
    for key in world.keys.list("log"):
        view = LogView.of(ORIGIN, [PublicKey.from_jwk(dict(key.public_jwk), key.alg)])
        with suppress(LogUntrusted):
            view.open(data)
            found.add(key.kid)
    return found


def test_an_idle_log_is_good_again_at_once(world: World) -> None:
    """Nobody accepts the stolen key's signature; nobody need wait for the next certificate."""
    world.worker()
    world.issue("a", "b")
    world.worker()
    (lost,) = world.keys.list("log")
    assert signed_by(world) == {lost.kid}
    done = world.run("compromise", "log", lost.kid, "--replace")
    assert done["checkpoint_signed_anew"] is True
    assert signed_by(world) == {done["active"]}
    assert world.run("compromise", "log", lost.kid)["checkpoint_signed_anew"] is False
    # The worker goes on from there.
    world.issue("c")
    world.worker()
    assert signed_by(world) == {done["active"]}
    assert world.run("impact", "log", lost.kid)["log_size"] == 3


def test_what_a_thief_has_put_in_the_checkpoints_place_is_not_signed(quick: World) -> None:
    quick.worker()
    quick.issue("a")
    quick.worker()
    (lost,) = quick.keys.list("log")
    path = quick.settings.published / "log" / "checkpoint"
    other = Checkpoint(origin=ORIGIN, size=1, root=b"x" * 32)
    path.write_bytes(LogSigner(quick.keys, origin=ORIGIN).checkpoint(other))
    assert quick.refused("compromise", "log", lost.kid, "--replace") == "log_forked"
    assert quick.keys.get("log", lost.kid).state is State.COMPROMISED
    assert signed_by(quick) == {lost.kid}
    # All else is done: every record knows the loss and the successor.
    states = {key.kid: key.state for key in quick.record().keys if key.use == "log"}
    assert states.pop(lost.kid) is KeyState.COMPROMISED
    assert list(states.values()) == [KeyState.ACTIVE]


def test_without_a_successor_nothing_is_signed(quick: World) -> None:
    quick.worker()
    quick.issue("a")
    quick.worker()
    (lost,) = quick.keys.list("log")
    assert quick.run("compromise", "log", lost.kid)["checkpoint_signed_anew"] is False
    done = quick.run("compromise", "log", lost.kid, "--replace")
    assert done["checkpoint_signed_anew"] is True
    assert "log's checkpoint" not in quick.text("compromise", "log", lost.kid)
