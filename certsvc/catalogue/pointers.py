"""JSON pointers (RFC 6901) with ``*`` for "every element of this array"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

ANY = "*"

# A pointer travels in error answers and logs: a hostile member name must not bloat them.
_MAX_SEGMENT = 64


class Found(NamedTuple):
    """One value a pattern matched.

    Attributes:
        pointer: Where, with real indexes in place of ``*``.
        indexes: Those indexes, outermost first.
        value: What stands there.
    """

    pointer: str
    indexes: tuple[int, ...]
    value: object


@lru_cache(maxsize=1024)
def segments(pattern: str) -> tuple[str, ...]:
    """Splits a pointer into unescaped segments; the empty pointer has none."""
    if not pattern:
        return ()
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pattern.split("/")[1:])


def join(parent: str, segment: str | int) -> str:
    """Appends one segment to a pointer, escaped, printable and of bounded length."""
    text = str(segment)
    if len(text) > _MAX_SEGMENT:
        text = text[:_MAX_SEGMENT] + "…"
    if not text.isprintable():
        text = "".join(char if char.isprintable() else "\ufffd" for char in text)
    if "~" in text or "/" in text:
        text = text.replace("~", "~0").replace("/", "~1")
    return f"{parent}/{text}"


def bind(pattern: str, indexes: tuple[int, ...]) -> str:
    """Replaces the leading ``*`` of a pattern by indexes, as many as there are."""
    rest = iter(indexes)
    bound = ""
    for segment in segments(pattern):
        bound = join(bound, next(rest, ANY) if segment == ANY else segment)
    return bound


def expand(document: object, pattern: str) -> Iterator[Found]:
    """Yields every value of `document` that `pattern` matches, in document order."""
    yield from _expand(document, segments(pattern), "", ())


def lookup(document: object, pointer: str) -> object:
    """Returns the value at a pointer without ``*``, or None where nothing stands."""
    return next((found.value for found in expand(document, pointer)), None)


def _expand(
    value: object, rest: tuple[str, ...], pointer: str, indexes: tuple[int, ...]
) -> Iterator[Found]:
    if not rest:
        yield Found(pointer, indexes, value)
        return
    head, tail = rest[0], rest[1:]
    if isinstance(value, list):
        if head == ANY:
            for index, element in enumerate(value):
                yield from _expand(element, tail, join(pointer, index), (*indexes, index))
        elif head.isascii() and head.isdecimal() and int(head) < len(value):
            yield from _expand(value[int(head)], tail, join(pointer, head), indexes)
    elif isinstance(value, Mapping) and head in value:
        yield from _expand(value[head], tail, join(pointer, head), indexes)
