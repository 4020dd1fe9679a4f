"""Lives of a verifier that is killed while it writes its cache; a judge looks after each death.

Every second life dies at its n-th step in the cache folder (a file opened to be written, renamed or
removed), the others at a random moment. What one life acknowledged must be there for the next.
Then some live on a full disk, and two at once.

Usage: cache_drill.py FOLDER KILLS SEED
"""

import json
import os
import random  # noqa: TID251 — a drill that can be repeated by its seed
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.forest import BASE, Forest
from bench.world import LIST, USCC, World, make_world
from certsvc_sdk import jws, statuslist
from certsvc_sdk.client import Verifier
from certsvc_sdk.durable import TEMPORARY_PREFIX

NOW = 1_800_000_000
REVOKED = 76_543
# Bytes: nothing can be written, a list, a role, a state but no snapshot.
ROOMS = (0, 100, 600, 1_500, 3_000)
STEPS = frozenset({"open", "os.rename", "os.remove"})


class Drill:
    """A published tree that gets newer, a cache, and what was acknowledged."""

    def __init__(self, folder: Path, world: World) -> None:
        self.world, self.cache = world, folder / "cache"
        self.forest = Forest(folder / "tree", NOW)
        division = USCC[2:8]
        self.forest.delegate("targets", division, f"issuers/{division}/*")
        self.version = 0
        self.acknowledged = 0
        self.root = self.forest.pinned
        names = ("flat", "thirteen")
        self.good, self.bad = (world.token(name, "ES256") for name in names)
        self.url = (folder / "tree").as_uri() + "/"

    def publish(self) -> None:
        """A newer record, role and list, with one certificate revoked."""
        self.version += 1
        now = NOW + self.version
        names = {"zh": f"示例市市场监督管理局 {self.version}", "en": f"office {self.version}"}
        record = replace(self.world.record, names=names)
        self.forest.put(f"issuers/{USCC[2:8]}/{USCC}.json", record.to_bytes())
        self.forest.publish(now)
        bits = statuslist.MutableStatusBits(131_072, 2)
        bits.set(REVOKED, 1)
        signer = self.world.status_signer
        data = statuslist.draft(
            header={"alg": signer.alg, "typ": statuslist.TYP, "kid": signer.kid},
            sub=LIST,
            iat=now,
            exp=now + 86_400,
            ttl=300,
            version=self.version,
            bits=bits.freeze(),
        )
        self.forest.write(LIST.removeprefix(BASE), jws.attach(data, signer.sign(data)).encode())
        lists = json.dumps({"status_lists": [LIST]}).encode()
        self.forest.write(f"status/{USCC}/lists.json", lists)

    def live(self) -> None:
        """What a verifier does in a life: fetch all, and see a revoked certificate."""
        self.verifier(url=self.url).prefetch()
        self.verifier(offline=True).check(self.bad)

    def verifier(self, **options: Any) -> Verifier:
        now = NOW + self.version
        return Verifier.from_root(self.root, cache_dir=self.cache, clock=lambda: now, **options)

    def judge(self, *, completed: bool) -> None:
        """Another process finds a whole state, not older than what was acknowledged."""
        verifier = self.verifier(offline=True)
        view = verifier.holdings.trust.cached()
        if view is None:
            assert not self.acknowledged, "the cache is gone"
            return
        assert view.version >= self.acknowledged
        if completed:
            self.acknowledged = self.version
            assert view.version == self.version
        if self.acknowledged:
            verdict = verifier.check(self.bad)
            assert verdict.code == "revoked", verdict.code
            assert verdict.issuer_name is not None
            assert verdict.issuer_name["en"] == f"office {view.version}"
            held = verifier.holdings.status.known()
            assert held == (LIST,)


def run(
    action: Callable[[], None],
    *,
    step: int | None = None,
    after: float | None = None,
    room: int | None = None,
) -> bool:
    """Run in a process of its own; tell whether it came to its end.

    Args:
        action: what it does.
        step: it dies before its n-th step of writing.
        after: it is killed after so many seconds.
        room: no file it writes can be longer, as where a disk is full.
    """
    return ended(begun(action, step=step, room=room), after=after)


def begun(action: Callable[[], None], *, step: int | None = None, room: int | None = None) -> int:
    """Begin a process; its number."""
    child = os.fork()
    if child == 0:
        try:
            if step is not None:
                _die_at(step)
            if room is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            action()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def ended(child: int, *, after: float | None = None) -> bool:
    """Await a process; tell whether it came to its end."""
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status == 0


def _die_at(step: int) -> None:
    left = [step]
    below = str(Path(sys.argv[1]) / "cache")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in STEPS and str(arguments[0]).startswith(below):
            reading = event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if not reading:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main() -> None:
    """Let lives end until enough were killed, then show that the last one finds all in order."""
    folder, wanted, seed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    chance = random.Random(seed)
    with make_world(NOW) as world:
        drill = Drill(folder, world)
        drill.publish()
        began = time.monotonic()
        # The first life ends well and shows how long one takes.
        run(lambda: drill.verifier(url=drill.url).prefetch())
        whole = time.monotonic() - began
        killed = {"step": 0, "moment": 0}
        step = deepest = 0
        while sum(killed.values()) < wanted:
            drill.publish()
            if killed["step"] <= killed["moment"]:
                lived = run(drill.live, step=step)
                killed["step"] += not lived
                deepest = max(deepest, step)
                step = 0 if lived else step + 1
            else:
                lived = run(drill.live, after=chance.uniform(0, 1.2 * whole))
                killed["moment"] += not lived
            drill.judge(completed=lived)
        for room in ROOMS:
            drill.publish()
            assert run(drill.live, room=room)
            drill.judge(completed=False)
        drill.publish()
        both = [begun(drill.live), begun(drill.live)]
        assert all([ended(one) for one in both])
        drill.judge(completed=True)
        left = [path.name for path in drill.cache.rglob(f"{TEMPORARY_PREFIX}*")]
    print(json.dumps({"killed": killed, "steps": deepest, "left": left}))


if __name__ == "__main__":
    main()
