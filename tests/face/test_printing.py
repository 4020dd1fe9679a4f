"""The print check: no symbol is drawn so small that nobody could scan it."""

import io
import re

import pytest
from PIL import Image

from certsvc.face.errors import PrintTooSmall
from certsvc.face.printing import MIN_MODULE_MM, check_size, default_mm, smallest_mm
from certsvc.face.qr import Symbol, png, qr_symbol, svg

PREFIX = "https://certs.example/v#"
# Sides of versions 1 to 23 with the quiet zone.
SIDES = [17 + 4 * version + 8 for version in range(1, 24)]


def large() -> Symbol:
    """23-M: 117 modules with its quiet zone."""
    return qr_symbol(PREFIX, str(pow(7, 8000, 10**1990)).zfill(1990))


@pytest.mark.parametrize("side", SIDES)
def test_the_smallest_size_works_and_a_tenth_less_does_not(side: int) -> None:
    least = smallest_mm(side)
    assert least / side >= MIN_MODULE_MM - 1e-12
    assert (least - 0.1) / side < MIN_MODULE_MM
    assert round(least * 10) == pytest.approx(least * 10)
    assert check_size(side, least) == least
    with pytest.raises(PrintTooSmall) as caught:
        check_size(side, least - 0.1)
    assert caught.value.smallest_mm == least


@pytest.mark.parametrize(("side", "least"), [(29, 9.6), (97, 32.1), (100, 33.0), (117, 38.7)])
def test_known_sizes(side: int, least: float) -> None:
    assert smallest_mm(side) == least


@pytest.mark.parametrize("size", [0.0, -40.0, float("nan"), float("-inf"), 38.6, 38.69])
def test_what_is_no_size_is_too_small(size: float) -> None:
    with pytest.raises(PrintTooSmall, match=r"38\.7 mm") as caught:
        check_size(117, size)
    assert caught.value.code == "print_too_small"


def test_forty_millimetres_do_for_every_allowed_version() -> None:
    assert {default_mm(side) for side in SIDES} == {40.0}
    assert default_mm(130) == 42.9


def test_both_pictures_ask_the_check() -> None:
    symbol = large()
    assert symbol.side == 117
    for draw in (svg, png):
        with pytest.raises(PrintTooSmall):
            draw(symbol, size_mm=35)
    assert 'width="38.7mm" height="38.7mm"' in svg(symbol, size_mm=38.7)
    assert re.search(r'width="40mm"', svg(symbol))
    picture = Image.open(io.BytesIO(png(symbol, size_mm=60)))
    assert picture.width / picture.info["dpi"][0] * 25.4 == pytest.approx(60, abs=0.1)
