"""N17: bytes as decimal digits, 7 bytes in 17 digits (wire format "QR frame, version 1").

A numeric QR segment carries 3 digits in 10 bits, so 56 bits cost 56.67 bits: 98.8 % efficient.
Digits also survive keyboard-wedge scanners, Caps Lock and input methods; letters do not.
"""

import re

from certsvc_sdk.errors import Unreadable

_GROUP = 7
_GROUP_DIGITS = 17
# Digits of a tail of 1-6 bytes: the fewest that hold 256**n values.
_TAIL_DIGITS = {1: 3, 2: 5, 3: 8, 4: 10, 5: 13, 6: 15}
_TAIL_BYTES = {digits: count for count, digits in _TAIL_DIGITS.items()}

# A version 40-L symbol holds 7,089 digits: nothing longer came out of a QR code.
MAX_DIGITS = 7089

# `str.isdigit` would let other scripts' digits through.
_ASCII_DIGITS = re.compile(r"[0-9]+")


def encode(data: bytes) -> str:
    """Write bytes as digits: big-endian groups of 7 bytes, zero padded, then the tail."""
    parts: list[str] = []
    for start in range(0, len(data), _GROUP):
        group = data[start : start + _GROUP]
        width = _GROUP_DIGITS if len(group) == _GROUP else _TAIL_DIGITS[len(group)]
        parts.append(f"{int.from_bytes(group, 'big'):0{width}d}")
    return "".join(parts)


def decode(digits: str) -> bytes:
    """Read digits back into bytes.

    Args:
        digits: ASCII digits, at most `MAX_DIGITS`.

    Returns:
        The bytes `encode` was given; every byte string has exactly one spelling.

    Raises:
        Unreadable: another character, too many digits, an impossible tail length, or a group
            above the range of its bytes.
    """
    if len(digits) > MAX_DIGITS or not _ASCII_DIGITS.fullmatch(digits):
        raise Unreadable(f"a code holds 1-{MAX_DIGITS} digits and nothing else")
    tail = len(digits) % _GROUP_DIGITS
    if tail and tail not in _TAIL_BYTES:
        raise Unreadable("digits are missing: no group has this length")
    out = bytearray()
    for start in range(0, len(digits), _GROUP_DIGITS):
        group = digits[start : start + _GROUP_DIGITS]
        size = _GROUP if len(group) == _GROUP_DIGITS else _TAIL_BYTES[len(group)]
        try:
            out += int(group).to_bytes(size, "big")
        except OverflowError as error:
            raise Unreadable("a group of digits is above the range of its bytes") from error
    return bytes(out)
