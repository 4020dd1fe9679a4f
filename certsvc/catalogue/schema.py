"""The closed part of JSON Schema 2020-12 that a certificate type may use, and walks over it.

Closed, because types come from departments too: no references to fetch, no numbers (a certificate
shows them as text), no open objects, no unbounded text or array.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from certsvc.catalogue.pointers import ANY, join, segments

DIALECT = "https://json-schema.org/draft/2020-12/schema"

MAX_TEXT = 10_000  # a token holds 64 KiB in all
MAX_ITEMS = 256  # as many as an SD-JWT of this system has disclosures

# Claims of RFC 9901, the SD-JWT VC draft and the wire format: never a field of a type.
RESERVED = frozenset(
    {
        *("iss", "iat", "nbf", "exp", "sub", "aud", "jti", "cnf", "vct", "vct#integrity"),
        *("aka_vcts", "status", "certificate_identifier", "holders", "_sd", "_sd_alg", "..."),
    }
)

_MEMBER = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FORMATS = Literal["uscc", "citizen-id", "date"]
_NonEmpty = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class Model(BaseModel):
    """Base of everything read from a type file: nothing unknown, coerced or changed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class Label(Model):
    """A text in both languages of the product."""

    zh: _NonEmpty
    en: _NonEmpty


class Node(Model):
    """One schema node: an object, an array or a text."""

    dialect: Literal["https://json-schema.org/draft/2020-12/schema"] | None = Field(
        default=None, alias="$schema"
    )
    type: Literal["object", "array", "string"]
    label: Label | None = Field(default=None, alias="x-label")
    hint: Label | None = Field(default=None, alias="x-hint")
    sensitive: bool | None = Field(default=None, alias="x-sensitive")
    properties: dict[str, Node] | None = None
    required: list[str] | None = None
    closed: Literal[False] | None = Field(default=None, alias="additionalProperties")
    items: Node | None = None
    min_items: int | None = Field(default=None, alias="minItems", ge=0)
    max_items: int | None = Field(default=None, alias="maxItems", ge=1, le=MAX_ITEMS)
    max_length: int | None = Field(default=None, alias="maxLength", ge=1, le=MAX_TEXT)
    format: _FORMATS | None = None
    pattern: str | None = Field(default=None, max_length=100)
    choices: list[_NonEmpty] | None = Field(default=None, alias="enum", min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Holds each kind of node to its own keywords.

        Raises:
            ValueError: Reported by pydantic with the node's place.
        """
        for kind, keywords in _KEYWORDS.items():
            stray = [name for name in keywords if getattr(self, name) is not None]
            if kind != self.type and stray:
                raise ValueError(f"{stray[0]} does not belong to a {self.type}")
        if self.type == "object":
            self._check_object()
        elif self.type == "array":
            if self.items is None or self.max_items is None:
                raise ValueError("an array needs items and maxItems")
        else:
            self._check_text()
        return self

    def _check_object(self) -> None:
        if not self.properties or self.closed is None:
            raise ValueError("an object needs properties and additionalProperties: false")
        missing = set(self.required or ()) - set(self.properties)
        if missing:
            raise ValueError(f"required but not described: {sorted(missing)}")
        # The names stand in pointers, QR dictionaries and other systems' columns.
        odd = [name for name in self.properties if _MEMBER.fullmatch(name) is None]
        if odd:
            raise ValueError(f"member names are lower case with underscores: {odd}")

    def _check_text(self) -> None:
        if self.max_length is None and self.format is None and self.choices is None:
            raise ValueError("a text needs maxLength, format or enum")
        if self.pattern is not None:
            if self.hint is None or not (self.pattern[0] == "^" and self.pattern[-1] == "$"):
                raise ValueError("a pattern is anchored by ^ and $ and explained by x-hint")
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"pattern: {error}") from error

    def to_json(self) -> dict[str, Any]:
        """Returns the node as JSON Schema, members in the order of the file."""
        dumped: dict[str, Any] = self.model_dump(by_alias=True, exclude_none=True)
        return dumped


_KEYWORDS = {
    "object": ("properties", "required", "closed"),
    "array": ("items", "min_items", "max_items"),
    "string": ("max_length", "format", "pattern", "choices"),
}


def walk(node: Node, pointer: str = "") -> Iterator[tuple[str, Node]]:
    """Yields every node under `node` with its pointer (``*`` for elements), in schema order."""
    for name, child in (node.properties or {}).items():
        here = join(pointer, name)
        yield here, child
        yield from walk(child, here)
    if node.items is not None:
        here = join(pointer, ANY)
        yield here, node.items
        yield from walk(node.items, here)


def node_at(root: Node, pointer: str) -> Node | None:
    """Returns the node a pointer (with ``*`` or indexes) names, or None."""
    node: Node | None = root
    for segment in segments(pointer):
        if node is None:
            return None
        if node.items is not None:
            node = node.items if segment == ANY or segment.isdecimal() else None
        else:
            node = (node.properties or {}).get(segment)
    return node


def explain(error: ValidationError) -> str:
    """Puts pydantic's findings on one line, places first."""
    return "; ".join(
        f"{'/'.join(str(part) for part in item['loc']) or '(file)'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    )
