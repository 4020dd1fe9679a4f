"""The shipped JSON Schema and `Policy.from_json` accept and refuse the same documents."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from certsvc_sdk.errors import PolicyInvalid
from certsvc_sdk.policy import Policies, Policy
from certsvc_sdk.policy.operators import OPERATORS
from certsvc_sdk.policy.rules import MEMBERS
from certsvc_sdk.policy.schema import policy_schema

SCHEMA = policy_schema()
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
SET = Draft202012Validator(
    {"$ref": f"{SCHEMA['$id']}#/$defs/policies"},
    registry=Registry().with_resource(SCHEMA["$id"], Resource.from_contents(SCHEMA)),
    format_checker=FormatChecker(),
)


def read(document: object) -> bool:
    try:
        Policy.from_json(document)
    except PolicyInvalid:
        return False
    return True


def rule(op: str, **members: Any) -> dict[str, Any]:
    return {"predicates": [{"claim": "/a", "op": op, **members}]}


VALUES: list[Any] = [
    None, True, 0, 1, -1, 1.0, 0.5, 150, 151, 36_525, 36_526, 2**53, "", "a", "a\n", "\x00",
    "x" * 512, "x" * 513,
    "/b", "/b~", "~", "/a~0/*", "2027-02-28", "2027-02-29", "2027-2-28", "20270228", "2027-W01-1",
    [], ["a"], ["a", 1, True], [["a"]], [None], {}, {"days": 1}, {"days": 1.5}, {"days": "1"},
    {"days": 1, "x": 1}, {"type": "a"}, "name-1", "Name",
]  # fmt: skip

DOCUMENTS: list[Any] = [
    None, [], "x", {}, {"x": 1}, {"title": {"zh": "甲", "en": "A"}}, {"title": {"zh": "甲"}},
    {"types": ["a", {"type": "a", "min_version": 2, "max_version": 3}]},
    {"types": [{"type": "a", "min_version": 0}]}, {"types": [{"min_version": 1}]},
    {"types": [{"type": "a", "max_version": None}]}, {"types": ["a"] * 257},
    {"claims": ["/" + "a/" * 15]}, {"claims": ["/" + "a/" * 16]}, {"claims": ["a/b~2"]},
    {"claims": ["/a~2"]}, {"claims": ["a"] * 257}, {"issuer_divisions": ["33\n"]},
    {"issuer_divisions": ["3301", "330106"]}, {"given": {"a": 1, "b": "x", "c": True}},
    {"given": {"A": 1}}, {"given": {"a": None}}, {"given": {"a": [1]}}, {"given": {"a" * 65: 1}},
    {"given": {f"n{i}": i for i in range(65)}}, {"predicates": [{}]}, {"predicates": [[]]},
    {"predicates": [{"claim": "a", "op": "exists"}] * 64},
    {"predicates": [{"claim": "a", "op": "exists"}] * 65},
    rule("matches", value="a"), rule("equals"), rule("equals", value=1, given="a"),
    rule("equals", given="a"), rule("one_of", given="a"), rule("same_as", given="a"),
    rule("exists", given="a"), rule("exists", zh="甲"), rule("exists", zh="甲", en="A"),
    rule("exists", zh=None), rule("exists", match="any", absent="accept", types=["a"]),
    rule("exists", match="some"), rule("exists", absent=None), rule("exists", types=[]),
    rule("exists", types=None), rule("exists", zh="甲" * 201, en="A"), rule("exists", extra=1),
    rule("starts_with", value=["a"] * 65), rule("one_of", value=["a"] * 257),
]  # fmt: skip


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: json.dumps(one)[:60])
def test_explicit_documents(document: Any) -> None:
    assert read(document) is VALIDATOR.is_valid(document)


@pytest.mark.parametrize("op", OPERATORS)
def test_every_operator_takes_the_same_values(op: str) -> None:
    accepted = [value for value in VALUES if read(rule(op, value=value))]
    assert accepted == [value for value in VALUES if VALIDATOR.is_valid(rule(op, value=value))]
    assert bool(accepted) is (op != "exists")


@pytest.mark.parametrize("member", sorted(MEMBERS))
def test_every_member_takes_the_same_values(member: str) -> None:
    for value in VALUES:
        assert read({member: value}) is VALIDATOR.is_valid({member: value}), value


def test_the_schema_names_every_member_and_operator_and_no_other() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == MEMBERS
    assert SCHEMA["$defs"]["predicate"]["properties"]["op"]["enum"] == list(OPERATORS)


def test_the_one_thing_that_no_schema_says() -> None:
    upside_down = {"types": [{"type": "a", "min_version": 3, "max_version": 2}]}
    assert VALIDATOR.is_valid(upside_down)
    with pytest.raises(PolicyInvalid) as refused:
        Policy.from_json(upside_down)
    assert refused.value.pointer == "/types/0/max_version"


def test_what_is_said_is_said_in_both_languages() -> None:
    def spoken(schema: Any) -> list[str]:
        if isinstance(schema, list):
            return [text for one in schema for text in spoken(one)]
        if not isinstance(schema, dict):
            return []
        own = [
            schema[name] for name in ("title", "description") if isinstance(schema.get(name), str)
        ]
        return own + [text for one in schema.values() for text in spoken(one)]

    said = spoken(SCHEMA)
    assert len(said) >= 30
    for text in said:
        zh, dot, en = text.partition(" · ")
        assert any("\u4e00" <= char <= "\u9fff" for char in zh), text
        assert dot, text
        assert en.isascii(), text


LEAVES = st.sampled_from(VALUES) | st.integers(-5, 200) | st.text("a/~*0", max_size=6)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "days", "zh", "en", "a"]), inner, max_size=3)
    ),
    max_leaves=4,
)
PREDICATES = st.fixed_dictionaries(
    {"claim": st.sampled_from(["a", "/a/*/b", "", "/~"]), "op": st.sampled_from([*OPERATORS, "x"])},
    optional={
        "value": TREES,
        "given": st.sampled_from(["a", "A", 1]),
        "match": st.sampled_from(["every", "any", "x"]),
        "absent": st.sampled_from(["refuse", "accept", None]),
        "types": TREES,
        "zh": st.sampled_from(["甲", ""]),
        "en": st.sampled_from(["A", 1]),
    },
)
DRAWN = st.dictionaries(st.sampled_from([*sorted(MEMBERS), "x"]), TREES, max_size=4) | st.builds(
    lambda rules, rest: {**rest, "predicates": rules},
    st.lists(PREDICATES, max_size=3),
    st.dictionaries(st.sampled_from(sorted(MEMBERS)), TREES, max_size=2),
)


@given(document=DRAWN)
@settings(max_examples=300, deadline=None)
def test_drawn_documents(document: Any) -> None:
    assert read(document) is VALIDATOR.is_valid(document)


@given(document=DRAWN)
@settings(max_examples=100, deadline=None)
def test_what_is_read_is_written_back_alike(document: Any) -> None:
    if read(document):
        policy = Policy.from_json(document)
        again = Policy.from_json({**policy.to_json(), "given": policy.given})
        assert again == policy
        assert VALIDATOR.is_valid(policy.to_json())


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"a": {}}, {"A": {}}, {"a": []}, {"a": {"types": []}}, {"a-1": {"nonce": "n"}}],
    ids=str,
)
def test_a_departments_file(document: Any) -> None:
    try:
        Policies.from_json(document)
    except PolicyInvalid:
        assert not SET.is_valid(document)
    else:
        assert SET.is_valid(document)


@pytest.mark.parametrize("make", [lambda text: text, lambda text: [text], lambda text: {text: 1}])
def test_lone_surrogates_reach_no_verdict(make: Callable[[str], Any]) -> None:
    # No strict reader lets them through, but a program may.
    for member in ("holder", "types", "claims", "given"):
        assert not read({member: make("\ud800")})
