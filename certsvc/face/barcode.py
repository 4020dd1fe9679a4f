"""The second code on the paper: the typed code as a Code 128 barcode, for hand scanners.

The barcode holds the code's twenty digits (`certsvc_sdk.typedcode.digits`). In code set C (ISO/IEC
15417) they take ten symbol characters: at 0.25 mm a module the barcode is 41.25 mm wide with its
quiet zones, no wider than the QR code above it.
"""

from dataclasses import dataclass
from typing import Any

import zxingcpp

from certsvc_sdk import typedcode

#: Below, ordinary office printers and hand scanners at a window begin to fail.
MIN_MODULE_MM = 0.25
#: ISO/IEC 15417, 4.4: ten modules of white on either side.
QUIET_MODULES = 10
#: Start, ten pairs of digits and a check character of 11 modules each, and the stop of 13.
MODULES = 12 * 11 + 13 + 2 * QUIET_MODULES
#: Height by which a hand scanner that is held somewhat askew still crosses all bars.
MIN_HEIGHT_MM = 7.0


@dataclass(frozen=True, slots=True)
class Barcode:
    """A barcode as vector data, in modules from the left edge of its left quiet zone.

    Attributes:
        bars: offset and width of each black bar.
        modules: width with both quiet zones.
    """

    bars: tuple[tuple[int, int], ...]
    modules: int

    def width_mm(self, module_mm: float = MIN_MODULE_MM) -> float:
        """Width on paper with both quiet zones, in mm."""
        return self.modules * module_mm


def barcode(code: str) -> Barcode:
    """The barcode of a typed code.

    Args:
        code: the code in any spelling that is printed.

    Raises:
        Unreadable: its check symbol is wrong.
        NotACertificate: it is no typed code.
    """
    digits = typedcode.digits(typedcode.read(code))
    # One byte a module: a row of the picture at its smallest, quiet zones and all.
    picture: Any = zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.Code128).to_image(scale=1)
    row = bytes(memoryview(picture).cast("B")[:MODULES])
    return Barcode(_runs(row), MODULES)


def svg(
    symbol: Barcode, *, module_mm: float = MIN_MODULE_MM, height_mm: float = MIN_HEIGHT_MM
) -> str:
    """The barcode as an SVG picture of its size on paper, white where it is quiet.

    Args:
        symbol: from `barcode`.
        module_mm: width of one module.
        height_mm: height of the bars.
    """
    path = "".join(f"M{start} 0h{width}v1h-{width}z" for start, width in symbol.bars)
    width = symbol.width_mm(module_mm)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height_mm:g}mm"'
        f' viewBox="0 0 {symbol.modules} 1" preserveAspectRatio="none"'
        f' shape-rendering="crispEdges">'
        f'<rect width="{symbol.modules}" height="1" fill="#fff"/>'
        f'<path d="{path}" fill="#000"/></svg>'
    )


def _runs(row: bytes) -> tuple[tuple[int, int], ...]:
    bars: list[tuple[int, int]] = []
    for place, shade in enumerate(row):
        if shade:
            continue
        if bars and sum(bars[-1]) == place:
            bars[-1] = bars[-1][0], bars[-1][1] + 1
        else:
            bars.append((place, 1))
    return tuple(bars)
