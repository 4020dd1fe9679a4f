"""Which modules are hunted, and which of their functions only write."""

import ast
import json
from fnmatch import fnmatchcase
from pathlib import Path

from mutation import Mutant, module_name, mutants

SDK = Path(__file__).parents[2] / "sdk"
EQUIVALENTS = Path(__file__).with_name("equivalents.json")
# Everything between a text that arrives and a verdict.
READING = (
    "authentication.py",
    "facts.py",
    "jws.py",
    "log_trust.py",
    "past.py",
    "status.py",
    "statuslist.py",
    "steps.py",
    "verify.py",
    "world.py",
    "algorithms/*.py",
    "log/base64.py",
    "log/checkpoint.py",
    "log/history.py",
    "log/leaf.py",
    "log/merkle.py",
    "log/note.py",
    "log/proof.py",
    "log/view.py",
    "qr/*.py",
    "sdjwt/*.py",
    "strict/*.py",
    "trust/fields.py",
    "trust/keyrecord.py",
    "trust/record.py",
    "trust/right.py",
    "trust/urls.py",
)


def files() -> dict[str, Path]:
    """Dotted name -> file of every module that is hunted."""
    package = SDK / "certsvc_sdk"
    found = sorted({path for pattern in READING for path in package.glob(pattern)})
    return {module_name(path, SDK): path for path in found}


def all_mutants() -> list[Mutant]:
    """Every mutant of every module."""
    return [
        mutant
        for module, path in files().items()
        for mutant in mutants(module, path.read_text(encoding="utf-8"))
    ]


def unchanged() -> Mutant:
    """A module as it is: all vectors must pass, or the hunt proves nothing."""
    module, path = next(iter(files().items()))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return Mutant("(unchanged)", module, "none", None, (), tree)


def excused() -> dict[str, str]:
    """Pattern of mutant names -> why its survival is right."""
    listed = json.loads(EQUIVALENTS.read_text(encoding="utf-8"))
    return {pattern: group["reason"] for group in listed for pattern in group["mutants"]}


def excuse(name: str, patterns: dict[str, str]) -> str | None:
    """Why this mutant may survive, None where it may not."""
    for pattern, reason in patterns.items():
        if name == pattern or fnmatchcase(name, _literal(pattern)):
            return reason
    return None


def _literal(pattern: str) -> str:
    """Only `*` is special in a pattern."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
