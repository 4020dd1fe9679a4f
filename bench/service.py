"""P5: the verification API over HTTP, beside fastify with jose doing the same on the same cores.

Every round measures in turn: the primitive on all cores, our service, the peer; one token a
request and a hundred, each token another one than those before it; then the same token again and
again, which our service remembers. Processor time is that of the server's processes, the load
generator's is not in it; it runs on the same cores.
"""

import json
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from bench import load, nodejs, processes, raw
from bench.harness import Bar, Effort, Result
from bench.processes import Server
from bench.world import World
from verifier.app import REMEMBERED

PATH = "/v1/verifications"
# Enough that no core waits for a client.
CONNECTIONS = 16
BATCH = 100
BATCH_CONNECTIONS = 4
RAW = "raw ES256 verify, all cores"
_ALG = "ES256"
_SECONDS, _QUICK_SECONDS = 1.5, 0.1
_SLICES_A_ROUND = 3
# Four times what a process remembers: a token that takes its turn again was forgotten everywhere.
_TOKENS = 4 * REMEMBERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One kind of request to one server."""

    name: str
    server: Server
    requests: tuple[bytes, ...]
    certificates: int
    connections: int
    ours: bool
    note: str


@dataclass(frozen=True, slots=True)
class Slice:
    """What a slice of load showed: certificates a second, and processor seconds for each."""

    rate: float
    cpu: float


def served(world: World, effort: Effort) -> list[Result]:
    """Requests a second and processor time a request, as ratios to the primitive's."""
    key = world.public(_ALG)
    with ExitStack() as stack:
        servers = {"certsvc": stack.enter_context(verifier_service(world))}
        node = nodejs.find(install=not effort.quick)
        if node is not None:
            servers["fastify + jose"] = stack.enter_context(
                nodejs.fastify(node, key.jwk, _ALG, world.folder)
            )
        jobs = [
            job
            for name, server in servers.items()
            for job in _jobs(name, server, world, quick=effort.quick)
        ]
        seconds = _QUICK_SECONDS if effort.quick else _SECONDS
        for job in jobs:
            _warm(job, seconds)
        token = world.flat(_ALG)
        return _rounds(jobs, lambda: raw.every_core(token, key.jwk, seconds=seconds), effort)


@contextmanager
def verifier_service(world: World) -> Iterator[Server]:
    """The verifier service as `certsvc up` runs it, with rate limit and log."""
    home = world.folder / "service"
    home.mkdir(exist_ok=True)
    shutil.copy(world.folder / "root.json", home / "root.json")
    port = processes.free_port()
    with ExitStack() as stack:
        url = stack.enter_context(processes.published(world.folder / "published"))
        env = {
            "CERTSVC_HOME": str(home),
            "CERTSVC_TRUST_URL": url,
            "CERTSVC_VERIFIER_PORT": str(port),
            "CERTSVC_RATE_PER_SECOND": "100000",
        }
        command = [sys.executable, "-m", "verifier"]
        log = world.folder / "verifier.log"
        yield stack.enter_context(processes.started(command, port=port, env=env, log=log))


def _jobs(name: str, server: Server, world: World, *, quick: bool) -> Iterator[Job]:
    ours = name == "certsvc"
    left_out = "" if ours else "; no trust record, no status, no rate limit"
    for kind, label in (("flat", "flat"), ("thirteen", "13 disclosures")):
        texts = world.tokens(kind, _ALG, BATCH if quick else _TOKENS)
        items = [{"text": text} for text in texts]
        batches = [
            {"items": items[at : at + BATCH]} for at in range(0, len(items) - BATCH + 1, BATCH)
        ]
        asked: dict[str, tuple[list[Any], int, int]] = {
            f"one {label}": (items, 1, CONNECTIONS),
            f"batch {label}": (batches, BATCH, BATCH_CONNECTIONS),
        }
        if ours:
            asked[f"one {label}, again"] = (items[:1], 1, CONNECTIONS)
            asked[f"batch {label}, again"] = (batches[:1], BATCH, BATCH_CONNECTIONS)
        for job, (bodies, count, connections) in asked.items():
            yield Job(
                name=f"{job}: {name}",
                server=server,
                requests=tuple(_request(body) for body in bodies),
                certificates=count,
                connections=2 if quick else connections,
                ours=ours,
                note=f"{connections} connections{left_out}",
            )


def _request(body: object) -> bytes:
    # As a browser's JSON.stringify writes it.
    return load.request_bytes(PATH, json.dumps(body, separators=(",", ":")).encode())


def _warm(job: Job, seconds: float) -> None:
    found = load.run(job.server.port, *job.requests, connections=job.connections, seconds=seconds)
    verdicts = json.loads(found.body)["verifications"]
    assert len(verdicts) == job.certificates
    assert all(one["verdict"]["outcome"] == "VALID" for one in verdicts), verdicts[0]


def _slice(job: Job, seconds: float) -> Slice:
    before = job.server.cpu_seconds()
    found = load.run(job.server.port, *job.requests, connections=job.connections, seconds=seconds)
    used = job.server.cpu_seconds() - before
    count = found.answered * job.certificates
    return Slice(found.rate * job.certificates, used / count)


def _rounds(jobs: list[Job], primitive: Callable[[], raw.Raw], effort: Effort) -> list[Result]:
    rounds = max(1, effort.rounds // _SLICES_A_ROUND)
    seconds = _QUICK_SECONDS if effort.quick else _SECONDS
    limits: list[raw.Raw] = []
    found: dict[str, list[Slice]] = {job.name: [] for job in jobs}
    bar = Bar("HTTP", rounds)
    for number in range(rounds):
        limits.append(primitive())
        first = number % len(jobs)
        for job in (*jobs[first:], *jobs[:first]):
            found[job.name].append(_slice(job, seconds))
        bar.step()
    bar.end()
    rate = statistics.median(limit.rate for limit in limits)
    cpu = statistics.median(limit.cpu for limit in limits) * 1e6
    base = Result(
        name=RAW, rate=rate, ratio=1.0, low=1.0, high=1.0, base=RAW, extra={"cpu µs": cpu}
    )
    return [base, *(_result(job, found, limits) for job in jobs)]


def _result(job: Job, found: Mapping[str, list[Slice]], limits: list[raw.Raw]) -> Result:
    slices = found[job.name]
    pairs = list(zip(slices, limits, strict=True))
    ratios = sorted(one.rate / limit.rate for one, limit in pairs)
    extra = {
        "cpu µs": statistics.median(one.cpu for one in slices) * 1e6,
        "cpu / raw": statistics.median(one.cpu / limit.cpu for one, limit in pairs),
    }
    rival = job.name.replace(": certsvc", ": fastify + jose")
    if job.ours and rival in found:
        others = found[rival]
        extra["× peer"] = statistics.median(
            one.rate / other.rate for one, other in zip(slices, others, strict=True)
        )
    return Result(
        name=job.name,
        rate=statistics.median(one.rate for one in slices),
        ratio=statistics.median(ratios),
        low=ratios[len(ratios) // 4],
        high=ratios[(3 * len(ratios)) // 4],
        base=RAW,
        note=job.note,
        ours=job.ours,
        extra=extra,
    )
