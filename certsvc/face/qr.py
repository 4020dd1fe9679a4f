"""The QR symbol of a certificate (wire format "QR frame, version 1", Symbol).

Two segments, bytes for the address and numeric for the digits; error correction Q while the
symbol stays at version 18 or below, else M up to version 23, never L; quiet zone 4.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import qrcode
from PIL import Image
from qrcode import util
from qrcode.constants import ERROR_CORRECT_M, ERROR_CORRECT_Q

from certsvc.face.errors import SymbolTooLarge
from certsvc.face.mask import best_mask
from certsvc.face.printing import check_size, default_mm

Level = Literal["Q", "M"]

# Light modules around the symbol (ISO/IEC 18004 section 5.3.8).
QUIET_ZONE: Final = 4
# Beyond these versions modules of a 40 mm print get too small for worn paper and plain cameras.
MAX_VERSION: Final[dict[Level, int]] = {"Q": 18, "M": 23}
# Pixels a module in a PNG: 8 give a version-23 symbol 936 pixels, 600 dpi at 40 mm.
PNG_SCALE: Final = 8

_MM_PER_INCH = 25.4
# Mode indicators (ISO/IEC 18004 table 2).
_NUMERIC: Final = 1
_BYTES: Final = 4
_ERROR_CORRECTION: Final[dict[Level, int]] = {"Q": ERROR_CORRECT_Q, "M": ERROR_CORRECT_M}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A QR symbol.

    Attributes:
        matrix: rows of modules without quiet zone; True is dark.
        version: 1-23; the side has 17 + 4 * version modules.
        ecc: error correction level, "Q" or "M".
    """

    matrix: tuple[tuple[bool, ...], ...] = field(repr=False)
    version: int
    ecc: Level

    @property
    def side(self) -> int:
        """Modules of a side, quiet zone included."""
        return len(self.matrix) + 2 * QUIET_ZONE

    @property
    def print_mm(self) -> float:
        """Side of the printed square with its quiet zone, in millimetres."""
        return default_mm(self.side)


def symbol_size(
    prefix: str, digits: str, *, levels: Sequence[Level] = tuple(MAX_VERSION)
) -> tuple[int, Level]:
    """Version and error correction level of a certificate's symbol, without drawing it.

    Args:
        prefix: `https://<host>/v#`, the byte segment.
        digits: ASCII digits, the numeric segment.
        levels: levels to try in turn; paper wants Q where it fits, a screen does with M.

    Raises:
        SymbolTooLarge: neither Q up to version 18 nor M up to version 23 holds the text; the
            caller issues the core profile with the online link.
    """
    for level in levels:
        version = _version(len(prefix), len(digits), level, MAX_VERSION[level])
        if version is not None:
            return version, level
    raise SymbolTooLarge("the certificate does not fit a QR symbol of version 23-M")


def qr_symbol(prefix: str, digits: str, *, levels: Sequence[Level] = tuple(MAX_VERSION)) -> Symbol:
    """Draw the symbol of a certificate; arguments and errors as `symbol_size`."""
    version, level = symbol_size(prefix, digits, levels=levels)
    return _draw(prefix, digits, version, level)


def _version(prefix: int, digits: int, level: Level, limit: int) -> int | None:
    """Return the smallest version up to `limit` that holds so many bytes and digits."""
    data = 8 * prefix + 10 * (digits // 3) + (0, 4, 7)[digits % 3]
    for version in range(1, limit + 1):
        lengths = util.mode_sizes_for_version(version)
        heads = 4 + lengths[_BYTES] + 4 + lengths[_NUMERIC]
        if heads + data <= util.BIT_LIMIT_TABLE[_ERROR_CORRECTION[level]][version]:
            return version
    return None


def _draw(prefix: str, digits: str, version: int, level: Level) -> Symbol:
    # The mask is only a start; the best one is chosen below, faster than the library does.
    code = qrcode.QRCode(version, _ERROR_CORRECTION[level], border=0, mask_pattern=0)
    # Given plain text, `add_data` would split it its own way.
    code.add_data(util.QRData(prefix.encode("ascii"), mode=_BYTES), optimize=0)
    code.add_data(util.QRData(digits.encode("ascii"), mode=_NUMERIC), optimize=0)
    code.make(fit=False)
    code.mask_pattern = best_mask(code.get_matrix(), util.pattern_position(version))
    code.make(fit=False)
    matrix = tuple(tuple(map(bool, row)) for row in code.get_matrix())
    return Symbol(matrix=matrix, version=version, ecc=level)


def svg(symbol: Symbol, *, size_mm: float | None = None) -> str:
    """Return the symbol as an SVG document: one path of horizontal runs, sized in millimetres.

    Args:
        symbol: the symbol to draw.
        size_mm: side with quiet zone; None: `Symbol.print_mm`.

    Raises:
        PrintTooSmall: modules would be under 0.33 mm.
    """
    side, size = symbol.side, f"{_size(symbol, size_mm):g}mm"
    path: list[str] = []
    for top, row in enumerate(symbol.matrix):
        # Strokes of width 1 along the middle of each row, with relative moves: half the text.
        last, move = -QUIET_ZONE, f"M0 {QUIET_ZONE + top}.5m"
        for left, length in _dark_runs(row):
            path.append(f"{move}{left - last} 0h{length}")
            last, move = left + length, "m"
    dark = "".join(path)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
        f'viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path stroke="#000" d="{dark}"/></svg>'
    )


def png(symbol: Symbol, *, scale: int = PNG_SCALE, size_mm: float | None = None) -> bytes:
    """Return the symbol as a black and white PNG with `scale` pixels a module.

    The resolution recorded in the file makes it print at the size given; arguments and errors as
    `svg`.
    """
    side, size = symbol.side, _size(symbol, size_mm)
    grey = bytes(0 if dark else 255 for row in _framed(symbol) for dark in row)
    image = Image.frombytes("L", (side, side), grey).convert("1")
    image = image.resize((side * scale, side * scale), Image.Resampling.NEAREST)
    dpi = image.width * _MM_PER_INCH / size
    out = io.BytesIO()
    image.save(out, "PNG", dpi=(dpi, dpi))
    return out.getvalue()


def _size(symbol: Symbol, size_mm: float | None) -> float:
    return symbol.print_mm if size_mm is None else check_size(symbol.side, size_mm)


def terminal(symbol: Symbol, *, dark_background: bool = True) -> str:
    """Return the symbol as lines of half blocks, two rows of modules a line.

    Args:
        symbol: the symbol to draw.
        dark_background: light modules are drawn, as a terminal with light text needs; False draws
            the dark ones.
    """
    rows = list(_framed(symbol))
    if len(rows) % 2:
        rows.append([False] * symbol.side)
    blocks = " ▄▀█"
    lines = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        pairs = zip(upper, lower, strict=True)
        lines.append(
            "".join(blocks[2 * (a ^ dark_background) + (b ^ dark_background)] for a, b in pairs)
        )
    return "\n".join(lines) + "\n"


def _framed(symbol: Symbol) -> Iterator[list[bool]]:
    """Yield the rows of modules with the quiet zone around them."""
    blank = [False] * symbol.side
    margin = [False] * QUIET_ZONE
    yield from [blank] * QUIET_ZONE
    for row in symbol.matrix:
        yield [*margin, *row, *margin]
    yield from [blank] * QUIET_ZONE


def _dark_runs(row: tuple[bool, ...]) -> Iterator[tuple[int, int]]:
    """Yield start and length of each run of dark modules."""
    start: int | None = None
    for column, dark in enumerate((*row, False)):
        if dark and start is None:
            start = column
        elif not dark and start is not None:
            yield start, column - start
            start = None
