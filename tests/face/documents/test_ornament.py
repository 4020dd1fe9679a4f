"""Ornaments: the same for the same type, different for another, inside the paper."""

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from certsvc.face.ornament import EDGE_MM, PALETTES, Seed, border, rosette

NAMES = ("business-licence", "household-register", "food-permit", "marriage", "road-transport")
JADE = PALETTES["jade"]


def test_each_type_has_its_own_border_and_rosette() -> None:
    for draw in (
        lambda name: border(name, JADE, width=297, height=210),
        lambda name: rosette(name, JADE.tint, radius=68),
    ):
        made = {name: draw(name) for name in NAMES}
        assert made == {name: draw(name) for name in NAMES}
        for one, other in combinations(NAMES, 2):
            assert made[one] != made[other]


def _points(svg: str) -> list[tuple[float, float]]:
    path = "".join(re.findall(r' d="([^"]*)"', svg))
    numbers = [float(one) for one in re.findall(r"-?\d+(?:\.\d+)?", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@pytest.mark.parametrize("size", [(297, 210), (210, 297)])
def test_border_stays_on_paper_and_out_of_the_text(size: tuple[int, int]) -> None:
    width, height = size
    for name in NAMES:
        svg = border(name, JADE, width=width, height=height)
        ElementTree.fromstring(svg)  # noqa: S314 - our own drawing
        points = _points(svg)
        assert len(points) > 1000
        for x, y in points:
            assert 5 <= x <= width - 5
            assert 5 <= y <= height - 5
            # The text begins 22 mm from the edge, the discs at the corners end before.
            assert min(x, y, width - x, height - y) <= EDGE_MM + 12


def test_rosette_stays_in_its_square() -> None:
    # Control points of a curve lie a little outside it.
    for name in NAMES:
        assert all(
            -2 <= x <= 138 and -2 <= y <= 138
            for x, y in _points(rosette(name, JADE.tint, radius=68))
        )


def test_seed_picks_the_same_palette_each_time() -> None:
    assert {Seed(name).palette() for name in NAMES} <= set(PALETTES)
    assert Seed("a").palette() == Seed("a").palette()
    assert len({Seed(f"type-{number}").palette() for number in range(40)}) == len(PALETTES)


def test_ink_is_dark_and_tint_is_faint_in_every_palette() -> None:
    def light(colour: str) -> float:
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for colours in PALETTES.values():
        assert light(colours.ink) < 45
        assert light(colours.accent) < 110
        assert light(colours.tint) > 215
