"""A whole world for the flows: set up once, the three processes running on free ports."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from certsvc import bootstrap
from certsvc.cli.calls import Caller
from certsvc.cli.demo import demo_settings
from certsvc.cli.processes import Supervisor
from certsvc.cli.run import issue_shown, issuer_url, running, verifier_url
from certsvc.service.settings import Settings


@dataclass(frozen=True)
class RunningWorld:
    """Settings of the running services and the demo departments' callers."""

    settings: Settings
    supervisor: Supervisor
    lines: list[str]

    def department(self, type_name: str) -> Caller:
        client = next(c for c in bootstrap.demo_clients(self.settings) if c.types == type_name)
        return Caller(issuer_url(self.settings), f"{client.client_id}:{client.secret}")

    @property
    def verifier(self) -> Caller:
        return Caller(verifier_url(self.settings))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorld]:
    """Issuer, verifier and worker, started as `certsvc up` starts them."""
    import time

    settings = demo_settings(tmp_path_factory.mktemp("world") / "var")
    lines: list[str] = []
    bootstrap.initialise(settings, now=int(time.time()), report=lines.append)
    with running(settings, write=lines.append) as supervisor:
        yield RunningWorld(settings, supervisor, lines)


@pytest.fixture(scope="session")
def issued_world(world: RunningWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a third party gets: trust root, published tree, one QR text."""
    import shutil

    texts = [one.qr_text for one in issue_shown(world.settings)]
    folder = tmp_path_factory.mktemp("issued")
    shutil.copy(world.settings.trust_root, folder / "root.json")
    shutil.copytree(world.settings.published, folder / "published")
    (folder / "qr.txt").write_text(texts[0], encoding="utf-8")
    return folder
