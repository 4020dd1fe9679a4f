"""Codes, sentences and the JSON body: what a clerk reads and what a program gets."""

import json
from typing import Any

import pytest

from certsvc_sdk.codes import CODES, DETAILS, REASONS
from certsvc_sdk.policy import Policy
from certsvc_sdk.steps import STEPS
from certsvc_sdk.verdict import Outcome, Verdict, clock_text
from certsvc_sdk.verify import decide_token

LOOKS = {Outcome.VALID: "green", Outcome.INVALID: "red", Outcome.UNKNOWN: "amber"}


def verdict(code: str, **changes: Any) -> Verdict:
    values: dict[str, Any] = {
        "outcome": CODES[code].outcome,
        "code": code,
        "acceptable": code == "valid",
        "checked_at": 1_800_000_000,
        "judged_at": 1_800_000_000,
        "checks": (),
        "policy": {},
    }
    return Verdict(**(values | changes))


def test_each_code_has_a_sentence_a_colour_an_icon_a_word_and_a_next_step() -> None:
    for code, info in {**CODES, **REASONS}.items():
        for text in (info.zh, info.en, info.icon, info.word_zh, info.word_en, info.next_zh):
            assert text.strip(), code
        assert info.next_en, code
        assert not any("\u4e00" <= char <= "\u9fff" for char in info.en + info.next_en), code


def test_colours_follow_the_outcome_and_words_follow_the_colours() -> None:
    for code, info in CODES.items():
        assert info.colour == LOOKS[info.outcome], code
        said = info.zh + info.word_zh + info.next_zh
        if info.colour == "amber":
            assert "有效" not in said, code
        if info.colour == "red":
            assert "伪造" not in said, code
            assert info.word_zh != CODES["valid"].word_zh, code
    for reason, info in REASONS.items():
        assert info.colour == "blue", reason
        assert "无效" not in info.zh, reason


def test_every_code_that_a_check_can_find_is_in_the_table_and_named_once() -> None:
    found = {code for step in STEPS for code in step.codes}
    assert found | {"valid"} == set(CODES)
    assert len({step.name for step in STEPS}) == len(STEPS)
    assert [step.number for step in STEPS] == sorted(step.number for step in STEPS)


def test_sentences_carry_the_time_the_status_stands_for() -> None:
    as_of = 1_800_000_000  # 2027-01-15 16:00 in Beijing
    valid = verdict("valid", status_as_of=as_of)
    assert valid.sentence() == "证照有效（状态截至 01-15 16:00），请核对出示人身份或授权"
    assert "01-15 16:00" in valid.sentence("en")
    stale = verdict("status_stale", status_as_of=as_of)
    assert stale.sentence() == "签名核验通过，当前状态待查（截至 01-15 16:00）"
    assert clock_text(as_of, year=True) == "2027-01-15 16:00"
    assert clock_text(2**53) == "12-31 23:59"
    assert clock_text(-5) == "01-01 08:00"


@pytest.mark.parametrize("word", DETAILS)
def test_the_legal_word_of_the_detail_is_kept(word: str) -> None:
    code = "suspended" if word == "暂扣" else "revoked"
    assert word in verdict(code, status_detail=word).sentence("zh")
    assert word in verdict(code, status_detail=word).sentence("en")


def test_without_a_detail_the_general_word_stands() -> None:
    assert verdict("revoked").sentence() == "已不再有效，原因请联网查询"
    assert verdict("suspended").sentence() == "暂停使用"
    assert verdict("suspended", status_detail="别的").sentence() == "暂停使用"


def test_valid_but_not_acceptable_says_what_is_missing_and_never_invalid() -> None:
    shown = verdict(
        "valid",
        acceptable=False,
        reasons=("claims_missing", "too_old"),
        missing_claims=("name", "address"),
    )
    assert shown.sentence() == "证照有效，但不符合本事项要求：缺name、address"
    assert shown.sentence("en").endswith("it does not show name, address.")
    body = shown.to_json()
    assert (body["colour"], body["icon"], body["acceptable"]) == ("blue", "≠", False)


def test_missing_claims_go_by_labels_where_there_are_some() -> None:
    wanted = ("name", "/members/0/name", "/members/1/name", "a~b", "unheard")
    shown = verdict("valid", acceptable=False, reasons=("claims_missing",), missing_claims=wanted)
    labels = {
        "name": {"zh": "名称", "en": "Name"},
        "/members/*/name": {"zh": "姓名", "en": ""},
        "/a~0b": {"zh": "甲", "en": "A"},
    }
    assert shown.sentence("zh", labels).endswith("：缺名称、姓名、甲、unheard")
    assert "Name, /members/0/name, /members/1/name, A, unheard." in shown.sentence("en", labels)
    assert shown.sentence("zh", {"/name": {"zh": "名称", "en": "Name"}}).count("名称") == 1
    body = shown.to_json(labels)
    assert body["sentence"] == {
        "zh": shown.sentence("zh", labels),
        "en": shown.sentence("en", labels),
    }
    assert body["missing_claims"] == list(wanted)
    assert json.loads(shown.to_json_bytes(labels)) == json.loads(json.dumps(body))
    assert "缺name、/members/0/name" in shown.to_json()["sentence"]["zh"]


def test_an_unknown_keeps_its_own_colour_whatever_the_policy_says() -> None:
    assert verdict("status_stale", reasons=("too_old",)).to_json()["colour"] == "amber"


def test_the_json_body_is_json_and_holds_every_member(issuer: Any, world: Any, facts: Any) -> None:
    policy = Policy(claims=("name",), types=("business-licence",))
    found = decide_token(issuer.token(), world=world, policy=policy, now=facts.now)
    body = found.to_json()
    assert json.loads(json.dumps(body)) == body
    documented = Verdict.to_json.__doc__ or ""
    assert [name for name in body if f"`{name}`" not in documented] == []
    assert body["outcome"] == "VALID"
    assert body["sentence"] == {"zh": found.sentence("zh"), "en": found.sentence("en")}
    assert body["checks"][0] == {"number": 1, "name": "frame", "result": "passed", "code": None}
    assert body["policy"] == {"types": ["business-licence"], "claims": ["name"]}
    assert body["issuer_name"]["zh"] == "示例市市场监督管理局"
    assert json.loads(found.to_json_bytes()) == body


def test_a_verdict_is_frozen() -> None:
    with pytest.raises(AttributeError):
        verdict("revoked").code = "valid"  # type: ignore[misc]


def test_personal_data_stay_out_of_logs_and_tracebacks(issuer: Any, world: Any, facts: Any) -> None:
    policy = Policy(holder="11010519491231002X")
    verdict = decide_token(issuer.token(), world=world, policy=policy, now=facts.now)
    assert verdict.claims is not None
    shown = repr(verdict) + repr(policy)
    assert "张三" not in shown
    assert "11010519491231002X" not in shown
