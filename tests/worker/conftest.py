"""A demo world with a key store that costs nothing to open, a clock to set, and its workers."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.publishing import PublishedTree, StatusPublisher, TrustPublisher
from certsvc.service.engine import make_engine, reading
from certsvc.service.principal import SCOPES, Principal, client
from certsvc.service.settings import Settings
from certsvc.storage.database import upgrade
from certsvc.storage.outbox import Outbox
from certsvc.storage.status_lists import StatusLists
from certsvc.worker import Worker
from certsvc_sdk.trust.about import About, Environment
from keys.filestore import FileKeyStore

MARKET = "119999000000000198"
POLICE = "119999000000000273"
NOW = 1_798_761_600


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


class Crash(BaseException):
    """The process dies here."""


@dataclass
class World:
    settings: Settings
    engine: Engine
    keys: FileKeyStore
    clock: Clock
    records: list[dict[str, Any]] = field(repr=False)

    @property
    def tree(self) -> PublishedTree:
        return PublishedTree(self.settings.published)

    @property
    def service(self) -> IssuingService:
        return IssuingService(
            engine=self.engine,
            keys=self.keys,
            catalogue=Catalogue.builtin(),
            settings=self.settings,
            clock=self.clock,
        )

    def worker(self, holder: str = "one", **changes: Any) -> Worker:
        options: dict[str, Any] = {
            "engine": self.engine,
            "keys": self.keys,
            "tree": self.tree,
            "issuing": self.service,
            "public_url": self.settings.public_url,
            "holder": holder,
            "clock": self.clock,
        }
        return Worker(**{**options, **changes})

    @property
    def market(self) -> Principal:
        return client(MARKET, "market", scopes=set(SCOPES), request_id="test")

    def issue(self, number: int = 0) -> str:
        request = IssueRequest(type="business-licence", claims=self.records[number])
        return self.service.issue(self.market, request, f"key-{number}").certificate_id

    def revoke(self, certificate_id: str) -> None:
        self.service.change_status(
            self.market,
            certificate_id,
            "revoke",
            reason="cancelled",
            detail=None,
            idempotency_key=None,
        )

    def shown(self, issuer_id: str = MARKET, list_no: int = 1) -> int | None:
        """The version that readers see."""
        publisher = StatusPublisher(self.tree, self.keys, base_url=self.settings.public_url)
        return publisher.published_version(issuer_id, list_no)

    def marked(self, issuer_id: str = MARKET) -> int:
        """The version that the database takes for published."""
        with reading(self.engine) as connection:
            return StatusLists(connection).all(issuer_id)[0].published_version

    def rows(self, query: str) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.exec_driver_sql(query))

    def announced(self) -> int:
        """Changes of status that the outbox still holds."""
        return int(self.rows("SELECT count(*) FROM outbox WHERE topic = 'status'")[0][0])

    def waiting(self) -> int:
        with reading(self.engine) as connection:
            return Outbox(connection).waiting()


@pytest.fixture
def world(tmp_path: Path, samples: Path) -> Iterator[World]:
    settings = Settings(home=tmp_path)
    engine = make_engine(settings.database_url)
    upgrade(engine)
    keys = FileKeyStore(tmp_path / "keys", passphrase=b"test only", scrypt_n=2)
    trust = TrustPublisher(PublishedTree(settings.published), keys)
    trust.initialise(NOW, About(env=Environment.DEMO, base=settings.public_url))
    offices = bootstrap.departments()
    made = [bootstrap.add_department(one, settings, keys, engine, now=NOW) for one in offices]
    trust.publish_records(made, NOW)
    lines = (samples / "business-licences.jsonl").read_text(encoding="utf-8").splitlines()
    yield World(settings, engine, keys, Clock(), [json.loads(line) for line in lines[:20]])
    engine.dispose()


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[object, str, str], None]:
    """Function that makes a method of a class end the process, `before` or `after` it worked."""

    def arrange(owner: Any, name: str, when: str) -> None:
        method = getattr(owner, name)

        def die(*arguments: Any, **options: Any) -> None:
            if when == "after":
                method(*arguments, **options)
            raise Crash

        monkeypatch.setattr(owner, name, die)

    return arrange


@pytest.fixture
def killed() -> Callable[[Worker], None]:
    """Function that runs a worker until it dies."""

    def run(worker: Worker) -> None:
        with suppress(Crash):
            worker.run_once()
            raise AssertionError("it did not die")

    return run
