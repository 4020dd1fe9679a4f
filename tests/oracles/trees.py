"""Which parts of a claim tree are disclosable or shown, in the notation of each peer."""

import json
from collections.abc import Iterator
from typing import Any

from sd_jwt.common import SDObj

from certsvc_sdk.sdjwt import Pointers

Path = tuple[str | int, ...]


def canonical(value: Any) -> str:
    """One text for equal JSON values: JavaScript has no 1.0, and in Python `True == 1`."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """Every place in a claim tree, parents first."""
    if here:
        yield here
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, item in items:
        yield from paths(item, (*here, step))


def matching(claims: dict[str, Any], pointers: Any) -> list[Path]:
    """The places that a set of JSON pointers names."""
    tree = Pointers.of(pointers)
    return [path for path in paths(claims) if tree.matches(path)]


def disclosure_frame(chosen: list[Path], decoys: int = 0) -> dict[str, Any]:
    """For `@sd-jwt`: names and indexes under `_sd`, one level of object a level of claims."""
    frame: dict[str, Any] = {"_sd_decoy": decoys} if decoys else {}
    for path in chosen:
        level = frame
        for step in path[:-1]:
            level = level.setdefault(str(step), {"_sd_decoy": decoys} if decoys else {})
        level.setdefault("_sd", []).append(path[-1])
    return frame


def presentation_frame(chosen: list[Path]) -> dict[str, Any]:
    """For `@sd-jwt`: an object names itself; its parents come along."""
    frame: dict[str, Any] = {}
    for path in chosen:
        level = frame
        for step in path:
            level = level.setdefault(str(step), {})
    return frame


def marked(value: Any, chosen: set[Path], here: Path = ()) -> Any:
    """For `sd-jwt`: a disclosable name or element is wrapped."""
    if isinstance(value, dict):
        return {
            SDObj(name) if (*here, name) in chosen else name: marked(item, chosen, (*here, name))
            for name, item in value.items()
        }
    if isinstance(value, list):
        items = [marked(item, chosen, (*here, index)) for index, item in enumerate(value)]
        return [
            SDObj(item) if (*here, index) in chosen else item for index, item in enumerate(items)
        ]
    return value


def wanted(value: Any, shown: set[Path], here: Path = ()) -> Any:
    """For `sd-jwt`: the shape of the claims with True, or more shape, where something is shown."""
    if not any(path[: len(here)] == here for path in shown):
        return None
    inner: Any = None
    if isinstance(value, dict):
        inner = {name: wanted(item, shown, (*here, name)) for name, item in value.items()}
        inner = {name: item for name, item in inner.items() if item is not None}
    elif isinstance(value, list):
        inner = [wanted(item, shown, (*here, index)) for index, item in enumerate(value)]
    return inner or (True if here else {})
