"""What is installed is what is meant: a lean SDK, a complete application, one version."""

import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICE_LIBRARIES = {"flask", "redis", "sqlalchemy", "alembic", "granian", "pydantic", "click"}


def project(path: str) -> dict:
    return tomllib.loads((ROOT / path).read_text(encoding="utf-8"))["project"]


def test_the_application_repeats_the_requirements_of_the_sdk() -> None:
    root, sdk = project("pyproject.toml"), project("sdk/pyproject.toml")
    wanted = set(sdk["dependencies"]) | set(sdk["optional-dependencies"]["image"])
    assert wanted <= set(root["dependencies"])


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_pin_with_hashes_and_name_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==[^ \n]+", text, re.MULTILINE)
    blocks = re.split(r"\n(?=[a-z])", text.strip())
    assert len(pins) == len(blocks)
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index" not in text


@pytest.mark.parametrize(
    ("lock", "extra"), [("requirements.lock", ()), ("requirements-dev.lock", ("dev",))]
)
def test_lock_files_hold_every_requirement(lock: str, extra: tuple[str, ...]) -> None:
    root = project("pyproject.toml")
    wanted = [*root["dependencies"], *(r for e in extra for r in root["optional-dependencies"][e])]
    pinned = set(
        re.findall(r"^([a-z0-9-]+)==", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)
    )
    names = {
        re.split(r"[<>=!~\[ ;]", requirement)[0].lower().replace("_", "-") for requirement in wanted
    }
    assert names <= pinned


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("dist")
    for source in (ROOT, ROOT / "sdk"):
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(source)],
            check=True,
            capture_output=True,
        )
    return {path.name.split("-")[0]: path for path in out.glob("*.whl")}


def test_the_wheels_hold_their_rooms(wheels: dict[str, Path]) -> None:
    inside = {name: zipfile.ZipFile(path).namelist() for name, path in wheels.items()}
    rooms = {entry.split("/")[0] for entry in inside["certsvc"] if ".dist-info" not in entry}
    assert rooms == {"certsvc", "keys", "verifier", "certsvc_sdk"}
    for needed in (
        "certsvc/openapi.yaml",
        "certsvc/demo/business-licence.jsonl",
        "certsvc_sdk/py.typed",
        "certsvc_sdk/qr/dictionaries/1-business-licence.bin",
        "certsvc_sdk/policy/policy.schema.json",
    ):
        assert needed in inside["certsvc"], needed
        if needed.startswith("certsvc_sdk/"):
            assert needed in inside["certsvc_sdk"], needed
    assert any(entry.startswith("certsvc/storage/migrations/") for entry in inside["certsvc"])
    assert any(entry.startswith("certsvc/catalogue/types/") for entry in inside["certsvc"])
    assert any(entry.startswith("verifier/templates/") for entry in inside["certsvc"])
    lean = {entry.split("/")[0] for entry in inside["certsvc_sdk"] if ".dist-info" not in entry}
    assert lean == {"certsvc_sdk"}


def test_the_sdk_alone_in_an_empty_environment_verifies(
    wheels: dict[str, Path], tmp_path: Path, issued_world: Path
) -> None:
    home = tmp_path / "empty"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", str(ROOT / "sdk")], check=True)
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], check=True, capture_output=True, text=True
    ).stdout.lower()
    assert not SERVICE_LIBRARIES & set(re.findall(r"^([a-z0-9-]+)==", listed, re.MULTILINE))
    text = (issued_world / "qr.txt").read_text(encoding="utf-8")
    done = subprocess.run(
        [
            home / "bin" / "certsvc-sdk",
            "verify",
            text,
            "--root",
            issued_world / "root.json",
            "--url",
            (issued_world / "published").as_uri() + "/",
            "--cache",
            tmp_path / "cache",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "证照有效" in done.stdout
