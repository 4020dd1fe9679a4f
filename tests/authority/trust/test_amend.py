"""`certsvc trust amend`: what a record says of an office itself, changed like everything else."""

from typing import Any

import pytest
from click.testing import CliRunner

from certsvc.authority import trust_rights, trust_work
from certsvc.authority.records import Outcome
from certsvc.authority.trust_errors import ChangeRefused
from certsvc.cli import cli
from certsvc.publishing.errors import RecordRefused
from certsvc_sdk.trust import Level

NOW = 1_800_000_000
BASE = "https://certs.example/"
OFFICE = "113300000000000198"
HEIR = "113300000000000199"


@pytest.fixture
def province(begun: Any) -> Any:
    """Two offices of province 33, whose own offices officer p signs for."""
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    trust_work.delegate(begun.authority, "33-own", begun.holders("p"), now=NOW)
    begun.sign_and_publish("abp")
    begun.add(OFFICE, "business-licence")
    begun.add(HEIR)
    begun.sign_and_publish("p")
    return begun


def amend(world: Any, **changes: Any) -> Any:
    return trust_rights.amend(world.authority, OFFICE, changes, now=NOW)


def test_officers_read_and_sign_what_changes(province: Any) -> None:
    former = f"https://old.example/i/{OFFICE}"
    done, unknown = amend(
        province,
        names={"zh": "新名称", "en": "New name"},
        level=Level.PROVINCE,
        aliases=(former,),
        mirrors=("https://old.example/",),
        successor=f"{BASE}i/{HEIR}",
    )
    assert (done.outcome, unknown) == (Outcome.STAGED, ())
    said = " ".join(en for _, en in province.request().words["33-own"])
    for word in (former, "https://old.example/", HEIR, "New name", "level: city -> province"):
        assert word in said
    province.sign_and_publish("p")
    record = province.reader().record(OFFICE)
    assert (record.aliases, record.mirrors) == ((former,), ("https://old.example/",))
    assert (record.successor, record.names["zh"]) == (f"{BASE}i/{HEIR}", "新名称")
    assert len(record.rights) == 1
    # What is left out stays; what is taken away goes.
    amend(province, successor=None, mirrors=())
    province.sign_and_publish("p")
    record = province.reader().record(OFFICE)
    assert (record.successor, record.mirrors, record.aliases) == (None, (), (former,))


def test_a_successor_that_nobody_finds_is_told(province: Any) -> None:
    missing = f"{BASE}i/113300000000000270"
    assert amend(province, successor=missing)[1] == (missing,)


@pytest.mark.parametrize(
    "changes",
    [
        {"aliases": (f"https://old.example/i/{HEIR}",)},
        {"aliases": ("https://old.example/",)},
        {"successor": f"{BASE}i/{OFFICE}"},
        {"successor": "nobody"},
    ],
    ids=["another office's identifier", "no identifier", "itself", "no address"],
)
def test_what_no_reader_could_follow(province: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(ChangeRefused):
        amend(province, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"mirrors": ("http://old.example/",)},
        {"mirrors": ("https://old.example/no-folder",)},
        {"names": {"zh": "名\u202e称", "en": "x"}},
    ],
    ids=["plain http", "no folder", "control character"],
)
def test_what_every_verifier_would_refuse(province: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(RecordRefused):
        amend(province, **changes)


def test_as_it_is_typed(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTSVC_HOME", str(world.folder / "cli"))
    monkeypatch.setenv("CERTSVC_PUBLIC_URL", BASE)

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, ["trust", *arguments])
        assert done.exit_code == code, done.output
        return done.output

    office, heir = "11330100000000010J", "11330100000000011M"
    run("init")
    run("delegate", "330100")
    for uscc in (office, heir):
        run("add-issuer", uscc, "--name-zh", "示例局", "--name-en", "Office")
    said = run("amend", office, "--successor", "11330100000000012Q")
    assert "does not have https://certs.example/i/11330100000000012Q" in said
    said = run("amend", office, "--successor", heir, "--name-en", "Former office")
    assert "published" in said
    assert "note" not in said
    old = f"https://old.example/i/{office}"
    run("amend", office, "--alias", old, "--mirror", "https://old.example/")
    assert "nothing changed" in run("amend", office, "--alias", old)
    run("amend", office, "--no-alias", old, "--no-successor", "--level", "city")
    assert "no https://x.example/" in run(
        "amend", office, "--no-mirror", "https://x.example/", code=1
    )
    run("amend", office, code=1)
    run("amend", office, "--successor", heir, "--no-successor", code=2)
