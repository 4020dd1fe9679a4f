"""Run the vectors against each mutant, each in a process of its own, and see which survive."""

import importlib.abc
import importlib.util
import os
import pickle
import resource
import select
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from mutation import Mutant

ROOT = Path(__file__).parents[2]
SDK = ROOT / "sdk"
VECTORS = ROOT / "tests" / "vectors"
# A check whose absence makes the reader hang or grow is missed by the vectors too.
SECONDS = 60
MEMORY = 3 * 1024**3


@dataclass(frozen=True)
class Result:
    """`killer`: the vector that fails without the check, None where all pass."""

    mutant: str
    killer: str | None
    why: str


class _Finder(importlib.abc.MetaPathFinder):
    """Gives one module another body."""

    def __init__(self, module: str, code: CodeType) -> None:
        self._module = module
        self._code = code

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != self._module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        assert spec is not None
        code = self._code

        class Loader(importlib.abc.Loader):
            def exec_module(self, module: ModuleType) -> None:
                exec(code, module.__dict__)  # noqa: S102 — the project's own code, less a check

        spec.loader = Loader()
        return spec


def forget_sdk() -> None:
    """Let the next import read the SDK anew."""
    for name in [*sys.modules]:
        if name.split(".")[0] in ("certsvc_sdk", "replay"):
            del sys.modules[name]


def load_vectors() -> list[Any]:
    """Name, content and world of each vector; leaves the libraries loaded and the SDK not.

    Raises:
        SystemExit: one of them fails as things are, so its failing would prove nothing.
    """
    sys.path[:0] = [str(VECTORS), str(SDK)]
    import replay

    vectors = [vector for vector in replay.load() if vector.usable]
    wrong = [vector.name for vector in vectors if replay.judge(vector)]
    if wrong:
        raise SystemExit(f"these vectors fail without any mutant: {', '.join(wrong)}")
    forget_sdk()
    return vectors


def reach(vectors: Sequence[Any], files: dict[str, str]) -> dict[str, set[tuple[str, int]]]:
    """Which lines of which modules each vector runs: name -> (module, line)."""
    import replay

    found: dict[str, set[tuple[str, int]]] = {}
    for plain in vectors:
        lines = found[plain.name] = set()

        def line(frame: Any, event: str, _: Any, lines: Any = lines) -> Any:
            lines.add((files[frame.f_code.co_filename], frame.f_lineno))
            return line

        def call(frame: Any, event: str, _: Any, line: Any = line) -> Any:
            return line if frame.f_code.co_filename in files else None

        vector = replay.Vector(plain.name, plain.content, plain.world)
        sys.settrace(call)
        threading.settrace(call)
        try:
            replay.decide(vector)
        finally:
            sys.settrace(None)
            threading.settrace(None)
    forget_sdk()
    return found


def attempt(mutant: Mutant, vectors: Sequence[Any]) -> Result:
    """Put the mutant in the module's place and replay until a vector fails."""
    code = compile(mutant.tree, f"<{mutant.name}>", "exec")
    sys.meta_path.insert(0, _Finder(mutant.module, code))
    try:
        import replay
    except Exception as error:
        return Result(mutant.name, "(import)", repr(error)[:200])
    for plain in vectors:
        try:
            wrong = replay.judge(replay.Vector(plain.name, plain.content, plain.world))
        except Exception as error:
            return Result(mutant.name, plain.name, f"raises {error!r:.150}")
        if wrong:
            return Result(mutant.name, plain.name, wrong[0][:200])
    return Result(mutant.name, None, "")


def ordered(mutant: Mutant, vectors: Sequence[Any], lines: dict[str, Any] | None) -> list[Any]:
    """All vectors; first those that the check most likely answers to."""

    def likely(vector: Any) -> tuple[int, int]:
        same = 0 if vector.content["expect"].get("check") == mutant.check else 1
        if lines is None:
            return same, 0
        ran = lines[vector.name]
        places = [at for at, line in enumerate(mutant.lines) if (mutant.module, line) in ran]
        return (places[0] if places else len(mutant.lines)), same

    return sorted(vectors, key=likely)


def hunt(
    mutants: Sequence[Mutant], vectors: Sequence[Any], lines: dict[str, Any] | None, jobs: int
) -> Iterator[Result]:
    """Try all mutants, `jobs` at a time; the results come as they are ready."""
    waiting = list(reversed(mutants))
    running: dict[int, tuple[int, Mutant]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            pid, pipe = _fork(mutant, ordered(mutant, vectors, lines))
            running[pipe] = (pid, mutant)
        ready, _, _ = select.select(list(running), [], [])
        for pipe in ready:
            pid, mutant = running.pop(pipe)
            yield _collect(pid, pipe, mutant)


def _fork(mutant: Mutant, vectors: Sequence[Any]) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        answer = pickle.dumps(attempt(mutant, vectors))
        os.write(writing, answer)
    finally:
        os._exit(0)


def _collect(pid: int, pipe: int, mutant: Mutant) -> Result:
    with os.fdopen(pipe, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(pid, 0)
    if answer:
        result: Result = pickle.loads(answer)  # noqa: S301 — written by our own child
        return result
    return Result(mutant.name, "(process)", f"ended with status {status}")
