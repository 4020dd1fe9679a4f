"""Preset dictionaries: pinned, reproducible, free of anybody's record."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from certsvc_sdk.errors import FormatUnsupported
from certsvc_sdk.qr import dictionaries

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "dictionary_builder", ROOT / "sdk" / "dictionaries" / "build.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_files_come_from_their_sources(
    builder: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["build.py", "--check"])
    assert builder.main() == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_choices_multiply(builder: ModuleType) -> None:
    assert list(builder.expand("a<b|c>d<e|>")) == ["abde", "abd", "acde", "acd"]
    assert "北京市" in builder.choices("@province")
    assert "会计" in builder.choices("@occupation")


@pytest.mark.parametrize("number", [3, 99, 255, -1])
def test_an_unknown_dictionary_is_unsupported(number: int) -> None:
    with pytest.raises(FormatUnsupported):
        dictionaries.load(number)


def test_an_altered_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = dictionaries._Pinned("1-business-licence.bin", "00" * 32)
    monkeypatch.setitem(dictionaries._BUILT_IN, 7, pinned)
    with pytest.raises(FormatUnsupported, match="altered"):
        dictionaries.load(7)


def test_empty_dictionary() -> None:
    assert dictionaries.load(dictionaries.DICTIONARY_NONE) == b""


def test_no_text_of_a_record(samples: Path) -> None:
    """Names, numbers and streets of the sample records are not in the dictionaries."""
    known = dictionaries.load(1).decode() + dictionaries.load(2).decode()
    for line in (samples / "business-licences.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        street = re.sub(r"^.*[区市]", "", record["domicile"])[:4]
        for value in (record["name"], record["unified_social_credit_code"], street):
            assert value not in known
    for line in (samples / "households.jsonl").read_text("utf-8").splitlines():
        for member in json.loads(line)["members"]:
            assert member["citizen_id"] not in known
            assert member["date_of_birth"] not in known
