"""A demo world with a key store that costs nothing to open, a clock to set, and its workers."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
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
from certsvc.storage.status_lists import StatusLists
from certsvc.worker import Worker, make_worker
from certsvc_sdk import statuslist
from certsvc_sdk.trust.about import About, Environment
from keys.filestore import FileKeyStore

MARKET = "119999000000000198"
POLICE = "119999000000000273"
NOW = 1_798_761_600
NOT_ZERO = re.compile(rb"[^\0]")


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


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

    @cached_property
    def service(self) -> IssuingService:
        return IssuingService(
            engine=self.engine,
            keys=self.keys,
            catalogue=Catalogue.builtin(),
            settings=self.settings,
            clock=self.clock,
        )

    def worker(self, name: str = "one", **changes: Any) -> Worker:
        """A worker without the log's duty, which has tests of its own."""
        made = make_worker(
            self.settings, self.engine, self.keys, name=name, clock=self.clock, **changes
        )
        return Worker(made.tenure, [each for each in made.duties if each.name != "log"])

    @property
    def market(self) -> Principal:
        return client(MARKET, "market", scopes=set(SCOPES), request_id="test")

    def issue(self, number: int = 0, *, key: str = "") -> str:
        request = IssueRequest(type="business-licence", claims=self.records[number])
        issued = self.service.issue(self.market, request, key or f"key-{number}")
        return issued.certificate_id

    def change(self, certificate_id: str, operation: str) -> None:
        self.service.change_status(
            self.market,
            certificate_id,
            operation,
            reason={"revoke": "cancelled"}.get(operation),
            detail=None,
            idempotency_key=None,
        )

    def revoke(self, certificate_id: str) -> None:
        self.change(certificate_id, "revoke")

    def place(self, certificate_id: str) -> int:
        """A certificate's index in its list."""
        query = "SELECT list_index FROM certificate WHERE certificate_id = "
        return int(self.rows(f"{query}'{certificate_id}'")[0][0])

    def shown(self, issuer_id: str = MARKET, list_no: int = 1) -> int | None:
        """The version that readers see."""
        publisher = StatusPublisher(self.tree, self.keys, base_url=self.settings.public_url)
        return publisher.published_version(issuer_id, list_no)

    def out_of_force(self, issuer_id: str = MARKET) -> dict[int, int]:
        """What readers see of the first list: indexes and values that are not 0."""
        data = self.tree.read(f"status/{issuer_id}/1")
        assert data is not None
        packed = statuslist.read(data.decode()).bits()
        places = (
            4 * found.start() + i for found in NOT_ZERO.finditer(packed.data) for i in range(4)
        )
        return {place: packed.get(place) for place in places if packed.get(place)}

    def marked(self, issuer_id: str = MARKET) -> int:
        """The version that the database takes for published."""
        with reading(self.engine) as connection:
            return StatusLists(connection).all(issuer_id)[0].published_version

    def rows(self, query: str) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.exec_driver_sql(query))


@pytest.fixture
def make_world(tmp_path: Path, samples: Path) -> Iterator[Callable[[str], World]]:
    """Function that makes two departments on a database."""
    engines: list[Engine] = []

    def make(database_url: str) -> World:
        settings = Settings(home=tmp_path, database_url=database_url)
        engine = make_engine(settings.database_url)
        engines.append(engine)
        upgrade(engine)
        keys = FileKeyStore(tmp_path / "keys", passphrase=b"test only", scrypt_n=2)
        trust = TrustPublisher(PublishedTree(settings.published), keys)
        trust.initialise(NOW, About(env=Environment.DEMO, base=settings.public_url))
        offices = bootstrap.departments()
        made = [bootstrap.add_department(one, settings, keys, engine, now=NOW) for one in offices]
        trust.publish_records(made, NOW)
        lines = (samples / "business-licences.jsonl").read_text(encoding="utf-8").splitlines()
        return World(settings, engine, keys, Clock(), [json.loads(line) for line in lines[:20]])

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def world(make_world: Callable[[str], World], tmp_path: Path) -> World:
    return make_world(f"sqlite:///{tmp_path / 'certsvc.db'}")


@pytest.fixture
def either(make_world: Callable[[str], World], database_url: str) -> World:
    """The same once on SQLite and once on PostgreSQL."""
    return make_world(database_url)
