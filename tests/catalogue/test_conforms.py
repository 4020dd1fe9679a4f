"""The quick look at claims and the JSON Schema library say the same, whatever the claims are."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.catalogue import Catalogue
from certsvc.catalogue.schema import Node
from certsvc.catalogue.validation import conforms, make_validator

TYPES = ("business-licence", "household-register")
# Every keyword that a type may use, each with both its sides in reach of small values.
EVERYTHING = Node.model_validate(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["text", "list"],
        "properties": {
            "text": {"type": "string", "maxLength": 3},
            "choice": {"type": "string", "enum": ["a", "b"]},
            "shape": {
                "type": "string",
                "maxLength": 9,
                "pattern": "^[0-9]{2}$",
                "x-hint": {"zh": "两位数字", "en": "two digits"},
            },
            "day": {"type": "string", "format": "date"},
            "list": {
                "type": "array",
                "minItems": 1,
                "maxItems": 2,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["text"],
                    "properties": {"text": {"type": "string", "maxLength": 1}},
                },
            },
        },
    }
)
TEXTS = st.one_of(
    st.sampled_from(["", "a", "b", "ab", "abcd", "00", "007", "00\n", "٠٠", "2024-02-30"]),
    st.sampled_from(["2024-02-29", "𠮷𠮷𠮷", "\ud800", "91110000MA01ABCD1X", "x" * 11_000]),
    st.text(max_size=4),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "list", "choice", "shape", "day", "more"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


def same(value: Any, node: Node, validator: Any) -> bool:
    return conforms(value, node) == (next(validator.iter_errors(value), None) is None)


@given(VALUES)
@settings(max_examples=300)
def test_every_keyword_is_judged_alike(value: Any) -> None:
    validator = make_validator(EVERYTHING)
    assert same(value, EVERYTHING, validator)
    for whole in ({"text": value, "list": [{"text": "a"}]}, {"text": "a", "list": value}):
        assert same(whole, EVERYTHING, validator)
    assert same({"text": "", "list": [{"text": "a"}], "shape": value}, EVERYTHING, validator)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        found += [place for name, one in inner for place in places(one, (*path, name))]
    return found


def changed(document: Any, path: tuple[Any, ...], value: Any, how: str) -> Any:
    copy = json.loads(json.dumps(document))
    if not path:
        return value
    parent = copy
    for name in path[:-1]:
        parent = parent[name]
    if how == "remove":
        del parent[path[-1]]
    elif how == "add" and isinstance(parent, dict):
        parent["more"] = value
    else:
        parent[path[-1]] = value
    return copy


@pytest.mark.parametrize("name", TYPES)
def test_examples_pass_both(name: str) -> None:
    kind = Catalogue.builtin().get(name)
    claims = kind.normalise(kind.definition.example.claims)
    assert conforms(claims, kind.definition.claims)
    assert next(kind.validator.iter_errors(claims), None) is None


@given(data=st.data(), name=st.sampled_from(TYPES), how=st.sampled_from(["set", "remove", "add"]))
@settings(max_examples=300)
def test_one_change_of_an_example_is_judged_alike(data: Any, name: str, how: str) -> None:
    kind = Catalogue.builtin().get(name)
    claims = kind.normalise(kind.definition.example.claims)
    path = data.draw(st.sampled_from(places(claims)))
    document = changed(claims, path, data.draw(VALUES), how)
    assert same(document, kind.definition.claims, kind.validator)
