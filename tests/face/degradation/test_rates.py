"""The rates that must hold. DEGRADATION_SEEDS=20 takes the whole suite; here a slice of it."""

import os
from collections.abc import Iterator

import pytest
from degrading.rates import Rates, large, measure, small
from degrading.suite import PARAMETERS, SPLIT, TWELVE, VERSIONS, Case, cases

WANTED = PARAMETERS["required"]
NUMBER = int(os.environ.get("DEGRADATION_SEEDS", "0"))
WHOLE = pytest.mark.skipif(NUMBER < 5, reason="needs pictures enough: DEGRADATION_SEEDS=20")
# Two versions a level, so that each is met in every degradation.
SLICE = ((15, 19), (17, 21), (18, 23))


def a_slice() -> Iterator[Case]:
    """A picture of each degradation and level, of a small and a large version."""
    levels = ["usual", "poor", "edge", "2.5", "3"]
    for case in cases(1):
        if case.version in SLICE[levels.index(case.level) % 3]:
            yield case


@pytest.fixture(scope="module")
def rates() -> Rates:
    """Every picture, made and read."""
    if NUMBER:
        return measure(list(cases(NUMBER)))
    return measure(list(a_slice()), processes=1)


def missed(rates: Rates) -> str:
    return ", ".join(f"{c.group} {c.level} {c.version} {c.seed}" for c in rates.missed)


def test_the_slice_is_fair() -> None:
    chosen = list(a_slice())
    assert {case.group for case in chosen} == {*TWELVE, "photo", "resolution"}
    assert {case.version for case in chosen} == {15, 17, 18, 19, 21, 23}
    assert SPLIT == 18


def test_the_twelve_together(rates: Rates) -> None:
    assert rates.total(versions=small()).rate >= WANTED["up_to_split"], missed(rates)
    assert rates.total(versions=large()).rate >= WANTED["above_split"], missed(rates)


@WHOLE
@pytest.mark.parametrize("group", [*TWELVE, "photo"])
def test_each_degradation(rates: Rates, group: str) -> None:
    assert rates.total(groups=[group], versions=small()).rate >= WANTED["up_to_split"]
    assert rates.total(groups=[group], versions=large()).rate >= WANTED["above_split"]


@WHOLE
@pytest.mark.parametrize("version", VERSIONS)
def test_each_version(rates: Rates, version: int) -> None:
    wanted = WANTED["up_to_split"] if version <= SPLIT else WANTED["above_split"]
    assert rates.total(versions=[version]).rate >= wanted


def test_small_modules(rates: Rates) -> None:
    few = rates.total(groups=["resolution"], level="2.5")
    enough = rates.total(groups=["resolution"], level="3")
    assert few.of
    assert enough.of
    assert few.rate >= WANTED["module_2.5_px"]
    assert enough.rate == WANTED["module_3_px"]


def test_a_seal_over_the_code(rates: Rates) -> None:
    count = rates.total(groups=["seal"])
    assert count.of
    assert count.rate == WANTED["seal"], missed(rates)
