"""What the hunt deletes, on small functions."""

import ast
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def mutation() -> ModuleType:
    path = Path(__file__).with_name("mutation.py")
    spec = importlib.util.spec_from_file_location("mutation", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutation"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made(mutation: ModuleType) -> Callable[[str], dict[str, str]]:
    """Name without its module -> text of the function without the check."""

    def make(source: str) -> dict[str, str]:
        found: list[Any] = list(mutation.mutants("m", source))
        return {one.name.removeprefix("m:"): ast.unparse(one.tree) for one in found}

    return make


def test_a_guard_never_refuses(made: Callable[[str], dict[str, str]]) -> None:
    mutants = made("def f(a, b):\n    if a or not b:\n        raise ValueError\n    return 1")
    assert "if False:" in mutants["f#guard a or not b"]
    assert "if not b:" in mutants["f#part a"]
    assert "if a:" in mutants["f#part not b"]
    assert len(mutants) == 3


def test_an_accepting_return_asks_less(made: Callable[[str], dict[str, str]]) -> None:
    mutants = made("def f(a, b):\n    return a and 0 < b < 9")
    assert mutants["f#part a"].endswith("return 0 < b < 9")
    assert mutants["f#part 0 < b < 9"].endswith("return a")
    assert mutants["f#part 0 < b"].endswith("return a and b < 9")
    assert mutants["f#part b < 9"].endswith("return a and 0 < b")


def test_a_numbered_check_passes(made: Callable[[str], dict[str, str]]) -> None:
    source = (
        "def f(sheet, ok, soft):\n"
        "    if ok:\n        sheet.passed('x')\n"
        "    else:\n        sheet.found('x', 'a' if soft else 'b')"
    )
    mutants = made(source)
    assert "sheet.found" not in mutants["f#found sheet.found('x', 'a' if soft else 'b')"]
    assert "if True:" in mutants["f#guard ok"]
    assert "'a' if False else 'b'" in mutants["f#choice 'a' if soft else 'b' is False"]


def test_a_foreign_error_goes_on(made: Callable[[str], dict[str, str]]) -> None:
    source = (
        "def f(g):\n    try:\n        g()\n"
        "    except KeyError as e:\n        raise ValueError from e"
    )
    (text,) = made(source).values()
    assert text.endswith("except KeyError as e:\n        raise")


def test_a_bound_name_stays_bound(made: Callable[[str], dict[str, str]]) -> None:
    mutants = made("def f(a):\n    if a or (b := len(a)) > 3:\n        raise ValueError(b)")
    assert "if a or not ((b := len(a)) > 3,):" in mutants["f#part (b := len(a)) > 3"]


def test_the_same_check_twice_has_two_names(made: Callable[[str], dict[str, str]]) -> None:
    mutants = made(
        "def f(a):\n    if a:\n        return None\n    if a:\n        return None\n    return a"
    )
    assert list(mutants) == ["f#guard a", "f#guard a (2)"]
