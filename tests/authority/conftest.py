"""A demo world of each database, and the commands on keys in it."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy.engine import Engine

from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.cli import cli
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.publishing import PublishedTree, TrustPublisher
from certsvc.service.engine import make_engine, reading, writing
from certsvc.service.principal import SCOPES, client
from certsvc.service.settings import Settings
from certsvc.storage.audit import Audit
from certsvc.storage.tables import audit, key_listing
from certsvc.worker import make_worker
from certsvc_sdk.trust.record import IssuerRecord, KeyState
from keys import KeyInfo, KeyStore, State, disk, open_store, record

ISSUER = "119999000000000198"
ISS = f"https://certs.example/i/{ISSUER}"
DAY = 86_400


def now() -> int:
    """The commands read the real clock, so the test does."""
    return time.time_ns() // 10**9


@dataclass
class World:
    """A demo world, the command line on it, and a way to look behind both."""

    settings: Settings
    engine: Engine
    keys: KeyStore
    samples: Path

    def run(self, *arguments: str, code: int = 0) -> Any:
        done = CliRunner().invoke(
            cli,
            ["keys", *arguments, "--json"],
            env={
                "CERTSVC_HOME": str(self.settings.home),
                "CERTSVC_DATABASE_URL": self.settings.database_url,
            },
        )
        assert done.exit_code == code, (done.output, done.exception)
        return json.loads(done.stdout if code == 0 else done.stderr)

    def text(self, *arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(
            cli,
            ["keys", *arguments],
            env={
                "CERTSVC_HOME": str(self.settings.home),
                "CERTSVC_DATABASE_URL": self.settings.database_url,
            },
        )
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    def refused(self, *arguments: str) -> str:
        answer = self.run(*arguments, code=1)
        assert answer["zh"]
        assert answer["en"]
        return str(answer["error"])

    def active(self, purpose: str = "certificate") -> KeyInfo:
        (key,) = (
            key
            for key in self.keys.list(ISSUER)
            if key.purpose == purpose and key.state is State.ACTIVE
        )
        return key

    def record(self) -> IssuerRecord:
        found = TrustPublisher(PublishedTree(self.settings.published), self.keys).record(ISS)
        assert found is not None
        return found

    def published(self, kid: str) -> KeyState | None:
        return next((key.state for key in self.record().keys if key.kid == kid), None)

    def days_pass(self, days: float) -> None:
        """Keys were listed so much earlier."""
        with writing(self.engine) as connection:
            connection.execute(
                key_listing.update().values(listed_at=key_listing.c.listed_at - int(days * DAY))
            )

    def age(self, days: int) -> None:
        """Make keys older, in files that are sealed anew: what time does to them."""
        store: Any = self.keys
        for key in store.list():
            if key.purpose not in {"certificate", "status"}:
                continue
            path = store._path(key.issuer_id, key.kid)
            info, sealed = store._read(path)
            names = ("created_at", "pre_published_at", "activated_at", "retired_at")
            times = {name: getattr(info, name) for name in names}
            older = {name: at - days * DAY for name, at in times.items() if at is not None}
            text = record.write_key(replace(info, **older), sealed, store._envelope)
            disk.replace(path, text, rng=store._rng)

    def actions(self) -> list[str]:
        with reading(self.engine) as connection:
            assert Audit(connection).first_fault(ISSUER) is None
            rows = connection.execute(audit.select().order_by(audit.c.seq)).mappings()
            return [
                row["action"]
                for row in rows
                if row["issuer_id"] == ISSUER and row["action"].startswith("key.")
            ]

    def worker(self) -> None:
        made = make_worker(self.settings, self.engine, self.keys, name="tests")
        made.run_once()
        made.release()

    def issue(self, *names: str) -> list[str]:
        service = IssuingService(
            engine=self.engine,
            keys=self.keys,
            catalogue=Catalogue.builtin(),
            settings=self.settings,
            clock=lambda: float(now()),
        )
        lines = (self.samples / "business-licences.jsonl").read_text(encoding="utf-8").splitlines()
        caller = client(ISSUER, "market", scopes=set(SCOPES), request_id="test")
        with reading(self.engine) as connection:
            begun = len(list(connection.exec_driver_sql("SELECT 1 FROM certificate")))
        requests = [
            (IssueRequest(type="business-licence", claims=json.loads(lines[begun + place])), name)
            for place, name in enumerate(names)
        ]
        return [one.certificate_id for one in service.issue_many(caller, requests)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo world on SQLite, set up a while ago, whose key store costs nothing to open."""
    home = tmp_path_factory.mktemp("keys") / "home"
    settings = Settings(home=home)
    bootstrap.make_passphrase(settings.keys_passphrase_file)
    open_store(settings.keys_url, passphrase=settings.keys_passphrase(), scrypt_n=2)
    bootstrap.initialise(settings, now=now() - 1000, report=str)
    return home


@pytest.fixture
def quick(prepared: Path, tmp_path: Path, samples: Path) -> Iterator[World]:
    """On SQLite alone, where the database does not matter."""
    shutil.copytree(prepared, tmp_path / "home")
    yield from opened(Settings(home=tmp_path / "home"), samples)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(
    request: pytest.FixtureRequest, prepared: Path, tmp_path: Path, samples: Path
) -> Iterator[World]:
    """On a database of each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("quick")
        return
    home = tmp_path / "home"
    shutil.copytree(prepared, home, ignore=shutil.ignore_patterns("certsvc.db*", "journal"))
    shutil.rmtree(home / "published")
    (home / "root.json").unlink()
    settings = Settings(home=home, database_url=request.getfixturevalue("postgres_database"))
    bootstrap.initialise(settings, now=now() - 1000, report=str)
    yield from opened(settings, samples)


def opened(settings: Settings, samples: Path) -> Iterator[World]:
    engine = make_engine(settings.database_url)
    keys = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
    yield World(settings, engine, keys, samples)
    engine.dispose()
