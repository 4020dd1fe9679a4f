"""Clocks that are set between two steps of an issuance (R13)."""

import json

import pytest

from certsvc.issuing import errors
from certsvc.issuing.model import SweepReport
from certsvc.issuing.plan import PLAN_SECONDS
from certsvc_sdk import sdjwt

MINUTES, YEARS = 600, 2 * 365 * 86_400


class Stop(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


def stop_at_four(step: int) -> None:
    if step == 4:
        raise Stop


@pytest.mark.parametrize("by", ["sweep", "client", "file"])
@pytest.mark.parametrize("back", [MINUTES, YEARS])
def test_a_plan_from_the_future_is_made_anew(world, licence, by, back):
    """A clock ran ahead and was put right: nobody waits until the time is reached again."""
    right = world.clock.now
    world.clock.now += back
    with pytest.raises(Stop):
        world.make(checkpoint=stop_at_four).issue(world.caller(), licence(), "key-1")
    world.clock.now = right
    if by == "sweep":
        assert world.service.sweep(right) == SweepReport(finished=1)
    [found] = world.service.issue_many(world.caller(), [(licence(), "key-1")], adopt=by == "file")
    assert found.replayed == (by == "sweep")
    assert found.issued_at == right
    assert json.loads(sdjwt.parse(found.token).jws.payload)["iat"] == right
    assert world.counts()["certificate"] == 1


def test_a_clock_slightly_back_leaves_a_young_plan_alone(world, licence):
    with pytest.raises(Stop):
        world.make(checkpoint=stop_at_four).issue(world.caller(), licence(), "key-1")
    world.clock.now -= PLAN_SECONDS
    assert world.service.sweep(world.clock.now) == SweepReport()
    with pytest.raises(errors.RequestInProgress):
        world.service.issue(world.caller(), licence(), "key-1")


@pytest.mark.parametrize("step", [4, 5])
@pytest.mark.parametrize("leap", [-86_000, -MINUTES, MINUTES, YEARS])
def test_no_untrue_issue_time_leaves_the_house(world, licence, step, leap):
    """Threat T53: a worker that slept, or whose clock was set, between plan and last commit."""

    def set_clock(reached: int) -> None:
        if reached == step:
            world.clock.now += leap

    with pytest.raises(errors.RequestInProgress):
        world.make(checkpoint=set_clock).issue(world.caller(), licence(), "key-1")
    assert world.rows("SELECT state FROM certificate") == [("planned",)]
    found = world.service.issue(world.caller(), licence(), "key-1")
    assert abs(found.issued_at - world.clock.now) <= 1
    assert world.counts()["certificate"] == 1
