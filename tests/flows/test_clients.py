"""`certsvc clients` in a real demo world."""

import json
import time

import pytest
from click.testing import CliRunner

from certsvc import bootstrap
from certsvc.cli import cli
from certsvc.service.engine import make_engine, reading
from certsvc.service.settings import Settings
from certsvc.storage.audit import Audit
from certsvc.storage.clients import Clients

ISSUER = "119999000000000198"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    made = Settings(home=tmp_path_factory.mktemp("clients") / "var")
    now = int(time.time())
    bootstrap.initialise(made, now=now, report=lambda line: None)
    return made


@pytest.fixture
def run(settings):
    def act(*arguments, code=0):
        done = CliRunner().invoke(cli, ["--home", str(settings.home), "clients", *arguments])
        assert done.exit_code == code, done.output
        return done.output

    return act


def test_from_registration_to_the_end(run, settings):
    made = run("add", ISSUER, "counter-7", "--name", "7号窗口", "--scope", "issue").strip()
    name, _, secret = made.partition(":")
    assert (name, len(secret)) == ("counter-7", 64)
    run("restrict", ISSUER, name, "--type", "business-licence", "--daily-limit", "200")
    assert "今日 / today: 0 / 200" in run("list", ISSUER)
    found = {one["client_id"]: one for one in json.loads(run("list", ISSUER, "--json"))}
    assert found[name]["types"] == ["business-licence"]
    assert found[name]["daily_limit"] == 200
    run("restrict", ISSUER, name, "--all-types")
    found = {one["client_id"]: one for one in json.loads(run("list", ISSUER, "--json"))}
    assert (found[name]["types"], found[name]["daily_limit"]) == (None, 200)
    run("restrict", ISSUER, name, "--no-daily-limit")
    assert "不限 / no limit" in run("list", ISSUER)
    run("disable", ISSUER, name)
    assert "已停用 / disabled" in run("list", ISSUER)
    engine = make_engine(settings.database_url)
    with reading(engine) as connection:
        assert Clients(connection).authenticate(name, secret) is None
        actions = [row.action for row in Audit(connection).rows(ISSUER) if row.object == name]
        assert Audit(connection).first_fault(ISSUER) is None
    engine.dispose()
    assert actions == ["client.add", *["client.restrict"] * 3, "client.disable"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["restrict", ISSUER, "x"],
        ["restrict", ISSUER, "x", "--type", "a", "--all-types"],
        ["restrict", ISSUER, "x", "--daily-limit", "1", "--no-daily-limit"],
        ["add", ISSUER, "x", "--name", "x", "--scope", "rule"],
    ],
)
def test_what_makes_no_sense(run, arguments):
    run(*arguments, code=2)


def test_who_is_not_there(run, settings):
    for command in (["disable"], ["restrict", "--no-daily-limit"]):
        assert "没有此客户端" in run(command[0], ISSUER, "nobody", *command[1:], code=1)
    assert run("list", "91999900MA0000007U").strip() == "没有客户端 / no clients"
