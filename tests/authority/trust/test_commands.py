"""`certsvc trust` as operators and officers type it, from the first key to the last signature."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from certsvc.cli import cli
from certsvc.service.engine import make_engine, reading
from certsvc.service.settings import Settings
from certsvc.storage.issuers import Issuers

OFFICE = "113300000000000199"

ROOT = ("--root", "var/root.json")

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CERTSVC_HOME", str(tmp_path / "var"))
    (tmp_path / "pass").write_text("a passphrase\n")

    def invoke(*arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(cli, ["trust", *arguments])
        assert done.exit_code == code, done.output
        return done

    return invoke


@pytest.fixture
def officer(run: Run) -> Callable[[str], str]:
    """Makes an officer's key; returns the public key file."""

    def make(name: str) -> str:
        store = ("--store", f"file:off-{name}", "--passphrase-file", "pass")
        run("key", *store, "--name", name, "--out", f"{name}.pub")
        return f"{name}.pub"

    return make


@pytest.fixture
def sign(run: Run) -> Callable[..., Result]:
    """Copies the staged request out, and lets officers sign it one after another."""

    def signed(names: str, *options: str, code: int = 0) -> Result:
        carried = Path("var/trust-staging/request.json").read_bytes()
        Path("carried.json").write_bytes(carried)
        done = None
        for name in names:
            store = ("--store", f"file:off-{name}", "--passphrase-file", "pass")
            done = run("sign", "carried.json", *store, *options, code=code)
        assert done is not None
        return done

    return signed


@pytest.fixture
def ceremony(run: Run, officer: Callable[[str], str], sign: Callable[..., Result]) -> Run:
    keys = [officer(name) for name in "ab"]
    roots = [word for key in keys for word in ("--root-key", key)]
    targets = [word for key in keys for word in ("--targets-key", key)]
    done = run("init", *roots, *targets, "--root-threshold", "2", "--targets-threshold", "1")
    assert "request.json" in done.output
    sign("ab", "--yes")
    assert "published: root" in run("publish", "carried.json").output
    return run


def test_a_year_of_an_operator(
    ceremony: Run, officer: Callable[[str], str], sign: Callable[..., Result]
) -> None:
    run = ceremony
    run("delegate", "33", "--key", officer("p"))
    said = sign("ap", "--yes", *ROOT)
    assert "issuers/33*/*" in said.output
    found = json.loads(run("publish", "carried.json", "--json").output)
    assert (found["published"], found["waiting"]) == (["33", "targets"], [])
    run("delegate", "33-own")
    sign("p", "--yes", *ROOT)
    run("publish", "carried.json")
    names = ("--name-zh", "浙江示例厅", "--name-en", "Example Department", "--level", "province")
    assert "published" in run("add-issuer", OFFICE, *names, "--type", "business-licence").output
    refused = run("grant", OFFICE, "--type", "household-register", "--from", "2020-01-01", code=1)
    assert "right_too_soon" in refused.output
    run("grant", OFFICE, "--type", "household-register", "--to", "2099-01-01", "--max-days", "30")
    run("grant", OFFICE, "--type", "no-such", code=1)
    run("grant", OFFICE, "--type", "business-licence", "--from", "tomorrow", code=1)
    run("revoke-right", OFFICE, "--type", "household-register")
    run("revoke-right", OFFICE, "--type", "household-register", code=1)
    engine = make_engine(Settings(home=Path("var")).database_url)
    with reading(engine) as connection:
        record = json.loads(Issuers(connection).get(OFFICE).record)
    engine.dispose()
    assert [right["vct"].rpartition("/")[2] for right in record["rights"]] == ["business-licence"]
    run("remove-issuer", OFFICE, "--yes")
    run("remove-issuer", OFFICE, "--yes", code=1)
    status = json.loads(run("status", "--json").output)
    assert [role["name"] for role in status["roles"]][-2:] == ["33", "33-own"]


def test_offices_from_a_file(
    run: Run, tmp_path: Path, ceremony: Run, sign: Callable[..., Result]
) -> None:
    run("delegate", "33")
    sign("a", "--yes", *ROOT)
    run("publish", "carried.json")
    rows = [
        {"uscc": uscc, "name_zh": f"示例{n}", "name_en": f"Office {n}"}
        for n, uscc in enumerate(("11330100000000010J", "11330100000000011M", "11330100000000012Q"))
    ]
    source = tmp_path / "offices.jsonl"
    lines = [json.dumps({**row, "types": ["business-licence"]}) for row in rows]
    source.write_text("\n".join(lines), encoding="utf-8")
    run("add-issuer", "--file", str(source), "--level", "city")
    assert "3 机关" in run("status").output
    source.write_text("{", encoding="utf-8")
    assert "offices.jsonl:1" in run("add-issuer", "--file", str(source), code=1).output
    run("add-issuer", code=2)
    wrong = ("11330100000000010K", "--name-zh", "示例", "--name-en", "Office")
    assert "check character" in run("add-issuer", *wrong, code=1).output


def test_what_waits_is_seen_and_withdrawn(ceremony: Run, sign: Callable[..., Result]) -> None:
    run = ceremony
    run("renew", "targets")
    run("rotate-root", "--online-keys")
    output = run("status").output
    assert "waiting: root v2  0/2" in output
    assert "waiting: targets v2  0/1" in output
    sign("a", "--yes", *ROOT)
    output = run("publish", "carried.json").output
    assert "published: targets" in output
    assert "still waiting: root v2 1/2" in output
    run("withdraw", "--yes")
    run("withdraw", "--yes", code=1)
    run("undelegate", "33", "--yes", code=1)


def test_a_hostile_request_is_refused_in_a_line(
    ceremony: Run, sign: Callable[..., Result], tmp_path: Path
) -> None:
    run = ceremony
    run("renew", "targets")
    path = tmp_path / "var/trust-staging/request.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("仅续期", "无变化"), encoding="utf-8")
    assert "request_refused" in sign("a", "--yes", *ROOT, code=1).output
    path.write_text(text, encoding="utf-8")
    # Whoever is asked may say no.
    assert "Aborted" in sign("a", code=1).output
    assert Path("carried.json").read_text(encoding="utf-8") == text


def test_a_script_does_not_sign_under_a_root_nobody_knows(
    ceremony: Run, sign: Callable[..., Result]
) -> None:
    """Another installation's request looks as good; only the known root tells them apart."""
    run = ceremony
    run("renew", "targets")
    assert "root_unchecked" in sign("a", "--yes", code=1).output
    assert "root was not checked" in sign("a", code=1).output
    sign("a", "--yes", *ROOT, "--any-root", code=2)
    assert "root was not checked" in sign("a", "--yes", "--any-root").output
    run("publish", "carried.json")


def test_a_demo_needs_no_officers(run: Run) -> None:
    assert "published" in run("init").output
    assert "online" in run("status").output
    run("init", code=1)


def test_production_needs_officers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTSVC_ENV", "production")
    assert "production needs officers" in run("init", code=1).output


def test_public_key_files_are_checked(run: Run, officer: Any, tmp_path: Path) -> None:
    name = officer("a")
    good = json.loads(Path(name).read_text(encoding="utf-8"))
    for change in ({"keyid": "0" * 64}, {"format": "x"}, {"name": ""}, {"public": "AA"}):
        (tmp_path / "bad.pub").write_text(json.dumps({**good, **change}), encoding="utf-8")
        run("init", "--root-key", "bad.pub", "--targets-key", "a.pub", code=1)
    twice = ("--root-key", "a.pub", "--root-key", "a.pub", "--targets-key", "a.pub")
    run("init", *twice, code=1)


def test_every_refusal_has_its_sentences_and_its_line_in_the_page() -> None:
    from certsvc.authority.trust_errors import TrustWorkError
    from certsvc.cli.trust_refusals import SENTENCES

    assert {each.code for each in TrustWorkError.__subclasses__()} == set(SENTENCES)
    page = (Path(__file__).parents[3] / "docs" / "trust.md").read_text(encoding="utf-8")
    for code, (chinese, english) in SENTENCES.items():
        assert f"| `{code}` | {chinese} · {english} |" in page


def test_a_refusal_says_what_to_do(run: Run) -> None:
    run("init")
    Path("other.json").write_text("{}")
    said = run("publish", "other.json", code=1).output
    assert "refused: request_malformed" in said
    assert "trust withdraw" in said
