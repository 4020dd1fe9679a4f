"""The table of promises names tests that exist, and every promise of this part."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
PROMISES = ["R02", "R05", "R06", "R07", "R08", "R10", "R11", "R12", "R13"]
PROMISES += ["R14", "R15", "R16", "R19", "R20"]
THREATS = [f"T{number}" for number in range(44, 57)]


def test_every_promise_has_its_row():
    rows = re.findall(r"^\| (R\d\d) \|.*\| (.*) \|$", PAGE, re.MULTILINE)
    assert set(PROMISES) <= {name for name, _ in rows}
    assert all("`" in shown for _, shown in rows)


def test_every_threat_to_keys_and_trust_has_its_row():
    assert re.findall(r"^\| (T\d\d) \|", PAGE, re.MULTILINE) == THREATS


def test_what_the_rows_name_exists():
    named = re.findall(r"`((?:tests|bench)/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > len(PROMISES)
    for path, test in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in text, f"{path}::{test}"


def test_every_test_of_this_folder_has_its_row():
    for path in Path(__file__).parent.glob("test_*.py"):
        for test in re.findall(
            r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert path.name == Path(__file__).name or f"::{test}`" in PAGE, test
