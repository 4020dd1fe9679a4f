"""The reader in plain JavaScript, in Node; and what the SDK says to the same text."""

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

from certsvc_sdk import qr
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.qr import dictionaries

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
MODULES = TESTS.parent / "verifier" / "static" / "qr"
LATER = 200  # a dictionary that no release knows
LATER_WORDS = b"later words" * 90

Answer = dict[str, Any]
Read = Callable[[Sequence[str]], list[Answer]]


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def _node() -> Path:
    spec = importlib.util.spec_from_file_location("reader_node", TESTS / "oracles" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    found: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found.find_node() or _missing("Node 20 or later")


@pytest.fixture(scope="session")
def node_reads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Function from texts to what the reader says in Node."""
    folder = tmp_path_factory.mktemp("dictionaries")
    for number in dictionaries.numbers():
        (folder / f"{number}").write_bytes(dictionaries.load(number))
    (folder / f"{LATER}").write_bytes(LATER_WORDS)
    process = subprocess.Popen(
        [_node(), "--no-warnings", HERE / "node.mjs", (MODULES / "reader.js").as_uri(), folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    def read(texts: Sequence[str]) -> list[Answer]:
        stdin.write(json.dumps(list(texts)).encode() + b"\n")
        stdin.flush()
        answers: list[Answer] = json.loads(stdout.readline())
        return answers

    yield read
    stdin.close()
    assert process.wait(20) == 0
    stdout.close()


def _later(number: int) -> bytes | None:
    return LATER_WORDS if number == LATER else None


@pytest.fixture(scope="session")
def sdk_reads() -> Callable[[str], Answer]:
    """Function from a text to what the SDK says, in the same words."""

    def read(text: str) -> Answer:
        try:
            found = qr.decode(text, later=_later)
        except CertsvcError as error:
            return {"code": error.code}
        seed = found.seed.hex() if found.seed else None
        return {"token": found.token, "seed": seed, "dictionary": found.dictionary}

    return read


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(
        (TESTS / "vectors" / "qr" / "frame-v1.json").read_text("utf-8")
    )
    return loaded


@pytest.fixture(scope="session")
def chromium() -> Path:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return Path(found) if found else _missing("chromium")
