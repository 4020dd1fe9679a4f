"""JSON from outside (RFC 8259), read in one way only.

Text that a fast parser reads and writes back byte for byte holds no duplicate member, no odd
number and no second spelling, so little is left to check. Every other text is judged by the slow
and strict parser, which alone decides what is refused (docs/adr/0013).
"""

import json
import math
import re
from collections.abc import Collection
from typing import Any, NoReturn, TypeAlias

import orjson

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
# Values a text above MAX_TOKEN may hold (a smaller one holds fewer), each of which costs memory a
# hundred times its text; what is large here is one long string, a compressed list.
MAX_ITEMS = 16 * 1024
# RFC 8259 section 6: integers above this lose precision in other readers.
MAX_INTEGER = 2**53 - 1
# Digits and sign of MAX_INTEGER are 17; checked before conversion, whose cost is quadratic.
_MAX_INTEGER_TEXT = 17
# Shortest round-trip text of a double has at most 24 characters.
_MAX_FLOAT_TEXT = 32

# Possessive and with an optional end, so that it is linear for unterminated strings too.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ONE_BRACKET = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
# All but what separates and opens: one pass that leaves these takes half of a count of each.
_NOT_COMMA_OPEN = bytes(set(range(256)) - set(b",[{"))
_NOT_ITEM = bytes(set(range(256)) - set(b',[{"'))
# RFC 8259 section 2.
_WHITE_SPACE = " \t\n\r"
_BAD_TEXT = re.compile("[\x00\ud800-\udfff]")
_NESTED = frozenset({dict, list})
# As a number, which `in` finds without an exception of its own.
BACKSLASH = ord("\\")
# Integers that readers refuse are not written.
STRICT = orjson.OPT_STRICT_INTEGER


def loads(
    data: bytes,
    *,
    max_bytes: int,
    what: str,
    max_members: int = MAX_MEMBERS,
    max_copied: int = MAX_TOKEN,
) -> Json:
    """Parse one JSON text from outside.

    Args:
        data: UTF-8 bytes without a byte order mark.
        max_bytes: largest length accepted.
        what: name of the thing, for the message.
        max_members: most members of an object; more than MAX_MEMBERS is for tables of a cache.
        max_copied: bytes of the longest text that is written back, at ten times its size in memory.

    Raises:
        Malformed: the text breaks JSON or one of this module's limits.
    """
    if len(data) > max_bytes:
        raise Malformed(f"{what} is longer than {max_bytes} bytes")
    if len(data) > MAX_TOKEN and _items(data) > max(MAX_ITEMS, 4 * max_members):
        raise Malformed(f"{what} holds too many values")
    if len(data) > max_copied:
        return _read_strictly(data, what, max_members)
    try:
        value: Json = orjson.loads(data)
        canonical = orjson.dumps(value, None, STRICT) == data
    except (TypeError, ValueError):  # not JSON, or an integer beyond 2**53 - 1
        canonical = False
    if not canonical:
        return _read_strictly(data, what, max_members)
    if len(data) > MAX_TOKEN or not is_plain(data):
        check_shape(value, what, max_members)
    # Surrogates and U+0000 can only arrive escaped.
    if BACKSLASH in data:
        _check_text(value, what)
    return value


def loads_object(
    data: bytes,
    *,
    max_bytes: int,
    what: str,
    max_members: int = MAX_MEMBERS,
    max_copied: int = MAX_TOKEN,
) -> dict[str, Json]:
    """Parse one JSON object from outside; see `loads`.

    Raises:
        Malformed: as `loads`, or the value is not an object.
    """
    value = loads(
        data, max_bytes=max_bytes, what=what, max_members=max_members, max_copied=max_copied
    )
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not a JSON object")
    return value


def loads_own(data: bytes) -> Any:  # noqa: ANN401 - whatever was written
    """Parse what `dumps` wrote in this process; nothing is checked."""
    return orjson.loads(data)


def _items(data: bytes) -> int:
    """Return an upper bound of the values in a text: their separators, in strings too."""
    kept = data.translate(None, _NOT_ITEM)
    quotes = kept.count(b'"')
    return len(kept) - quotes + quotes // 2


def _read_strictly(data: bytes, what: str, max_members: int) -> Json:
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
    check_shape(value, what, max_members)
    if BACKSLASH in data:
        _check_text(value, what)
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


def is_plain(data: bytes, texts: int = 1) -> bool:
    """Tell whether a text holds too few brackets and commas to be too deep or too wide.

    Args:
        data: JSON, or many texts joined to one.
        texts: number of texts, each of which has a bracket of its own.
    """
    kept = data.translate(None, _NOT_COMMA_OPEN)
    commas = kept.count(b",")
    return commas < MAX_MEMBERS and len(kept) - commas < MAX_DEPTH + texts


def check_shape(value: Json, what: str, max_members: int = MAX_MEMBERS) -> None:
    """Refuse what is deeper or wider than the limits, level by level.

    Raises:
        Malformed: deeper than MAX_DEPTH, wider than `max_members` or MAX_ARRAY.
    """
    level: list[Json] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Json] = []
        for item in level:
            if isinstance(item, dict):
                if len(item) > max_members:
                    raise Malformed(f"{what} holds an object of more than {max_members} members")
                below += nested_among(item.values())
            elif isinstance(item, list):
                if len(item) > MAX_ARRAY:
                    raise Malformed(f"{what} holds an array of more than {MAX_ARRAY} elements")
                below += nested_among(item)
        if not below:
            return
        level = below
    raise Malformed(f"{what} is nested deeper than {MAX_DEPTH}")


def nested_among(values: Collection[Json]) -> list[Json]:
    """Return the objects and arrays among parsed values."""
    # Most have none, which a set finds out at a tenth of the cost of a loop.
    if _NESTED.isdisjoint(map(type, values)):
        return []
    return [value for value in values if type(value) in _NESTED]


def _check_text(value: Json, what: str) -> None:
    """Refuse surrogates and U+0000 anywhere in a parsed value."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if _BAD_TEXT.search(item):
                raise Malformed(f"{what} holds a surrogate or U+0000")
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Malformed("duplicate member")
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
