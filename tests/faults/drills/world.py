"""A demo world in a folder and a database, opened as often as processes start and die in it."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.issuing.model import IssueRequest, SupersedeRequest
from certsvc.issuing.service import IssuingService
from certsvc.publishing import PublishedTree, TrustPublisher, publish_issuer_metadata, publish_types
from certsvc.restoring.fence import fence_of
from certsvc.restoring.recording import attach_journal
from certsvc.restoring.recover import Recovery
from certsvc.service.engine import make_engine, writing
from certsvc.service.principal import SCOPES, Principal, client
from certsvc.service.settings import Settings
from certsvc.storage.database import upgrade
from certsvc.worker import Worker, make_worker
from certsvc_sdk.trust.about import About, Environment
from keys.filestore import FileKeyStore

MARKET = "119999000000000198"
NOW = 1_798_761_600
TYPE = "business-licence"
SAMPLES = Path(__file__).parents[2] / "samples" / "business-licences.jsonl"


@cache
def catalogue() -> Catalogue:
    """Made once a process, and before a nursery forks."""
    return Catalogue.builtin()


def key_store(settings: Settings) -> FileKeyStore:
    """A key store that costs nothing to open."""
    return FileKeyStore(settings.home / "keys", passphrase=b"test only", scrypt_n=2)


@dataclass
class Clock:
    """Unix seconds that somebody moves; each look is a little later than the one before."""

    now: float

    def __call__(self) -> float:
        self.now += 0.001
        return self.now

    def ns(self) -> int:
        return int(self() * 10**9)


@dataclass
class Life:
    """One process's life in a world: fence, journal, service, as its composition root does it."""

    settings: Settings
    engine: Engine
    keys: FileKeyStore
    clock: Clock
    records: list[dict[str, Any]] = field(repr=False)

    def service(self, **changes: Any) -> IssuingService:
        return IssuingService(
            engine=self.engine,
            keys=self.keys,
            catalogue=catalogue(),
            settings=self.settings,
            clock=self.clock,
            **changes,
        )

    def worker(self, name: str, **changes: Any) -> Worker:
        admit = fence_of(self.settings, self.engine).still_level
        return make_worker(
            self.settings,
            self.engine,
            self.keys,
            name=name,
            clock=self.clock,
            catalogue=catalogue(),
            admit=admit,
            **changes,
        )

    @cached_property
    def heir(self) -> Worker:
        """The worker that does what dead ones have left."""
        return self.worker("heir")

    def settle(self) -> None:
        """Do what sweeper and worker do, until nothing is left."""
        self.service().sweep(int(self.clock()))
        self.heir.run_once()

    @property
    def caller(self) -> Principal:
        return client(MARKET, "market", scopes=set(SCOPES), request_id="test")

    def request(self, number: int) -> IssueRequest:
        return IssueRequest(type=TYPE, claims=self.records[number % len(self.records)])

    def successor(self, number: int) -> SupersedeRequest:
        return SupersedeRequest(claims=self.request(number).claims)

    def recover(self, **options: Any) -> Any:
        made = {name: options.pop(name) for name in ("step",) if name in options}
        recovery = Recovery(settings=self.settings, keys=self.keys, clock_ns=self.clock.ns, **made)
        return recovery.run(**options)


@contextmanager
def life(
    settings: Settings, now: float, *, fenced: bool = True, keys: FileKeyStore | None = None
) -> Iterator[Life]:
    """Start in a world that stands.

    Args:
        settings: of the world.
        now: Unix seconds.
        fenced: pass the start-up fence and record in the journal.
        keys: None: those of a world that `build` made.
    """
    clock, engine = Clock(now), make_engine(settings.database_url)
    journal = None
    lines = SAMPLES.read_text(encoding="utf-8").splitlines()[:20]
    try:
        if fenced:
            fence_of(settings, engine).require()
            journal = attach_journal(settings, engine, clock_ns=clock.ns, rng=secrets.token_bytes)
        records = [json.loads(line) for line in lines]
        one = Life(settings, engine, keys or key_store(settings), clock, records)
        yield one
        if "heir" in vars(one):
            one.heir.release()
    finally:
        engine.dispose()
        if journal is not None:
            journal.close()


def build(settings: Settings) -> None:
    """Make a world: tables, keys, trust, two offices, an empty log, first lists."""
    keys, tree = key_store(settings), PublishedTree(settings.published)
    engine = make_engine(settings.database_url)
    upgrade(engine)
    engine.dispose()
    with life(settings, NOW) as first:
        bootstrap.add_log(settings, keys, now=NOW)
        trust = TrustPublisher(tree, keys)
        trust.initialise(NOW, About(env=Environment.DEMO, base=settings.public_url))
        records = [
            bootstrap.add_department(office, settings, keys, first.engine, now=NOW)
            for office in bootstrap.departments()
        ]
        trust.publish_records(records, NOW)
        publish_types(tree, catalogue(), settings.public_url)
        for record in records:
            publish_issuer_metadata(tree, record)
        worker = first.worker("first")
        worker.run_once()
        worker.release()


def lose_database(url: str) -> None:
    """The database is gone; an empty one stands in its place."""
    engine = make_engine(url)
    if engine.dialect.name == "sqlite":
        for path in Path(str(engine.url.database)).parent.glob("certsvc.db*"):
            path.unlink()
    else:
        with writing(engine) as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
