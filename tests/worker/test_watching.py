"""The watcher: it sees what a verifier sees, and complains of each thing that can be wrong."""

import json
import logging
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import certsvc.cli as room
from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.cli.watch import keep_watching
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.publishing import PublishedTree, StatusPublisher
from certsvc.service.engine import DatabaseUnavailable, make_engine, writing
from certsvc.service.principal import operator
from certsvc.service.settings import Settings
from certsvc.storage.tables import carried_status, log_head, status_list
from certsvc.watching.complaint import SENTENCES, Code
from certsvc.watching.watcher import PATIENCE, Watcher
from certsvc.worker import make_worker
from certsvc.worker.tenure import LEASE_TTL
from certsvc_sdk.holdings import Holdings
from certsvc_sdk.statuslist import INVALID, MutableStatusBits
from keys import open_store

MARKET = "119999000000000198"
NOW = 1_798_761_600


@dataclass
class Outside:
    """Published demo departments, a clock to set, and a watcher that reads the tree's files."""

    settings: Settings
    engine: Any
    keys: Any
    records: list[Any]
    now: float = NOW
    count: int = 0

    def clock(self) -> float:
        return self.now

    @property
    def tree(self) -> PublishedTree:
        return PublishedTree(self.settings.published)

    @property
    def service(self) -> IssuingService:
        return IssuingService(
            engine=self.engine,
            keys=self.keys,
            catalogue=Catalogue.builtin(),
            settings=self.settings,
            clock=self.clock,
        )

    def watcher(self, url: str | None = None) -> Watcher:
        self.count += 1
        holdings = Holdings(
            root=self.settings.trust_root.read_bytes(),
            url=url or f"{self.settings.published.absolute().as_uri()}/",
            folder=self.settings.home / f"watch-{self.count}",
            sources={},
            trust_refresh=1,
            status_refresh=None,
            offline=False,
        )
        return Watcher(self.engine, holdings, clock=self.clock)

    def publish(self) -> None:
        self.now += LEASE_TTL + 1
        make_worker(
            self.settings, self.engine, self.keys, name=f"w{self.now}", clock=self.clock
        ).run_once()

    def issue(self) -> str:
        self.count += 1
        request = IssueRequest(type="business-licence", claims=self.records[self.count])
        return self.service.issue(operator(MARKET), request, f"k{self.count}").certificate_id

    def change(self, certificate_id: str, operation: str = "revoke") -> None:
        reason = {"revoke": "cancelled"}.get(operation)
        self.service.change_status(
            operator(MARKET), certificate_id, operation, reason=reason, detail=None,
            idempotency_key=None,
        )  # fmt: skip

    def put(self, revoked: list[int], version: int) -> None:
        """Publish a list whatever the database says."""
        made = MutableStatusBits(131_072)
        made.fill([(index, INVALID) for index in revoked])
        self.tree.remove(f"status/{MARKET}/1")
        publisher = StatusPublisher(self.tree, self.keys, base_url=self.settings.public_url)
        fence = self.tree.fence()
        publisher.publish(MARKET, 1, made.freeze(), version, int(self.now), fence=fence)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A home that was set up once, and its opened key store: both are dear."""
    home = tmp_path_factory.mktemp("office") / "home"
    settings = Settings(home=home)
    bootstrap.initialise(settings, now=NOW, report=lambda _: None)
    return home, open_store(settings.keys_url, passphrase=settings.keys_passphrase())


@pytest.fixture
def outside(office: tuple[Path, Any], tmp_path: Path, samples: Path) -> Iterator[Outside]:
    home, keys = office
    settings = Settings(home=shutil.copytree(home, tmp_path / "home"))
    engine = make_engine(settings.database_url)
    lines = (samples / "business-licences.jsonl").read_text(encoding="utf-8").splitlines()
    made = Outside(settings, engine, keys, [json.loads(line) for line in lines[:20]])
    made.publish()
    yield made
    engine.dispose()


def codes(watcher: Watcher) -> list[str]:
    return sorted(one.code.value for one in watcher.look().complaints)


def test_where_all_is_well_it_says_nothing(outside: Outside) -> None:
    watcher = outside.watcher()
    for _ in range(2):
        report = watcher.look()
        assert report.complaints == ()
        assert report.numbers["lists"] == report.numbers["lists_read"] == 2
        outside.change(outside.issue())
        outside.publish()
    assert report.numbers["log_size"] >= 2
    assert codes(watcher) == []


def test_a_change_has_its_time_to_show(outside: Outside) -> None:
    watcher = outside.watcher()
    outside.change(outside.issue())
    outside.now += PATIENCE - 1
    assert codes(watcher) == []
    outside.now += 1
    assert codes(watcher) == ["change_not_shown", "log_behind"]
    outside.publish()
    assert codes(watcher) == []


def test_a_reader_who_is_shown_an_old_version(outside: Outside, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(outside.settings.published, mirror)
    watcher = outside.watcher(f"{mirror.as_uri()}/")
    outside.change(outside.issue())
    outside.publish()
    outside.now += PATIENCE
    assert codes(watcher) == ["change_not_shown", "list_behind", "log_behind"]


def test_a_list_that_goes_back(outside: Outside) -> None:
    watcher = outside.watcher()
    outside.change(outside.issue())
    outside.publish()
    assert codes(watcher) == []
    outside.put([], version=1)
    assert "list_went_back" in codes(watcher)
    # Under a higher version, too, a revocation must not vanish.
    outside.put([], version=9)
    assert {"list_went_back", "bits_differ"} >= set(codes(watcher)) >= {"list_went_back"}


def test_bits_that_say_something_else(outside: Outside) -> None:
    outside.change(outside.issue())
    outside.publish()
    outside.put([5], version=2)
    assert codes(outside.watcher()) == ["bits_differ"]


def test_what_was_carried_over_is_watched_too(outside: Outside) -> None:
    with writing(outside.engine) as connection:
        connection.execute(
            carried_status.insert().values(
                issuer_id=MARKET, list_no=1, list_index=77, status_value=1, carried_at=1
            )
        )
    assert codes(outside.watcher()) == ["bits_differ"]
    outside.put([77], version=1)
    assert codes(outside.watcher()) == []


@pytest.mark.parametrize("data", [None, b"x", "other"])
def test_what_is_no_list(outside: Outside, data: Any) -> None:
    tree, place = outside.tree, f"status/{MARKET}/1"
    if data is None:
        tree.remove(place)
    else:
        other = tree.read("status/119999000000000273/1") or b""
        tree.write(place, other if data == "other" else data)
    expected = "list_unreachable" if data is None else "list_not_genuine"
    assert codes(outside.watcher()) == [expected]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (300, []),
        (306, ["list_old"] * 2),
        (13 * 3600, ["list_expires_soon"] * 2 + ["list_old"] * 2),
    ],
)
def test_a_publisher_that_stands_still(outside: Outside, seconds: int, expected: list[str]) -> None:
    outside.now += seconds
    assert codes(outside.watcher()) == expected


def test_trust_data_that_ended_or_is_not_there(outside: Outside, tmp_path: Path) -> None:
    watcher = outside.watcher()
    assert codes(watcher) == []
    outside.now += 400 * 86_400
    assert "trust_expired" in codes(watcher)
    nothing = outside.watcher(f"{(tmp_path / 'nothing').as_uri()}/")
    assert codes(nothing) == ["trust_unavailable"]


def test_an_issuer_whom_nobody_knows(outside: Outside) -> None:
    with writing(outside.engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO issuer SELECT 'nobody', '119999000000000999', record, audit_seq,"
            " audit_hash, created_at, updated_at FROM issuer LIMIT 1"
        )
        connection.execute(
            status_list.insert().values(
                issuer_id="nobody", list_no=1, size=10, used=0, permutation_key=b"", version=1,
                published_version=1, created_at=1,
            )
        )  # fmt: skip
    assert codes(outside.watcher()) == ["issuer_missing"]


def test_the_log(outside: Outside) -> None:
    watcher = outside.watcher()
    outside.issue()
    before = outside.tree.read("log/checkpoint") or b""
    outside.publish()
    assert codes(watcher) == []
    newest = outside.tree.read("log/checkpoint") or b""
    outside.now += PATIENCE
    outside.tree.write("log/checkpoint", before)
    assert codes(watcher) == ["log_behind", "log_went_back"]
    outside.tree.write("log/checkpoint", b"x")
    assert codes(watcher) == ["log_not_genuine"]
    outside.tree.remove("log/checkpoint")
    assert codes(watcher) == ["log_unreachable"]
    outside.tree.write("log/checkpoint", newest)
    assert codes(watcher) == []
    with writing(outside.engine) as connection:
        connection.execute(log_head.update().values(size=99, published_size=99, published_at=1))
    assert codes(watcher) == ["log_behind"]


def test_every_code_has_its_words() -> None:
    assert set(SENTENCES) == set(Code)
    assert all(zh and en for zh, en in SENTENCES.values())


def test_the_page_lists_them_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "status.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    listed = {row[0].strip("`"): tuple(row[1:]) for row in rows if len(row) == 3}
    assert listed == {code.value: sentences for code, sentences in SENTENCES.items()}


# --- the command


@pytest.fixture
def command(
    outside: Outside, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[Any, str]]:
    """Function that runs `certsvc watch` by the test's clock and gives exit code and output."""
    # The package has a command of the module's name.
    monkeypatch.setattr(
        sys.modules["certsvc.cli.watch"], "time", SimpleNamespace(time=outside.clock)
    )

    def run(*arguments: str) -> tuple[Any, str]:
        url = f"{outside.settings.published.absolute().as_uri()}/"
        line = ["--home", str(outside.settings.home), "watch", "--url", url, *arguments]
        with pytest.raises(SystemExit) as caught:
            room.cli(line)
        written = capsys.readouterr()
        return caught.value.code, written.out + written.err

    return run


def test_once_by_command(outside: Outside, command: Callable[..., tuple[Any, str]]) -> None:
    code, said = command("--once")
    assert (code, "一切正常 / all is well" in said) == (0, True)
    outside.now += 310
    code, said = command("--once")
    assert code == 1
    assert said.count("list_old") == 2
    code, said = command("--once", "--json")
    found = json.loads(said)
    assert code == 1
    assert {one["code"] for one in found["complaints"]} == {"list_old"}
    assert found["numbers"]["oldest_list_seconds"] == 310
    assert command("--once", "--patience", "600")[0] == 0


class Stop(threading.Event):
    """Set after so many pauses; no pause is made."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self._rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:
        self._rounds -= 1
        if not self._rounds:
            self.set()
        return self.is_set()


def test_again_and_again(
    outside: Outside,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    watcher = outside.watcher()
    look, looks = watcher.look, iter([True, False, True])

    def look_or_fail() -> Any:
        if not next(looks):
            raise DatabaseUnavailable("the database cannot be read")
        return look()

    monkeypatch.setattr(watcher, "look", look_or_fail)
    outside.now += 310
    keep_watching(watcher, stop=Stop(3), interval=10, as_json=True)
    assert len(capsys.readouterr().out.splitlines()) == 2
    errors = [vars(one)["code"] for one in caplog.records if one.levelno == logging.ERROR]
    assert errors == ["list_old"] * 2 + ["database_unavailable"] + ["list_old"] * 2
    assert sum(one.getMessage().startswith("watched: ") for one in caplog.records) == 2


def test_without_a_trust_root_it_does_not_start(
    outside: Outside, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside.settings.trust_root.unlink()
    monkeypatch.setattr(
        sys, "argv", ["certsvc", "--home", str(outside.settings.home), "watch", "--once"]
    )
    with pytest.raises(SystemExit) as caught:
        room.main()
    assert caught.value.code == 78
    assert "CERTSVC_TRUST_ROOT" in capsys.readouterr().err
