"""Finding claims by JSON pointer (RFC 6901), with `*` for every element of an array."""

from collections.abc import Mapping
from typing import Any, Final

from certsvc_sdk.policy.grammar import parts

EVERY: Final = "*"
ABSENT: Final = object()
"""Stands for a claim that is not there, or is null."""

# Names that an issuer-signed payload keeps for digests (RFC 9901 sections 4.1 and 4.2.4).
_SD, _SD_ALG, _ELEMENT = "_sd", "_sd_alg", "..."
# Index texts are short; conversion of long digit strings is quadratic.
_MAX_INDEX: Final = 4


def values(pointer: str, claims: Any) -> list[Any]:  # noqa: ANN401
    """Return every value at a JSON pointer, `*` standing for all array elements.

    Absent members give nothing; an element without the member is left out.
    """
    found = [claims]
    for escaped in pointer.split("/")[1:]:
        name = escaped.replace("~1", "/").replace("~0", "~")
        found = [inner for value in found for inner in step(value, name)]
    return found


def entries(names: tuple[str, ...], claims: Any) -> list[Any]:  # noqa: ANN401
    """Return one entry for every place a pointer leads to, `ABSENT` where nothing stands."""
    found = [claims]
    for name in names:
        found = [inner for value in found for inner in step(value, name) or (ABSENT,)]
    return [ABSENT if value is None else value for value in found]


def step(value: Any, name: str) -> list[Any]:  # noqa: ANN401
    """Return what one part of a pointer leads to."""
    if isinstance(value, Mapping):
        return [value[name]] if name in value else []
    if isinstance(value, list):
        if name == EVERY:
            return value
        index = _index(name, len(value))
        return value[index : index + 1]
    return []


def is_shown(wanted: str, claims: Mapping[str, Any]) -> bool:
    """Tell whether a needed claim is there, not null: with `*`, in every element and in one."""
    return _shown(parts(wanted), claims)


def _shown(names: tuple[str, ...], value: Any) -> bool:  # noqa: ANN401
    for place, name in enumerate(names):
        found = step(value, name)
        if not found:
            return False
        if name == EVERY and isinstance(value, list):
            rest = names[place + 1 :]
            return all(_shown(rest, element) for element in found)
        value = found[0]
    return value is not None


def is_whole(names: tuple[str, ...], signed: Any, shown: Any) -> bool:  # noqa: ANN401
    """Tell whether nothing that the pointer could lead to was withheld.

    A holder may leave disclosures out; what passes because something is absent must be absent
    from what the issuer signed and not only from what is shown.

    Args:
        names: parts of the pointer.
        signed: the payload as signed, digests and all.
        shown: the claims with their disclosures in place.
    """
    if not names:
        return True
    name, rest = names[0], names[1:]
    if isinstance(shown, list):
        return _is_whole_list(name, rest, signed, shown)
    if not isinstance(shown, Mapping):
        return True
    if name in shown:
        # Inside a disclosure the signed form is not at hand: nothing is certain there.
        inner = signed.get(name) if isinstance(signed, Mapping) else None
        return is_whole(rest, inner, shown[name])
    if not isinstance(signed, Mapping) or _ELEMENT in signed:
        return False
    digests = signed.get(_SD, ())
    clear = sum(one not in (_SD, _SD_ALG) for one in signed)
    return len(shown) == clear + len(digests)


def _is_whole_list(name: str, rest: tuple[str, ...], signed: Any, shown: list[Any]) -> bool:  # noqa: ANN401
    if not isinstance(signed, list) or len(signed) != len(shown):
        return False
    if name == EVERY:
        return all(is_whole(rest, *pair) for pair in zip(signed, shown, strict=True))
    index = _index(name, len(shown))
    return index >= len(shown) or is_whole(rest, signed[index], shown[index])


def _index(name: str, otherwise: int) -> int:
    fits = name.isascii() and name.isdigit() and len(name) <= _MAX_INDEX
    return int(name) if fits else otherwise
