"""Base64url without padding (RFC 7515 section 2), in its one canonical spelling."""

import binascii
from collections.abc import Sequence

import pybase64

from certsvc_sdk.errors import Malformed

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# By length modulo 4: the last characters whose unused low bits are zero (RFC 4648 section 3.5), and
# the padding that follows them.
ENDS: tuple[dict[int, bytes], ...] = (
    dict.fromkeys(_ALPHABET, b""),
    {},
    dict.fromkeys(_ALPHABET[::16], b"=="),
    dict.fromkeys(_ALPHABET[::4], b"="),
)
# What only the other alphabet has. A byte is looked for as a number: a byte string of one byte
# costs `in` an exception that nobody sees.
PLUS, SLASH = b"+/"


def b64u_encode(data: bytes) -> str:
    """Encode bytes as base64url without padding (RFC 7515 section 2)."""
    return b64u_ascii(data).decode("ascii")


def b64u_ascii(data: bytes) -> bytes:
    """Encode as `b64u_encode` does, to ASCII bytes."""
    return pybase64.b64encode(data, b"-_").rstrip(b"=")


def b64u_each(items: Sequence[bytes]) -> list[bytes]:
    """Encode byte strings, each as `b64u_ascii` does."""
    return [pybase64.b64encode(item, b"-_").rstrip(b"=") for item in items]


def b64u_decode(text: str, *, what: str = "base64url text") -> bytes:
    """Decode canonical base64url without padding; empty text is empty bytes.

    Args:
        text: ASCII text of the base64url alphabet.
        what: name of the thing, for the message.

    Raises:
        Malformed: padding, white space, foreign characters, an impossible length, or unused bits
            that are not zero, so that each byte string has exactly one spelling.
    """
    try:
        encoded = text.encode("ascii")
    except UnicodeEncodeError as error:
        raise Malformed(f"{what} is not base64url") from error
    return b64u_bytes(encoded, what=what)


def b64u_bytes(encoded: bytes, *, what: str = "base64url text") -> bytes:
    """Decode what is ASCII bytes already, as `b64u_decode` does.

    Raises:
        Malformed: as `b64u_decode`.
    """
    if not encoded:
        return b""
    padding = ENDS[len(encoded) & 3].get(encoded[-1])
    # The decoder knows both alphabets.
    if padding is None or PLUS in encoded or SLASH in encoded:
        raise Malformed(f"{what} is not canonical base64url")
    try:
        return pybase64.b64decode(encoded + padding, b"-_", True)
    except binascii.Error as error:
        raise Malformed(f"{what} is not base64url") from error


def b64u_fixed(items: Sequence[bytes], size: int) -> list[str]:
    """Encode byte strings of one size; quicker than one by one.

    Args:
        items: byte strings, `size` bytes each.
        size: 16 for salts, 32 for digests.
    """
    # Zero bytes fill each up to whole groups; the characters that hold them alone are cut off.
    fill = -size % 3
    step, length = (size + fill) // 3 * 4, (size * 8 + 5) // 6
    text = pybase64.b64encode(bytes(fill).join((*items, b"")), b"-_").decode("ascii")
    return [text[start : start + length] for start in range(0, len(text), step)]
