"""Choice of a QR symbol's mask by its penalty score (ISO/IEC 18004:2015 section 7.8.3).

The whole matrix is one integer with zero padding behind each row, so that a shift compares every
module with its neighbour at once: all eight masks are scored in about a millisecond.
"""

from collections.abc import Iterable, Sequence

# Zero modules behind each row: longer than any pattern, so that none runs into the next row.
_PADDING = 12
# The eight conditions all repeat after 12 rows and 12 columns.
_PERIOD = 12

# 1:1:3:1:1 as in the finders, dark and light.
_FINDER = (True, False, True, True, True, False, True)
_LIGHT_BESIDE = 4
_RUN = 5

# Bytes 0 and 1 to the ASCII digits that `int` reads.
_ASCII_BITS = bytes.maketrans(b"\x00\x01", b"01")

# Weights N1-N4 of section 7.8.3.1.
_N1, _N2, _N3, _N4 = 3, 3, 40, 10


def best_mask(matrix: Sequence[Sequence[bool]], alignment: Sequence[int]) -> int:
    """Return the mask with the lowest penalty.

    Args:
        matrix: modules of the symbol drawn with mask 0, without quiet zone; True is dark.
        alignment: row and column centres of the version's alignment patterns.

    Returns:
        Mask reference 0-7; the first of several equals.
    """
    size = len(matrix)
    drawn = _number(matrix)
    data = _number(_data_modules(size, alignment))
    every = _number([[True] * size] * size)
    masks = [_number(_mask_rows(mask, size)) & data for mask in range(8)]
    scores = [_penalty(drawn ^ masks[0] ^ mask, every, size) for mask in masks]
    return scores.index(min(scores))


def _number(rows: Iterable[Sequence[bool]]) -> int:
    """Return the modules as bits, the first one highest, with padding behind each row."""
    modules = bytes(_PADDING).join(map(bytes, rows)) + bytes(_PADDING)
    return int(modules.translate(_ASCII_BITS), 2)


def _condition(mask: int, row: int, column: int) -> bool:
    """Tell whether a mask turns a module over (section 7.8.2, table 10)."""
    product = row * column
    conditions = (
        (row + column) % 2,
        row % 2,
        column % 3,
        (row + column) % 3,
        (row // 2 + column // 3) % 2,
        product % 2 + product % 3,
        (product % 2 + product % 3) % 2,
        ((row + column) % 2 + product % 3) % 2,
    )
    return conditions[mask] == 0


def _mask_rows(mask: int, size: int) -> list[list[bool]]:
    repeats = size // _PERIOD + 1
    tile = [
        ([_condition(mask, row, column) for column in range(_PERIOD)] * repeats)[:size]
        for row in range(_PERIOD)
    ]
    return (tile * repeats)[:size]


def _data_modules(size: int, alignment: Sequence[int]) -> list[list[bool]]:
    """Mark the modules a mask acts on: all but the function patterns and their information."""
    rows = [[True] * size for _ in range(size)]

    def clear(top: int, left: int, height: int, width: int) -> None:
        for row in rows[top : top + height]:
            row[left : left + width] = [False] * len(row[left : left + width])

    clear(0, 0, 9, 9)
    clear(0, size - 8, 9, 8)
    clear(size - 8, 0, 8, 9)
    clear(6, 0, 1, size)
    clear(0, 6, size, 1)
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    for row in alignment:
        for column in alignment:
            if (row, column) not in corners:
                clear(row - 2, column - 2, 5, 5)
    if size >= 45:  # version 7 and up carry version information
        clear(0, size - 11, 6, 3)
        clear(size - 11, 0, 3, 6)
    return rows


def _penalty(dark: int, every: int, size: int) -> int:
    stride = size + _PADDING
    light = every & ~dark
    score = 0
    for step in (1, stride):
        score += _runs(dark, step) + _runs(light, step) + _finders(dark, light, step)
    for colour in (dark, light):
        pairs = colour & colour >> 1
        score += _N2 * (pairs & pairs >> stride).bit_count()
    percent = 100 * dark.bit_count() / (size * size)
    return score + _N4 * int(abs(percent - 50) / 5)


def _runs(colour: int, step: int) -> int:
    """N1: runs of five or more, 3 points and one for each module beyond five."""
    starts = colour
    for distance in range(1, _RUN):
        starts &= colour >> distance * step
    runs = starts & ~(starts << step)
    return starts.bit_count() + (_N1 - 1) * runs.bit_count()


def _finders(dark: int, light: int, step: int) -> int:
    """N3: finder-like sequences with four light modules before or after."""
    found = -1
    for distance, is_dark in enumerate(_FINDER):
        found &= (dark if is_dark else light) >> distance * step
    before = after = found
    for distance in range(_LIGHT_BESIDE):
        after &= light >> (len(_FINDER) + distance) * step
        before &= light << (1 + distance) * step
    return _N3 * (before.bit_count() + after.bit_count())
