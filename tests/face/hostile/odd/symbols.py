"""QR symbols that no honest maker draws: any bits, any mode, and other kinds of codes."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import qrcode
import zxingcpp
from PIL import Image
from qrcode import base, util
from qrcode.constants import ERROR_CORRECT_L

#: Mode indicators (ISO/IEC 18004 table 2) and the Chinese one (GB/T 18284).
NUMERIC, ALPHANUMERIC, APPEND, BYTES, FNC1, ECI, KANJI, FNC1_SECOND, HANZI = (
    *(1, 2, 3, 4, 5, 7, 8, 9),
    13,
)
_PADDING: Final = (0xEC, 0x11)

Bits = Iterable[tuple[int, int]]


def picture(version: int, bits: Bits, *, pad: bool = True, scale: int = 3) -> Image.Image:
    """A QR symbol with exactly these bits: pairs of value and width."""
    buffer = util.BitBuffer()
    for value, width in bits:
        buffer.put(value, width)
    blocks = base.rs_blocks(version, ERROR_CORRECT_L)
    room = 8 * sum(block.data_count for block in blocks)
    if pad:
        buffer.put(0, min(4, room - len(buffer)))
    while len(buffer) % 8:
        buffer.put(0, 1)
    count = 0
    while len(buffer) < room:
        buffer.put(_PADDING[count % 2], 8)
        count += 1
    symbol = qrcode.QRCode(version, ERROR_CORRECT_L, border=4, box_size=scale, mask_pattern=0)
    symbol.data_cache = util.create_bytes(buffer, blocks)
    symbol.modules_count = 4 * version + 17
    symbol.makeImpl(test=False, mask_pattern=0)
    return drawn(symbol.modules, scale)


def drawn(rows: Iterable[Iterable[object]], scale: int, quiet: int = 4) -> Image.Image:
    """Modules as a gray picture."""
    dark = np.pad(np.array([[bool(cell) for cell in row] for row in rows]), quiet)
    gray = np.where(dark, 0, 255).astype(np.uint8)
    return Image.fromarray(np.kron(gray, np.ones((scale, scale), np.uint8)))


def bytes_segment(data: bytes, version: int, count: int | None = None) -> Bits:
    """A byte segment; `count` may lie."""
    yield BYTES, 4
    yield len(data) if count is None else count, 8 if version < 10 else 16
    yield from ((byte, 8) for byte in data)


def digits_segment(digits: str, version: int, count: int | None = None) -> Bits:
    """A numeric segment; `count` may lie."""
    yield NUMERIC, 4
    yield len(digits) if count is None else count, _numeric_width(version)
    for start in range(0, len(digits), 3):
        group = digits[start : start + 3]
        yield int(group), (4, 7, 10)[len(group) - 1]


def letters_segment(letters: str, version: int) -> Bits:
    """An alphanumeric segment."""
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
    yield ALPHANUMERIC, 4
    yield len(letters), 9 if version < 10 else 11 if version < 27 else 13
    for start in range(0, len(letters), 2):
        pair = [signs.index(sign) for sign in letters[start : start + 2]]
        yield (45 * pair[0] + pair[1], 11) if len(pair) == 2 else (pair[0], 6)


def kanji_segment(values: Iterable[int], version: int) -> Bits:
    """A Kanji segment of 13-bit values."""
    values = list(values)
    yield KANJI, 4
    yield len(values), 8 if version < 10 else 10 if version < 27 else 12
    yield from ((value, 13) for value in values)


def hanzi_segment(values: Iterable[int], version: int) -> Bits:
    """A Hanzi segment, subset GB 2312, of 13-bit values."""
    values = list(values)
    yield HANZI, 4
    yield 1, 4
    yield len(values), 8 if version < 10 else 10 if version < 27 else 12
    yield from ((value, 13) for value in values)


def charset(number: int) -> Bits:
    """An ECI designator of one, two or three bytes."""
    yield ECI, 4
    if number < 128:
        yield number, 8
    elif number < 16384:
        yield 0b10 << 14 | number, 16
    else:
        yield 0b110 << 21 | number, 24


def part(index: int, of: int, parity: int) -> Bits:
    """The head of a structured append."""
    yield APPEND, 4
    yield index, 4
    yield of - 1, 4
    yield parity, 8


def _numeric_width(version: int) -> int:
    return 10 if version < 10 else 12 if version < 27 else 14


def other(kind: str, text: str, scale: int = 3) -> Image.Image:
    """A code of another kind, as zxing-cpp draws it."""
    form = zxingcpp.barcode_format_from_str(kind)
    code = zxingcpp.create_barcode(text, form)
    return Image.fromarray(np.array(code.to_image(scale=scale, add_quiet_zones=True)))
