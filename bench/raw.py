"""The raw signature check on every core at once, for as long as a slice of load lasts.

Runs in processes of its own: `python -m bench.raw SECONDS < {"token": …, "jwk": …}` prints a JSON
object.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench import peers

_CHUNK = 20


@dataclass(frozen=True, slots=True)
class Raw:
    """What the primitive does under these circumstances.

    Attributes:
        rate: checks a second of all cores together.
        cpu: processor seconds of one.
    """

    rate: float
    cpu: float


def every_core(token: str, jwk: Mapping[str, str], *, seconds: float) -> Raw:
    """Measure it: one process a core."""
    question = json.dumps({"token": token, "jwk": dict(jwk)})
    command = [sys.executable, "-m", "bench.raw", str(seconds)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(os.cpu_count() or 1)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write(question)
        child.stdin.close()
    answers = []
    for child in children:
        assert child.stdout is not None
        answers.append(json.loads(child.stdout.read()))
        child.stdout.close()
        child.wait()
    cpu = sum(one["cpu"] for one in answers) / sum(one["count"] for one in answers)
    return Raw(rate=sum(one["count"] / one["seconds"] for one in answers), cpu=cpu)


def main() -> None:
    """Check until the time is over."""
    question = json.load(sys.stdin)
    work = peers.raw_verify(question["token"], question["jwk"])
    count, began, cpu = 0, time.perf_counter(), time.thread_time()
    while time.perf_counter() - began < float(sys.argv[1]):
        for _ in range(_CHUNK):
            work()
        count += _CHUNK
    took = {"seconds": time.perf_counter() - began, "cpu": time.thread_time() - cpu}
    print(json.dumps({"count": count, **took}))


if __name__ == "__main__":
    main()
