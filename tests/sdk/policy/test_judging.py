"""Judging by a policy: reasons, the rules that are not met, and a policy as a value."""

import pickle
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from certsvc_sdk import codes
from certsvc_sdk.policy import Judged, Policy, Subject, judge
from certsvc_sdk.policy.words import policy_lines

MOMENT = 1_800_000_000  # 2027-01-15 16:00 in Beijing
VCT = "https://certs.example/vct/business-licence/2"
CLAIMS = {
    "name": "示例科技有限公司",
    "operating_to": "2027-03-01",
    "registered_capital": "伍拾万元整",
}
LABELS = {
    "/operating_to": {"zh": "营业期限至", "en": "Operating term to"},
    "/registered_capital": {"zh": "注册资本", "en": "Registered capital"},
}


def judged(**policy: Any) -> Judged:
    payload = {"vct": VCT, "iat": MOMENT - 86_400, **CLAIMS}
    return judge(Policy(**policy), Subject(payload, payload, 0, "330106"), MOMENT)


def test_the_default_policy_asks_nothing_and_costs_nothing() -> None:
    assert judged() is judged(max_status_age=1, nonce="n", given={"a": 1}) == Judged()


def test_each_unmet_rule_is_named_in_the_order_of_the_reasons() -> None:
    found = judged(
        max_certificate_age=60,
        holder="91350100M000100Y43",
        require_holder_binding=True,
        issuer_divisions=["44", "3302"],
        predicates=[
            {"claim": "/registered_capital", "op": "yuan_at_least", "value": 1_000_000},
            {"claim": "/absent", "op": "exists"},
        ],
        claims=["name", "business_scope"],
        types=["household-register", {"type": "business-licence", "min_version": 3}],
    )
    assert found.reasons == tuple(codes.REASONS)
    assert found.missing == ("business_scope", "/absent")
    assert [(one.reason, one.rule, one.claim) for one in found.unmet] == [
        ("type_not_accepted", "/types", None),
        ("claims_missing", "/claims/1", "business_scope"),
        ("claims_missing", "/predicates/1", "/absent"),
        ("policy_not_met", "/issuer_divisions", None),
        ("policy_not_met", "/require_holder_binding", None),
        ("policy_not_met", "/predicates/0", "/registered_capital"),
        ("holder_mismatch", "/holder", None),
        ("too_old", "/max_certificate_age", None),
    ]
    for one in found.unmet:
        assert not one.zh.isascii(), one
        assert one.en.isascii() or "household" in one.en, one
    assert "（第 3 版起）" in found.unmet[0].zh
    assert "91350100M000100Y43" not in str(found)


@pytest.mark.parametrize(
    ("accepted", "fits"),
    [
        ({"type": "business-licence"}, True),
        ({"type": "business-licence", "min_version": 2, "max_version": 2}, True),
        ({"type": "business-licence", "min_version": 3}, False),
        ({"type": "business-licence", "max_version": 1}, False),
        ({"type": "https://certs.example/vct/business-licence", "min_version": 2}, True),
        ({"type": VCT}, False),
        ({"type": "household-register"}, False),
    ],
)
def test_versions_are_bounds_and_both_are_included(accepted: Any, fits: bool) -> None:
    assert (judged(types=[accepted]).reasons == ()) is fits


@pytest.mark.parametrize("version", ["", "02", "x", "２", "9999999", "-2"])
def test_a_version_has_one_spelling(version: str) -> None:
    payload = {"vct": VCT[:-1] + version, "iat": MOMENT}
    policy = Policy(types=({"type": "business-licence"},))  # type: ignore[arg-type]
    assert judge(policy, Subject(payload, payload, 0, ""), MOMENT).reasons


def test_a_policy_is_a_value() -> None:
    policy = Policy.from_json(
        {
            "title": {"zh": "甲", "en": "A"},
            "types": ["a", {"type": "b", "max_version": 2}],
            "predicates": [{"claim": "c", "op": "before", "value": {"days": 1}}],
            "given": {"x": 1},
        }
    )
    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301
    assert hash(policy) == hash(replace(policy))
    assert replace(policy, max_status_age=5).predicates == policy.predicates
    echo = policy.to_json()
    echo["types"].append("x")
    echo["title"]["zh"] = "乙"
    echo["predicates"][0]["value"]["days"] = 7
    assert policy.to_json()["types"] == ["a", {"type": "b", "min_version": 1, "max_version": 2}]
    assert policy.to_json()["title"] == {"zh": "甲", "en": "A"}
    assert policy.to_json()["predicates"][0]["value"] == {"days": 1}


def test_rules_in_words_for_whoever_writes_them() -> None:
    policy = Policy.from_json(
        {
            "title": {"zh": "甲", "en": "A"},
            "types": ["b", {"type": "c", "min_version": 2, "max_version": 4}],
            "claims": ["name"],
            "predicates": [
                {"claim": "/a", "op": "one_of", "value": ["甲", 1], "types": ["b"]},
                {"claim": "/b/*", "op": "equals", "given": "who", "match": "any"},
                {"claim": "/c", "op": "before", "value": {"days": -3}, "absent": "accept"},
                {"claim": "/d", "op": "after", "value": {"days": 0}},
                {"claim": "/e", "op": "same_as", "value": "/f"},
                {"claim": "/g", "op": "exists", "zh": "须有{claim}", "en": "needs {claim}"},
            ],
            "issuer_divisions": ["33"],
            "max_certificate_age": 90,
            "max_status_age": 120,
            "max_trust_age": 172_800,
            "require_log_proof": True,
            "require_holder_binding": True,
            "holder": "secret",
            "audience": "secret",
            "nonce": "secret",
        }
    )
    lines = list(policy_lines(policy))
    zh = [line for line, _ in lines]
    assert zh[:4] == [
        "甲",
        "证照类型须为 b、c（第 2 至 4 版）",
        "须显示 name",
        "/a 须在可接受的范围内：甲, 1（仅适用于 b）",
    ]
    assert zh[4:9] == [
        "至少一项 /b/* 须与要求一致（由申请提供：who）",
        "/c 须早于核验当日前 3 天，证照无此项亦可",
        "/d 须晚于核验当日",
        "/e 须与 /f 一致",
        "须有 /g",
    ]
    assert ("签发至今不得超过 90 秒", "issued within 90 seconds") in lines
    assert ("状态数据不得早于 2 分钟", "status data not older than 2 minutes") in lines
    assert "信任数据不得早于 2 天" in zh
    assert "secret" not in str(lines)
    assert all(en.isascii() for _, en in lines[4:])


def test_importing_policies_costs_little() -> None:
    code = (
        "import sys; import certsvc_sdk.policy; "
        "heavy = {'datetime', 'json', 'jsonschema', 'fractions', 'decimal', 'cryptography'}; "
        "later = {f'certsvc_sdk.policy.{name}' for name in ('predicates', 'words', 'collection')}; "
        "print(sorted((heavy | later) & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert ran.stdout.strip() == "[]"
