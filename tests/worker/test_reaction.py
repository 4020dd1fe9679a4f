"""R14: changes under deaths, take-overs and late sleepers: none is lost, none flaps back."""

import hashlib
import os
from typing import Any

from certsvc.worker.tenure import LEASE_TTL
from certsvc_sdk import statuslist
from certsvc_sdk.statuslist import INVALID, SUSPENDED

MARKET = "119999000000000198"
#: The full size is 10,000.
CHANGES = int(os.environ.get("CERTSVC_STATUS_CHANGES", "80"))
STEPS = 7
#: Between them the tree is locked: nobody else can work while one sleeps there.
LOCKED = range(3, 7)


class Death(BaseException):
    """The process ends here; nothing of it is asked again."""


class Reader:
    """Sees what a verifier sees, and remembers it."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._version = 0
        self._revoked: set[int] = set()

    def look(self) -> dict[int, int]:
        token = statuslist.read((self._world.tree.read(f"status/{MARKET}/1") or b"").decode())
        found = self._world.out_of_force()
        assert token.version is not None
        assert token.version >= self._version, "the list went back"
        assert all(found.get(place) == INVALID for place in self._revoked), "a revocation vanished"
        self._version = token.version
        self._revoked |= {place for place, value in found.items() if value == INVALID}
        return found


class Fate:
    """What becomes of a worker at a step: it dies there, or sleeps until another has worked."""

    def __init__(self, world: Any, reader: Reader) -> None:
        self._world = world
        self._reader = reader
        self._noise = iter(hashlib.shake_256(b"fates").digest(2 * CHANGES + 2))
        self.draw()

    def draw(self) -> None:
        """Choose anew: nothing, a death or a sleep, and the step."""
        self._what = ("none", "death", "sleep", "none")[next(self._noise) % 4]
        self._step = next(self._noise) % STEPS + 1
        if self._what == "sleep" and self._step in LOCKED:
            self._step = 2

    def __call__(self, step: int) -> None:
        self._reader.look()
        if step != self._step or self._what == "none":
            return
        what, self._what = self._what, "none"
        if what == "death":
            raise Death
        self._world.clock.now += LEASE_TTL
        self._world.worker(f"other-{self._world.clock.now}").run_once()


def test_no_change_is_lost_and_none_flaps_back(either: Any) -> None:
    world, reader = either, Reader(either)
    world.worker("first").run_once()
    fate, expected = Fate(world, reader), {}
    worker = world.worker("one", checkpoint=fate)
    issued, state = "", "revoked"
    for number in range(CHANGES):
        if state == "revoked":
            issued = world.issue(number % len(world.records), key=f"r-{number}")
        operation = {"valid": "suspend", "suspended": "revoke", "revoked": "revoke"}[state]
        operation = "resume" if state == "suspended" and number % 3 else operation
        world.change(issued, operation)
        state = {"suspend": "suspended", "resume": "valid", "revoke": "revoked"}[operation]
        expected[world.place(issued)] = {"suspend": SUSPENDED, "resume": 0}.get(operation, INVALID)
        fate.draw()
        world.clock.now += 1
        try:
            worker.run_once()
        except Death:
            worker = world.worker(f"heir-{number}", checkpoint=fate)
        reader.look()
    # Whoever failed last may still rest.
    world.clock.now += LEASE_TTL + 16
    world.worker("last").run_once()
    assert reader.look() == {place: value for place, value in expected.items() if value}
