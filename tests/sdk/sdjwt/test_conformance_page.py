"""docs/sd-jwt-conformance.md names code and tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/sd-jwt-conformance.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| section |")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_row_names_code_and_tests_that_exist(row: list[str]) -> None:
    section, requirement, where, tests = row
    assert section
    assert requirement
    paths = re.findall(r"`([\w/]+\.py)`", where)
    assert paths
    for path in paths:
        assert (ROOT / "sdk/certsvc_sdk" / path).is_file() or (ROOT / path).is_file(), path
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", tests)
    assert len(named) == tests.count("::") > 0
    for path, name in named:
        source = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert re.search(rf"^ *def {name}\(", source, re.MULTILINE), f"{path}::{name}"


def test_the_page_has_all_four_tables() -> None:
    assert len(ROWS) > 60
    assert PAGE.count("\n| section | requirement | where | test |\n") == 4
