"""P7: single issues over HTTP by 16 clients, with the real issuer service and its worker.

Each database has a world of its own and is measured in turn. Processor time is that of the issuer
service and of PostgreSQL; clients and worker run on the same cores and are not in it.
"""

import base64
import json
import statistics
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import load, peers, processes
from bench.harness import Bar, Effort, Result, Row, calls, measure
from bench.processes import Server
from bench.world import World
from certsvc import bootstrap
from certsvc.cli.records import demo_records
from certsvc.service.settings import Settings

sys.path.insert(0, str(processes.ROOT / "tests" / "services"))

from servers import postgres

CLIENTS = 16
BASE = "raw sign (P7)"
TYPE = "business-licence"
_SECONDS, _QUICK_SECONDS = 5.0, 0.2
_SLICES_A_ROUND = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A running issuer service.

    Attributes:
        name: of its database.
        server: the service.
        database: the database's server; absent for SQLite.
        request: one request, with a place for its number.
    """

    name: str
    server: Server
    database: Server | None
    request: bytes

    def cpu_seconds(self) -> float:
        """Processor time of the service and its database so far."""
        own = self.server.cpu_seconds()
        return own if self.database is None else own + self.database.cpu_seconds()


def issued_over_http(world: World, effort: Effort) -> list[Result]:
    """Issues a second, processor time of each, and how long clients wait."""
    data = world.draft("thirteen", "ES256").signing_input
    raw = calls(peers.raw_sign(peers.private_key("ES256"), data))
    base = measure("P7", [Row(name=BASE, base=BASE, run=raw)], effort)[0]
    found: dict[str, list[tuple[load.Load, float]]] = {}
    rounds = max(1, effort.rounds // _SLICES_A_ROUND)
    with ExitStack() as stack:
        offices = [stack.enter_context(one) for one in _offices(world)]
        bar = Bar("P7", rounds)
        for number in range(rounds + 1):
            for office in offices:
                slice_ = _slice(office, quick=effort.quick)
                # The first one warms up.
                if number or effort.quick:
                    found.setdefault(office.name, []).append(slice_)
            if number:
                bar.step()
        bar.end()
    return [base, *(_result(name, slices, base) for name, slices in found.items())]


def _offices(world: World) -> Iterator[object]:
    yield _office(world, "SQLite", {})
    if (programs := postgres.programs()) is not None:
        yield _with_postgres(world, programs)


@contextmanager
def _with_postgres(world: World, programs: Path) -> Iterator[Office]:
    server = postgres.Postgres(programs)
    try:
        server.start()
        place = {"CERTSVC_DATABASE_URL": server.dsn("postgres")}
        database = Server(server.port, server.pid)
        with _office(world, "PostgreSQL", place, database) as office:
            yield office
    finally:
        server.end()


@contextmanager
def _office(
    world: World, name: str, place: Mapping[str, str], database: Server | None = None
) -> Iterator[Office]:
    home = world.folder / f"issuer-{name}"
    port = processes.free_port()
    env = {"CERTSVC_HOME": str(home), "CERTSVC_ISSUER_PORT": str(port), **place}
    settings = Settings.from_env(env)
    bootstrap.initialise(settings, now=world.now, report=lambda _line: None)
    with ExitStack() as stack:
        command = [sys.executable, "-m", "certsvc"]
        server = stack.enter_context(
            processes.started([*command, "serve"], port=port, env=env, log=home / "issuer.log")
        )
        stack.enter_context(
            processes.running([*command, "worker"], env=env, log=home / "worker.log")
        )
        processes.wait_ready(f"http://127.0.0.1:{port}/readyz")
        yield Office(name=name, server=server, database=database, request=_request(settings))


def _request(settings: Settings) -> bytes:
    client = next(one for one in bootstrap.demo_clients(settings) if one.types == TYPE)
    body = json.dumps({"type": TYPE, "claims": demo_records(TYPE)[0]}).encode()
    secret = base64.b64encode(f"{client.client_id}:{client.secret}".encode())
    head = b"Authorization: Basic " + secret + b"\r\nIdempotency-Key: " + load.COUNTER + b"\r\n\r\n"
    return load.request_bytes("/v1/certificates", body).replace(b"\r\n\r\n", b"\r\n" + head, 1)


def _slice(office: Office, *, quick: bool) -> tuple[load.Load, float]:
    before = office.cpu_seconds()
    seconds, clients = (_QUICK_SECONDS, 2) if quick else (_SECONDS, CLIENTS)
    found = load.run(office.server.port, office.request, connections=clients, seconds=seconds)
    return found, (office.cpu_seconds() - before) / found.answered


def _result(name: str, slices: list[tuple[load.Load, float]], base: Result) -> Result:
    rates = [found.rate for found, _ in slices]
    rate = statistics.median(rates)
    return Result(
        name=f"issue over HTTP: {name}",
        rate=rate,
        ratio=rate / base.rate,
        low=min(rates) / base.rate,
        high=max(rates) / base.rate,
        base=BASE,
        note=f"{CLIENTS} clients",
        ours=True,
        extra={
            "p50 ms": 1000 * statistics.median(found.p50 for found, _ in slices),
            "p99 ms": 1000 * statistics.median(found.p99 for found, _ in slices),
            "cpu ms": 1000 * statistics.median(cpu for _, cpu in slices),
        },
    )
