"""Typed access to the members of a parsed object; nothing is converted."""

from collections.abc import Mapping, Sequence

from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict.reading import Json


def text(obj: Mapping[str, Json], name: str, what: str) -> str:
    """Return member `name` as a string.

    Raises:
        Malformed: absent or of another type.
    """
    value = obj.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{what}: {name} must be a string")
    return value


def texts(obj: Mapping[str, Json], names: Sequence[str], what: str) -> list[str]:
    """Return the members of those names, each as `text` does.

    Raises:
        Malformed: one is absent or of another type.
    """
    values = [value for name in names if type(value := obj.get(name)) is str]
    if len(values) != len(names):
        raise Malformed(f"{what}: {', '.join(names)} must be strings")
    return values


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
