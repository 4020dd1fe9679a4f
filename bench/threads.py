"""P4 and batches: what more threads and more processes bring, by the clock on the wall."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

from bench import peers, verify
from bench.harness import Effort, Result, Row, Slice, measure
from bench.world import World
from certsvc_sdk.client import Verifier

PAIR = 2
LOOP = "batch: a plain loop"
_ALG = "ES256"
_BATCH, _QUICK_BATCH = 400, 8
_CHUNK = 20
# A slice starts threads: it has to be longer than what that takes.
_SECONDS = 0.15
_verifiers: list[Verifier] = []


def threaded(world: World, effort: Effort) -> list[Result]:
    """P4: two threads against one."""
    token, key = world.flat(_ALG), world.public(_ALG)
    jobs: dict[str, tuple[Callable[[], object], str]] = {
        "raw verify": (peers.raw_verify(token, key.jwk), "what the machine gives"),
        "certsvc, flat": (verify.strict_work(token, key), ""),
        "certsvc, 13 disclosures": (
            verify.checked_work(world, world.token("thirteen", _ALG)),
            "Verifier.check, one verifier for both threads",
        ),
    }
    jobs |= {peer.name: (peer.work, "") for peer in peers.verify_jwt(token, key.jwk, _ALG)}
    rows = []
    for name, (work, note) in jobs.items():
        base = f"1 thread: {name}"
        ours = name.startswith("certsvc")
        rows.append(Row(name=base, base=base, run=_side_by_side(work, 1), ours=ours))
        rows.append(
            Row(
                name=f"{PAIR} threads: {name}",
                base=base,
                run=_side_by_side(work, PAIR),
                note=note,
                ours=ours,
            )
        )
    return measure("threads", rows, _longer(effort))


def batched(world: World, effort: Effort) -> list[Result]:
    """Many tokens through a verifier: one loop, threads, processes."""
    cores = os.cpu_count() or 1
    tokens = [world.token("thirteen", _ALG)] * (_QUICK_BATCH if effort.quick else _BATCH)
    verifier = world.verifier()
    sizes = sorted({1, PAIR, cores, 2 * cores})
    with ExitStack() as stack:
        rows = [Row(name=LOOP, base=LOOP, run=_batches(tokens, lambda some: _loop(verifier, some)))]
        for size in sizes:
            pool = stack.enter_context(ThreadPoolExecutor(size))
            rows.append(_pool_row("thread(s)", size, pool, tokens, verifier))
        for size in [size for size in sizes if size <= cores]:
            made = _processes(world, size)
            rows.append(_pool_row("process(es)", size, stack.enter_context(made), tokens, None))
        return measure("batch", rows, _longer(effort))


def _longer(effort: Effort) -> Effort:
    if effort.quick:
        return effort
    return Effort(rounds=max(3, effort.rounds // 2), seconds=_SECONDS)


def _side_by_side(work: Callable[[], object], threads: int) -> Slice:
    def run(count: int) -> float:
        each = max(1, count // threads)

        def repeat() -> None:
            for _ in range(each):
                work()

        crew = [threading.Thread(target=repeat) for _ in range(threads)]
        began = time.perf_counter()
        for one in crew:
            one.start()
        for one in crew:
            one.join()
        # As if exactly `count` had been done.
        return (time.perf_counter() - began) * count / (each * threads)

    return run


def _batches(tokens: Sequence[str], check: Callable[[Sequence[str]], int]) -> Slice:
    """A slice counts tokens and runs whole batches."""

    def run(count: int) -> float:
        batches = -(-count // len(tokens))
        began = time.perf_counter()
        for _ in range(batches):
            assert check(tokens) == len(tokens)
        return (time.perf_counter() - began) * count / (batches * len(tokens))

    return run


def _loop(verifier: Verifier, tokens: Sequence[str]) -> int:
    return sum(verifier.check(token).code == "valid" for token in tokens)


def _pool_row(
    kind: str, size: int, pool: Executor, tokens: Sequence[str], verifier: Verifier | None
) -> Row:
    def check(some: Sequence[str]) -> int:
        chunks = list(_chunks(some))
        if verifier is None:
            return sum(pool.map(_in_process, chunks))
        return sum(pool.map(lambda chunk: _loop(verifier, chunk), chunks))

    return Row(name=f"batch: {size} {kind}", base=LOOP, run=_batches(tokens, check), ours=True)


def _chunks(tokens: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(tokens), _CHUNK):
        yield tokens[start : start + _CHUNK]


def _processes(world: World, size: int) -> ProcessPoolExecutor:
    world.verifier("batch")
    return ProcessPoolExecutor(
        size,
        mp_context=get_context("spawn"),
        initializer=_start,
        initargs=(world.folder / "root.json", world.folder / "batch"),
    )


def _start(root: Path, cache: Path) -> None:
    """Give a worker process its verifier, which reads what another one has fetched."""
    _verifiers.append(Verifier.from_root(root, cache_dir=cache, offline=True))


def _in_process(tokens: Sequence[str]) -> int:
    return _loop(_verifiers[0], tokens)
