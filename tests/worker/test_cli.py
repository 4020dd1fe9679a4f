"""The command line's own parts, without services: errors in a line, children, calls, words."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import certsvc.cli as room
from certsvc import bootstrap
from certsvc.cli.demo import tell
from certsvc.cli.processes import StartFailed, Supervisor, free_port, require_free_port
from certsvc.cli.run import drawn_within, issuer_url, verifier_url
from certsvc.cli.stage import Stage, UnexpectedError, expect
from certsvc.service.settings import Settings


@pytest.fixture
def certsvc(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[object, str]]:
    """Function that runs the command and gives its exit code and what it wrote."""

    def run(*arguments: str, **environ: str) -> tuple[object, str]:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["certsvc", *arguments])
        with pytest.raises(SystemExit) as caught:
            room.main()
        written = capsys.readouterr()
        return caught.value.code, written.out + written.err

    return run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "数据 home"
    bootstrap.initialise(Settings(home=home), now=1_798_761_600, report=lambda _: None)
    return home


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["issue", "FILE", "--type", "T"]])
def test_a_wrong_passphrase_is_said_in_a_line(
    certsvc: Callable[..., tuple[object, str]], home: Path, samples: Path, command: list[str]
) -> None:
    (home / "keys.passphrase").write_text("wrong")
    names = {"FILE": str(samples / "business-licences.csv"), "T": "business-licence"}
    code, said = certsvc(*(names.get(one, one) for one in command), CERTSVC_HOME=str(home))
    assert code == 78
    assert "CERTSVC_KEYS_URL" in said
    assert "passphrase_wrong" in said


def test_a_home_that_cannot_be_made_is_said_in_a_line(
    certsvc: Callable[..., tuple[object, str]], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    code, said = certsvc("init", CERTSVC_HOME=str(tmp_path / "file"))
    assert code == 1
    assert str(tmp_path / "file") in said


def test_a_database_that_is_none_is_said_in_a_line(
    certsvc: Callable[..., tuple[object, str]], home: Path
) -> None:
    code, said = certsvc("serve", CERTSVC_HOME=str(home), CERTSVC_DATABASE_URL="foo://bar")
    assert code == 1
    assert "database_unavailable" in said


# --- children


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def supervisor(lines: list[str]) -> Iterator[Supervisor]:
    with Supervisor({"CERTSVC_HOME": "/ours"}, lines.append) as made:
        yield made


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Function that makes a module for `python -m`."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def make(name: str, text: str) -> str:
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return make


def test_children_see_our_settings_and_no_others(
    supervisor: Supervisor,
    lines: list[str],
    program: Callable[[str, str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CERTSVC_DATABASE_URL", "postgresql://production")
    name = program(
        "tell",
        "import os; print(sorted(f'{k}={v}' for k, v in os.environ.items() if 'CERTSVC' in k))",
    )
    child = supervisor.start("tell", name)
    child.process.wait(30)
    child.reader.join(30)
    assert "['CERTSVC_HOME=/ours', 'CERTSVC_SUPERVISED=1']" in lines[0]


def test_any_child_that_ends_ends_the_waiting(
    supervisor: Supervisor, program: Callable[[str, str], str]
) -> None:
    supervisor.start("worker", program("ends", "raise SystemExit(78)"))
    issuer = supervisor.start("issuer", program("stays", "import sys; sys.stdin.read()"))
    with pytest.raises(StartFailed, match=r"worker.*78"):
        supervisor.wait_until_ready(issuer, f"http://127.0.0.1:{free_port()}/")


def test_a_stubborn_child_is_killed(
    supervisor: Supervisor,
    lines: list[str],
    program: Callable[[str, str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("certsvc.cli.processes.GRACE_SECONDS", 0.2)
    text = "import signal, sys\nsignal.signal(15, signal.SIG_IGN)\nprint('up', flush=True)\n"
    child = supervisor.start("deaf", program("deaf", text + "while True: signal.pause()"))
    while not lines:
        child.reader.join(0.05)
    supervisor.stop()
    assert child.process.returncode == -9


def test_settings_reach_a_child_whole(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, issuer_port=18000, rate_per_second=2.5)
    assert Settings.from_env(settings.to_env()) == settings


# --- words and addresses


def test_addresses_to_call(tmp_path: Path) -> None:
    assert issuer_url(Settings(home=tmp_path, issuer_bind="::")) == "http://127.0.0.1:8000/"
    assert verifier_url(Settings(home=tmp_path, verifier_bind="::1")) == "http://[::1]:8001/"


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(StartFailed, match="CERTSVC_ISSUER_PORT"):
        require_free_port("192.0.2.1", 8000, "issuer", "CERTSVC_ISSUER_PORT")


LONG, SHORT = ("https://certs.example/v#" + "1234567890" * n for n in (120, 60))


@pytest.mark.parametrize(
    ("columns", "width"), [(300, 97), (97, 97), (96, 73), (73, 73), (72, None)]
)
def test_the_largest_symbol_is_drawn_that_fits(columns: int, width: int | None) -> None:
    drawn = drawn_within(columns, [LONG, SHORT])
    assert (None if drawn is None else max(map(len, drawn.splitlines()))) == width


def test_story_fails_where_something_else_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(_stage: Any) -> list[str]:
        expect("outcome", "INVALID", "VALID")
        return []

    chapters = (("对", "right", lambda _: ["yes"]), ("错", "wrong", wrong))
    monkeypatch.setattr(sys.modules["certsvc.cli.demo"], "CHAPTERS", chapters)
    assert tell(Stage(Settings(home=tmp_path))) == 1
    said = capsys.readouterr().out
    assert "✔" in said
    assert "outcome: 'INVALID', 应为 / expected 'VALID'" in said
    with pytest.raises(UnexpectedError):
        Stage(Settings(home=tmp_path)).department("driving-licence")
