"""What a QR symbol may hold beside bytes and digits, and what it may say wrongly of itself."""

from collections.abc import Iterator
from typing import Any, Final

from odd import symbols
from odd.files import saved

_VERSION: Final = 30
_CHARSETS: Final = (
    *(0, 1, 2, 3, 4, 13, 20, 24, 25, 26, 27, 28, 29, 30, 127, 128, 170),
    *(899, 900, 16383, 16384, 999999, 1048575, 2097151),
)


def modes(ours: str) -> Iterator[bytes]:
    """Eighty files; `ours` is the text of a valid certificate."""
    yield from _charsets(ours)
    yield from _far_east(ours)
    yield from _parts(ours)
    yield from _odd_heads(ours)
    yield from _lies(ours)
    yield from _full(ours)


def _drawn(*parts: symbols.Bits, **options: Any) -> bytes:
    bits = [bit for part in parts for bit in part]
    return saved(symbols.picture(_VERSION, bits, scale=2, **options))


def _split(ours: str) -> tuple[bytes, str]:
    address, mark, digits = ours.partition("#")
    return (address + mark).encode(), digits


def _charsets(ours: str) -> Iterator[bytes]:
    """Character sets that a symbol declares: known, unknown, reserved, one in the middle."""
    for number in _CHARSETS:
        yield _drawn(symbols.charset(number), symbols.bytes_segment(ours.encode(), _VERSION))
    prefix, digits = _split(ours)
    yield _drawn(
        symbols.charset(3),
        symbols.bytes_segment(prefix, _VERSION),
        symbols.charset(25),
        symbols.digits_segment(digits, _VERSION),
    )
    yield _drawn(*[symbols.charset(26)] * 60)


def _far_east(ours: str) -> Iterator[bytes]:
    """Kanji and Hanzi segments, alone and after our address."""
    prefix, _ = _split(ours)
    for values in ([0] * 20, [8191] * 20, range(0, 8000, 97), [0x111]):
        yield _drawn(symbols.kanji_segment(values, _VERSION))
        yield _drawn(symbols.hanzi_segment(values, _VERSION))
        after = symbols.kanji_segment(values, _VERSION)
        yield _drawn(symbols.bytes_segment(prefix, _VERSION), after)


def _parts(ours: str) -> Iterator[bytes]:
    """Pieces of a structured append: a certificate is never put together from several symbols."""
    data = ours.encode()
    for of in (1, 2, 3, 16):
        for index in sorted({0, of - 1}):
            size = len(data) // of + 1
            piece = data[index * size : (index + 1) * size]
            yield _drawn(symbols.part(index, of, 7), symbols.bytes_segment(piece, _VERSION))


def _odd_heads(ours: str) -> Iterator[bytes]:
    """Modes of other uses and of none before our bytes."""
    data = ours.encode()
    for mode in (symbols.FNC1, symbols.FNC1_SECOND):
        yield _drawn([(mode, 4)], symbols.bytes_segment(data, _VERSION))
        yield _drawn([(mode, 4), (37, 8)], symbols.bytes_segment(data, _VERSION))
    for mode in (6, 10, 11, 12, 14, 15, 0):
        yield _drawn([(mode, 4)], symbols.bytes_segment(data, _VERSION))


def _lies(ours: str) -> Iterator[bytes]:
    """Counts that are not so, digits that are none, and text after the end."""
    data, (prefix, digits) = ours.encode(), _split(ours)
    for count in (0, 1, len(data) - 1, len(data) + 1, 65535):
        yield _drawn(symbols.bytes_segment(data, _VERSION, count))
    for count in (0, 1, len(digits) - 1, len(digits) + 1, 4095):
        wrong = symbols.digits_segment(digits, _VERSION, count)
        yield _drawn(symbols.bytes_segment(prefix, _VERSION), wrong)
    for group in (1000, 1023, 999):
        yield _drawn([(symbols.NUMERIC, 4), (3, 14), (group, 10)])
    again = symbols.bytes_segment(data, _VERSION)
    yield _drawn(symbols.bytes_segment(data, _VERSION), [(0, 4)], again)
    yield _drawn(*[symbols.digits_segment("1", _VERSION) for _ in range(60)])


def _full(ours: str) -> Iterator[bytes]:
    """Symbols as full as they can be: 4,296 letters, 7,089 digits, 2,953 bytes."""
    for letter in "A$9":
        bits = symbols.letters_segment(letter * 4296, 40)
        yield saved(symbols.picture(40, bits, pad=False, scale=2))
    for digit in "17":
        bits = symbols.digits_segment(digit * 7089, 40)
        yield saved(symbols.picture(40, bits, pad=False, scale=2))
    for byte in (b"\x01", b"7", b"\xff"):
        bits = symbols.bytes_segment(byte * 2953, 40)
        yield saved(symbols.picture(40, bits, pad=False, scale=2))
    link = f"HTTPS://CERTS.EXAMPLE/V%23{_split(ours)[1][:2000]}"
    yield saved(symbols.picture(40, symbols.letters_segment(link, 40), scale=2))
