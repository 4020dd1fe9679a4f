"""Brings claims into the one form that is signed: composed, trimmed, nothing empty, in order."""

from __future__ import annotations

from collections.abc import Mapping

from certsvc.catalogue.schema import Node
from certsvc.catalogue.text import clean
from certsvc_sdk.strict import Json


def normalise_members(claims: Mapping[str, Json], node: Node) -> dict[str, Json]:
    """Normalises one object.

    Null and empty text mean absent (an empty cell of a spreadsheet). Known members come in the
    schema's order, unknown ones after them, for validation to name.

    Args:
        claims: Plain JSON data, bounded in depth.
        node: The schema of the object.
    """
    properties = node.properties or {}
    ordered = [name for name in properties if name in claims]
    ordered += [name for name in claims if name not in properties]
    normal = {name: _normalise(claims[name], properties.get(name)) for name in ordered}
    return {name: value for name, value in normal.items() if value is not None and value != ""}


def _normalise(value: Json, node: Node | None) -> Json:
    if isinstance(value, str):
        return clean(value)
    if node is None:
        return value
    if isinstance(value, dict) and node.type == "object":
        return normalise_members(value, node)
    if isinstance(value, list):
        # An empty element keeps its place: dropping it would shift the others' pointers.
        return [_normalise(element, node.items) for element in value]
    return value
