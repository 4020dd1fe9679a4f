"""What happens to a code on paper: ink, rough edges, folds, dirt and seals.

Pictures here are of paper: black is ink, `UNIT` pixels a module, the code in the middle.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from degrading.suite import PARAMETERS, Chance
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from certsvc.face.qr import QUIET_ZONE, Symbol

UNIT: Final = 8
PRINT_MM: Final[float] = PARAMETERS["print_mm"]
#: Paper around the printed square on each side, as a share of its side.
AROUND: Final = 0.25
_INK, _PAPER = 18, 240
_FINDER: Final = 8
_SEAL_RED: Final = (205, 30, 45)
_SEAL_MM: Final = 42.0


@dataclass(frozen=True, slots=True)
class Paper:
    """A sheet with a code.

    Attributes:
        picture: "L", or "RGB" where it has colour.
        side: pixels of the printed square with its quiet zone; it lies in the middle.
    """

    picture: Image.Image
    side: int

    @property
    def per_mm(self) -> float:
        """Pixels of a millimetre."""
        return self.side / PRINT_MM


def printed(symbol: Symbol, values: Mapping[str, float], chance: Chance) -> Paper:
    """A code printed, handled and stamped as the values say."""
    side = symbol.side * UNIT
    sheet = Paper(_sheet(symbol, side, chance), side)
    sheet = Paper(_inked(sheet, values, chance), side)
    if values["specks"] or values["blot_area"]:
        sheet = Paper(_soiled(sheet, values, chance), side)
    if values["fold_deg"]:
        sheet = Paper(_folded(sheet, values, chance), side)
    if values["seal_ink"] or values["seal_drawn"]:
        sheet = Paper(_sealed(sheet, values, chance), side)
    return sheet


def _sheet(symbol: Symbol, side: int, chance: Chance) -> Image.Image:
    """Black code on white, between lines like text."""
    modules = np.array(symbol.matrix, dtype=bool)
    code = Image.fromarray(np.where(modules, 0, 255).astype(np.uint8))
    code = code.resize((code.width * UNIT, code.height * UNIT), Image.Resampling.NEAREST)
    margin = round(side * AROUND)
    sheet = Image.new("L", (side + 2 * margin,) * 2, 255)
    draw = ImageDraw.Draw(sheet)
    line = round(side / PRINT_MM * 3.5)
    for top in (*range(line // 2, margin - line, line), *range(side + margin, sheet.height, line)):
        left = round(side * 0.05)
        while left < sheet.width - line:
            wide = round(line * chance.even(0.3, 0.9))
            draw.rectangle((left, top, left + wide, top + line * 0.6), outline=0, width=line // 9)
            left += wide + line // 4
    sheet.paste(code, (margin + QUIET_ZONE * UNIT,) * 2)
    return sheet


def _inked(sheet: Paper, values: Mapping[str, float], chance: Chance) -> Image.Image:
    """Move the edges of ink outwards by `gain_mm`, unevenly, and print ink on paper."""
    soft = sheet.per_mm * 0.06
    blurred = np.asarray(sheet.picture.filter(ImageFilter.GaussianBlur(soft)), dtype=np.float32)
    share = 1 - blurred / 255
    # Only edges are rough: neither solid ink nor blank paper is.
    share += values["rough"] * _clouds(share.shape, 3, chance) * 4 * share * (1 - share)
    # Of a straight edge blurred by `soft`, this much is left at the distance of the gain.
    level = 0.5 * math.erfc(values["gain_mm"] * sheet.per_mm / soft / math.sqrt(2))
    return Image.fromarray(np.where(share > level, _INK, _PAPER).astype(np.uint8))


def _clouds(shape: tuple[int, ...], grain: int, chance: Chance) -> np.ndarray:
    """Smooth noise of deviation about 0.5 with grains of so many pixels."""
    small = chance.field(shape[0] // grain + 2, shape[1] // grain + 2)
    large = Image.fromarray(small).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(large)


def _soiled(sheet: Paper, values: Mapping[str, float], chance: Chance) -> Image.Image:
    """Specks anywhere on the printed square, and a blot on the data."""
    picture = sheet.picture.copy()
    draw = ImageDraw.Draw(picture)
    start = (picture.width - sheet.side) / 2
    for _ in range(round(values["specks"])):
        across = chance.even(*PARAMETERS["capture"]["speck_mm"]) * sheet.per_mm
        left, top = (start + chance.even(0, sheet.side - across) for _ in "xy")
        grey = (_INK, 110, _PAPER)[chance.below(3)]
        draw.ellipse((left, top, left + across, top + across * chance.even(0.6, 1.6)), fill=grey)
    if values["blot_area"]:
        draw.ellipse(_blot(sheet, values, chance), fill=(_INK, 110, _PAPER)[chance.below(3)])
    return picture


def _blot(sheet: Paper, values: Mapping[str, float], chance: Chance) -> tuple[float, ...]:
    """The box of an ellipse over data and quiet zone, clear of the three corner squares."""
    area = values["blot_area"] * sheet.side**2
    quiet, finder = QUIET_ZONE * UNIT, (QUIET_ZONE + _FINDER) * UNIT
    start, side = (sheet.picture.width - sheet.side) / 2, sheet.side
    while True:
        shape = chance.even(0.6, 1.6)
        wide, high = (2 * math.sqrt(area * f / math.pi) for f in (shape, 1 / shape))
        left, top = chance.even(quiet, side - wide), chance.even(quiet, side - high)
        right, bottom = left + wide, top + high
        at_left, at_right = left < finder, right > side - finder
        at_top, at_bottom = top < finder, bottom > side - finder
        if not (at_top and (at_left or at_right)) and not (at_bottom and at_left):
            return start + left, start + top, start + right, start + bottom


def _folded(sheet: Paper, values: Mapping[str, float], chance: Chance) -> Image.Image:
    """Fold along a line through the code: one half leans away, and ink is lost on the crease."""
    width, height = sheet.picture.size
    angle = math.radians(90 * chance.below(2) + chance.even(-8, 8))
    nx, ny = math.cos(angle), math.sin(angle)
    at = [width / 2 + chance.even(-0.35, 0.35) * sheet.side for _ in "xy"]
    offset = nx * at[0] + ny * at[1]
    across = np.arange(width, dtype=np.float32)[None, :]
    down = np.arange(height, dtype=np.float32)[:, None]
    away = nx * across + ny * down - np.float32(offset)
    # The leaning half seems shorter: seen at distance d, it lies at d / cos on the paper.
    more = 1 / math.cos(math.radians(values["fold_deg"])) - 1
    affine = (
        *(1 + more * nx * nx, more * nx * ny, -more * offset * nx),
        *(more * nx * ny, 1 + more * ny * ny, -more * offset * ny),
    )
    leaning = sheet.picture.transform(
        (width, height), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR, fillcolor=_PAPER
    )
    seen = np.where(away > 0, np.asarray(leaning), np.asarray(sheet.picture)).astype(np.float32)
    wear = values["fold_wear_mm"] * sheet.per_mm / 2
    lost = np.exp(-((away / max(wear, 1)) ** 4)) * np.clip(
        0.6 + _clouds(away.shape, 9, chance), 0, 1
    )
    seen += lost * (_PAPER - seen)
    seen *= np.where(away > 0, 1 - values["fold_shade"], 1)
    seen *= 1 - values["fold_shade"] * np.exp(-((away / (0.15 * sheet.per_mm)) ** 2))
    return Image.fromarray(np.clip(seen, 0, 255).astype(np.uint8))


def _sealed(sheet: Paper, values: Mapping[str, float], chance: Chance) -> Image.Image:
    """A round red seal: ink, through which black stays black, or a drawn one that covers it."""
    picture = sheet.picture.convert("RGB")
    angle, off = chance.even(0, 2 * math.pi), values["seal_off_mm"] * sheet.per_mm
    middle = picture.width / 2
    centre = (middle + off * math.cos(angle), middle + off * math.sin(angle))
    mask = _seal(picture.size, centre, _SEAL_MM / 2 * sheet.per_mm, chance)
    uneven = np.clip(0.8 + 0.3 * _clouds((picture.height, picture.width), 17, chance), 0, 1)
    strength = values["seal_ink"] or values["seal_drawn"]
    if values["seal_drawn"]:
        uneven = np.ones_like(uneven)
    share = np.asarray(mask, dtype=np.float32) * (strength * uneven)
    alpha = Image.fromarray(np.clip(share, 0, 255).astype(np.uint8))
    red = Image.new("RGB", picture.size, _SEAL_RED)
    over = red if values["seal_drawn"] else ImageChops.multiply(picture, red)
    return Image.composite(over, picture, alpha)


def _seal(
    size: tuple[int, int], centre: tuple[float, float], radius: float, chance: Chance
) -> Image.Image:
    """Ring, star and strokes like characters along the ring."""
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    x, y = centre
    draw.ellipse(
        (x - radius, y - radius, x + radius, y + radius), outline=255, width=round(radius * 0.06)
    )
    turn = chance.even(-0.3, 0.3)
    corners = [
        (x + radius * 0.33 * math.sin(turn + a), y - radius * 0.33 * math.cos(turn + a))
        for a in (0.8 * math.pi * n for n in range(5))
    ]
    draw.polygon(corners, fill=255)
    for number in range(13):
        place = turn + math.radians(-130 + 260 * number / 12)
        for _ in range(5):
            ends = [
                (
                    x
                    + radius * chance.even(0.64, 0.88) * math.sin(place + chance.even(-0.12, 0.12)),
                    y
                    - radius * chance.even(0.64, 0.88) * math.cos(place + chance.even(-0.12, 0.12)),
                )
                for _ in "ab"
            ]
            draw.line(ends, fill=255, width=round(radius * 0.035))
    return mask
