"""The publisher killed at every step: no list goes back, loses a revocation, or stays behind."""

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from certsvc.service.engine import make_engine
from certsvc.worker.tenure import LEASE_TTL
from certsvc_sdk import statuslist
from certsvc_sdk.statuslist import INVALID

MARKET = "119999000000000198"
#: As `certsvc.publishing.status` numbers them; the seventh is the worker's last.
STEPS = range(1, 8)


class Victim:
    """A worker in a process of its own, which dies at a step of its second publication."""

    def __init__(self, world: Any) -> None:
        self._world = world

    def die_at(self, step: int, act: Callable[[], None], *, keeps_the_list: bool) -> None:
        pid = os.fork()
        if pid == 0:
            try:
                self._run(step, act, keeps_the_list=keeps_the_list)
            finally:
                os._exit(1)  # it did not die
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), "it did not die"
        assert os.WTERMSIG(status) == signal.SIGKILL

    def _run(self, step: int, act: Callable[[], None], *, keeps_the_list: bool) -> None:
        armed: list[bool] = []

        def checkpoint(reached: int) -> None:
            if armed and reached == step:
                os.kill(os.getpid(), signal.SIGKILL)

        # A connection of the parent's must not be used on this side of the fork.
        self._world.engine = make_engine(self._world.settings.database_url)
        vars(self._world).pop("service", None)
        worker = self._world.worker(f"victim-{step}", checkpoint=checkpoint)
        if keeps_the_list:
            worker.run_once()
        act()
        armed.append(True)
        worker.run_once()


def seen(world: Any) -> tuple[int, set[int]]:
    """Version and revoked places of the list as a verifier reads it now."""
    token = statuslist.read((world.tree.read(f"status/{MARKET}/1") or b"").decode())
    packed = token.bits()
    assert token.version is not None
    return token.version, {i for i in range(len(packed)) if packed.get(i) == INVALID}


@pytest.mark.parametrize("keeps_the_list", [True, False], ids=["changes", "whole"])
def test_killed_at_every_step_it_never_goes_back(either: Any, keeps_the_list: bool) -> None:
    world, victim = either, Victim(either)
    world.worker("first").run_once()
    ids = [world.issue(number) for number in range(2 * len(STEPS))]
    revoked: set[int] = set()
    for step in STEPS:
        world.clock.now += LEASE_TTL + 1
        before, shown = seen(world)
        assert shown == revoked
        first, second = ids.pop(), ids.pop()
        victim.die_at(step, lambda one=first: world.revoke(one), keeps_the_list=keeps_the_list)
        revoked |= {world.place(first)}
        version, shown = seen(world)
        # Out at once from the step on at which the pointer has moved, and not a moment before.
        assert version == before + (step >= 5)
        assert shown == (revoked if step >= 5 else revoked - {world.place(first)})
        world.revoke(second)
        revoked |= {world.place(second)}
        world.clock.now += LEASE_TTL + 1
        world.worker(f"heir-{step}").run_once()
        assert seen(world) == (before + 2, revoked)
        assert world.marked() == before + 2
    assert world.tree.fence() == world.rows("SELECT fence FROM lease")[0][0]
    # What nobody was told of, because its publisher died, is among the versions and harmless.
    names = world.tree.names(f"status/{MARKET}/versions/1")
    assert len(names) == len(set(names)) <= 16
