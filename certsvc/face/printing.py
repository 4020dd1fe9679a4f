"""The print check: a symbol is drawn at a size that scanners read, or not at all."""

import math
from typing import Final

from certsvc.face.errors import PrintTooSmall

# Side of the printed square with its quiet zone, and the smallest module, in millimetres.
PRINT_MM: Final = 40.0
MIN_MODULE_MM: Final = 0.33

# Sizes are told in tenths of a millimetre; nobody cuts paper finer.
_TENTHS = 10
# Far below a tenth: what division of decimal fractions leaves over is no want of size.
_ROUNDING = 1e-9


def smallest_mm(modules: int) -> float:
    """Return the smallest side that works, in millimetres, rounded up to a tenth.

    Args:
        modules: modules of a side, quiet zone included.
    """
    return math.ceil(MIN_MODULE_MM * modules * _TENTHS - _ROUNDING) / _TENTHS


def default_mm(modules: int) -> float:
    """Return the side to print at where nobody asks for another: 40 mm, more for large symbols."""
    return max(PRINT_MM, smallest_mm(modules))


def check_size(modules: int, size_mm: float) -> float:
    """Return a side that somebody asked for, if its modules are large enough.

    Args:
        modules: modules of a side, quiet zone included.
        size_mm: side of the printed square with its quiet zone, in millimetres.

    Raises:
        PrintTooSmall: modules would be under 0.33 mm; it says the smallest side that works.
    """
    least = smallest_mm(modules)
    # Written so that NaN is refused too.
    if not size_mm >= least:
        raise PrintTooSmall(smallest_mm=least)
    return size_mm
