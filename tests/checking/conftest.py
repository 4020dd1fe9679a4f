"""A published world with a log of several tiles, changed states, and a function that checks it."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.checking.finding import Finding
from certsvc.checking.fsck import Fsck
from certsvc.issuing.model import IssueRequest, SupersedeRequest
from certsvc.issuing.service import IssuingService
from certsvc.publishing import PublishedTree, TrustPublisher, publish_issuer_metadata, publish_types
from certsvc.service.engine import make_engine, reading, writing
from certsvc.service.principal import SCOPES, client
from certsvc.service.settings import Settings
from certsvc.storage.database import upgrade
from certsvc.worker import Worker, make_worker
from certsvc_sdk.trust.about import About, Environment
from keys.filestore import FileKeyStore

MARKET = "119999000000000198"
NOW = 1_798_761_600


@dataclass
class World:
    settings: Settings
    engine: Engine
    keys: FileKeyStore
    service: IssuingService
    worker: Worker
    records: list[dict[str, Any]] = field(repr=False)
    ids: list[str] = field(default_factory=list)

    @property
    def tree(self) -> PublishedTree:
        return PublishedTree(self.settings.published)

    @property
    def caller(self) -> Any:
        return client(MARKET, "market", scopes=set(SCOPES), request_id="test")

    def issue(self, count: int) -> None:
        first = len(self.ids)
        requests = [
            (self.request(number), f"key-{number}") for number in range(first, first + count)
        ]
        done = self.service.issue_many(self.caller, requests)
        self.ids += [one.certificate_id for one in done]

    def request(self, number: int) -> IssueRequest:
        record = self.records[number % len(self.records)]
        return IssueRequest(type="business-licence", claims=record)

    def change(self, number: int, *operations: str) -> None:
        for operation in operations:
            self.service.change_status(self.caller, self.ids[number], operation)

    def supersede(self, number: int) -> None:
        request = SupersedeRequest(claims=self.request(number).claims)
        made = self.service.supersede(self.caller, self.ids[number], request, f"next-{number}")
        self.ids.append(made.certificate_id)

    def publish(self) -> None:
        self.worker.run_once()

    def fsck(self) -> Fsck:
        return Fsck(self.engine, self.keys, self.tree, public_url=self.settings.public_url)

    def findings(self) -> list[Finding]:
        return list(self.fsck().run(lambda _: None))

    def codes(self) -> set[str]:
        return {one.code for one in self.findings()}

    def files(self) -> list[str]:
        root = self.settings.published
        return sorted(
            path.relative_to(root).as_posix()
            for path in root.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        )

    def execute(self, statement: str, *values: Any) -> None:
        with writing(self.engine) as connection:
            if self.engine.dialect.name != "sqlite":
                statement = statement.replace("?", "%s")
            connection.exec_driver_sql(statement, values)

    def rows(self, query: str) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.exec_driver_sql(query))


def open_world(home: Path, url: str, samples: Path) -> World:
    """The world that stands in a folder and a database."""
    settings = Settings(home=home, database_url=url)
    engine = make_engine(url)
    keys = FileKeyStore(home / "keys", passphrase=b"test only", scrypt_n=2)
    service = IssuingService(
        engine=engine,
        keys=keys,
        catalogue=Catalogue.builtin(),
        settings=settings,
        clock=lambda: float(NOW),
    )
    worker = make_worker(settings, engine, keys, name="tests", clock=lambda: float(NOW))
    lines = (samples / "business-licences.jsonl").read_text(encoding="utf-8").splitlines()
    return World(settings, engine, keys, service, worker, [json.loads(line) for line in lines])


def build(home: Path, url: str, samples: Path, *, issued: int) -> World:
    """A new world, with every kind of event in its log."""
    made = open_world(home, url, samples)
    settings, engine, tree = made.settings, made.engine, made.tree
    upgrade(engine)
    bootstrap.add_log(settings, made.keys, now=NOW)
    trust = TrustPublisher(tree, made.keys)
    trust.initialise(NOW, About(env=Environment.DEMO, base=settings.public_url))
    offices = bootstrap.departments()
    records = [bootstrap.add_department(o, settings, made.keys, engine, now=NOW) for o in offices]
    trust.publish_records(records, NOW)
    publish_types(tree, Catalogue.builtin(), settings.public_url)
    for record in records:
        publish_issuer_metadata(tree, record)
    made.publish()
    made.issue(issued)
    made.change(0, "suspend", "resume", "revoke")
    made.change(1, "suspend")
    made.supersede(2)
    made.publish()
    made.worker.release()
    return made


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> World:
    """What `world` is a copy of."""
    home = tmp_path_factory.mktemp("small")
    made = build(home, f"sqlite:///{home / 'certsvc.db'}", samples, issued=6)
    made.engine.dispose()
    return made


@pytest.fixture
def world(tmp_path: Path, small: World, samples: Path) -> Iterator[World]:
    """A small world of one's own."""
    home = tmp_path / "home"
    shutil.copytree(small.settings.home, home)
    made = open_world(home, f"sqlite:///{home / 'certsvc.db'}", samples)
    made.ids = list(small.ids)
    yield made
    made.engine.dispose()


@pytest.fixture
def elsewhere(tmp_path: Path, postgres_database: str, samples: Path) -> Iterator[World]:
    """The same on PostgreSQL."""
    made = build(tmp_path, postgres_database, samples, issued=6)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[World]:
    """A world whose log has complete tiles; whoever changes it puts it right again."""
    home = tmp_path_factory.mktemp("large")
    made = build(home, f"sqlite:///{home / 'certsvc.db'}", samples, issued=530)
    yield made
    made.engine.dispose()
