"""Predicates: what each operator accepts, what absence means, what withholding cannot do."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc_sdk.errors import PolicyInvalid
from certsvc_sdk.policy import Policy, Predicate, Subject, judge
from certsvc_sdk.policy.operators import OPERATORS
from certsvc_sdk.policy.predicates import Finding

VCT = "https://certs.example/vct/business-licence/2"
# 2027-01-15 23:59:59 in Beijing, still the 15th at noon in London.
MOMENT = 1_800_028_799
CLAIMS: dict[str, Any] = {
    "name": "示例科技有限公司",
    "capital": "伍佰万元整",
    "count": 5,
    "share": 0.5,
    "small": True,
    "until": "2027-06-30",
    "head": "甲",
    "nothing": None,
    "empty": [],
    "members": [
        {"name": "甲", "born": "2009-01-15", "code": "02"},
        {"name": "乙", "born": "2009-01-16", "code": "10", "moved": "2020-01-01"},
    ],
}


def findings(
    rule: Mapping[str, Any],
    claims: Mapping[str, Any] = CLAIMS,
    *,
    signed: Mapping[str, Any] | None = None,
    withheld: int = 0,
    **policy: Any,
) -> tuple[str, ...]:
    payload = {"vct": VCT, "iat": MOMENT, **(claims if signed is None else signed)}
    subject = Subject({**claims, "vct": VCT, "iat": MOMENT}, payload, withheld, "999900")
    return judge(Policy(predicates=[rule], **policy), subject, MOMENT).reasons  # type: ignore[list-item]


MET: tuple[str, ...] = ()
UNMET = ("policy_not_met",)
MISSING = ("claims_missing",)


@pytest.mark.parametrize(
    ("claim", "op", "value", "expected"),
    [
        ("name", "equals", "示例科技有限公司", MET),
        ("/name", "equals", "示例科技", UNMET),
        ("count", "equals", 5, MET),
        ("count", "equals", 5.0, MET),
        ("count", "equals", "5", UNMET),
        ("small", "equals", True, MET),
        ("small", "equals", 1, UNMET),
        ("count", "equals", True, UNMET),
        ("members", "equals", "甲", UNMET),
        ("name", "one_of", ["其他", "示例科技有限公司"], MET),
        ("name", "one_of", ["示例"], UNMET),
        ("name", "none_of", ["其他"], MET),
        ("name", "none_of", ["示例科技有限公司"], UNMET),
        ("members", "none_of", ["其他"], UNMET),
        ("head", "same_as", "/members/0/name", MET),
        ("head", "same_as", "/members/1/name", UNMET),
        ("head", "same_as", "/members/*/name", MET),
        ("head", "same_as", "/absent", UNMET),
        ("members", "same_as", "members", UNMET),
        ("name", "starts_with", "示例", MET),
        ("name", "starts_with", ["其他", "示例"], MET),
        ("name", "starts_with", "科技", UNMET),
        ("count", "starts_with", "5", UNMET),
        ("name", "contains", "科技", MET),
        ("name", "contains", ["化工", "科技"], MET),
        ("name", "contains", "化工", UNMET),
        ("members", "contains", "甲", UNMET),
        ("count", "at_least", 5, MET),
        ("count", "at_least", 5.1, UNMET),
        ("count", "at_most", 5, MET),
        ("share", "at_most", 0.4, UNMET),
        ("small", "at_least", 0, UNMET),
        ("capital", "at_least", 0, UNMET),
        ("capital", "yuan_at_least", 5_000_000, MET),
        ("capital", "yuan_at_least", 5_000_001, UNMET),
        ("capital", "yuan_at_most", 5_000_000, MET),
        ("count", "yuan_at_least", 1, UNMET),
        ("until", "before", "2027-07-01", MET),
        ("until", "before", "2027-06-30", UNMET),
        ("until", "on_or_before", "2027-06-30", MET),
        ("until", "after", "2027-06-29", MET),
        ("until", "after", "2027-06-30", UNMET),
        ("until", "on_or_after", "2027-06-30", MET),
        ("until", "on_or_after", {"days": 166}, MET),
        ("until", "on_or_after", {"days": 167}, UNMET),
        ("name", "after", "2027-01-01", UNMET),
        ("count", "before", {"days": 0}, UNMET),
        ("/members/0/born", "age_at_least", 18, MET),
        ("/members/1/born", "age_at_least", 18, UNMET),
        ("/members/1/born", "age_under", 18, MET),
        ("/members/0/born", "age_under", 18, UNMET),
        ("until", "age_under", 18, UNMET),
        ("name", "age_at_least", 0, UNMET),
        ("/members/*/code", "one_of", ["02", "10"], MET),
        ("/members/*/code", "equals", "02", UNMET),
        ("absent", "equals", "x", MISSING),
        ("nothing", "equals", "x", MISSING),
        ("/empty/*/name", "equals", "x", MISSING),
        ("/members/*/moved", "after", "2000-01-01", MISSING),
        ("/members/*/moved", "before", "2000-01-01", UNMET),
        ("/name/deeper", "equals", "x", MISSING),
    ],
)
def test_operators(claim: str, op: str, value: Any, expected: tuple[str, ...]) -> None:
    assert findings({"claim": claim, "op": op, "value": value}) == expected


def test_existence_is_asked_for_by_name() -> None:
    assert findings({"claim": "/members/*/name", "op": "exists"}) == MET
    assert findings({"claim": "/members/*/moved", "op": "exists"}) == MISSING
    assert findings({"claim": "nothing", "op": "exists"}) == MISSING


@pytest.mark.parametrize(
    ("claim", "op", "value", "expected"),
    [
        ("/members/*/code", "equals", "02", MET),
        ("/members/*/code", "equals", "97", UNMET),
        ("/members/*/moved", "after", "2000-01-01", MET),
        ("/members/*/absent", "equals", "x", MISSING),
        ("/empty/*", "equals", "x", MISSING),
    ],
)
def test_any_one_will_do(claim: str, op: str, value: Any, expected: tuple[str, ...]) -> None:
    assert findings({"claim": claim, "op": op, "value": value, "match": "any"}) == expected


class TestAbsent:
    RULE: Mapping[str, Any] = {
        "claim": "/end", "op": "after", "value": "2027-01-01", "absent": "accept",
    }  # fmt: skip

    def test_what_the_certificate_has_not_may_meet_the_rule(self) -> None:
        assert findings(self.RULE) == MET
        assert findings(self.RULE, {"end": None}) == MET
        assert findings(self.RULE, {"end": "2026-12-31"}) == UNMET
        assert findings(self.RULE, {"end": 1}) == UNMET

    def test_what_the_holder_left_out_does_not(self) -> None:
        hidden = {"_sd": ["x" * 43], "_sd_alg": "sha-256"}
        assert findings(self.RULE, {}, signed=hidden, withheld=1) == MISSING
        # A digest elsewhere hides nothing of this object; all of its own are disclosed.
        signed = {"_sd": ["x" * 43], "inner": {"_sd": ["y" * 43]}}
        shown = {"name": "n", "inner": {}}
        assert findings(self.RULE, shown, signed=signed, withheld=1) == MET
        inner = {**self.RULE, "claim": "/inner/end"}
        assert findings(inner, shown, signed=signed, withheld=1) == MISSING
        assert findings(inner, {"inner": 5}, signed={"inner": 5}, withheld=1) == MET

    def test_inside_a_disclosure_nothing_is_certain(self) -> None:
        signed = {"_sd": ["x" * 43], "list": [{"...": "y" * 43}]}
        shown = {"inner": {"a": 1}, "list": [{"a": 1}]}
        for claim in ("/inner/end", "/list/*/end", "/list/0/end"):
            rule = {**self.RULE, "claim": claim}
            assert findings(rule, shown, signed=signed, withheld=1) == MISSING
            assert findings(rule, shown, signed=signed, withheld=0) == MET
        assert findings({**self.RULE, "claim": "/list/9"}, shown, signed=signed, withheld=1) == MET


@pytest.mark.parametrize("match", ["every", "any"])
def test_no_element_stands_in_for_a_withheld_one(match: str) -> None:
    rule = {"claim": "/members/0/name", "op": "equals", "value": "乙", "match": match}
    signed = {"members": [{"...": "A" * 43}, {"name": "乙"}]}
    assert findings(rule, {"members": [{"name": "乙"}]}, signed=signed, withheld=1) == MISSING


def test_every_element_means_the_withheld_ones_too() -> None:
    rule = {"claim": "/members/*/born", "op": "age_at_least", "value": 18}
    adult = {"members": [{"born": "1990-01-01"}]}
    signed = {"members": [{"...": "x" * 43}, {"...": "y" * 43}]}
    assert findings(rule, adult, signed=signed, withheld=1) == MISSING
    assert findings({**rule, "match": "any"}, adult, signed=signed, withheld=1) == MET
    # One withheld claim of a member whose birth date is shown hides no member.
    alone = {"members": [{"...": "x" * 43}]}
    assert findings(rule, adult, signed=alone, withheld=1) == MET
    assert findings(rule, {"members": [{"born": "2020-01-01"}]}, signed=alone, withheld=1) == UNMET
    clear = {"members": [{"born": "1990-01-01", "_sd": ["x" * 43]}]}
    assert findings(rule, adult, signed=clear, withheld=1) == MET
    hidden = {"_sd": ["x" * 43, "y" * 43]}
    assert findings(rule, adult, signed=hidden, withheld=1) == MISSING


def test_a_rule_holds_for_its_types_only() -> None:
    rule = {"claim": "name", "op": "equals", "value": "x"}
    assert findings({**rule, "types": ["business-licence"]}) == UNMET
    assert findings({**rule, "types": ["household-register"]}) == MET
    assert findings({**rule, "types": [{"type": "business-licence", "max_version": 1}]}) == MET
    assert findings({**rule, "types": [{"type": "business-licence", "min_version": 2}]}) == UNMET


def test_a_value_of_the_case_comes_with_the_request() -> None:
    rule = {"claim": "name", "op": "equals", "given": "applicant"}
    assert findings(rule, given={"applicant": "示例科技有限公司"}) == MET
    assert findings(rule, given={"applicant": "其他"}) == UNMET
    # Nothing given, or something that the operator cannot take: nothing is met by default.
    assert findings(rule) == UNMET
    assert findings({**rule, "op": "at_least"}, given={"applicant": "5"}) == UNMET
    assert findings({**rule, "claim": "absent"}, given={"applicant": "x"}) == MISSING
    until = {"claim": "until", "op": "after", "given": "day"}
    assert findings(until, given={"day": "2027-01-01"}) == MET


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        (7, ""),
        ({}, "/op"),
        ({"op": "equals"}, "/claim"),
        ({"claim": "a", "op": "matches", "value": "(a+)+$"}, "/op"),
        ({"claim": "a", "op": "equals"}, "/value"),
        ({"claim": "a", "op": "equals", "value": [1]}, "/value"),
        ({"claim": "a", "op": "equals", "value": float("nan")}, "/value"),
        ({"claim": "a", "op": "exists", "value": 1}, "/value"),
        ({"claim": "a", "op": "one_of", "given": "x"}, "/given"),
        ({"claim": "a", "op": "one_of", "value": ["a", None]}, "/value/1"),
        ({"claim": "a", "op": "starts_with", "value": ["a", ""]}, "/value/1"),
        ({"claim": "a", "op": "before", "value": {"days": 40_000}}, "/value/days"),
        ({"claim": "a", "op": "before", "value": {"years": 1}}, "/value/years"),
        ({"claim": "a", "op": "before", "value": "2027-13-01"}, "/value"),
        ({"claim": "a", "op": "exists", "zh": "甲"}, "/en"),
        ({"claim": "a", "op": "exists", "types": [""]}, "/types/0"),
        ({"claim": "a", "op": "exists", "x/~": 1}, "/x~1~0"),
        ({"claim": "a", "op": "exists", 5: 1}, "/5"),
    ],
    ids=str,
)
def test_a_refusal_names_the_place(rule: Any, pointer: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        Policy.from_json({"predicates": [{"claim": "a", "op": "exists"}, rule]})
    assert refused.value.pointer == f"/predicates/1{pointer}"
    assert refused.value.member == "predicates"
    assert not refused.value.zh.isascii()
    assert str(refused.value).startswith(refused.value.pointer)


def test_a_long_name_is_not_repeated_at_length() -> None:
    with pytest.raises(PolicyInvalid) as refused:
        Policy.from_json({"x" * 100_000: 1})
    assert len(refused.value.pointer) < 100


def test_predicates_can_be_written_in_python() -> None:
    rule = Predicate(claim="name", op="equals", value="示例科技有限公司")
    policy = Policy(predicates=(rule,))
    assert policy.predicates == (rule,)
    assert policy == Policy.from_json(policy.to_json())
    with pytest.raises(PolicyInvalid):
        Policy(predicates=(Predicate(claim="name", op="equals", value=object()),))
    assert Finding.MET.value == "met"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)
VALUES: Mapping[str, Callable[[], Any]] = {
    "one_of": lambda: ["a"], "none_of": lambda: ["a"], "same_as": lambda: "/b/*",
    "before": lambda: {"days": 3}, "on_or_before": lambda: "2027-01-01",
    "after": lambda: {"days": -36_525}, "on_or_after": lambda: {"days": 36_525},
}  # fmt: skip


@given(value=JSON, op=st.sampled_from(sorted(OPERATORS)), moment=st.integers(-(2**40), 2**53))
def test_no_claim_makes_a_rule_raise(value: Any, op: str, moment: int) -> None:
    wanted = {} if op == "exists" else {"value": VALUES.get(op, lambda: "5")()}
    if op.startswith(("at_", "yuan_", "age_")):
        wanted = {"value": 5}
    policy = Policy.from_json(
        {"predicates": [{"claim": claim, "op": op, **wanted} for claim in ("/a", "/a/*", "/a/0/b")]}
    )
    subject = Subject({"a": value}, {"vct": "x", "_sd": []}, 1, "")
    assert set(judge(policy, subject, moment).reasons) <= {"claims_missing", "policy_not_met"}
