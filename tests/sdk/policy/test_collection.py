"""A department's named policies: read whole, named by a request, never changed by it."""

import json
from typing import Any

import pytest

from certsvc_sdk.errors import Malformed, PolicyInvalid
from certsvc_sdk.policy import Policies

FILE = {
    "tender": {
        "types": ["business-licence"],
        "predicates": [{"claim": "name", "op": "equals", "given": "applicant"}],
    },
    "any_1": {},
}


@pytest.fixture
def policies() -> Policies:
    return Policies.from_bytes(json.dumps(FILE).encode())


def test_a_file_is_read_whole(policies: Policies) -> None:
    assert [name for name, _ in policies] == ["tender", "any_1"]
    assert len(policies) == 2
    assert policies.to_json() == FILE


def test_a_request_names_one_and_adds_what_is_its_own(policies: Policies) -> None:
    assert policies.choose("tender") is policies.choose({"name": "tender"})
    chosen = policies.choose(
        {"name": "tender", "holder": "91999900MA0000007U", "given": {"applicant": "x"}}
    )
    assert (chosen.holder, chosen.given) == ("91999900MA0000007U", {"applicant": "x"})
    assert chosen.predicates == policies.choose("tender").predicates
    assert policies.choose("tender").given is None


@pytest.mark.parametrize(
    ("wanted", "pointer", "fault"),
    [
        ("unheard", "", "format_invalid"),
        ("", "", "format_invalid"),
        (None, "", "type_invalid"),
        ([], "", "type_invalid"),
        ({}, "/name", "format_invalid"),
        ({"name": None}, "/name", "format_invalid"),
        ({"name": "unheard"}, "/name", "format_invalid"),
        ({"name": "tender", "types": None}, "/types", "unknown_member"),
        ({"name": "tender", "predicates": []}, "/predicates", "unknown_member"),
        ({"name": "tender", "max_status_age": 10**9}, "/max_status_age", "unknown_member"),
        ({"name": "tender", "require_log_proof": False}, "/require_log_proof", "unknown_member"),
        ({"name": "tender", "given": {"A": 1}}, "/given/A", "format_invalid"),
        ({"name": "tender", "nonce": ""}, "/nonce", "format_invalid"),
        ({"name": "tender", "holder": None}, "/holder", "format_invalid"),
    ],
    ids=str,
)
def test_nothing_else(policies: Policies, wanted: Any, pointer: str, fault: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        policies.choose(wanted)
    assert (refused.value.pointer, refused.value.fault) == (pointer, fault)


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], ""),
        ({}, ""),
        ({"Tender": {}}, "/Tender"),
        ({"a b": {}}, "/a b"),
        ({"t": []}, "/t"),
        ({"t": {"types": []}}, "/t/types"),
        ({"t": {"t": 1}}, "/t/t"),
        ({"a": {}, "t": {"claims": [1]}}, "/t/claims/0"),
        ({str(number): {} for number in range(257)}, ""),
    ],
    ids=lambda value: str(value)[:40],
)
def test_one_wrong_policy_refuses_the_file(document: Any, pointer: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        Policies.from_json(document)
    assert refused.value.pointer == pointer
    assert str(refused.value).startswith(pointer)


@pytest.mark.parametrize("data", [b"", b'{"a":{},"a":{}}', b"\xff", b"[" * 1000])
def test_a_file_is_strict_json(data: bytes) -> None:
    with pytest.raises(Malformed):
        Policies.from_bytes(data)
