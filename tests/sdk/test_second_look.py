"""Where a code may lie, and the clearer pictures of it."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from certsvc.face import png, qr_symbol
from certsvc_sdk import scanning
from certsvc_sdk.errors import NoCodeFound
from certsvc_sdk.file_limits import MAX_SECOND_LOOKS, Budget
from certsvc_sdk.image import read_codes
from certsvc_sdk.second_look import MAX_AREAS, areas, looks

PREFIX = "https://certs.example/v#"
DIGITS = str(pow(7, 4 * 1990 + 10, 10**1990)).zfill(1990)
SCALES = (1.0, 0.5, 2.0)
PLACE = (1800, 2700)


def saved(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def code(side: int = 430, blur: float = 0.0) -> Image.Image:
    picture = Image.open(io.BytesIO(png(qr_symbol(PREFIX, DIGITS), scale=8))).convert("L")
    picture = picture.resize((side, side), Image.Resampling.BOX)
    return picture.filter(ImageFilter.GaussianBlur(blur)) if blur else picture


def page(*codes: Image.Image, ink: int = 40) -> Image.Image:
    """An A4 page at 300 dpi with text, and codes below it."""
    sheet = Image.new("L", (2480, 3508), 250)
    draw = ImageDraw.Draw(sheet)
    for top in range(300, 2500, 75):
        for left in range(220, 2200, 48):
            bend = (left * 7 + top * 3) % 23
            draw.line((left, top, left + 30, top + bend), fill=ink, width=4)
            draw.line((left + bend, top + 30, left + 25, top + 5), fill=ink, width=4)
    for number, picture in enumerate(codes):
        sheet.paste(picture, (PLACE[0] - 600 * number, PLACE[1]))
    return sheet


def test_the_code_of_a_page_is_found() -> None:
    found = areas(page(code()))
    assert len(found) <= MAX_AREAS
    left, top, right, bottom = PLACE[0] + 15, PLACE[1] + 15, PLACE[0] + 415, PLACE[1] + 415
    around = [box for box in found if box[0] <= left and box[1] <= top]
    assert any(box[2] >= right and box[3] >= bottom for box in around)
    assert all(max(box[2] - box[0], box[3] - box[1]) <= 1600 * 1.2 for box in found)


@pytest.mark.parametrize("picture", [Image.new("L", (2480, 3508), 255), page()])
def test_a_page_without_a_code_costs_no_looks(picture: Image.Image) -> None:
    assert areas(picture) == []
    assert list(looks(picture)) == []


def test_a_small_picture_is_one_area() -> None:
    assert areas(Image.new("L", (300, 800), 0)) == [(0, 0, 300, 800)]
    assert areas(Image.new("L", (1, 1), 0)) == [(0, 0, 1, 1)]
    assert [look.picture.size for look in looks(Image.new("L", (1, 1), 0))] == [(2, 2), (3, 3)]


def test_a_blurred_code_is_read_at_its_place() -> None:
    sheet = page(code(blur=2.0))
    assert not [one for one in scanning.scan(sheet, None, 1.0) if not one.is_broken]
    read = [one for one in read_codes(saved(sheet)) if not one.is_broken]
    assert [one.text for one in read] == [PREFIX + DIGITS]
    assert read[0].position is not None
    for edge, wanted in zip(read[0].position, (1815, 2715, 2215, 3115), strict=True):
        assert abs(edge - wanted) < 12


def noise(side: int, seed: int) -> Image.Image:
    field = np.random.RandomState(seed).normal(128, 60, (side, side))
    return Image.fromarray(np.clip(field, 0, 255).astype(np.uint8))


def test_a_noisy_code_is_read() -> None:
    """Smoothed and three times as large, where no plain look reads it."""
    rough = Image.blend(code(blur=1.2), noise(430, 1), 0.45)
    assert not [
        one
        for one in scanning.read_picture(rough, None, 1.0, SCALES, Budget(), again=False)
        if not one.is_broken
    ]
    assert [one.text for one in read_codes(saved(rough)) if not one.is_broken] == [PREFIX + DIGITS]


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, int]]]:
    """Sizes of what was scanned."""
    tried: list[tuple[int, int]] = []
    scan = scanning.scan

    def watching(picture: Image.Image, *rest: Any) -> Any:
        tried.append(picture.size)
        return scan(picture, *rest)

    monkeypatch.setattr(scanning, "scan", watching)
    return tried


def test_second_looks_of_a_file_are_limited(scans: list[tuple[int, int]]) -> None:
    blank, budget = Image.new("L", (200, 200), 255), Budget()
    for _ in range(MAX_SECOND_LOOKS):
        assert scanning.read_picture(blank, None, 1.0, (1.0,), budget) == []
    assert len(scans) == 2 * MAX_SECOND_LOOKS
    assert not budget.may_look_again()


def test_a_code_that_was_read_is_not_looked_at_again(scans: list[tuple[int, int]]) -> None:
    assert len(read_codes(saved(page(code())))) == 1
    assert scans == [(2480, 3508)]


def test_two_codes_of_which_one_is_blurred() -> None:
    other = Image.open(io.BytesIO(png(qr_symbol(PREFIX, DIGITS[:300]), scale=6))).convert("L")
    texts = {one.text for one in read_codes(saved(page(code(blur=2.0), other)))}
    assert PREFIX + DIGITS[:300] in texts


def test_nothing_is_found_in_noise() -> None:
    with pytest.raises(NoCodeFound):
        read_codes(saved(noise(700, 2)))
