"""`certsvc ca` on a demo world: published chains, lists over HTTP, the worker, an offline root."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from certsvc import bootstrap
from certsvc.app import create_app
from certsvc.authority.ca import heart_beat
from certsvc.cli import cli
from certsvc.custody import open_keys
from certsvc.publishing import PublishedTree, TrustPublisher
from certsvc.publishing.ca_files import AuthorityFolder
from certsvc.publishing.ca_lists import published_list
from certsvc.restoring.backup import make_backup
from certsvc.restoring.restore import restore
from certsvc.service.engine import make_engine
from certsvc.service.settings import Settings
from certsvc.worker import make_worker
from certsvc_sdk.errors import ChainRevoked
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.x509 import validate_issuer
from keys import State, open_store

ISSUER = "119999000000000198"
ISS = f"https://certs.example/i/{ISSUER}"
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("demo") / "home"
    settings = Settings(home=home)
    bootstrap.make_passphrase(settings.keys_passphrase_file)
    open_store(settings.keys_url, passphrase=settings.keys_passphrase(), scrypt_n=2)
    # Long ago by the clock that the commands read, so that nothing lies in the future.
    bootstrap.initialise(settings, now=1_750_000_000, report=str)
    return home


@pytest.fixture
def settings(prepared: Path, tmp_path: Path) -> Settings:
    shutil.copytree(prepared, tmp_path / "home")
    return Settings(home=tmp_path / "home")


def invoke(home: Path, *arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(
        cli, ["ca", *arguments], env={"CERTSVC_HOME": str(home)}, input=text, catch_exceptions=True
    )


@pytest.fixture
def run(settings: Settings) -> Run:
    def go(*arguments: str, home: Path = settings.home) -> Any:
        done = invoke(home, *arguments, "--json")
        assert done.exit_code == 0, (done.output, done.exception)
        return json.loads(done.stdout)

    return go


def record_of(settings: Settings) -> IssuerRecord:
    found = TrustPublisher(PublishedTree(settings.published), open_keys(settings)).record(ISS)
    assert found is not None
    return found


def check(settings: Settings, kid: str, at: int, **options: Any) -> Any:
    tree = PublishedTree(settings.published)
    anchor = tree.read("x509/root.cer")
    assert anchor is not None
    lists = [tree.read(f"x509/{name}") for name in tree.names("x509") if name.endswith(".crl")]
    crls = [each for each in lists if each is not None]
    given = {"now": at, **options}
    return validate_issuer(record_of(settings), kid, anchors=[anchor], crls=crls, at=at, **given)


def test_a_departments_chain_is_published(settings: Settings, run: Run) -> None:
    before = record_of(settings).to_bytes()
    run("init", "--title", "示例根")
    run("init", "--name", "city", "--title", "示例市", "--area", "999900")
    # Authorities alone change no record.
    assert record_of(settings).to_bytes() == before
    made = run("issue", ISSUER)
    assert (made["authority"], made["outcome"]) == ("city", "published")
    valid = check(settings, made["kid"], made["to"] - 399 * 86_400)
    assert f"{valid.serial:x}" == made["serial"]
    record = record_of(settings)
    assert [key.x5c is not None for key in record.keys] == [
        key.kid == made["kid"] for key in record.keys
    ]
    # Another certificate takes its place; publishing again changes nothing.
    second = run("issue", ISSUER, "--days", "500", "--ca", "root")
    assert f"{check(settings, made['kid'], second['from']).serial:x}" == second["serial"]
    assert run("publish")["outcome"] == "unchanged"


def test_revoking_and_status(settings: Settings, run: Run) -> None:
    run("init", "--title", "示例根")
    made = run("issue", ISSUER)
    serial = ":".join([f"0{made['serial']}"[i : i + 2] for i in range(0, 34, 2)])
    done = run("revoke", serial, "--reason", "keyCompromise", "--since", "2025-07-01")
    assert done == {"authority": "root", "serial": made["serial"], "renewed": ["root"]}
    with pytest.raises(ChainRevoked):
        check(settings, made["kid"], made["from"] + 9, now=made["to"] - 400 * 86_400 + 60)
    [root] = run("status")
    assert [each["state"] for each in root["certificates"]] == ["revoked"]
    assert (root["list_state"], root["unlisted"]) == ("fresh", [])
    assert run("crl") == {"renewed": [], "away": []}
    assert run("crl", "--force", "root") == {"renewed": ["root"], "away": []}
    said = invoke(settings.home, "status").output
    assert "✘" in said
    assert "keyCompromise" in said


def test_a_stolen_authority_ends(settings: Settings, run: Run) -> None:
    run("init", "--title", "示例根")
    city = run("init", "--name", "city", "--title", "示例市", "--area", "999900")
    made = run("issue", ISSUER)
    serial = run("status")[0]["certificates"][0]["serial"]
    done = run("revoke", serial, "--reason", "cACompromise")
    assert done["renewed"] == ["root"]
    assert open_keys(settings).get("ca", city["kid"]).state is State.COMPROMISED
    refused = invoke(settings.home, "issue", ISSUER, "--ca", "city")
    assert refused.exit_code == 1
    assert "ca_key_away" in str(getattr(refused.exception, "code", ""))
    with pytest.raises(ChainRevoked, match="cACompromise"):
        check(settings, made["kid"], made["to"] - 399 * 86_400)
    # Another of a new name takes its place.
    run("init", "--name", "city-2", "--title", "示例市", "--area", "999900")
    again = run("issue", ISSUER)
    assert again["authority"] == "city-2"
    assert check(settings, again["kid"], again["to"] - 399 * 86_400).serial == int(
        again["serial"], 16
    )


def test_words_for_people(settings: Settings, tmp_path: Path) -> None:
    assert "没有证书机构" in invoke(settings.home, "status").output
    assert "证书机构已建立" in invoke(settings.home, "init", "--title", "示例根").output
    out = tmp_path / "chain.pem"
    said = invoke(settings.home, "issue", ISSUER, "--out", str(out)).output
    assert "已公布" in said
    assert out.read_text().count("BEGIN CERTIFICATE") == 1
    assert "记录未变" in invoke(settings.home, "publish").output
    serial = said.split()[3].rstrip()
    assert "已吊销" in invoke(settings.home, "revoke", serial).output
    assert "新吊销列表 / new lists: —" in invoke(settings.home, "crl").output
    for arguments in (["issue"], ["issue", ISSUER, "--request", str(out)], ["revoke", "xyz"]):
        assert invoke(settings.home, *arguments).exit_code == 2
    assert invoke(settings.home, "revoke", "abcd").exit_code == 1
    assert invoke(settings.home, "issue", ISSUER, "--kid", "A" * 11).exit_code == 1


def test_a_root_in_a_safe(settings: Settings, run: Run, tmp_path: Path) -> None:
    """The folder is carried to a machine without database, and back; the key never travels."""
    safe, folder = tmp_path / "safe", tmp_path / "carried"
    safe.mkdir()
    passphrase = tmp_path / "safe.passphrase"
    passphrase.write_bytes(b"of two officers")
    passphrase.chmod(0o600)
    bootstrap.make_passphrase(Settings(home=safe).keys_passphrase_file)
    store = f"file:{tmp_path}/safe-keys?kek=file:{passphrase}"
    there = ["--folder", str(folder)]
    run("init", "--title", "示例根", "--store", store, *there, home=safe)
    # On the installation: a request, signed by the department's key.
    asked = tmp_path / "request.pem"
    assert invoke(settings.home, "request", ISSUER, "--out", str(asked)).exit_code == 0
    # In the safe: nobody is certified unseen.
    refused = invoke(safe, "issue", "--request", str(asked), *there, text="n\n")
    assert refused.exit_code == 1
    assert "示例市市场监督管理局" in refused.output
    assert list((folder / "root" / "issued").iterdir()) == []
    said = invoke(safe, "issue", "--request", str(asked), *there, text="y\n").output
    assert "certsvc ca publish" in said
    assert invoke(safe, "issue", ISSUER, *there).exit_code == 2
    # Back: published, and checked; the worker leaves the root's list alone.
    shutil.copytree(folder, settings.authorities)
    assert run("publish")["outcome"] == "published"
    [root] = run("status")
    [leaf] = root["certificates"]
    assert root["online"] is False
    assert check(settings, leaf["kid"], leaf["until"] - 399 * 86_400).anchor
    keys, tree = open_keys(settings), PublishedTree(settings.published)
    assert heart_beat(settings.authorities, keys, tree, leaf["until"] - 399 * 86_400) == 0
    assert heart_beat(settings.authorities, keys, tree, root["list_until"]) == 0
    shutil.rmtree(tmp_path / "safe-keys")
    passphrase.unlink()
    assert run("crl", "--force") == {"renewed": [], "away": ["root"]}


def test_the_worker_renews_and_lists_stolen_keys(settings: Settings, run: Run) -> None:
    run("init", "--title", "示例根")
    made = run("issue", ISSUER)
    keys, tree = open_keys(settings), PublishedTree(settings.published)
    certificate = AuthorityFolder(settings.authorities).certificate("root")
    first = published_list(tree, "root", certificate)
    assert first is not None
    clock = float(first.start + 60)
    engine = make_engine(settings.database_url)
    worker = make_worker(settings, engine, keys, name="test", clock=lambda: clock)
    worker.run_once()
    assert published_list(tree, "root", certificate) == first
    keys.set_state(ISSUER, made["kid"], State.COMPROMISED, now=first.start + 61)
    clock += 120
    worker.run_once()
    second = published_list(tree, "root", certificate)
    assert second is not None
    assert [entry.reason for entry in second.entries.values()] == ["keyCompromise"]
    clock += 4 * 86_400
    worker.run_once()
    third = published_list(tree, "root", certificate)
    assert third is not None
    assert third.number > second.number > first.number
    assert third.entries == second.entries
    engine.dispose()


def test_files_over_http(settings: Settings, run: Run) -> None:
    run("init", "--title", "示例根")
    client = create_app(settings).test_client()
    for name, kind in (("root.crl", "application/pkix-crl"), ("root.cer", "application/pkix-cert")):
        answer = client.get(f"/x509/{name}")
        assert (answer.status_code, answer.content_type) == (200, kind)
        assert answer.data == (settings.published / "x509" / name).read_bytes()
        assert answer.headers["Cache-Control"] == "public, max-age=300"
    for name in ("root.key", "other.crl", "root", "..", ".crl"):
        assert client.get(f"/x509/{name}").status_code == 404


def test_a_backup_holds_authorities(settings: Settings, run: Run, tmp_path: Path) -> None:
    run("init", "--title", "示例根")
    made = run("issue", ISSUER)
    engine = make_engine(settings.database_url)
    make_backup(settings, engine, tmp_path / "b.certsvc", now=1_900_000_000, rng=bytes)
    engine.dispose()
    other = Settings(home=tmp_path / "other")
    empty = make_engine(other.database_url)
    restore(other, empty, tmp_path / "b.certsvc", now=1_900_000_000)
    empty.dispose()
    for name in ("ca/root/authority.cer", f"ca/root/issued/{made['serial']}.cer"):
        assert (other.home / name).read_bytes() == (settings.home / name).read_bytes()
    assert (other.published / "x509" / "root.crl").is_file()


PAGE = Path(__file__).parents[2] / "docs" / "x509.md"


def test_the_page_knows_every_command() -> None:
    known = set(cli.commands["ca"].commands)  # type: ignore[attr-defined]
    assert set(re.findall(r"certsvc ca (\w+)", PAGE.read_text())) == known


def test_the_pages_example_runs(
    settings: Settings, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run("init", "--title", "示例根")
    made = run("issue", ISSUER)
    published = settings.published / "x509"
    names = {
        "record": record_of(settings),
        "kid": made["kid"],
        "root": (published / "root.cer").read_bytes(),
        "lists": [(published / "root.crl").read_bytes()],
        "signed_at": made["to"] - 399 * 86_400,
        "now": made["to"] - 399 * 86_400,
    }
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    exec(example, names)  # noqa: S102 - the page's own example
    assert capsys.readouterr().out.startswith("示例市市场监督管理局 ")
