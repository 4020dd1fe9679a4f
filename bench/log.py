"""The transparency log: appends with fsync, proofs out of tiles, how soon an issue is merged."""

import hashlib
import statistics
import threading
import time
from tempfile import TemporaryDirectory

from sqlalchemy.engine import Engine

from bench.harness import Effort, Result
from bench.world import World
from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.cli.records import demo_records
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.publishing.log_reader import LogReader
from certsvc.publishing.log_signing import log_origin
from certsvc.publishing.tree import PublishedTree
from certsvc.service.engine import make_engine, reading, writing
from certsvc.service.principal import operator
from certsvc.service.settings import Settings
from certsvc.storage.log import ISSUE, Leaf, LogEntries, NewEntry
from certsvc.worker import Worker, make_worker, work
from certsvc_sdk.log.leaf import Issued
from keys import KeyStore, open_store

OFFICE = "119999000000000198"
#: Leaves of a pool, as many as one transaction places.
POOL = 4096
POOLS = 12
PROOFS = 400
MERGES = 200
APPEND, PROOF, MERGE = "append a leaf, with fsync", "proof of a leaf", "commit → merged"


def logged(world: World, effort: Effort) -> list[Result]:
    """Pools of leaves through the worker's own duty; then single issues beside a running worker."""
    with TemporaryDirectory(prefix="certsvc-bench-") as folder:
        settings = Settings.from_env({"CERTSVC_HOME": folder, "CERTSVC_JOURNAL": "off"})
        bootstrap.initialise(settings, now=world.now, report=lambda _line: None)
        engine = make_engine(settings.database_url)
        keys = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
        worker = make_worker(settings, engine, keys, name="bench")
        worker.run_once()
        results = [
            _appends(worker, engine, world.now, effort),
            _proofs(settings, engine, keys, effort),
            _merges(worker, engine, keys, settings, effort),
        ]
        engine.dispose()
    return results


def _appends(worker: Worker, engine: Engine, now: int, effort: Effort) -> Result:
    pool, pools = (300, 1) if effort.quick else (POOL, POOLS)
    (duty,) = (each for each in worker.duties if each.name == "log")
    walls, cpus = [], []
    for number in range(pools):
        entries = [_entry(number * pool + place, now) for place in range(pool)]
        with writing(engine) as connection:
            LogEntries(connection).add(entries)
        wall, cpu = time.perf_counter(), time.process_time()
        worker.look(duty)
        walls.append((time.perf_counter() - wall) / pool)
        cpus.append((time.process_time() - cpu) / pool)
    return _result(
        APPEND,
        walls,
        note=f"pools of {pool}, SQLite; place, tiles, bundles, checkpoint",
        cpu_us=1e6 * statistics.median(cpus),
        pool_ms=1e3 * pool * statistics.median(walls),
    )


def _entry(number: int, now: int) -> NewEntry:
    leaf = Issued(
        certificate_identifier=f"1.2.156.3005.2.11100000000013338W001.{OFFICE}.{number:012d}.001.K",
        iat=now,
        iss=f"https://certs.example/i/{OFFICE}",
        kid="0123456789a",
        sha256=hashlib.sha256(b"%d" % number).digest(),
        vct="https://certs.example/vct/business-licence/1",
    )
    return NewEntry(
        issuer_id=OFFICE,
        certificate_id=f"{number:032x}",
        seq=ISSUE,
        leaf=leaf.to_bytes().decode(),
        leaf_hash=leaf.hash,
        created_at=now,
    )


def _proofs(settings: Settings, engine: Engine, keys: KeyStore, effort: Effort) -> Result:
    tree, origin = PublishedTree(settings.published), log_origin(settings.public_url)
    size = LogReader(tree, keys, origin=origin).checkpoint().size
    count = 5 if effort.quick else PROOFS
    took = []
    for number in range(count):
        place = number * 7919 % size
        (leaf,) = _leaves(engine, place)
        # A reader without anything in memory, as after every new checkpoint.
        reader = LogReader(tree, keys, origin=origin)
        reader.checkpoint()
        began = time.perf_counter()
        reader.proof(place, leaf.hash)
        took.append(time.perf_counter() - began)
    return _result(
        PROOF,
        took,
        note=f"{size} leaves, tiles from disk, checked",
        ms=1e3 * statistics.median(took),
    )


def _leaves(engine: Engine, place: int) -> list[Leaf]:
    with reading(engine) as connection:
        return list(LogEntries(connection).leaves(place, place + 1))


def _merges(
    worker: Worker, engine: Engine, keys: KeyStore, settings: Settings, effort: Effort
) -> Result:
    service = IssuingService(
        engine=engine,
        keys=keys,
        catalogue=Catalogue.builtin(),
        settings=settings,
        clock=time.time,
    )
    reader = LogReader(
        PublishedTree(settings.published), keys, origin=log_origin(settings.public_url)
    )
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(worker,), kwargs={"stop": stop})
    thread.start()
    try:
        count = 2 if effort.quick else MERGES
        took = sorted(_merge(service, reader, number) for number in range(count))
    finally:
        stop.set()
        thread.join()
    return _result(
        MERGE,
        took,
        note="one issue at a time beside a worker",
        p50_s=statistics.median(took),
        p99_s=took[min(len(took) - 1, len(took) * 99 // 100)],
        worst_s=took[-1],
    )


def _merge(service: IssuingService, reader: LogReader, number: int) -> float:
    size = reader.checkpoint().size
    request = IssueRequest(type="business-licence", claims=demo_records("business-licence")[0])
    service.issue(operator(OFFICE), request, f"bench-log-{number}")
    began = time.perf_counter()
    while reader.checkpoint().size <= size:
        time.sleep(0.001)
    return time.perf_counter() - began


def _result(name: str, took: list[float], *, note: str, **extra: float) -> Result:
    return Result(
        name=name,
        rate=1 / max(statistics.median(took), 1e-9),
        ratio=1.0,
        low=1.0,
        high=1.0,
        base=name,
        note=note,
        ours=True,
        extra={key.replace("_", " "): value for key, value in extra.items()},
    )
