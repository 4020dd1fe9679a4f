"""A small world with real parts: a database of each kind, keys, two offices, a clock to set."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

import keys
from certsvc.catalogue import Catalogue
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.service.engine import make_engine, reading, writing
from certsvc.service.principal import Principal, client
from certsvc.storage.issuers import Issuer, Issuers
from certsvc.storage.status_lists import StatusLists
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.trust.record import (
    IssuerRecord,
    KeyRecord,
    KeyState,
    KeyUse,
    Level,
    Right,
)
from keys import State

BASE = "https://certs.example/"
MARKET = "119999000000000198"
POLICE = "119999000000000273"
START = 1_798_761_600  # 2027-01-01 08:00 in Shanghai, after every sample


@dataclass
class Settings:
    public_url: str = BASE
    status_list_size: int = 131_072
    second_person_types: frozenset[str] = frozenset()


@dataclass
class Clock:
    now: int = START

    def __call__(self) -> float:
        return float(self.now)


@dataclass
class World:
    """Everything a test needs to look behind the service."""

    engine: Engine
    keys: Any
    clock: Clock
    catalogue: Catalogue
    service: IssuingService
    folder: Path
    url: str
    records: dict[str, IssuerRecord] = field(default_factory=dict)

    def make(self, **changes: Any) -> IssuingService:
        """Another worker on the same database, with its own engine."""
        return IssuingService(
            **{
                "engine": self.engine,
                "keys": self.keys,
                "catalogue": self.catalogue,
                "settings": Settings(),
                "clock": self.clock,
                **changes,
            }
        )

    def caller(self, issuer_id: str = MARKET, **changes: Any) -> Principal:
        values = {"scopes": {"issue", "read", "status"}, "request_id": "req-1", **changes}
        return client(issuer_id, values.pop("client_id", f"c-{issuer_id[-3:]}"), **values)

    def set_record(self, record: IssuerRecord) -> None:
        with writing(self.engine) as connection:
            Issuers(connection).set_record(
                record.uscc, json.dumps(record.to_json()), now=self.clock.now
            )
        self.records[record.uscc] = record

    def new_key(self, uscc: str, *, active: bool = True) -> str:
        """Generate a key, publish it, and retire the others."""
        made = self.keys.generate(
            issuer_id=uscc, alg="ES256", purpose="certificate", now=self.clock.now
        )
        self.keys.set_state(uscc, made.kid, State.PRE_PUBLISHED, now=self.clock.now)
        self.keys.rotate(uscc, made.kid, now=self.clock.now)
        entry = KeyRecord(
            kid=made.kid,
            alg="ES256",
            use=KeyUse.CERTIFICATE,
            public=PublicKey.from_jwk(dict(made.public_jwk), "ES256"),
            not_before=START - 86_400,
            state=KeyState.ACTIVE if active else KeyState.PRE_PUBLISHED,
        )
        record = self.records[uscc]
        former = tuple(replace(key, state=KeyState.RETIRED) for key in record.keys)
        self.set_record(replace(record, keys=(*former, entry)))
        return made.kid

    def rows(self, query: str) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.exec_driver_sql(query))

    def counts(self) -> dict[str, int]:
        tables = ("certificate", "idempotency", "log_entry", "status_event", "audit")
        return {name: self.rows(f"SELECT count(*) FROM {name}")[0][0] for name in tables}


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue.builtin()


@pytest.fixture
def world(tmp_path: Path, database_url: str, catalogue: Catalogue) -> Iterator[World]:
    engine = make_engine(database_url)
    store = keys.open_store(f"file:{tmp_path / 'keys'}", passphrase=b"test only", scrypt_n=2**14)
    clock = Clock()
    service = IssuingService(
        engine=engine, keys=store, catalogue=catalogue, settings=Settings(), clock=clock
    )
    made = World(
        engine=engine,
        keys=store,
        clock=clock,
        catalogue=catalogue,
        service=service,
        folder=tmp_path,
        url=database_url,
    )
    for uscc, type_name, name in (
        (MARKET, "business-licence", "Demo Market Regulator"),
        (POLICE, "household-register", "Demo Police"),
    ):
        _add_office(made, uscc, type_name, name)
    yield made
    engine.dispose()


def _add_office(world: World, uscc: str, type_name: str, name: str) -> None:
    record = IssuerRecord(
        iss=f"{BASE}i/{uscc}",
        uscc=uscc,
        division=uscc[2:8],
        names={"zh": "示例机关", "en": name},
        level=Level.CITY,
        keys=(),
        rights=(Right(vct=f"{BASE}vct/{type_name}", division="999900", not_before=START - 86_400),),
        status_prefix=f"{BASE}status/{uscc}/",
        status_aggregation=None,
    )
    with writing(world.engine) as connection:
        issuer = Issuer(issuer_id=uscc, uscc=uscc, record=json.dumps(record.to_json()))
        Issuers(connection).add(issuer, now=START)
    world.records[uscc] = record
    world.new_key(uscc)
    made = world.service.ensure_open(uscc)
    with writing(world.engine) as connection:
        StatusLists(connection).mark_published(uscc, made.list_no, 1, now=START)


@pytest.fixture
def licence(samples: Path) -> Callable[..., IssueRequest]:
    """Function from a number to a request for a business licence."""
    lines = (samples / "business-licences.jsonl").read_text(encoding="utf-8").splitlines()

    def make(number: int = 0, **changes: Any) -> IssueRequest:
        claims = {**json.loads(lines[number]), **changes}
        return IssueRequest(type="business-licence", claims=claims)

    return make


@pytest.fixture
def household(samples: Path) -> Callable[..., IssueRequest]:
    """Function from a number to a request for a household register extract."""
    lines = (samples / "households.jsonl").read_text(encoding="utf-8").splitlines()

    def make(number: int = 0, profile: str | None = None) -> IssueRequest:
        return IssueRequest(
            type="household-register", claims=json.loads(lines[number]), profile=profile
        )

    return make
