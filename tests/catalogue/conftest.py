"""The built-in catalogue and one good record of each type."""

import copy
import csv
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from certsvc.catalogue import Catalogue, CertificateType, FieldError

Claims = dict[str, Any]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue.builtin()


@pytest.fixture(scope="session")
def licence(catalogue: Catalogue) -> CertificateType:
    return catalogue.get("business-licence")


@pytest.fixture(scope="session")
def household(catalogue: Catalogue) -> CertificateType:
    return catalogue.get("household-register")


@pytest.fixture(scope="session")
def today() -> date:
    """A day on which every sample record is in force."""
    return date(2026, 11, 22)


@pytest.fixture
def licence_claims(licence: CertificateType) -> Claims:
    return copy.deepcopy(licence.definition.example.claims)


@pytest.fixture
def household_claims(household: CertificateType) -> Claims:
    return copy.deepcopy(household.definition.example.claims)


@pytest.fixture(scope="session")
def lines(samples: Path) -> Callable[[str], list[Claims]]:
    """Function from the name of a JSON-lines sample file to its records."""

    def read(name: str) -> list[Claims]:
        text = (samples / name).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    return read


@pytest.fixture(scope="session")
def rows(samples: Path) -> Callable[[str], list[dict[str, str]]]:
    """Function from the name of a CSV sample file to its rows."""

    def read(name: str) -> list[dict[str, str]]:
        with (samples / name).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    return read


@pytest.fixture(scope="session")
def told() -> Callable[[list[FieldError]], list[tuple[str, str]]]:
    """Function from findings to (path, code) pairs."""
    return lambda errors: [(error.path, error.code) for error in errors]


@pytest.fixture
def licence_file(licence: CertificateType) -> Claims:
    """The built-in licence's type file as data, to be damaged."""
    dumped: Claims = licence.definition.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


@pytest.fixture
def household_file(household: CertificateType) -> Claims:
    """The built-in household extract's type file as data, to be damaged."""
    dumped: Claims = household.definition.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped
