"""docs/keys.md from its first block to its last: every command is run, in order, as it stands."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"
OFFICE = "11330106000000001B"
# The words for key ids, and which key of the office they mean.
STATES = {"现用": "active", "接替": "pre_published", "停用": "retired", "失密": "compromised"}
MINUTES = 3


@dataclass
class Line:
    """One command, what it must print, and why it must be refused."""

    command: str
    later: int
    shows: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def lines_of(page: str) -> Iterator[Line]:
    inside, later, line = False, 0, None
    for text in page.splitlines():
        if text.startswith("```"):
            inside = text == "```sh"
        elif found := re.fullmatch(r"<!-- later: (\d+) h -->", text):
            later = int(found[1])
        elif inside and text.startswith(("#>", "#!")):
            assert line is not None
            (line.shows if text[1] == ">" else line.refused).append(text[2:].strip())
        elif inside:
            if line is not None:
                yield line
            line = Line(text, later)
    if line is not None:
        yield line


class Operator:
    """Types the page's commands in a folder of his own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[str]] = []
        self.env = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
        }

    def type(self, line: Line, wait_until: Callable[..., None]) -> None:
        if found := re.fullmatch(r"export (\w+)=(.*)", line.command):
            self.env[found[1]] = found[2].replace("$PWD", str(self.folder))
            return
        command = self.filled(line.command)
        if command.endswith(" &"):
            self.start(command.removesuffix(" &"), wait_until)
            return
        done = self.run(command, line.later)
        said = done.stdout + done.stderr
        assert (done.returncode != 0) == bool(line.refused), f"{command}\n{said}"
        for text in (*line.shows, *line.refused):
            assert text in said, f"{command}\n{said}"

    def filled(self, command: str) -> str:
        for word in re.findall(r"<(\w+)>", command):
            found = self.run(f"certsvc keys list {OFFICE} --json", 0).stdout
            (kid,) = (
                key["kid"]
                for key in json.loads(found)
                if (key["purpose"], key["state"]) == ("certificate", STATES[word])
            )
            command = command.replace(f"<{word}>", kid)
        return command

    def run(self, command: str, later: int) -> subprocess.CompletedProcess[str]:
        clock = ["faketime", "-f", f"+{later}h"] if later else []
        return subprocess.run(
            [*clock, "bash", "-c", command],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60 * MINUTES,
        )

    def start(self, command: str, wait_until: Callable[..., None]) -> None:
        self.running.append(
            subprocess.Popen(
                command.split(),
                cwd=self.folder,
                env=self.env,
                text=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        wait_until((self.folder / "var" / "signer" / "signer.sock").exists, "the socket")

    def end(self) -> None:
        for process in self.running:
            process.terminate()
            process.wait()


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Operator]:
    if shutil.which("faketime") is None:
        reason = "faketime is not installed: python tests/system_packages.py"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    made = Operator(tmp_path)
    yield made
    made.end()


def test_every_command_of_the_guide(person: Operator, wait_until: Callable[..., None]) -> None:
    lines = list(lines_of(PAGE.read_text(encoding="utf-8")))
    assert len(lines) > 40
    for line in lines:
        person.type(line, wait_until)


def test_the_guide_walks_through_every_command_on_keys() -> None:
    from certsvc.cli.keys import keys

    text = PAGE.read_text(encoding="utf-8")
    for name in keys.commands:
        assert f"certsvc keys {name}" in text, name
