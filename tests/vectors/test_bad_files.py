"""The vectors are complete, each about another thing, of the documented form, and made anew."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from certsvc_sdk.codes import CODES, REASONS
from certsvc_sdk.steps import STEPS

BAD = Path(__file__).with_name("bad")
ROWS = [f"T{number:02}" for number in range(1, 44)]
# Vectors that the threat table asks for, where it names a number.
ASKED = {
    "T01": 40,
    "T02": 6,
    "T03": 20,
    "T04": 200,
    "T06": 6,
    "T07": 12,
    "T14": 30,
    "T16": 4,
    "T17": 12,
    "T18": 11,
    "T23": 40,
    "T30": 10,
    "T31": 15,
    "T34": 10,
    "T36": 8,
    "T38": 12,
    "T39": 30,
}
# What is judged beside the text: two vectors differ in one of these.
JUDGED = ("input", "now", "at", "policy", "trust", "records", "status_lists", "before", "nonces")


@pytest.fixture(scope="module")
def by_row(every_vector: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for vector in every_vector:
        found[vector.row].append(vector)
    return found


def _is_positive(vector: Any) -> bool:
    return bool(vector.expect["outcome"] == "VALID")


@pytest.mark.parametrize("row", ROWS)
def test_row_has_a_positive_and_three_negatives(row: str, by_row: dict[str, list[Any]]) -> None:
    negatives = [vector for vector in by_row[row] if not _is_positive(vector)]
    assert any(_is_positive(vector) for vector in by_row[row])
    assert len(negatives) >= max(3, ASKED.get(row, 0))


@pytest.mark.parametrize("row", ROWS)
def test_no_two_vectors_of_a_row_are_the_same(row: str, by_row: dict[str, list[Any]]) -> None:
    seen: dict[str, str] = {}
    for vector in by_row[row]:
        what = [vector.content["world"], *(vector.content.get(name) for name in JUDGED)]
        other = seen.setdefault(json.dumps(what, sort_keys=True), vector.name)
        # A positive may stand beside each group of negatives it belongs to.
        assert other == vector.name or _is_positive(vector), f"{vector.name} is {other}"


def test_every_code_of_every_check_has_a_vector(
    every_vector: list[Any], replay: ModuleType
) -> None:
    found = {
        (check.name, check.code)
        for vector in every_vector
        for check in replay.decide(vector).checks
        if check.code is not None
    }
    assert {(step.name, code) for step in STEPS for code in step.codes} == found
    assert {vector.expect["code"] for vector in every_vector} == set(CODES)


def test_every_reason_has_a_vector(every_vector: list[Any]) -> None:
    reasons = {reason for vector in every_vector for reason in vector.expect["reasons"]}
    assert reasons == set(REASONS)


def test_form(every_vector: list[Any]) -> None:
    schema = json.loads((BAD / "vector.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for vector in every_vector:
        validator.validate(vector.content)
        assert vector.name == f"{vector.row}-{vector.content['defect']}"
        assert _is_positive(vector) == ("-positive-" in vector.name)
        assert vector.content["world"] in {path.stem for path in (BAD / "worlds").iterdir()}, vector


def test_files_are_small_and_hold_no_private_key() -> None:
    files = [path for path in BAD.rglob("*") if path.is_file()]
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert len(text) < 32 * 1024, path.name
        # The one `d` there is, of zeros, is the defect of its vector.
        keys = re.findall(r'"d": "([^"]*)"', text)
        assert not [key for key in keys if set(key) != {"A"}], path.name
        assert "PRIVATE KEY" not in text


def test_files_are_what_the_generator_writes() -> None:
    done = subprocess.run(
        [sys.executable, str(BAD.with_name("make_bad")), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme_names_every_group_and_world() -> None:
    text = (BAD / "README.md").read_text(encoding="utf-8")
    for path in [*BAD.with_name("make_bad").glob("*.py"), *(BAD / "worlds").iterdir()]:
        if path.stem != "__main__":
            assert f"`{path.stem}" in text, path.name
