"""A demo world that is backed up, lives on, loses its database and is brought level again."""

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.publishing import PublishedTree, TrustPublisher
from certsvc.restoring.backup import make_backup
from certsvc.restoring.fence import Fence, fence_of
from certsvc.restoring.recording import attach_journal
from certsvc.restoring.recover import Recovery
from certsvc.restoring.report import Report
from certsvc.restoring.restore import restore
from certsvc.service.engine import make_engine, reading, writing
from certsvc.service.principal import SCOPES, Principal, client
from certsvc.service.settings import Settings
from certsvc.storage.database import upgrade
from certsvc.storage.tables import metadata
from certsvc.worker import make_worker
from certsvc_sdk import statuslist
from certsvc_sdk.log.checkpoint import parse_checkpoint
from certsvc_sdk.trust.about import About, Environment
from keys.filestore import FileKeyStore
from keys.provision import ensure_active

MARKET = "119999000000000198"
NOW = 1_798_761_600
LOG = "log/checkpoint"


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        self.now += 0.001
        return self.now

    def ns(self) -> int:
        return int(self() * 10**9)


@dataclass
class World:
    settings: Settings
    keys: FileKeyStore
    clock: Clock
    records: list[dict[str, Any]] = field(repr=False)
    numbers: Iterator[int] = field(default_factory=count)
    engines: list[Engine] = field(default_factory=list)
    opened: list[Any] = field(default_factory=list)

    @property
    def tree(self) -> PublishedTree:
        return PublishedTree(self.settings.published)

    def start(self) -> "Running":
        """The processes start: fence first, then the journal, as the composition roots do it."""
        self.fence().require()
        return self.start_unfenced()

    def start_unfenced(self) -> "Running":
        engine = self.engine()
        self.opened.append(
            attach_journal(self.settings, engine, clock_ns=self.clock.ns, rng=secrets.token_bytes)
        )
        return Running(self, engine)

    def engine(self) -> Engine:
        self.engines.append(make_engine(self.settings.database_url))
        return self.engines[-1]

    def fence(self, engine: Engine | None = None) -> Fence:
        return fence_of(self.settings, engine or self.engine())

    def backup(self, path: Path) -> Path:
        now = int(self.clock())
        make_backup(self.settings, self.engine(), path, now=now, rng=secrets.token_bytes)
        return path

    def lose(self) -> None:
        """The database is gone, and an empty one stands in its place."""
        for each in self.engines:
            each.dispose()
        for journal in self.opened:
            if journal is not None:
                journal.close()
        engine = self.engine()
        if engine.dialect.name == "sqlite":
            Path(str(engine.url.database)).unlink()
            return
        with writing(engine) as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")

    def lose_journal(self) -> None:
        if self.settings.journal_folder is not None:
            shutil.rmtree(self.settings.journal_folder, ignore_errors=True)

    def restore(self, path: Path) -> None:
        restore(self.settings, self.engine(), path, now=int(self.clock()))

    def recover(self, *, step: Callable[[int], object] = id, **options: bool) -> Report:
        recovery = Recovery(
            settings=self.settings, keys=self.keys, clock_ns=self.clock.ns, step=step
        )
        return recovery.run(**options)

    def rows(self, query: str) -> list[Any]:
        with reading(self.engine()) as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def content(self, *, without: tuple[str, ...] = ()) -> dict[str, list[Any]]:
        """Every row of every table."""
        with reading(self.engine()) as connection:
            return {
                table.name: sorted(repr(tuple(row)) for row in connection.execute(table.select()))
                for table in metadata.sorted_tables
                if table.name not in without
            }

    def count(self, table: str) -> int:
        query = sa.select(sa.func.count()).select_from(metadata.tables[table])
        with reading(self.engine()) as connection:
            return int(connection.execute(query).scalar_one())

    def log_size(self) -> int:
        """How many leaves readers see."""
        data = self.tree.read(LOG)
        return 0 if data is None else parse_checkpoint(data).checkpoint.size

    def bits(self) -> tuple[dict[int, int], int]:
        """What readers see of the first list, and its version."""
        data = self.tree.read(f"status/{MARKET}/1")
        assert data is not None
        token = statuslist.read(data.decode())
        packed = token.bits()
        return {i: packed.get(i) for i in range(len(packed)) if packed.get(i)}, token.version or 0


@dataclass
class Running:
    world: World
    engine: Engine

    @property
    def service(self) -> IssuingService:
        return IssuingService(
            engine=self.engine,
            keys=self.world.keys,
            catalogue=Catalogue.builtin(),
            settings=self.world.settings,
            clock=self.world.clock,
        )

    @property
    def market(self) -> Principal:
        return client(MARKET, "market", scopes=set(SCOPES), request_id="test")

    def issue(self, key: str | None = None) -> Any:
        number = next(self.world.numbers)
        record = self.world.records[number % len(self.world.records)]
        request = IssueRequest(type="business-licence", claims=record)
        return self.service.issue(self.market, request, key or f"key-{number}")

    def repeat(self, number: int) -> Any:
        """The same request with the same Idempotency-Key once more."""
        request = IssueRequest(type="business-licence", claims=self.world.records[number])
        return self.service.issue(self.market, request, f"key-{number}")

    def change(self, certificate_id: str, operation: str = "revoke", reason: str | None = None):
        return self.service.change_status(
            self.market, certificate_id, operation, reason=reason, detail=None, idempotency_key=None
        )

    def publish(self, *names: str) -> None:
        """A worker does everything that is due, or these duties, and gives its lease back."""
        worker = make_worker(
            self.world.settings,
            self.engine,
            self.world.keys,
            name="one",
            clock=self.world.clock,
            admit=self.world.fence().still_level,
        )
        for _ in range(2):
            for duty in worker.duties:
                if not names or duty.name in names:
                    worker.look(duty)
            self.world.clock.now += 1
        worker.release()


@pytest.fixture
def make_world(tmp_path: Path, samples: Path) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(database_url: str, **changes: Any) -> World:
        options = {"home": tmp_path / "home", **changes}
        settings = Settings(database_url=database_url, **options)
        keys = FileKeyStore(settings.home / "keys", passphrase=b"test only", scrypt_n=2)
        lines = (samples / "business-licences.jsonl").read_text(encoding="utf-8").splitlines()
        world = World(settings, keys, Clock(), [json.loads(line) for line in lines[:40]])
        made.append(world)
        engine = world.engine()
        upgrade(engine)
        clock_ns = world.clock.ns
        world.opened.append(
            attach_journal(settings, engine, clock_ns=clock_ns, rng=secrets.token_bytes)
        )
        ensure_active(keys, issuer_id="log", alg="Ed25519", purpose="log", now=1)
        trust = TrustPublisher(world.tree, keys)
        trust.initialise(NOW, About(env=Environment.DEMO, base=settings.public_url))
        offices = bootstrap.departments()
        records = [
            bootstrap.add_department(one, settings, keys, engine, now=NOW) for one in offices
        ]
        trust.publish_records(records, NOW)
        world.start().publish()
        return world

    yield make
    for world in made:
        for engine in world.engines:
            engine.dispose()


@pytest.fixture
def world(make_world: Callable[..., World], database_url: str) -> World:
    return make_world(database_url)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1.5 MB that can be filled; skipped where mounting is not allowed."""
    import subprocess

    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1536k,mode=0700", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
