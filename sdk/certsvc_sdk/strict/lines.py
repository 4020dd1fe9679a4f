"""Many short JSON texts in base64url at once: the disclosures of a token.

One by one they cost a verifier more than its signature. So all are decoded and parsed as one array
whose separators hold line feeds, which no canonical JSON text does; the values written back, each
with its separator, must give the very same bytes. Where they do not, each text is read by itself.
"""

import binascii
from itertools import chain

import orjson
import pybase64

from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict.base64url import ENDS, PLUS, SLASH, b64u_bytes
from certsvc_sdk.strict.reading import (
    BACKSLASH,
    MAX_TOKEN,
    STRICT,
    Json,
    check_shape,
    is_plain,
    loads,
    nested_among,
)

# By a text's length modulo 4 and its last character: base64url that fills its last group up and
# ends in a whole one; and what that decodes to. No text has a length of 1 modulo 4. With other last
# characters, whose unused bits are not zero, the first line feed would be another character.
_CODED = tuple(
    dict.fromkeys(ends, code)
    for ends, code in zip(ENDS, (b"CiwK", b"", b"os", b"KLAoK"), strict=True)
)
_EQUALS = ord("=")
_PLAIN = (b"\n,\n", b"", b"\n,", b"\n,\n\n")


def b64u_lines(encoded: list[bytes], *, what: str) -> bytes:
    """Decode texts, none of them empty, each with a separator behind it.

    Args:
        encoded: texts as they stood between the `~` of a token.
        what: name of one of them, for the message.

    Returns:
        What `loads_lines` takes.

    Raises:
        Malformed: what `b64u_bytes` refuses, or an empty text.
    """
    try:
        joined = b"".join([text + _CODED[len(text) & 3][text[-1]] for text in encoded])
    except LookupError as error:
        raise Malformed(f"a {what} is empty or not canonical base64url") from error
    # The decoder knows both alphabets.
    if _EQUALS in joined or PLUS in joined or SLASH in joined:
        raise Malformed(f"a {what} is not base64url")
    try:
        return pybase64.b64decode(joined, b"-_", True)
    except binascii.Error as error:
        raise Malformed(f"a {what} is not base64url") from error


def loads_lines(lines: bytes, encoded: list[bytes], *, what: str) -> list[Json]:
    """Parse the texts, each as `loads` does; quick for arrays in canonical spelling.

    Args:
        lines: what `b64u_lines` returned for `encoded`.
        encoded: the same texts, as many bytes as a token may have at most.
        what: name of one of them, for the message.

    Raises:
        Malformed: one of them is what `b64u_bytes` or `loads` refuses.
    """
    values: list[list[Json]]
    try:
        values = orjson.loads(b"[%b0]" % lines)
        values.pop()
        pairs = zip(values, encoded, strict=True)
        written = [
            orjson.dumps(value, None, STRICT) + _PLAIN[len(text) & 3] for value, text in pairs
        ]
        canonical = b"".join(written) == lines
    except (TypeError, ValueError):  # also another number of values than of texts
        canonical = False
    # A written value holds no line feed and each separator does. So there are as many values as
    # texts, no text holds a line feed either, and each value is one text.
    if canonical and BACKSLASH not in lines and list(map(type, values)).count(list) == len(values):
        if not is_plain(lines, len(values)):
            # One level down, each in this array instead of its own.
            check_shape(nested_among(list(chain.from_iterable(values))), what)
        return [*values]
    return [loads(b64u_bytes(text, what=what), max_bytes=MAX_TOKEN, what=what) for text in encoded]
