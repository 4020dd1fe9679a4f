"""Policies: what is refused at construction, and what each rule accepts."""

from typing import Any

import pytest

from certsvc_sdk.errors import PolicyInvalid
from certsvc_sdk.policy import (
    Policy,
    Subject,
    accepts_division,
    accepts_type,
    holder_matches,
    judge,
    values,
)

VCT = "https://certs.example/vct/business-licence/2"
HOUSEHOLD = {
    "head_name": "甲",
    "members": [
        {"name": "甲", "citizen_id": "999900199003070010"},
        {"name": "乙"},
    ],
    "empty": [],
}


def missing_claims(policy: Policy, claims: dict[str, Any]) -> tuple[str, ...]:
    signed = {"vct": "https://certs.example/vct/any/1", "iat": 0}
    return judge(policy, Subject(claims, signed, 0, "999900"), 0).missing


@pytest.mark.parametrize(
    "obj",
    [
        None,
        [],
        {"predicates": {}},
        {"type": ["business-licence"]},
        {"types": "business-licence"},
        {"types": []},
        {"types": [1]},
        {"types": [""]},
        {"claims": "name"},
        {"claims": None},
        {"holder": ""},
        {"max_status_age": -1},
        {"max_status_age": "60"},
        {"max_trust_age": True},
        {"max_certificate_age": 1.5},
        {"issuer_divisions": []},
        {"issuer_divisions": ["3"]},
        {"issuer_divisions": ["33000"]},
        {"issuer_divisions": ["３３"]},
        {"require_holder_binding": 1},
        {"holder": 91},
        {"nonce": ""},
        {1: 2},
    ],
)
def test_a_policy_that_cannot_be_judged_is_refused(obj: object) -> None:
    with pytest.raises(PolicyInvalid):
        Policy.from_json(obj)


@pytest.mark.parametrize(
    ("obj", "member"),
    [
        ([], None),
        ({"nope": 1}, "nope"),
        ({"types": []}, "types"),
        ({"claims": "name"}, "claims"),
        ({"max_trust_age": -1}, "max_trust_age"),
        ({"nonce": ""}, "nonce"),
        ({"issuer_divisions": ["3"]}, "issuer_divisions"),
        ({"require_holder_binding": 1}, "require_holder_binding"),
    ],
    ids=str,
)
def test_a_refusal_names_the_member(obj: object, member: str | None) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        Policy.from_json(obj)
    assert refused.value.member == member


def test_json_gives_the_policy_back_and_leaves_defaults_out() -> None:
    policy = Policy(types=("business-licence",), claims=("name",), max_status_age=0)
    assert policy.to_json() == {
        "types": ["business-licence"],
        "claims": ["name"],
        "max_status_age": 0,
    }
    assert Policy.from_json(policy.to_json()) == policy
    assert Policy().to_json() == {}
    assert Policy.from_json({"types": None}) == Policy()


@pytest.mark.parametrize(
    ("types", "accepted"),
    [
        (None, True),
        (["business-licence"], True),
        (["https://certs.example/vct/business-licence"], True),
        ([VCT], True),
        (["household-register", "business-licence"], True),
        (["licence"], False),
        (["https://other.example/vct/business-licence"], False),
        (["https://certs.example/vct/business-licence/1"], False),
        (["2"], False),
        (["vct"], False),
    ],
)
def test_a_type_is_a_name_or_a_vct_with_or_without_version(
    types: list[str] | None, accepted: bool
) -> None:
    assert accepts_type(Policy.from_json({"types": types}), VCT) is accepted


def test_divisions_are_prefixes() -> None:
    policy = Policy(issuer_divisions=("33", "440300"))
    assert accepts_division(policy, "330106")
    assert accepts_division(policy, "440300")
    assert not accepts_division(policy, "440100")
    assert accepts_division(Policy(), "440100")


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        ("head_name", False),
        ("/head_name", False),
        ("/members/0/name", False),
        ("/members/2/name", True),
        ("/members/00000/name", True),
        ("/members/x/name", True),
        ("/members/*/name", False),
        ("/members/*/citizen_id", True),
        ("/members/*", False),
        ("/empty/*", True),
        ("/empty/*/name", True),
        ("/head_name/*", True),
        ("/head_name/name", True),
        ("address", True),
        ("~", True),
    ],
)
def test_a_needed_claim_is_a_name_or_a_pointer(wanted: str, missing: bool) -> None:
    assert missing_claims(Policy(claims=(wanted,)), HOUSEHOLD) == ((wanted,) if missing else ())


def test_pointers_escape_slash_and_tilde() -> None:
    assert values("/a~1b/c~0d", {"a/b": {"c~d": 1}}) == [1]
    assert values("", {"a": 1}) == [{"a": 1}]
    assert missing_claims(Policy(claims=("a~b",)), {"a~b": 0}) == ()


def test_a_holder_is_who_the_certificate_is_about() -> None:
    assert holder_matches(Policy(), {})
    wanted = Policy(holder="999900199003070010")
    assert holder_matches(wanted, HOUSEHOLD)
    assert holder_matches(wanted, {"holders": [{"code": "999900199003070010"}]})
    assert not holder_matches(wanted, {"unified_social_credit_code": "91999900MA0000007U"})
    assert not holder_matches(wanted, {})
