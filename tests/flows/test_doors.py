"""The commands a newcomer meets: init, up, reset, demo, and what they say when something is off."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from certsvc.cli.processes import StartFailed, answers, free_port, require_free_port


def certsvc(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "certsvc", *arguments],
        env={**os.environ, "CERTSVC_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=180,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("doors") / "var"
    done = certsvc("init", home=home)
    assert done.returncode == 0, done.stderr
    return home


def test_init_makes_private_files_and_is_repeatable(home: Path) -> None:
    for name in ("keys.passphrase", "demo/market.client", "demo/police.client"):
        assert (home / name).stat().st_mode & 0o777 == 0o600, name
    before = (home / "root.json").read_bytes()
    again = certsvc("init", home=home)
    assert again.returncode == 0
    assert "已建立" in again.stdout
    assert (home / "root.json").read_bytes() == before


def test_a_broken_off_init_goes_on(tmp_path: Path) -> None:
    home = tmp_path / "var"
    assert certsvc("init", home=home).returncode == 0
    keys = sorted(path.name for path in (home / "keys").rglob("*.json"))
    (home / "root.json").unlink()
    (home / "demo" / "market.client").unlink()
    assert certsvc("init", home=home).returncode == 0
    assert (home / "root.json").is_file()
    assert (home / "demo" / "market.client").is_file()
    assert sorted(path.name for path in (home / "keys").rglob("*.json")) == keys


def test_init_refuses_production(tmp_path: Path) -> None:
    done = certsvc("init", home=tmp_path / "var", CERTSVC_ENV="production")
    assert done.returncode == 78
    assert "CERTSVC_ENV" in done.stderr


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    done = certsvc("up", home=tmp_path / "var", CERTSVC_ISSUER_PORT="eight")
    assert done.returncode == 78
    assert "CERTSVC_ISSUER_PORT" in done.stderr
    assert not (tmp_path / "var").exists()


def test_a_busy_port_is_said_in_clear_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = certsvc("up", home=tmp_path / "var", CERTSVC_VERIFIER_PORT=port)
    assert done.returncode == 1
    assert port in done.stderr
    assert "CERTSVC_VERIFIER_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_up_serves_both_ports_and_ends_in_order(home: Path) -> None:
    issuer, verifier = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "certsvc", "up"],
        env={
            **os.environ,
            "CERTSVC_HOME": str(home),
            "CERTSVC_ISSUER_PORT": str(issuer),
            "CERTSVC_VERIFIER_PORT": str(verifier),
            "COLUMNS": "80",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        shown = read_until(process, "Ctrl-C")
        assert answers(f"http://127.0.0.1:{issuer}/readyz")
        assert answers(f"http://127.0.0.1:{verifier}/")
        assert f"http://127.0.0.1:{issuer}/" in shown
        assert "market:" in shown
        assert "█" in read_until(process, "▀")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
    assert process.returncode == 0, rest
    assert not answers(f"http://127.0.0.1:{issuer}/healthz")
    assert not answers(f"http://127.0.0.1:{verifier}/healthz")


def test_a_killed_up_leaves_nobody_on_its_ports(home: Path) -> None:
    ports = {"CERTSVC_ISSUER_PORT": free_port(), "CERTSVC_VERIFIER_PORT": free_port()}
    process = subprocess.Popen(
        [sys.executable, "-m", "certsvc", "up", "--no-qr"],
        env={**os.environ, "CERTSVC_HOME": str(home), **{k: str(v) for k, v in ports.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        read_until(process, "Ctrl-C")
        in_use = certsvc("reset", "--yes", home=home)
        assert (in_use.returncode, (home / "root.json").is_file()) == (1, True)
    finally:
        process.kill()
        process.communicate(timeout=60)
    pause, end = threading.Event(), time.monotonic() + 60
    while not all(is_free(port) for port in ports.values()):
        assert time.monotonic() < end, "a child outlived its supervisor"
        pause.wait(0.1)


def is_free(port: int) -> bool:
    try:
        require_free_port("127.0.0.1", port, "any", "ANY")
    except StartFailed:
        return False
    return True


def test_a_stray_module_in_the_working_directory_shadows_nothing(tmp_path: Path) -> None:
    (tmp_path / "keys.py").write_text("raise SystemExit('shadowed')")
    done = subprocess.run(
        [sys.executable, "-m", "certsvc", "init"],
        env={
            **{name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
            "CERTSVC_HOME": str(tmp_path / "var"),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def read_until(process: subprocess.Popen[str], mark: str) -> str:
    assert process.stdout is not None
    lines = []
    end = time.monotonic() + 90
    while time.monotonic() < end:
        line = process.stdout.readline()
        lines.append(line)
        if mark in line:
            return "".join(lines)
        assert line, "".join(lines)
    raise AssertionError("".join(lines))


def test_issue_reports_row_by_row_and_repeats_nothing(
    home: Path, samples: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    bad = ["issue", str(samples / "bad-business-licences.csv"), "--type", "business-licence"]
    done = certsvc(*bad, "--ignore-column", "expected_code", "--report", str(report), home=home)
    assert done.returncode == 1, done.stderr
    rows = json.loads(report.read_text("utf-8"))["rows"]
    assert [row["ok"] for row in rows] == [False] * 10
    assert {row["errors"][0]["code"] for row in rows} >= {"uscc_length", "date_order"}
    good = ["issue", str(samples / "households.jsonl"), "--type", "household-register"]
    first, second = certsvc(*good, home=home), certsvc(*good, home=home)
    assert "签发 issued 300" in first.stdout
    assert "签发 issued 0 · 此前已签发 already issued 300" in second.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--type", "driving-licence"], "type"),
        (["--type", "business-licence", "--issuer", "1" * 18], "--issuer"),
    ],
)
def test_issue_that_cannot_start_says_why(
    home: Path, samples: Path, arguments: list[str], words: str
) -> None:
    done = certsvc("issue", str(samples / "business-licences.csv"), *arguments, home=home)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_reset_removes_only_what_is_ours(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("not ours")
    done = certsvc("reset", "--yes", home=foreign)
    assert done.returncode == 1
    assert (foreign / "thesis.txt").is_file()
    mine = tmp_path / "var"
    assert certsvc("init", home=mine).returncode == 0
    assert certsvc("reset", "--yes", home=mine).returncode == 0
    assert not mine.exists()
    assert certsvc("reset", "--yes", home=mine).returncode == 0


def test_the_demo_tells_the_whole_story_as_often_as_asked(tmp_path: Path) -> None:
    for _ in range(2):
        done = certsvc("demo", "--keep", str(tmp_path / "kept"), home=tmp_path / "unused")
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("✔") == 17
        assert "✘" not in done.stdout


def test_the_demo_touches_nothing_of_a_configured_world(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    done = certsvc("demo", home=tmp_path / "unused", CERTSVC_DATABASE_URL=f"sqlite:///{other}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not other.exists()
