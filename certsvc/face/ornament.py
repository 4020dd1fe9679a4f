"""Guilloche borders and rosettes, drawn by formula and seeded by the certificate's type.

Sinusoids and hypotrochoids as cubic Bézier paths in SVG, in millimetres. Each type's numbers of
waves and petals come from a hash of its name, so that each looks its own; nothing resembles an
emblem: no star, no building, no wheat, no seal.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from certsvc.catalogue.face import Palette


@dataclass(frozen=True, slots=True)
class Colours:
    """Colours of a palette, as ``#rrggbb``.

    Attributes:
        ink: values and titles.
        accent: labels, rules.
        line: first family of the ornament's lines.
        second: second family.
        tint: the faint rosette behind the text.
    """

    ink: str
    accent: str
    line: str
    second: str
    tint: str


PALETTES: Final[dict[Palette, Colours]] = {
    "jade": Colours("#16231f", "#1d6450", "#2c8068", "#a98a43", "#dcebe4"),
    "indigo": Colours("#171c28", "#2b4780", "#44629f", "#9c8450", "#e0e7f2"),
    "plum": Colours("#231920", "#6e3155", "#8b4d72", "#9c8450", "#f0e3ea"),
    "bronze": Colours("#241e16", "#74522a", "#93703f", "#4c7a70", "#f0e8da"),
    "slate": Colours("#1a1e22", "#43535f", "#5f7382", "#9c8450", "#e4e9ec"),
}

# Width of the border and its distance from the paper's edge: printers leave 5 mm white.
EDGE_MM: Final = 8.0
BAND_MM: Final = 9.0

# Width of the finest lines, in mm: 0.2 point, which office printers still draw.
_HAIR: Final = 0.07
# How deep the lobes of a rosette's edge are, as a part of its radius.
_LOBE: Final = 0.035
_TURN = 2 * math.pi
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Seed:
    """Numbers that are always the same for one name."""

    name: str

    def pick(self, what: str, choices: Sequence[int]) -> int:
        """One of several numbers."""
        digest = hashlib.sha256(f"{self.name}/{what}".encode()).digest()
        return choices[int.from_bytes(digest[:4], "big") % len(choices)]

    def palette(self) -> Palette:
        """The palette of a type that names none."""
        names = list(PALETTES)
        return names[self.pick("palette", range(len(names)))]


@dataclass(frozen=True, slots=True)
class _Weave:
    """A family of sinusoids along a side, shifted against one another, that swells into beads.

    Attributes:
        mean: amplitude as a part of the band's width.
        swell: how much the beads add to it and take from it.
        bead: length of one, in mm, about: a side holds a whole number.
        waves: of each curve in a bead.
        phases: number of curves.
    """

    mean: float
    swell: float
    bead: int
    waves: int
    phases: int

    def curves(self, start: Point, end: Point) -> list[str]:
        """The curves between two corners."""
        return [self._curve(start, end, _TURN * at / self.phases) for at in range(self.phases)]

    def _curve(self, start: Point, end: Point, shift: float) -> str:
        length = math.dist(start, end)
        beads = round(length / self.bead)
        turns = beads * self.waves
        unit = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)

        def at(t: float) -> Point:
            swing = BAND_MM * (self.mean - self.swell * math.cos(beads * t))
            across, way = swing * math.sin(turns * t + shift), length * t / _TURN
            return (
                start[0] + unit[0] * way - unit[1] * across,
                start[1] + unit[1] * way + unit[0] * across,
            )

        # From one extreme to the next, up to half a wave beyond the corners: discs cover the ends.
        first = (-math.pi / 2 - shift) % math.pi - math.pi
        knots = range(2 * turns + 2)
        return _curve(at, [(first + math.pi * knot) / turns for knot in knots])


def border(name: str, colours: Colours, *, width: float, height: float) -> str:
    """Return the border of a page as an SVG document.

    Args:
        name: of the certificate's type.
        colours: of the lines.
        width: of the paper, in mm.
        height: of the paper, in mm.
    """
    seed = Seed(name)
    near = EDGE_MM + BAND_MM / 2
    corners = (
        (near, near),
        (width - near, near),
        (width - near, height - near),
        (near, height - near),
    )
    waves = seed.pick("waves", (3, 4))
    outer = _Weave(0.30, 0.12, bead=seed.pick("bead", (20, 22, 24, 26)), waves=waves, phases=6)
    inner = _Weave(0.22, -0.15, bead=outer.bead, waves=waves + 1, phases=4)
    families: dict[str, list[str]] = {colours.line: [], colours.second: []}
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        families[colours.line] += outer.curves(start, end)
        families[colours.second] += inner.curves(start, end)
    parts = [_stroke(colour, _HAIR, paths) for colour, paths in families.items()]
    parts.append(_rectangles(colours, width, height))
    parts += [_corner(seed, colours, corner) for corner in corners]
    return _document(width, height, parts)


def rosette(name: str, colour: str, *, radius: float) -> str:
    """Return a faint rosette for the ground behind the text, as an SVG document.

    Args:
        name: of the certificate's type.
        colour: of the lines.
        radius: in mm.
    """
    seed = Seed(name)
    paths: list[str] = []
    lobes = seed.pick("lobes", (8, 10, 12, 16))
    for ring, (inner, outer) in enumerate(((0.16, 0.40), (0.36, 0.68), (0.62, 1.0))):
        petals = lobes * (ring + 1) + seed.pick(f"ring{ring}", (0, 1, 3))
        paths += _petals(
            (radius, radius),
            (inner * radius, outer * radius),
            petals,
            phases=8 - ring,
            lobes=lobes,
        )
    return _document(2 * radius, 2 * radius, [_stroke(colour, 0.12, paths)])


def _corner(seed: Seed, colours: Colours, centre: Point) -> str:
    radius = 0.66 * BAND_MM
    x, y = centre
    petals = seed.pick("corner", (9, 10, 11, 12, 13))
    first = _petals(centre, (0.42 * radius, 0.96 * radius), petals, phases=5)
    second = _petals(centre, (0.08 * radius, 0.5 * radius), petals - 3, phases=4)
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="{1.1 * radius:.2f}" fill="#fff"/>'
        f'<circle cx="{x:g}" cy="{y:g}" r="{1.06 * radius:.2f}" fill="none" '
        f'stroke="{colours.line}" stroke-width="0.14"/>'
        + _stroke(colours.line, _HAIR, first)
        + _stroke(colours.second, _HAIR, second)
    )


def _rectangles(colours: Colours, width: float, height: float) -> str:
    """The border's straight lines: inset from the paper's edge and thickness, in mm."""
    inner = EDGE_MM + BAND_MM
    lines = ((EDGE_MM, 0.35), (EDGE_MM + 0.75, 0.1), (inner - 0.75, 0.1), (inner, 0.22))
    return "".join(
        f'<rect x="{inset:g}" y="{inset:g}" width="{width - 2 * inset:g}" '
        f'height="{height - 2 * inset:g}" fill="none" stroke="{colours.line}" '
        f'stroke-width="{thick}"/>'
        for inset, thick in lines
    )


def _petals(centre: Point, radii: Point, petals: int, *, phases: int, lobes: int = 0) -> list[str]:
    """Closed curves whose distance from the centre swings between two radii.

    Args:
        centre: of the curves.
        radii: the smallest and the largest distance.
        petals: swings in one turn.
        phases: number of curves, shifted against one another.
        lobes: how often the outer edge itself swells in one turn.
    """
    inner, outer = radii
    paths = []
    for phase in range(phases):
        shift = _TURN * phase / phases

        def at(t: float, shift: float = shift) -> Point:
            edge = outer * (1 - _LOBE + _LOBE * math.cos(lobes * t)) if lobes else outer
            radius = (inner + edge + (edge - inner) * math.sin(petals * t + shift)) / 2
            return centre[0] + radius * math.cos(t), centre[1] + radius * math.sin(t)

        paths.append(_curve(at, [_TURN * knot / (4 * petals) for knot in range(4 * petals + 1)]))
    return paths


def _curve(at: Callable[[float], Point], knots: Sequence[float]) -> str:
    """A curve through its points at some parameters, as cubic Béziers with its own tangents."""
    points = [at(knot) for knot in knots]
    slopes = [_slope(at, knot) for knot in knots]
    path = [f"M{_pair(points[0])}"]
    for index in range(len(knots) - 1):
        (x0, y0), (x1, y1) = points[index], points[index + 1]
        (u0, v0), (u1, v1) = slopes[index], slopes[index + 1]
        third = (knots[index + 1] - knots[index]) / 3
        path.append(
            f"C{_pair((x0 + u0 * third, y0 + v0 * third))} "
            f"{_pair((x1 - u1 * third, y1 - v1 * third))} {_pair((x1, y1))}"
        )
    return "".join(path)


def _slope(at: Callable[[float], Point], t: float, width: float = 1e-4) -> Point:
    (x0, y0), (x1, y1) = at(t - width), at(t + width)
    return (x1 - x0) / (2 * width), (y1 - y0) / (2 * width)


def _pair(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """Two decimals of a millimetre, without a trailing zero or minus zero."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.005 else "0"


def _stroke(colour: str, width: float, paths: Sequence[str]) -> str:
    return f'<path fill="none" stroke="{colour}" stroke-width="{width}" d="{"".join(paths)}"/>'


def _document(width: float, height: float, parts: Iterator[str] | Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}">{"".join(parts)}</svg>'
    )
