"""`certsvc keys` on a demo world of each database: what it does, refuses, repeats and survives."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from click.testing import CliRunner
from servers.signer import serving

from certsvc.authority.keys_rotation import apply_due
from certsvc.authority.world import open_authority
from certsvc.cli import cli
from certsvc_sdk.trust.record import KeyState
from keys import State

ISSUER = "119999000000000198"
DAY = 86_400
World = Any


def now() -> int:
    """The commands read the real clock, so the test does."""
    return time.time_ns() // 10**9


def test_a_key_from_its_making_to_its_end(world: World) -> None:
    old = world.active()
    kid = world.run("generate", ISSUER)["key"]["kid"]
    assert world.published(kid) is None
    assert world.refused("activate", ISSUER, kid) == "transition_forbidden"
    done = world.run("publish", ISSUER, kid)
    assert (done["changed"], done["outcome"]) == (True, "published")
    assert done["ready_at"] == done["listed_at"] + 2 * DAY
    assert world.published(kid) is KeyState.PRE_PUBLISHED
    again = world.run("publish", ISSUER, kid)
    assert (again["changed"], again["outcome"]) == (False, "unchanged")
    assert again["listed_at"] == done["listed_at"]
    refusal = world.run("activate", ISSUER, kid, code=1)
    assert refusal["error"] == "key_listed_too_short"
    assert refusal["ready_at"] == done["ready_at"]
    world.days_pass(1.9)
    assert world.refused("activate", ISSUER, kid) == "key_listed_too_short"
    world.days_pass(0.1)
    done = world.run("activate", ISSUER, kid)
    assert (done["changed"], done["retired"], done["unlisted"]) == (True, [old.kid], False)
    assert world.run("activate", ISSUER, kid)["changed"] is False
    assert (world.published(kid), world.published(old.kid)) == (
        KeyState.ACTIVE,
        KeyState.RETIRED,
    )
    assert world.run("destroy", ISSUER, old.kid)["changed"] is True
    assert world.run("destroy", ISSUER, old.kid)["changed"] is False
    # What it signed must stay verifiable: its public half never leaves the record.
    assert world.published(old.kid) is KeyState.RETIRED
    assert world.actions() == ["key.generate", "key.publish", "key.activate", "key.destroy"]


def test_keys_are_listed_from_the_set_up_on(quick: World) -> None:
    for one in quick.run("list"):
        moment = quick.record().keys[0].not_before
        assert one["listed_at"] == (None if one["purpose"] == "trust" else moment)


def test_rotate_does_what_comes_next(quick: World) -> None:
    old = quick.active()
    kid = quick.run("rotate", ISSUER)["key"]["kid"]
    assert quick.published(kid) is KeyState.PRE_PUBLISHED
    assert quick.refused("rotate", ISSUER) == "key_listed_too_short"
    quick.days_pass(2)
    assert quick.run("rotate", ISSUER)["retired"] == [old.kid]
    assert quick.active().kid == kid
    assert quick.refused("rotate", ISSUER, "--type", "food-permit") == "no_successor"
    made = quick.run("generate", ISSUER, "--purpose", "status")["key"]["kid"]
    assert quick.run("rotate", ISSUER, "--purpose", "status")["key"]["kid"] == made


def test_an_emergency_does_not_wait_and_says_so(quick: World) -> None:
    quick.run("rotate", ISSUER)
    done = quick.run("rotate", ISSUER, "--emergency")
    assert (done["changed"], done["unlisted"]) == (True, False)
    assert quick.actions()[-1] == "key.activate_emergency"


def test_retiring_the_only_key_must_be_meant(quick: World) -> None:
    kid = quick.active().kid
    assert quick.refused("retire", ISSUER, kid) == "issuing_would_stop"
    assert quick.run("retire", ISSUER, kid, "--stop")["outcome"] == "published"
    assert quick.run("retire", ISSUER, kid)["changed"] is False
    assert quick.published(kid) is KeyState.RETIRED
    withdrawn = quick.run("generate", ISSUER)["key"]["kid"]
    quick.run("publish", ISSUER, withdrawn)
    assert quick.refused("destroy", ISSUER, withdrawn) == "transition_forbidden"
    quick.run("retire", ISSUER, withdrawn)
    assert quick.published(withdrawn) is None
    assert quick.refused("publish", ISSUER, withdrawn) == "transition_forbidden"


def test_a_crash_between_key_store_and_publication(world: World) -> None:
    """Each step's first half alone, as a power cut leaves it; the command again ends it."""
    moment = now()
    kid = world.run("generate", ISSUER)["key"]["kid"]
    world.keys.set_state(ISSUER, kid, State.PRE_PUBLISHED, now=moment - 10 * DAY)
    # The store says ten days; readers have never seen it.
    assert world.refused("activate", ISSUER, kid) == "key_not_published"
    done = world.run("rotate", ISSUER)
    assert (done["key"]["kid"], done["changed"]) == (kid, False)
    assert done["listed_at"] >= moment
    assert world.refused("rotate", ISSUER) == "key_listed_too_short"
    old = world.active()
    world.days_pass(2)
    world.keys.rotate(ISSUER, kid, now=moment)
    assert world.published(old.kid) is KeyState.ACTIVE
    assert world.run("activate", ISSUER, kid)["outcome"] == "published"
    assert world.published(old.kid) is KeyState.RETIRED
    world.keys.compromise(ISSUER, kid, now=now() + 1, at=now())
    assert world.run("apply", ISSUER)["outcome"] == "published"
    assert world.published(kid) is KeyState.COMPROMISED


def test_a_record_that_went_back_begins_to_wait_again(quick: World) -> None:
    tree = quick.settings.published
    before = quick.settings.home / "before"
    shutil.copytree(tree, before)
    kid = quick.run("rotate", ISSUER)["key"]["kid"]
    quick.days_pass(9)
    shutil.rmtree(tree)
    shutil.copytree(before, tree)
    assert quick.refused("activate", ISSUER, kid) == "key_not_published"
    quick.run("publish", ISSUER, kid)
    assert quick.refused("activate", ISSUER, kid) == "key_listed_too_short"


def test_plan_and_apply(world: World) -> None:
    assert {step["action"] for step in world.run("plan", ISSUER)} == {"prepare"}
    assert world.run("apply")["steps"] == []
    world.age(84)
    steps = [step for step in world.run("plan", ISSUER) if step["due"]]
    assert [(step["action"], step["purpose"]) for step in steps] == [
        ("prepare", "certificate"),
        ("prepare", "status"),
    ]
    done = world.run("apply")
    assert done["outcome"] == "published"
    assert len(done["steps"]) == 4  # two departments
    assert world.run("apply")["steps"] == []
    old = world.active()
    world.age(7)
    world.days_pass(2)
    listed = {one["kid"]: one for one in world.run("list", ISSUER)}
    assert listed[old.kid]["overdue"] == "age"
    assert "已过期限 overdue" in world.text("list")
    done = world.run("apply", ISSUER)
    assert [step["action"] for step in done["steps"]] == ["activate", "activate"]
    assert world.published(old.kid) is KeyState.RETIRED
    world.age(8)
    assert [step["action"] for step in world.run("apply", ISSUER)["steps"]] == ["destroy"] * 2
    assert world.keys.get(ISSUER, old.kid).state is State.DESTROYED
    assert "nothing" not in world.text("plan", ISSUER)


def test_an_issuers_first_keys_need_not_wait(quick: World) -> None:
    for key in quick.keys.list(ISSUER):
        path = quick.settings.home / "keys" / "issuers" / ISSUER / f"{key.kid}.json"
        path.unlink()
    kid = quick.run("generate", ISSUER)["key"]["kid"]
    assert quick.refused("activate", ISSUER, kid) == "transition_forbidden"
    done = quick.run("apply", ISSUER)
    assert [step["action"] for step in done["steps"]] == ["publish", "activate"]
    assert done["steps"][1]["reason"] == "first"
    assert quick.published(kid) is KeyState.ACTIVE


def test_the_logs_keys_stand_in_every_record(quick: World) -> None:
    (old,) = quick.keys.list("log")
    kid = quick.run("rotate", "log", "--purpose", "log")["key"]["kid"]
    assert quick.published(kid) is KeyState.PRE_PUBLISHED
    assert quick.refused("rotate", "log", "--purpose", "log") == "key_listed_too_short"
    quick.days_pass(2)
    assert quick.run("rotate", "log", "--purpose", "log")["retired"] == [old.kid]
    quick.worker()
    quick.issue("a")
    quick.worker()
    assert quick.run("impact", "log", kid)["log_size"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("generate", "trust"), "key_owner_unmanaged"),
        (("retire", "ca", "AAAAAAAAAAA"), "key_owner_unmanaged"),
        (("publish", "119999000000000999", "AAAAAAAAAAA"), "issuer_not_registered"),
        (("publish", ISSUER, "AAAAAAAAAAA"), "key_unknown"),
        (("impact", ISSUER, "../../etc"), "name_invalid"),
        (("generate", ISSUER, "--alg", "none"), "algorithm_unsupported"),
    ],
)
def test_refusals(quick: World, arguments: tuple[str, ...], code: str) -> None:
    assert quick.refused(*arguments) == code
    text = quick.text(*arguments, code=1)
    assert f"拒绝 / refused: {code}" in text


@pytest.mark.parametrize("kid", ["-sAbcdefghi", "--Abcdefghi", "-hAbcdefghi", "-----------"])
def test_a_key_id_that_looks_like_an_option(quick: World, kid: str) -> None:
    """One key in 64 begins with a dash."""
    for command in ("publish", "activate", "retire", "destroy", "compromise", "impact"):
        assert quick.refused(command, ISSUER, kid) == "key_unknown"
    assert quick.refused("activate", "--emergency", ISSUER, kid) == "key_unknown"


def test_nothing_is_noted_that_a_signer_would_refuse(quick: World) -> None:
    """The trail says what was done; over a signer's socket nothing can be."""
    kid, before = quick.active().kid, quick.actions()
    with serving(quick.settings.signer_socket, quick.keys):
        over = quick.settings.model_copy(
            update={"keys_url": f"signer:{quick.settings.signer_socket}"}
        )
        for arguments in (("generate", ISSUER), ("retire", ISSUER, kid, "--stop")):
            done = CliRunner().invoke(cli, ["keys", *arguments, "--json"], env=over.to_env())
            assert json.loads(done.stderr)["error"] == "store_read_only"
        done = CliRunner().invoke(cli, ["keys", "list", ISSUER, "--json"], env=over.to_env())
        assert kid in done.stdout
    assert quick.actions() == before


def test_two_operators_take_turns(quick: World) -> None:
    """Both decided on the same plan; whoever comes second finds it done."""
    quick.age(84)

    def operate(_: int) -> int:
        with open_authority(quick.settings, clock_ns=time.time_ns, rng=lambda n: b"x" * n) as one:
            return len(apply_due(one, ISSUER, now=now()).steps)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(operate, range(4)))
    assert sorted(done) == [0, 0, 0, 2]
    waiting = [key for key in quick.keys.list(ISSUER) if key.state is State.PRE_PUBLISHED]
    assert sorted(key.purpose for key in waiting) == ["certificate", "status"]
