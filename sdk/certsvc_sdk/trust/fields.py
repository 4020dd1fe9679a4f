"""Typed reading of members that may be null, and of lists, for trust records."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import Json, array, integer, text

T = TypeVar("T")


def only(obj: Mapping[str, Json], names: frozenset[str], what: str) -> None:
    """Refuse an object that lacks a member or has one more: a new member is a new version.

    Raises:
        Malformed: the members differ; the message names them.
    """
    if obj.keys() != names:
        odd = ", ".join(sorted(repr(name)[:40] for name in obj.keys() ^ names))
        raise Malformed(f"{what}: missing or unknown members {odd}")


def moment(obj: Mapping[str, Json], name: str, what: str) -> int:
    """A point in time, Unix seconds.

    Raises:
        Malformed: no integer, or negative.
    """
    value = integer(obj, name, what)
    if value < 0:
        raise Malformed(f"{what}: {name} must not be negative")
    return value


def moment_or_null(obj: Mapping[str, Json], name: str, what: str) -> int | None:
    """A point in time or a number of seconds, or null.

    Raises:
        Malformed: neither null nor a non-negative integer.
    """
    return None if obj.get(name) is None else moment(obj, name, what)


def text_or_null(obj: Mapping[str, Json], name: str, what: str) -> str | None:
    """A string or null.

    Raises:
        Malformed: another type.
    """
    return None if obj.get(name) is None else text(obj, name, what)


def texts(
    obj: Mapping[str, Json], name: str, what: str, accepts: Callable[[str], bool]
) -> tuple[str, ...]:
    """A list of different strings that `accepts` accepts.

    Raises:
        Malformed: another type, a repeated or an unacceptable string.
    """
    found: list[str] = []
    for value in array(obj, name, what):
        if not isinstance(value, str) or value in found or not accepts(value):
            raise Malformed(f"{what}: {name} holds a repeated or unacceptable value")
        found.append(value)
    return tuple(found)


def objects(
    obj: Mapping[str, Json], name: str, what: str, read: Callable[[Mapping[str, Json]], T]
) -> tuple[T, ...]:
    """A list of objects, each read by `read`.

    Raises:
        Malformed: no list of objects, or what `read` raises.
    """
    found: list[T] = []
    for value in array(obj, name, what):
        if not isinstance(value, dict):
            raise Malformed(f"{what}: {name} must hold objects")
        found.append(read(value))
    return tuple(found)


def check_window(start: int, end: int | None, what: str) -> None:
    """Refuse a window [start, end) that holds no moment.

    Raises:
        Malformed: the end is not after the start.
    """
    if end is not None and end <= start:
        raise Malformed(f"{what}: the period ends before it starts")
