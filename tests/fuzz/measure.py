"""Hostile inputs in a process of its own: measure.py memory|stack KIND prints JSON by input."""

import json
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
# A script's own folder is not searched under PYTHONSAFEPATH.
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "sdk")]

from fuzzing.measuring import actions, resident_growth  # noqa: E402 — the path comes first

# Frames and bytes that a verification may use; CPython's own limits are 1,000 and 8 MiB.
FRAMES = 200
STACK = 256 * 1024


def memory(kind: str) -> dict[str, int]:
    """Bytes by which the process grows for each input."""
    found = actions(kind)
    # Once before, so that no import is counted.
    next(iter(found.values()))()
    return {name: resident_growth(action) for name, action in found.items()}


def stack(kind: str) -> dict[str, str]:
    """What each input answers where there is little stack."""
    answers: dict[str, str] = {}
    found = actions(kind)
    next(iter(found.values()))()

    def play() -> None:
        for name, action in found.items():
            answers[name] = action()

    threading.stack_size(STACK)
    sys.setrecursionlimit(FRAMES)
    thread = threading.Thread(target=play)
    thread.start()
    thread.join()
    return answers


if __name__ == "__main__":
    print(json.dumps({"memory": memory, "stack": stack}[sys.argv[1]](sys.argv[2])))
