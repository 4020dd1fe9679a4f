"""The text that a person sees on a PDF page (extra `image`: pypdfium2).

A PDF may hold text that nobody sees: white, under a picture, outside the page, one point high. So
the page is drawn twice, with its text and without: a character counts only where the two differ,
where it is high enough to be read, and where no other character lies on it. Giant letters (a word
across the whole page) are part of the ground: they stay in both drawings and are not read. Nothing
is thereby said of the shapes: a font may draw another sign than the one it names.
"""

import ctypes
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, NamedTuple

import pypdfium2
from PIL import Image, ImageChops
from pypdfium2 import raw

from certsvc_sdk.file_limits import MAX_CHARACTERS, Budget
from certsvc_sdk.pdf import draw

# Enough for a dash of a 5-point letter to leave ink of its own.
_DPI: Final = 120
_POINTS_PER_INCH: Final = 72
# Smaller letters are there to be found by programs, not by people.
_MIN_POINTS: Final = 4.0
# What is set larger is a word across the page, not content: larger than any title.
_GIANT_POINTS: Final = 48.0
# Of 255: fainter than this on its ground, print is not read.
_MIN_CONTRAST: Final = 32
# Part of the smaller box: neighbours touch, letters written over others lie on them.
_MAX_OVERLAP: Final = 0.25
# Titles and page numbers; a certificate's face has hundreds.
_MIN_TEXT: Final = 24
# A scanner's program writes its name and address on the scan.
_MIN_TEXT_ON_SCAN: Final = 160
# Part of the page that a picture covers where the page is a scan.
_SCAN_AREA: Final = 0.6
# Forms within forms; real pages have two.
_MAX_DEPTH: Final = 8

_FIRST_HALVES: Final = range(0xD800, 0xDC00)
_SECOND_HALVES: Final = range(0xDC00, 0xE000)

Box = tuple[float, float, float, float]


class _Character(NamedTuple):
    sign: str
    box: Box
    # Of its letter and font, however small the sign itself: a comma is as high as a capital.
    height: float


def readable_text(page: pypdfium2.PdfPage, budget: Budget) -> str | None:
    """Return what a person can read on a page as text; the caller holds the library.

    Args:
        page: the page; its text is hidden afterwards.
        budget: time for the file.

    Returns:
        The signs in the page's order, without those that nobody sees; None where the page has no
        text of its own, as a scan with or without hidden text has.

    Raises:
        ImageUnreadable: it cannot be drawn.
        FileTooLarge: no time is left.
    """
    text = raw.FPDFText_LoadPage(page)
    try:
        count = min(raw.FPDFText_CountChars(text), MAX_CHARACTERS)
        if count < _MIN_TEXT:
            return None
        with_text, unit = draw(page, _DPI, budget)
        covered, giants = _hide_text(page)
        without, _ = draw(page, _DPI, budget)
        place = _placing(page, with_text.size)
        characters = list(_characters(text, count, place, giants))
    finally:
        raw.FPDFText_ClosePage(text)
    # The brightest channel tells: red on green differs, though gray may not.
    bands = ImageChops.difference(with_text.convert("RGB"), without.convert("RGB")).split()
    strongest = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    ink = strongest.point([0] * _MIN_CONTRAST + [255] * (256 - _MIN_CONTRAST))
    readable = _readable(characters, ink, _MIN_POINTS / unit)
    signs = "".join(readable)
    enough = _MIN_TEXT_ON_SCAN if covered >= _SCAN_AREA else _MIN_TEXT
    return signs if sum(not sign.isspace() for sign in signs) >= enough else None


def _readable(characters: list[_Character], ink: Image.Image, least: float) -> Iterator[str]:
    hidden = _written_over(characters)
    for number, (sign, box, height) in enumerate(characters):
        if sign.isspace() or (number not in hidden and height >= least and _is_seen(box, ink)):
            yield sign


def _is_seen(box: Box, ink: Image.Image) -> bool:
    left, top, right, bottom = box
    bounds = (
        max(0, int(left)),
        max(0, int(top)),
        min(ink.width, int(right) + 1),
        min(ink.height, int(bottom) + 1),
    )
    if bounds[0] >= bounds[2] or bounds[1] >= bounds[3]:
        return False
    return ink.crop(bounds).getbbox() is not None


def _written_over(characters: list[_Character]) -> set[int]:
    """Return the numbers of characters that lie on one another, for neither can be relied on."""
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    hidden: set[int] = set()
    size = 32.0
    for number, (sign, box, _) in enumerate(characters):
        if sign.isspace():
            continue
        left, top, right, bottom = (int(edge // size) for edge in box)
        # A giant letter is looked at in its corners only; it hides nothing silently.
        spots = {
            (x, y)
            for x in range(left, min(right, left + 8) + 1)
            for y in range(top, min(bottom, top + 8) + 1)
        }
        near = {other for spot in spots for other in cells[spot]}
        for other in near:
            if _overlap(box, characters[other].box) > _MAX_OVERLAP:
                hidden |= {number, other}
        for spot in spots:
            cells[spot].append(number)
    return hidden


def _overlap(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return across * down / min(areas)


def _characters(
    text: Any,  # noqa: ANN401 - the library's own handle
    count: int,
    place: Callable[[float, float], tuple[float, float]],
    giants: Collection[int],
) -> Iterator[_Character]:
    edges = [ctypes.c_double() for _ in range(4)]
    left, right, bottom, top = edges
    line = raw.FS_RECTF()
    former = 0
    for number in range(count):
        former, code = _sign(text, number, former)
        if code == 0:
            continue
        sign = chr(code)
        if giants and _address(raw.FPDFText_GetTextObject(text, number)) in giants:
            continue
        if not raw.FPDFText_GetCharBox(text, number, left, right, bottom, top):
            continue
        box = _box(place(left.value, bottom.value), place(right.value, top.value))
        raw.FPDFText_GetLooseCharBox(text, number, line)
        outer = _box(place(line.left, line.bottom), place(line.right, line.top))
        yield _Character(sign, box, max(outer[2] - outer[0], outer[3] - outer[1]))


def _sign(text: Any, number: int, former: int) -> tuple[int, int]:  # noqa: ANN401 - a handle
    """Return what the next sign has to know of this one, and its code point.

    The library gives rare signs in two halves (UTF-16), and tells of a hyphen that ends a line by
    an own number: here neither may be lost.

    Returns:
        A first half that waits for its second, or 0; a code point, or 0 while one waits.
    """
    code = raw.FPDFText_GetUnicode(text, number)
    if code in _FIRST_HALVES:
        return code, 0
    if code in _SECOND_HALVES and former:
        return 0, 0x10000 + ((former - 0xD800) << 10) + (code - 0xDC00)
    if raw.FPDFText_IsHyphen(text, number) == 1:
        return 0, ord("-")
    return 0, code if 0 < code <= 0x10FFFF and code not in _SECOND_HALVES else 0xFFFD


def _box(one: tuple[float, float], other: tuple[float, float]) -> Box:
    (x1, y1), (x2, y2) = one, other
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _placing(
    page: pypdfium2.PdfPage, size: tuple[int, int]
) -> Callable[[float, float], tuple[float, float]]:
    """Return what turns a place on the page into one in its picture, turned and cropped pages too.

    Three corners tell the whole affine map; asking the library for each letter takes longer.
    """
    x, y = ctypes.c_int(), ctypes.c_int()
    # Far apart, because the library rounds to whole pixels.
    far, times = 1000.0, 64
    wide, high = size[0] * times, size[1] * times

    def ask(across: float, up: float) -> tuple[float, float]:
        raw.FPDF_PageToDevice(page, 0, 0, wide, high, 0, across, up, x, y)
        return x.value / times, y.value / times

    zero, along, above = ask(0, 0), ask(far, 0), ask(0, far)
    a, b = (along[0] - zero[0]) / far, (along[1] - zero[1]) / far
    c, d = (above[0] - zero[0]) / far, (above[1] - zero[1]) / far
    return lambda across, up: (zero[0] + a * across + c * up, zero[1] + b * across + d * up)


def _hide_text(page: pypdfium2.PdfPage) -> tuple[float, set[int]]:
    """Switch the text of a page off, but for giant letters.

    Returns:
        Which part of the page its largest picture covers, and the addresses of what stayed.
    """
    largest = 0.0
    giants: set[int] = set()
    bounds = [ctypes.c_float() for _ in range(4)]
    size = ctypes.c_float()
    width, height = page.get_size()
    for shape, scale in _objects(page):
        kind = raw.FPDFPageObj_GetType(shape)
        if kind == raw.FPDF_PAGEOBJ_TEXT:
            if raw.FPDFTextObj_GetFontSize(shape, size) and size.value * scale > _GIANT_POINTS:
                giants.add(_address(shape))
            else:
                raw.FPDFPageObj_SetIsActive(shape, False)
        elif kind == raw.FPDF_PAGEOBJ_IMAGE and raw.FPDFPageObj_GetBounds(shape, *bounds):
            left, bottom, right, top = (edge.value for edge in bounds)
            largest = max(largest, (right - left) * (top - bottom))
    return float(largest / (width * height)), giants


def _objects(page: pypdfium2.PdfPage) -> Iterator[tuple[Any, float]]:
    """Yield the objects of a page and by how much each is enlarged, those within forms too."""
    waiting = [
        (raw.FPDFPage_GetObject(page, index), 0, 1.0)
        for index in range(raw.FPDFPage_CountObjects(page))
    ]
    while waiting:
        shape, depth, around = waiting.pop()
        scale = around * _enlarged(shape)
        yield shape, scale
        if raw.FPDFPageObj_GetType(shape) == raw.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
            waiting += [
                (raw.FPDFFormObj_GetObject(shape, index), depth + 1, scale)
                for index in range(raw.FPDFFormObj_CountObjects(shape))
            ]


def _enlarged(shape: Any) -> float:  # noqa: ANN401 - the library's own handle
    """Return how much an object's own map enlarges its narrower side."""
    own = raw.FS_MATRIX()
    if not raw.FPDFPageObj_GetMatrix(shape, own):
        return 1.0
    return min(math.hypot(own.a, own.b), math.hypot(own.c, own.d))


def _address(shape: Any) -> int:  # noqa: ANN401 - the library's own handle
    return ctypes.cast(shape, ctypes.c_void_p).value or 0
