"""docs/policies.md: every table is the code's, every example is read and judged as it says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from certsvc_sdk.codes import REASONS
from certsvc_sdk.policy import Judged, Policies, Policy, Subject, judge
from certsvc_sdk.policy.operators import OPERATORS
from certsvc_sdk.policy.predicates import Predicate
from certsvc_sdk.policy.rules import MEMBERS, PRESENTED
from certsvc_sdk.policy.schema import policy_schema

PAGE = (Path(__file__).parents[3] / "docs/policies.md").read_text(encoding="utf-8")
EXAMPLES = [json.loads(text) for text in re.findall(r"```json policy\n(.*?)```", PAGE, re.DOTALL)]
NOW = 1_800_000_000
LICENCE: dict[str, Any] = {
    "vct": "https://certs.example/vct/business-licence/1",
    "iat": NOW - 86_400,
    "name": "示例科技有限公司",
    "unified_social_credit_code": "91999900MA0000007U",
    "domicile": "示例省示例市示例区示例路 1 号",
    "entity_type": "有限责任公司（自然人独资）",
    "legal_representative": "张示例",
    "registered_capital": "伍佰万元整",
    "established_on": "2020-05-06",
    "business_scope": "许可项目：食品销售。",
}
HOUSEHOLD: dict[str, Any] = {
    "vct": "https://certs.example/vct/household-register/1",
    "iat": NOW - 86_400,
    "cnf": {"jwk": {}},
    "head_name": "张示例",
    "address": "示例市示例区示例路 1 号",
    "members": [
        {"name": "张示例", "date_of_birth": "1960-03-07"},
        {"name": "张小示", "date_of_birth": "2018-06-01"},
    ],
}


def example(place: int, claims: dict[str, Any], **presented: Any) -> Judged:
    policy = Policy.from_json({**EXAMPLES[place], **presented})
    return judge(policy, Subject(claims, claims, 0, "999900"), NOW)


def table(heading: str) -> set[str]:
    section = PAGE.partition(f"· {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_the_tables_are_the_code() -> None:
    assert table("Members") == MEMBERS - {"audience", "nonce"}
    predicates = set(Predicate.__dataclass_fields__) | set(OPERATORS)
    assert table("Predicates") == predicates
    assert set(re.findall(r"`(\w+)`", PAGE)) >= set(REASONS)


@pytest.mark.parametrize("document", EXAMPLES, ids=lambda one: one["title"]["en"])
def test_every_example_is_a_policy(document: Any) -> None:
    validator = Draft202012Validator(policy_schema(), format_checker=FormatChecker())
    validator.validate(document)
    assert Policy.from_json(document).to_json()["title"] == document["title"]
    assert Policies.from_json({"example": document}).choose("example")


def test_the_food_licence() -> None:
    assert example(0, LICENCE) == Judged()
    assert example(0, {**LICENCE, "operating_to": "2040-05-05"}) == Judged()
    ending = example(0, {**LICENCE, "operating_to": "2027-02-01"})
    assert [one.rule for one in ending.unmet] == ["/predicates/0"]
    software = example(0, {**LICENCE, "business_scope": "软件开发"})
    assert software.unmet[0].zh == "经营范围须含食品销售或餐饮服务"


def test_the_tender() -> None:
    given = {"legal_representative": "张示例"}
    poor = example(1, LICENCE, given=given)
    assert [one.rule for one in poor.unmet] == ["/predicates/0"]
    rich = {**LICENCE, "registered_capital": "壹仟万元整"}
    assert example(1, rich, given=given) == Judged()
    assert example(1, {**rich, "established_on": "2025-01-01"}, given=given).unmet
    assert example(1, rich, given={"legal_representative": "李示例"}).unmet
    assert "未提供" in example(1, rich).unmet[0].zh


def test_the_school() -> None:
    assert example(2, HOUSEHOLD, given={"child": "张小示"}) == Judged()
    assert example(2, HOUSEHOLD, given={"child": "张大示"}).reasons == ("policy_not_met",)
    assert example(2, {**HOUSEHOLD, "head_name": "李示例"}, given={"child": "张小示"}).unmet
    assert example(2, LICENCE, given={"child": "x"}).reasons[0] == "type_not_accepted"


def test_the_benefits() -> None:
    assert example(3, HOUSEHOLD) == Judged()
    young = {**HOUSEHOLD, "members": [{"date_of_birth": "1990-03-07"}]}
    assert example(3, young).unmet[0].en == "a member of the household must be 60 or older"
    unbound = {name: value for name, value in HOUSEHOLD.items() if name != "cnf"}
    assert [one.rule for one in example(3, unbound).unmet] == ["/require_holder_binding"]


def test_the_verdict_is_as_it_is_shown() -> None:
    shown = json.loads(
        re.search(r"```json\n(.*?)```", PAGE, re.DOTALL).group(1)  # type: ignore[union-attr]
    )
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code.group(1), names)  # noqa: S102
    claims = {**LICENCE, "registered_capital": "伍拾万元整"}
    found = judge(names["policy"], Subject(claims, claims, 0, ""), NOW)
    (one,), (unmet,) = found.unmet, shown["unmet"]
    assert (one.reason, one.rule, one.claim) == (unmet["reason"], unmet["rule"], unmet["claim"])
    assert one.zh.replace("{claim}", "注册资本") == unmet["zh"]
    assert one.en.replace("{claim}", "Registered capital") == unmet["en"]
    assert shown["sentence"]["zh"].endswith(unmet["zh"])
    assert shown["reasons"] == list(found.reasons)


def test_the_requests_name_what_a_department_keeps() -> None:
    policies = Policies.from_json({"restaurant": EXAMPLES[0], "tender": EXAMPLES[1]})
    bodies = [json.loads(text) for text in re.findall(r"-d '(\{.*?\})'", PAGE)]
    assert [set(body["policy"]) - {"name"} <= set(PRESENTED) for body in bodies] == [True]
    assert policies.choose(bodies[0]["policy"]).given == {"legal_representative": "张三"}
    assert policies.choose(re.findall(r"-F policy=(\w+)", PAGE)[0])
