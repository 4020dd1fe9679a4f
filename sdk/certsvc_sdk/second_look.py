"""Clearer pictures of where a code may lie (extra `image`: Pillow), when no plain look read one.

A code is the busiest square on a page: those squares are cut out, enlarged, and once sharpened
(against blur), once smoothed (against noise and coarse JPEG). On a blank or ordinary page there are
none or few, so a second look costs little; how many there may be in a file is limited
(`file_limits.Budget.may_look_again`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops, ImageFilter

# A page is searched at about this many pixels a side: a module of 0.33 mm still has two.
_SEARCHED_SIDE: Final = 2_000
# Side of a cell; an edge of ink is never further than this blur's radius in a code.
_CELL: Final = 16
_REACH: Final = 6
# Below this mean difference from its surroundings a cell is paper, whatever its light.
_LEAST_BUSY: Final = 6
# Parts of the busiest cell's value: a code among text, and a pale code beside a dark picture.
_SHARES: Final = (0.7, 0.5, 0.35)
# A code seen at 45 degrees has 1.4 times its width; a leaf of text is longer.
_LONGEST: Final = 1.5
_LEAST_CELLS: Final = 4
_FILLED: Final = 0.4
# A larger area holds a code that plain looks at half its size see as well.
_LARGEST_SIDE: Final = 1_600
#: Areas looked at on one page.
MAX_AREAS: Final = 3
# A small picture is all one area.
_SMALL_SIDE: Final = 800
# Cut out around an area, for the quiet zone: a part of its side.
_AROUND: Final = 0.08

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """A clearer picture of an area.

    Attributes:
        picture: "L".
        left: its left edge in the whole picture, pixels.
        top: its top edge there.
        scale: its pixels for one of the whole picture.
    """

    picture: Image.Image
    left: int
    top: int
    scale: float


def looks(gray: Image.Image) -> Iterator[Look]:
    """Make clearer pictures of the places where a code may lie, one by one.

    Args:
        gray: the whole picture, "L".
    """
    for box in areas(gray):
        cut = gray.crop(box)
        yield _sharpened(cut, box)
        yield _smoothed(cut, box)


def areas(gray: Image.Image) -> list[Box]:
    """Return the busiest squarish areas, the largest first: left, top, right, bottom in pixels."""
    if max(gray.size) <= _SMALL_SIDE:
        return [(0, 0, *gray.size)]
    fewer = max(1, round(max(gray.size) / _SEARCHED_SIDE))
    small = gray.reduce(fewer) if fewer > 1 else gray
    busy = ImageChops.difference(small, small.filter(ImageFilter.BoxBlur(_REACH))).reduce(_CELL)
    busy = busy.filter(ImageFilter.BoxBlur(1))
    unit = _CELL * fewer
    found: list[Box] = []
    for share in _SHARES:
        for box in _patches(busy, share):
            whole = _widened(tuple(unit * side for side in box), gray.size)
            if max(whole[2] - whole[0], whole[3] - whole[1]) <= _LARGEST_SIDE and not any(
                _same(whole, other) for other in found
            ):
                found.append(whole)
    return sorted(found, key=lambda box: -(box[2] - box[0]) * (box[3] - box[1]))[:MAX_AREAS]


def _patches(busy: Image.Image, share: float) -> Iterator[tuple[int, int, int, int]]:
    """Yield the boxes, in cells, of connected busy cells that form squarish patches."""
    width = busy.width
    values = busy.tobytes()
    level = max(_LEAST_BUSY, share * max(values))
    left_over = {at for at, value in enumerate(values) if value >= level}
    while left_over:
        edge = [left_over.pop()]
        patch = []
        while edge:
            at = edge.pop()
            patch.append(at)
            beside = [at - width, at + width]
            beside += [at - 1] if at % width else []
            beside += [at + 1] if (at + 1) % width else []
            for neighbour in beside:
                if neighbour in left_over:
                    left_over.remove(neighbour)
                    edge.append(neighbour)
        columns, rows = [at % width for at in patch], [at // width for at in patch]
        box = (min(columns), min(rows), max(columns) + 1, max(rows) + 1)
        across, down = box[2] - box[0], box[3] - box[1]
        if (
            min(across, down) >= _LEAST_CELLS
            and max(across, down) <= _LONGEST * min(across, down)
            and len(patch) >= _FILLED * across * down
        ):
            yield box


def _widened(box: tuple[int, ...], size: tuple[int, int]) -> Box:
    """Add room for the quiet zone, within the picture."""
    more = round(_AROUND * max(box[2] - box[0], box[3] - box[1]))
    return (
        max(0, box[0] - more),
        max(0, box[1] - more),
        min(size[0], box[2] + more),
        min(size[1], box[3] + more),
    )


def _same(box: Box, other: Box) -> bool:
    """Tell whether two areas are one: their edges differ by less than an eighth."""
    near = max(box[2] - box[0], box[3] - box[1]) / 8
    return all(abs(one - two) <= near for one, two in zip(box, other, strict=True))


# A module of the largest code has about 8 pixels in the one, 12 in the other.
_SHARP_SIDE: Final = 1_300
_SHARP_MOST: Final = 2.0
_SHARPEN: Final = ImageFilter.UnsharpMask(radius=4, percent=500, threshold=0)
_SMOOTH_SIDE: Final = 1_800
_SMOOTH_MOST: Final = 3.0
_SMOOTH: Final = ImageFilter.GaussianBlur(2)


def _sharpened(cut: Image.Image, box: Box) -> Look:
    picture, scale = _resized(cut, _SHARP_SIDE, _SHARP_MOST)
    return Look(picture.filter(_SHARPEN), box[0], box[1], scale)


def _smoothed(cut: Image.Image, box: Box) -> Look:
    picture, scale = _resized(cut, _SMOOTH_SIDE, _SMOOTH_MOST)
    return Look(picture.filter(_SMOOTH), box[0], box[1], scale)


def _resized(cut: Image.Image, side: int, most: float) -> tuple[Image.Image, float]:
    """Bring the longer side to so many pixels, but never enlarge by more than `most`."""
    scale = min(most, side / max(cut.size))
    size = (max(1, round(cut.width * scale)), max(1, round(cut.height * scale)))
    return cut.resize(size, Image.Resampling.BICUBIC), scale
