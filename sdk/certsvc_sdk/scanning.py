"""Codes in one picture (extra `image`: Pillow, zxing-cpp).

A picture is read in gray, then in its red channel alone (a red seal over a code vanishes there),
then at other sizes, until every symbol that was seen has been read; at last the places where a
code may lie are looked at again, sharpened and smoothed. Symbols that were seen and never read are
reported too. The text of a code is its bytes; character sets that a symbol declares for
itself (ECI, Kanji) are not followed, so that no two readers see two texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import zxingcpp
from PIL import Image

from certsvc_sdk.errors import FileTooLarge
from certsvc_sdk.file_limits import MAX_PIXELS, MAX_SIDE, Budget
from certsvc_sdk.second_look import Look, looks

#: What a file holds a certificate by.
Kind = Literal["qr", "attachment", "barcode"]
Position = tuple[int, int, int, int]

# All QR symbols, micro and rectangular ones too: those are never ours, and are reported so.
_QR: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
# The typed code's second form.
_BARCODE: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.Code128)
# Pixels: version 1 has 21 modules a side.
_MIN_SYMBOL: Final = 21
# A square seen from the side; beyond it nothing is read.
_MAX_RATIO: Final = 3
# Part of the smaller box from which on two looks saw one symbol.
_SAME_PLACE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Code:
    """A code in a file.

    Attributes:
        page: page from 1 in a PDF or TIFF; None in any other image, and for attachments.
        position: left, top, right, bottom of its box: pixels of the upright image, or points
            (1/72 inch) from the top left corner of a PDF page; None for attachments.
        text: what the code says; empty where it cannot be read.
        kind: `qr`, `attachment` or `barcode`.
        name: file name of an attachment.
        is_broken: a symbol was seen and could not be read.
    """

    page: int | None
    position: Position | None
    # Out of every log: it is somebody's certificate.
    text: str = field(repr=False)
    kind: Kind = "qr"
    name: str | None = None
    is_broken: bool = False


def read_picture(
    image: Image.Image,
    page: int | None,
    unit: float,
    scales: Sequence[float],
    budget: Budget,
    *,
    again: bool = True,
) -> list[Code]:
    """Read the QR codes of a picture.

    Args:
        image: upright picture, "L" or "RGB".
        page: page number of the codes.
        unit: length of a pixel's side in the unit of `Code.position`.
        scales: sizes to try, 1.0 being the picture's own.
        budget: time for the file.
        again: give places that look like a code a second look.

    Returns:
        The codes; broken ones among them where no attempt read them.

    Raises:
        FileTooLarge: the time is used up, or the picture fits the limits at no scale.
    """
    tried, seen = False, list[Code]()
    for scale in scales:
        size = (round(image.width * scale), round(image.height * scale))
        if not all(size) or size[0] * size[1] > MAX_PIXELS or max(size) > MAX_SIDE:
            continue
        tried = True
        scaled = image if scale == 1.0 else image.resize(size, Image.Resampling.BICUBIC)
        for channel in ("L", "R"):
            budget.check()
            if channel == "R" and scaled.mode != "RGB":
                continue
            gray = scaled.convert("L") if channel == "L" else scaled.getchannel("R")
            seen = merged(seen, scan(gray, page, unit / scale))
            if seen and not any(code.is_broken for code in seen):
                return seen
    if not tried:
        raise FileTooLarge(f"a side of the image has more than {MAX_SIDE} pixels")
    return _second_looks(image, page, unit, seen, budget) if again else seen


def _second_looks(
    image: Image.Image, page: int | None, unit: float, seen: list[Code], budget: Budget
) -> list[Code]:
    """Look again at the places where a code may lie; arguments as `read_picture`."""
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        return seen
    for look in looks(image.convert("L")):
        if not budget.may_look_again():
            break
        budget.check()
        found = scan(look.picture, page, unit / look.scale)
        # A symbol that only a second look saw, and could not read, is a pattern of the sharpening.
        seen = merged(seen, [_moved(code, look, unit) for code in found if not code.is_broken])
        if seen and not any(code.is_broken for code in seen):
            break
    return seen


def _moved(code: Code, look: Look, unit: float) -> Code:
    """Give a code of a cut-out its place in the whole picture."""
    if code.position is None:
        return code
    left, top, right, bottom = code.position
    across, down = round(look.left * unit), round(look.top * unit)
    return replace(code, position=(left + across, top + down, right + across, bottom + down))


def scan(image: Image.Image, page: int | None, unit: float) -> list[Code]:
    """Read a gray picture once; arguments as `read_picture`."""
    found = zxingcpp.read_barcodes(image, formats=_QR, return_errors=True)
    codes = [
        _code(barcode, "qr", page, unit)
        for barcode in found
        if barcode.valid or _is_symbol(barcode, image)
    ]
    return merged((), codes)


def _is_symbol(barcode: zxingcpp.Barcode, image: Image.Image) -> bool:
    """Tell whether what could not be read is a symbol, and not three corners of several.

    The corner of a symbol that cannot be read looks like a micro symbol that cannot be.
    """
    left, top, right, bottom = _box(barcode, 1.0)
    inside = left >= 0 and top >= 0 and right <= image.width and bottom <= image.height
    sides = right - left, bottom - top
    is_square = min(sides) >= _MIN_SYMBOL and max(sides) <= _MAX_RATIO * min(sides)
    return barcode.format == zxingcpp.BarcodeFormat.QRCode and inside and is_square


def scan_barcodes(image: Image.Image, page: int | None, unit: float) -> list[Code]:
    """Read the one-dimensional codes (Code 128) of a gray picture; arguments as `read_picture`."""
    found = zxingcpp.read_barcodes(image, formats=_BARCODE, try_downscale=False)
    return [_code(barcode, "barcode", page, unit) for barcode in found]


def merged(before: Sequence[Code], now: Sequence[Code]) -> list[Code]:
    """Join what two looks at one picture saw: a symbol counts once, and read if one look read it.

    A look that reads another text in the same place does not win silently: both stay.
    """
    kept = list(before)
    for code in now:
        # What shares a corner with a symbol that was read is a shadow of it.
        if code.is_broken and any(_shared(one, code) > 0 for one in kept):
            continue
        same = [one for one in kept if _shared(one, code) > _SAME_PLACE]
        kept = [one for one in kept if not (one.is_broken and _shared(one, code) > 0)]
        if all(one.text != code.text for one in same if not one.is_broken):
            kept.append(code)
    return kept


def _code(barcode: zxingcpp.Barcode, kind: Kind, page: int | None, unit: float) -> Code:
    position = _box(barcode, unit)
    if not barcode.valid:
        return Code(page, position, "", kind, is_broken=True)
    # Ours are ASCII; of any other text it only matters that it is not ours.
    return Code(page, position, barcode.bytes.decode("utf-8", errors="replace"), kind)


def _box(barcode: zxingcpp.Barcode, unit: float) -> Position:
    place = barcode.position
    corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    across = [round(corner.x * unit) for corner in corners]
    down = [round(corner.y * unit) for corner in corners]
    return min(across), min(down), max(across), max(down)


def _shared(one: Code, other: Code) -> float:
    """Return which part of the smaller of two boxes lies in the other."""
    if one.position is None or other.position is None:
        return 0.0
    left, top = (max(one.position[edge], other.position[edge]) for edge in (0, 1))
    right, bottom = (min(one.position[edge], other.position[edge]) for edge in (2, 3))
    if right <= left or bottom <= top:
        return 0.0
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one.position, other.position)]
    return (right - left) * (bottom - top) / min(areas)
