"""The one place that reads outside JSON and base64url; it accepts one spelling of each thing.

Refused, because libraries disagree about it and disagreement is an attack: duplicate members, NaN
and Infinity, numbers beyond 2**53 - 1, deep or wide structures, a byte order mark, surrogates,
U+0000, padded or non-canonical base64url.
"""

import binascii
import json
import math
import re
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import NoReturn, TypeAlias

from certsvc_sdk.errors import Malformed

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

# A QR symbol carries under 3 KB; presentations and batches stay well below this.
MAX_TOKEN = 64 * 1024
# Our own header is 60 bytes; others carry a certificate chain, which a reader must still parse.
MAX_HEADER = 8 * 1024
# A household with nested members needs 6; below this no parser can run out of stack.
MAX_DEPTH = 16
# The widest certificate type has under 40 members.
MAX_MEMBERS = 256
# Lists of issuers, keys or digests; bulk data travels as files, not as one array.
MAX_ARRAY = 1024
# RFC 8259 section 6: integers above this lose precision in other readers.
MAX_INTEGER = 2**53 - 1
# Digits and sign of MAX_INTEGER are 17; checked before conversion, whose cost is quadratic.
_MAX_INTEGER_TEXT = 17
# Shortest round-trip text of a double has at most 24 characters.
_MAX_FLOAT_TEXT = 32

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URLSAFE = bytes.maketrans(b"+/", b"-_")
# Last characters whose unused low bits are zero, by length modulo 4 (RFC 4648 section 3.5).
_LAST = {0: _ALPHABET, 2: _ALPHABET[::16], 3: _ALPHABET[::4]}
_PADDING = {0: b"", 2: b"==", 3: b"="}

# Possessive and with an optional end, so that it is linear for unterminated strings too.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ONE_BRACKET = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
# RFC 8259 section 2.
_WHITE_SPACE = " \t\n\r"
_BAD_TEXT = re.compile("[\x00\ud800-\udfff]")


def b64u_encode(data: bytes) -> str:
    """Encode bytes as base64url without padding (RFC 7515 section 2)."""
    standard = binascii.b2a_base64(data, newline=False)
    return standard.translate(_TO_URLSAFE).rstrip(b"=").decode("ascii")


def is_b64u(text: str) -> bool:
    """Tell whether a text uses the base64url alphabet only; empty text does."""
    return text.isascii() and not text.encode("ascii").translate(None, _ALPHABET)


def b64u_decode(text: str, *, what: str = "base64url text") -> bytes:
    """Decode canonical base64url without padding; empty text is empty bytes.

    Args:
        text: ASCII text of the base64url alphabet.
        what: name of the thing, for the message.

    Raises:
        Malformed: padding, white space, foreign characters, an impossible length, or unused bits
            that are not zero, so that each byte string has exactly one spelling.
    """
    if not text:
        return b""
    if not text.isascii():
        raise Malformed(f"{what} is not base64url")
    raw = text.encode("ascii")
    tail = len(raw) & 3
    if tail == 1 or raw.translate(None, _ALPHABET) or raw[-1] not in _LAST[tail]:
        raise Malformed(f"{what} is not canonical base64url")
    return binascii.a2b_base64(raw.translate(_TO_STANDARD) + _PADDING[tail])


def loads(data: bytes, *, max_bytes: int, what: str) -> Json:
    """Parse one JSON text from outside.

    Args:
        data: UTF-8 bytes without a byte order mark.
        max_bytes: largest length accepted.
        what: name of the thing, for the message.

    Raises:
        Malformed: the text breaks JSON or one of this module's limits.
    """
    if len(data) > max_bytes:
        raise Malformed(f"{what} is longer than {max_bytes} bytes")
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        _check_depth(data, what)
    try:
        # `decode` spends most of its time on looking for white space; a byte order mark is none.
        source = data.decode("utf-8").strip(_WHITE_SPACE)
        value: Json
        value, end = _DECODER.raw_decode(source)
    except UnicodeDecodeError as error:
        raise Malformed(f"{what} is not UTF-8") from error
    except Malformed as error:
        raise Malformed(f"{what}: {error}") from error
    except ValueError as error:
        raise Malformed(f"{what} is not JSON") from error
    if end != len(source):
        raise Malformed(f"{what} does not end where its value ends")
    # Surrogates and U+0000 can only arrive escaped; wide arrays need as many commas.
    if b"\\u" in data or data.count(b",") >= MAX_ARRAY:
        _check_values(value, what)
    return value


def loads_object(data: bytes, *, max_bytes: int, what: str) -> dict[str, Json]:
    """Parse one JSON object from outside; see `loads`.

    Raises:
        Malformed: as `loads`, or the value is not an object.
    """
    value = loads(data, max_bytes=max_bytes, what=what)
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not a JSON object")
    return value


def dumps(value: object) -> bytes:
    """Write compact UTF-8 JSON: no white space, no ASCII escapes, members in their order.

    Raises:
        Malformed: the value has no JSON form (NaN, surrogates, foreign types, endless nesting).
    """
    try:
        return _ENCODER.encode(value).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed("value has no JSON form") from error


def quote(value: str) -> str:
    """Write one string as JSON text, spelled as `dumps` spells it; `utf8` makes bytes of it."""
    return encode_basestring(value)


def utf8(value: str) -> bytes:
    """Encode text as UTF-8.

    Raises:
        Malformed: it holds a surrogate.
    """
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("text holds a surrogate") from error


def text(obj: Mapping[str, Json], name: str, what: str) -> str:
    """Return member `name` as a string.

    Raises:
        Malformed: absent or of another type.
    """
    value = obj.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{what}: {name} must be a string")
    return value


def optional_text(obj: Mapping[str, Json], name: str, what: str) -> str | None:
    """Return member `name` as a string, or None where absent.

    Raises:
        Malformed: present but of another type (null included).
    """
    return text(obj, name, what) if name in obj else None


def integer(obj: Mapping[str, Json], name: str, what: str) -> int:
    """Return member `name` as an integer; booleans, 1.0 and "1" are not integers.

    Raises:
        Malformed: absent or of another type.
    """
    value = obj.get(name)
    if type(value) is not int:
        raise Malformed(f"{what}: {name} must be an integer")
    return value


def optional_integer(obj: Mapping[str, Json], name: str, what: str) -> int | None:
    """Return member `name` as an integer, or None where absent.

    Raises:
        Malformed: present but of another type (null included).
    """
    return integer(obj, name, what) if name in obj else None


def members(obj: Mapping[str, Json], name: str, what: str) -> dict[str, Json]:
    """Return member `name` as an object.

    Raises:
        Malformed: absent or of another type.
    """
    value = obj.get(name)
    if not isinstance(value, dict):
        raise Malformed(f"{what}: {name} must be an object")
    return value


def array(obj: Mapping[str, Json], name: str, what: str) -> list[Json]:
    """Return member `name` as an array.

    Raises:
        Malformed: absent or of another type.
    """
    value = obj.get(name)
    if not isinstance(value, list):
        raise Malformed(f"{what}: {name} must be an array")
    return value


def _check_depth(data: bytes, what: str) -> None:
    """Refuse nesting beyond MAX_DEPTH before a recursive parser sees it."""
    # Strings are cut out first: brackets inside them are text.
    brackets = _STRING.sub(b"", data).translate(_ONE_BRACKET, _NOT_BRACKET)
    # Each pass removes the innermost level; what is left is too deep or unbalanced.
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise Malformed(f"{what} is nested deeper than {MAX_DEPTH} or unbalanced")


def _check_values(value: Json, what: str) -> None:
    """Refuse surrogates, U+0000 and wide arrays anywhere in a parsed value."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if _BAD_TEXT.search(item):
                raise Malformed(f"{what} holds a surrogate or U+0000")
        elif isinstance(item, list):
            if len(item) > MAX_ARRAY:
                raise Malformed(f"{what} holds an array of more than {MAX_ARRAY} elements")
            pending.extend(item)
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Malformed("duplicate member")
    if len(result) > MAX_MEMBERS:
        raise Malformed(f"more than {MAX_MEMBERS} members")
    return result


def _integer(literal: str) -> int:
    if len(literal) > _MAX_INTEGER_TEXT or abs(value := int(literal)) > MAX_INTEGER:
        raise Malformed("integer beyond 2**53 - 1")
    return value


def _float(literal: str) -> float:
    if len(literal) > _MAX_FLOAT_TEXT or not math.isfinite(value := float(literal)):
        raise Malformed("number out of range")
    return value


def _constant(literal: str) -> NoReturn:
    raise Malformed(f"{literal} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
