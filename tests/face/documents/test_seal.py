"""Seal images: only a PNG of a sensible size is printed."""

import io

import pytest
from PIL import Image

from certsvc.face.errors import SealImageInvalid
from certsvc.face.seal import MAX_BYTES, SealImage


def _picture(form: str, size: tuple[int, int] = (300, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, form)
    return out.getvalue()


def test_keeps_its_proportions() -> None:
    seal = SealImage(png=_picture("PNG", (300, 150)), width_mm=40)
    assert seal.height_mm == 20
    assert 'width="40" height="20"' in seal.svg()


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        _picture("JPEG"),
        _picture("PNG")[:-30],
        _picture("PNG", (2001, 10)),
        _picture("PNG", (100, 300)),
        _picture("PNG") + bytes(MAX_BYTES),
    ],
    ids=["empty", "svg", "jpeg", "cut", "wide", "high", "large"],
)
def test_anything_else_is_refused(image: bytes) -> None:
    with pytest.raises(SealImageInvalid) as caught:
        SealImage(png=image, width_mm=40)
    assert caught.value.code == "seal_image_invalid"


@pytest.mark.parametrize("width", [0, 4.9, 45.1, float("nan"), float("inf")])
def test_width_is_bounded(width: float) -> None:
    with pytest.raises(SealImageInvalid):
        SealImage(png=_picture("PNG"), width_mm=width)
