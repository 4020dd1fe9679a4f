"""The whole story by real processes: its log names nobody, and each of them can be asked."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# What stands in samples and in logs alike, and says nothing about anybody.
COMMON = {"business-licence", "household-register"}
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{20,}")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]], str]:
    """Home of a demo that was played with its log, the log's lines, and all the text of it."""
    home = tmp_path_factory.mktemp("operation") / "home"
    command = [sys.executable, "-m", "certsvc", "demo", "--logs", "--keep", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [
        text
        for _, mark, text in (line.partition('{"time":') for line in done.stdout.splitlines())
        if mark
    ]
    lines = [json.loads('{"time":' + text) for text in found]
    return home, lines, "\n".join(found)


def texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {text for inner in value.values() for text in texts(inner)}
    if isinstance(value, list):
        return {text for inner in value for text in texts(inner)}
    return {value} if isinstance(value, str) else set()


def test_the_log_of_the_whole_story_names_nobody(told: Any, samples: Path) -> None:
    home, lines, written = told
    loggers = {line["logger"] for line in lines}
    assert {"certsvc.access", "certsvc.worker"} <= loggers
    routes = {line.get("route") for line in lines}
    assert {"/v1/certificates", "/v1/verifications"} <= routes
    people = {
        text
        for path in samples.glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
        for text in texts(json.loads(line))
        if len(text) >= 3 and not re.fullmatch(r"[0-9-]{1,10}", text)
    }
    secrets = {text for path in (home / "demo").glob("*.client") for text in texts_of(path)}
    passphrase = (home / "keys.passphrase").read_text().strip()
    assert len(people) > 100
    assert secrets
    shown = [one for one in {*people, *secrets, passphrase} - COMMON if one in written]
    assert shown == []
    assert not _TOKEN.search(written)


def texts_of(path: Path) -> set[str]:
    """The secrets of a file of credentials."""
    return set(re.findall(r"[0-9a-f]{40,}", path.read_text()))


def test_every_line_of_a_request_has_its_id(told: Any) -> None:
    _, lines, _ = told
    for line in lines:
        if line["logger"] == "certsvc.access":
            assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", line["request_id"])
