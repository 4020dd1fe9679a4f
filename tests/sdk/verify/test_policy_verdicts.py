"""Verdicts by a policy: the rules that are not met, in words for a clerk and as data."""

import json
from typing import Any

import pytest

from certsvc_sdk import VerificationFailed
from certsvc_sdk.policy import Policy
from certsvc_sdk.verify import decide_token
from certsvc_sdk.world import OneRecord

CLAIMS = {
    "name": "示例科技有限公司",
    "operating_to": "2027-03-01",
    "registered_capital": "伍拾万元整",
}
LABELS = {
    "/operating_to": {"zh": "营业期限至", "en": "Operating term to"},
    "/registered_capital": {"zh": "注册资本", "en": "Registered capital"},
}
RULES = (
    {"claim": "/operating_to", "op": "after", "value": {"days": 90}},
    {"claim": "/registered_capital", "op": "yuan_at_least", "value": 1_000_000},
)


@pytest.fixture
def ask(issuer: Any, world: Any, facts: Any) -> Any:
    token = issuer.token(**CLAIMS)

    def asked(**policy: Any) -> Any:
        return decide_token(token, world=world, policy=Policy(**policy), now=facts.now)

    return asked


def test_the_clerk_reads_which_rule_it_is(ask: Any) -> None:
    verdict = ask(predicates=RULES)
    assert (verdict.code, verdict.reasons) == ("valid", ("policy_not_met",))
    assert verdict.sentence("zh", LABELS) == (
        "证照有效，但不符合本事项要求：未满足办理规则："
        "营业期限至须晚于 2027-04-15；注册资本须不低于人民币 1000000 元"
    )
    assert verdict.sentence("en", LABELS).endswith(
        "a rule of the matter is not met: Operating term to must be after 2027-04-15; "
        "Registered capital must be at least 1000000 yuan."
    )
    assert "/operating_to" in verdict.sentence("zh")


def test_a_department_may_say_it_in_its_own_words(ask: Any) -> None:
    words = {"zh": "{claim}不足三个月{0.__class__}", "en": "{claim} ends {missing} soon"}
    verdict = ask(predicates=[{**RULES[0], **words}])
    assert verdict.sentence("zh", LABELS).endswith("：营业期限至不足三个月{0.__class__}")
    assert verdict.sentence("en", LABELS).endswith("Operating term to ends {missing} soon.")


def test_programs_get_the_rules_as_data(ask: Any) -> None:
    body = ask(predicates=RULES, claims=["seal"]).to_json(LABELS)
    assert json.loads(json.dumps(body)) == body
    assert body["missing_claims"] == ["seal"]
    assert body["unmet"][0] == {
        "reason": "claims_missing",
        "rule": "/claims/0",
        "claim": "seal",
        "zh": "未显示seal",
        "en": "seal is not shown",
    }
    assert body["unmet"][2]["rule"] == "/predicates/1"
    assert body["unmet"][2]["zh"] == "注册资本须不低于人民币 1000000 元"
    assert body["policy"]["predicates"] == list(RULES)


def test_without_detail_the_general_sentence_stands(ask: Any) -> None:
    verdict = ask(predicates=RULES)._replace(unmet=())
    assert verdict.sentence("zh") == "证照有效，但不符合本事项要求：未满足办理规则"
    assert verdict.sentence("en").endswith("a rule of the matter is not met.")


def test_what_the_holder_withholds_meets_no_rule(issuer: Any, world: Any, facts: Any) -> None:
    rule = {**RULES[0], "absent": "accept"}
    policy = Policy(predicates=(rule,))
    token = issuer.token(disclose=("/operating_to",), **CLAIMS)
    hidden = token.split("~")[0] + "~"
    verdict = decide_token(hidden, world=world, policy=policy, now=facts.now)
    assert (verdict.code, verdict.reasons) == ("valid", ("claims_missing",))
    assert verdict.missing_claims == ("/operating_to",)
    verdict = decide_token(token, world=world, policy=policy, now=facts.now)
    assert verdict.reasons == ("policy_not_met",)
    without = decide_token(issuer.token(), world=world, policy=policy, now=facts.now)
    assert without.acceptable


def test_the_moment_asked_for_counts(issuer: Any, facts: Any) -> None:
    token = issuer.token(**CLAIMS)
    policy = Policy(predicates=RULES[:1])
    verdict = decide_token(
        token, world=OneRecord(issuer=issuer.record(), now=facts.now), policy=policy, now=facts.now,
        at=facts.now - 60 * facts.day,
    )  # fmt: skip
    # Two months earlier the term was long enough; that the moment is past is another matter.
    assert verdict.reasons == ()
    assert verdict.code != "valid"


def test_nothing_personal_reaches_a_log(ask: Any) -> None:
    policy = Policy(
        holder="11010519491231002X",
        given={"applicant": "李四"},
        predicates=[
            {"claim": "name", "op": "equals", "given": "applicant"},
            {"claim": "name", "op": "equals", "value": "王五"},
            {"claim": "name", "op": "starts_with", "value": "王五"},
            {"claim": "name", "op": "one_of", "value": ["王五"]},
        ],
    )
    verdict = ask(**{name: getattr(policy, name) for name in ("holder", "given", "predicates")})
    assert set(verdict.reasons) == {"policy_not_met", "holder_mismatch"}
    failure = VerificationFailed(verdict.sentence("en"), verdict=verdict)
    said = repr(policy) + repr(policy.predicates) + repr(verdict) + repr(failure)
    said += str(verdict.unmet) + verdict.sentence() + json.dumps(verdict.to_json()["unmet"])
    for personal in ("11010519491231002X", "李四", "王五"):
        assert personal not in said
    # Values of the case are no rules: the echo names them and does not hold them.
    assert "given" not in verdict.policy
    assert "李四" not in json.dumps(verdict.to_json(), ensure_ascii=False)
