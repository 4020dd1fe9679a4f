"""The parameters are the committed ones, and the pictures are what they say."""

import hashlib
import io
import math
from pathlib import Path

import numpy as np
import pytest
from degrading.camera import _disc
from degrading.rates import picture, sdk
from degrading.suite import PARAMETERS, SEEDS, TWELVE, VERSIONS, Case, Chance, cases
from degrading.symbols import by_version
from PIL import Image

FIXED = "d742e96ffb5426393daba87e6faf4ed82e8f29b9389422494173d7ec58231fdc"


def test_the_parameters_are_those_fixed_before_any_tuning() -> None:
    data = Path(__file__).with_name("parameters.json").read_bytes()
    assert hashlib.sha256(data).hexdigest() == FIXED


def test_the_suite_is_whole() -> None:
    assert len(TWELVE) == 12
    assert tuple(range(15, 24)) == VERSIONS
    assert len(set(SEEDS)) == 20
    whole = list(cases(len(SEEDS)))
    assert len(whole) == len(set(whole)) == (3 * 12 + 3 + 2) * 9 * 20


def test_every_version_has_codes_of_samples() -> None:
    found = by_version()
    assert all(len(found[version]) >= 20 for version in VERSIONS)


@pytest.mark.parametrize("group", [*TWELVE, "photo", "resolution"])
def test_pictures_repeat(group: str) -> None:
    case = next(cases(1, [18], [group]))
    text, data = picture(case)
    assert picture(case) == (text, data)
    assert sdk(data) == [text]


def test_another_seed_gives_another_picture() -> None:
    first, second = (picture(Case("seal", "poor", 18, seed))[1] for seed in SEEDS[:2])
    assert first != second


def test_the_code_is_as_large_as_agreed() -> None:
    """Between the corners of the outermost dark modules, without the quiet zone."""
    data = picture(Case("jpeg", "usual", 18, SEEDS[0]))[1]
    grey = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    middle = grey[grey.shape[0] // 2 - 120 : grey.shape[0] // 2 + 120]
    dark = np.flatnonzero((middle < 110).any(axis=0))
    assert dark[-1] - dark[0] == pytest.approx(PARAMETERS["side_px"] * 89 / 97, abs=10)


def test_a_disc_passes_what_optics_say() -> None:
    """First zero of 2 J1(2πx) / 2πx at x = 0.6098; at 0.25 it is 0.7217."""
    passed = _disc(np.array([0.0, 0.25, 0.6098, 2.0]))
    assert passed == pytest.approx([1, 0.7217, 0, 2 * -0.1 / 12], abs=0.02)
    assert math.isclose(passed[0], 1)


def test_chances_are_the_same_everywhere() -> None:
    chance = Chance("a", 1)
    assert [chance.below(1000) for _ in range(4)] == [341, 325, 240, 709]
