"""The operator's walk through docs/restore.md with real services: every command of it is run."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from certsvc import bootstrap
from certsvc.cli.calls import Caller
from certsvc.cli.demo import demo_settings
from certsvc.cli.records import demo_records
from certsvc.cli.run import issuer_url, running
from certsvc.publishing.tree import PublishedTree
from certsvc.restoring.outside import Outside
from certsvc.service.engine import make_engine, writing

DOCUMENT = Path(__file__).parents[2] / "docs" / "restore.md"
TYPE = "business-licence"


class Operator:
    """Types commands of the document, and remembers which."""

    def __init__(self, settings, folder):
        self.settings = settings
        self.folder = folder
        self.typed = {"certsvc up"}

    def type(self, command, *, code=0):
        self.typed.add(command)
        done = subprocess.run(
            [sys.executable, "-m", *command.split()],
            cwd=self.folder,
            env=self.settings.to_env(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def lose_the_database(self):
        engine = make_engine(self.settings.database_url)
        if engine.dialect.name == "sqlite":
            Path(str(engine.url.database)).unlink()
        else:
            with writing(engine) as connection:
                connection.exec_driver_sql("DROP SCHEMA public CASCADE")
                connection.exec_driver_sql("CREATE SCHEMA public")
        engine.dispose()


def department(settings):
    client = next(each for each in bootstrap.demo_clients(settings) if each.types == TYPE)
    return Caller(issuer_url(settings), f"{client.client_id}:{client.secret}")


def issue(caller, number):
    body = {"type": TYPE, "claims": demo_records(TYPE)[number]}
    answer = caller.post("v1/certificates", body, idempotency_key=f"walk-{number}")
    assert answer.status in (200, 201), answer.body
    return answer.json()


def state(caller, certificate_id):
    return caller.get(f"v1/certificates/{certificate_id}").json()["state"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_walk_through(kind, tmp_path, request):
    database = request.getfixturevalue("postgres_empty") if kind == "postgresql" else None
    settings = demo_settings(tmp_path / "var", database)
    (tmp_path / "backups").mkdir()
    operator = Operator(settings, tmp_path)
    bootstrap.initialise(settings, now=int(time.time()), report=str)
    with running(settings, write=str):
        caller = department(settings)
        first = issue(caller, 0)
        operator.type("certsvc backup backups")
        operator.type("certsvc backup --prune backups/monday.backup")
        operator.type("certsvc backup --check backups/monday.backup")
        second = issue(caller, 1)
        revoked = caller.post(
            f"v1/certificates/{first['id']}/revoke", {"reason": "cancelled"}, idempotency_key="r"
        )
        assert revoked.status == 200, revoked.body
        lists = published_lists(settings)
    back_by_the_journal(operator, first, second, lists)
    if kind == "postgresql":
        return
    back_without_the_journal(operator, first, second)
    shown = {
        line.strip()
        for block in re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
        for line in block.splitlines()
    }
    assert shown <= operator.typed


def back_by_the_journal(operator, first, second, lists):
    settings = operator.settings
    operator.lose_the_database()
    for service in ("certsvc serve", "certsvc worker"):
        assert "certsvc recover" in operator.type(service, code=78)
    operator.type("certsvc restore backups/monday.backup")
    assert "restored from a backup" in operator.type("certsvc worker", code=78)
    assert "nothing was changed" in operator.type("certsvc recover --dry-run")
    assert "nothing is lost" in operator.type("certsvc recover")
    with running(settings, write=str):
        caller = department(settings)
        again = issue(caller, 1)
        # The proof may have come since; the certificate is the same.
        assert {**again, "log": None} == {**second, "log": None}
        assert state(caller, first["id"]) == "revoked"
        issue(caller, 2)
        assert caller.get("readyz").status == 200
        now = published_lists(settings)
        assert all(now[name] >= version for name, version in lists.items())


def back_without_the_journal(operator, first, second):
    settings = operator.settings
    operator.lose_the_database()
    for path in settings.journal_folder.iterdir():
        path.unlink()
    operator.type("certsvc restore backups/monday.backup")
    assert "--accept-loss" in operator.type("certsvc recover", code=1)
    report = operator.type("certsvc recover --accept-loss")
    assert second["certificate_identifier"] in report
    assert "nothing to do" in operator.type("certsvc recover")
    with running(settings, write=str):
        assert state(department(settings), first["id"]) == "revoked"


def published_lists(settings):
    return {each.path: each.version for each in Outside(PublishedTree(settings.published)).lists()}


def test_a_damaged_backup_is_named(tmp_path):
    settings = demo_settings(tmp_path / "var")
    operator = Operator(settings, tmp_path)
    bootstrap.initialise(settings, now=int(time.time()), report=str)
    operator.type("certsvc backup one.backup")
    path = tmp_path / "one.backup"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "backup_damaged" in operator.type("certsvc backup --check one.backup", code=1)
