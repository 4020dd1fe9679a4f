"""A demo world with X.509 certificates, and stand-ins for the typesetter that behave badly."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.engine import Engine

from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.cli import cli
from certsvc.issuing.model import CertificateView, IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.printing.desk import PrintingDesk
from certsvc.printing.presses import Presses
from certsvc.printing.seals import NoSeals, Seals
from certsvc.printing.signing import PdfSigning, Unsigned
from certsvc.restoring.recording import attach_journal
from certsvc.service.engine import make_engine
from certsvc.service.principal import Principal, operator
from certsvc.service.settings import Settings
from certsvc.worker import make_worker
from keys import KeyStore, open_store

LICENCE, HOUSEHOLD = "119999000000000198", "119999000000000273"

# Reads frames as a press does, then does what its argument says.
PRESS = """
import os, struct, sys, time
how, pdf = sys.argv[1], open(sys.argv[2], "rb").read()
source, sink = sys.stdin.buffer, sys.stdout.buffer
count = 0
while head := source.read(4):
    source.read(struct.unpack(">I", head)[0])
    count += 1
    if how == "dies" or (how == "dies-later" and count > 1):
        os._exit(3)
    if how == "hangs":
        time.sleep(3600)
    if how == "babbles":
        sink.write(b"Traceback (most recent call last)")
    elif how == "cuts":
        sink.write(struct.pack(">I", 1000) + b"P%PDF")
        sink.flush()
        os._exit(0)
    else:
        sink.write(struct.pack(">I", len(pdf) + 1) + b"P" + pdf)
    sink.flush()
"""

MakePresses = Callable[..., Presses]


def clock() -> float:
    """Unix seconds; commands read the real clock, so the world does."""
    return time.time_ns() / 10**9


@pytest.fixture
def presses(tmp_path: Path) -> Iterator[MakePresses]:
    """Presses whose typesetter is a few lines of Python that give back one PDF."""
    made: list[Presses] = []
    script = tmp_path / "press.py"
    script.write_text(PRESS)

    def make(
        how: str = "prints", *, pdf: bytes = b"%PDF", count: int = 1, **options: Any
    ) -> Presses:
        (tmp_path / "face.pdf").write_bytes(pdf)
        command = (sys.executable, "-S", str(script), how, str(tmp_path / "face.pdf"))
        made.append(Presses(count, monotonic=time.monotonic, command=command, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@dataclass(frozen=True)
class World:
    """An installation with certificates, and what prints them."""

    settings: Settings
    engine: Engine
    keys: KeyStore
    service: IssuingService
    licences: tuple[CertificateView, ...]
    presses: Presses

    @property
    def principal(self) -> Principal:
        return operator(LICENCE)

    def desk(self, *, signing: PdfSigning | None = None, **changes: Any) -> PrintingDesk:
        seals: Seals = changes.pop("seals", NoSeals())
        given: dict[str, Any] = {
            "presses": self.presses,
            "catalogue": Catalogue.builtin(),
            "records": self.service.exports.record,
            "public_url": self.settings.public_url,
            "demo": True,
            "clock": clock,
        }
        return PrintingDesk(**{**given, **changes}, seals=seals, signing=signing or Unsigned())

    def run(self, *arguments: str, **environment: str) -> Result:
        environment = {"CERTSVC_HOME": str(self.settings.home), **environment}
        return CliRunner().invoke(cli, arguments, env=environment)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[World]:
    settings = Settings(home=tmp_path_factory.mktemp("printing"))
    now = time.time_ns() // 10**9
    bootstrap.initialise(settings, now=now, report=lambda line: None)
    for arguments in (("init", "--title", "示例根"), ("issue", LICENCE, "--yes")):
        done = CliRunner().invoke(cli, ["ca", *arguments], env={"CERTSVC_HOME": str(settings.home)})
        assert done.exit_code == 0, done.output
    engine = make_engine(settings.database_url)
    attach_journal(settings, engine, clock_ns=time.time_ns, rng=lambda size: b"j" * size)
    keys = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
    make_worker(settings, engine, keys, name="tests").run_once()
    service = IssuingService(
        engine=engine,
        keys=keys,
        catalogue=Catalogue.builtin(),
        settings=settings,
        clock=clock,
    )
    lines = (samples / "business-licences.jsonl").read_text().splitlines()
    requests = [
        (IssueRequest(type="business-licence", claims=json.loads(line)), f"k-{number}")
        for number, line in enumerate(lines[:12])
    ]
    outcomes = service.issue_many(operator(LICENCE), requests)
    licences = tuple(one for one in outcomes if isinstance(one, CertificateView))
    presses = Presses(1, monotonic=time.monotonic)
    yield World(settings, engine, keys, service, licences, presses)
    presses.close()
    engine.dispose()
