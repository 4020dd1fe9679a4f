"""P10: what the first import and the first verdict of a fresh process cost, beside `import jwt`."""

import subprocess
import sys
from pathlib import Path

from bench.harness import Effort, Result, Row, Slice, measure
from bench.world import World

BASE = "import jwt"
_BARE = "import time, sys; bare = time.process_time()\n"
_VERDICT = """
from certsvc_sdk import Policy, Verifier
verifier = Verifier.from_root({root!r}, cache_dir={cache!r}, offline=True)
assert verifier.check({token!r}).code == "valid"
"""


def imported(world: World, effort: Effort) -> list[Result]:
    """Processor time above a bare interpreter."""
    world.verifier("cold")
    root, cache = str(world.folder / "root.json"), str(world.folder / "cold")
    token = world.token("thirteen", "ES256")
    verdict = _VERDICT.format(root=root, cache=cache, token=token)
    programs = {
        BASE: ("import jwt", "the comparison of P10"),
        "import certsvc_sdk: Verifier, Policy": ("from certsvc_sdk import Verifier, Policy", ""),
        "first verdict of a cold process": (verdict, "offline, from a warm cache, ES256"),
        "import cryptography ec": (
            "from cryptography.hazmat.primitives.asymmetric import ec",
            "the floor: nothing verifies without it",
        ),
        "import joserfc.jwt": ("import joserfc.jwt", ""),
        "import openvc.proof.sd_jwt": ("import openvc.proof.sd_jwt", ""),
    }
    rows = [
        Row(name=name, base=BASE, run=_fresh(code), note=note, ours="certsvc" in code)
        for name, (code, note) in programs.items()
    ]
    slow = Effort(rounds=max(1, effort.rounds // 3), seconds=0.0, quick=effort.quick)
    return measure("import", rows, slow)


def _fresh(code: str) -> Slice:
    def run(count: int) -> float:
        return sum(_process(code) for _ in range(count))

    return run


def _process(code: str) -> float:
    """Processor seconds of `code` in a process of its own, above the interpreter's start."""
    program = f"{_BARE}{code}\nprint(time.process_time() - bare)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    return float(done.stdout)
