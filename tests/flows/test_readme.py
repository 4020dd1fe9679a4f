"""The README's words are run as they stand, against running services on other ports."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from certsvc.cli import cli

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def block_with(language: str, mark: str) -> str:
    return next(text for text in blocks(language) if mark in text)


@pytest.fixture(scope="module")
def place(world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout as the README's reader has it: var/ beside examples/ and tests/samples/."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "var").symlink_to(world.settings.home)
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copytree(ROOT / "tests" / "samples", folder / "tests" / "samples")
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "certsvc").symlink_to(Path(sys.executable).parent / "certsvc")
    return folder


def here(world, text: str) -> str:
    """The same words for the ports of this test's services."""
    return text.replace("127.0.0.1:8000", f"127.0.0.1:{world.settings.issuer_port}").replace(
        "127.0.0.1:8001", f"127.0.0.1:{world.settings.verifier_port}"
    )


def run(world, place: Path, command: list[str], **options: object) -> subprocess.CompletedProcess:
    environment = {
        **os.environ,
        "CERTSVC_HOME": str(world.settings.home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    return subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, timeout=120, **options
    )


def test_the_first_forty_lines_say_what_it_is() -> None:
    head = "\n".join(README.splitlines()[:40])
    for word in ("签发", "核验", "make run", "make demo", "make test", "`sdk/`", "`keys/`"):
        assert word in head, word


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_shell_example_issues_and_verifies(world, place: Path) -> None:
    example = here(world, block_with("sh", "curl"))
    done = run(world, place, ["bash", "-euo", "pipefail", "-c", example])
    assert done.returncode == 0, done.stderr
    assert '"outcome": "VALID"' in done.stdout or '"outcome":"VALID"' in done.stdout
    assert '"state": "revoked"' in done.stdout or '"state":"revoked"' in done.stdout
    assert (place / "licence.png").read_bytes().startswith(b"\x89PNG")


def test_the_file_example_issues_all_300(world, place: Path) -> None:
    example = block_with("sh", "certsvc issue")
    done = run(world, place, ["bash", "-euo", "pipefail", "-c", example])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "签发 issued 300" in done.stdout


def take_picture(world, place: Path) -> None:
    """Issue the README's licence and put its code where the examples look for it."""
    caller = world.department("business-licence")
    request = json.loads((ROOT / "examples" / "business-licence.json").read_text("utf-8"))
    answer = caller.post("v1/certificates", request, idempotency_key="readme-picture")
    assert answer.status == 201, answer.body
    picture = caller.get(f"v1/certificates/{answer.json()['id']}/qr.png").body
    (place / "licence.png").write_bytes(picture)


def test_the_python_example_accepts(world, place: Path) -> None:
    example = block_with("python", "from certsvc_sdk")
    assert len(example.rstrip("\n").splitlines()) <= 12
    take_picture(world, place)
    done = run(world, place, [sys.executable, "-c", here(world, example)])
    assert done.returncode == 0, done.stderr
    assert "VALID valid 证照有效" in done.stdout
    assert "示例市市场监督管理局" in done.stdout


def test_the_command_line_example(world, place: Path) -> None:
    command = re.search(r"^\$ (certsvc-sdk verify .*)$", README, re.MULTILINE)
    assert command is not None
    take_picture(world, place)
    done = run(world, place, ["bash", "-c", here(world, command[1])])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "证照有效" in done.stdout
    shown = README[command.end() :].split("  …\n```")[0].strip()
    of_their_day = re.compile(r"\d\d-\d\d \d\d:\d\d")
    assert of_their_day.sub("", shown) in of_their_day.sub("", done.stdout)


def test_every_named_document_and_command_exists() -> None:
    for link in re.findall(r"\]\(([^)#:]+?)\)", README):
        assert (ROOT / link).exists(), link
    for name in re.findall(r"`certsvc ([a-z]+)", README):
        assert name in cli.commands, name
