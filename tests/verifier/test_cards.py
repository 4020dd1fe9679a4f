"""What the clerk reads of each verdict."""

import pytest

from certsvc_sdk.codes import CODES, REASONS
from certsvc_sdk.verdict import Outcome, Verdict
from verifier.cards import Card, age_words, claim_rows, problem_card, verdict_card
from verifier.labels import TypeLabels, Words, load_labels
from verifier.problems import VERIFIER_KINDS

LABELS = load_labels()
NOW = 1_800_000_000  # 2027-01-15 16:00 in Beijing
MIDNIGHT = 1_799_942_400  # 2027-01-15 00:00 in Beijing
LICENCE = "https://certs.example/vct/business-licence/1"


def verdict(code: str = "valid", **changes: object) -> Verdict:
    base: dict[str, object] = {
        "outcome": CODES[code].outcome,
        "code": code,
        "acceptable": code == "valid",
        "checked_at": NOW,
        "judged_at": NOW,
        "checks": (),
        "policy": {},
        "vct": LICENCE,
        "claims": {"iss": "x", "name": "示例公司", "iat": 1, "status": {}},
        "issued_at": NOW - 3600,
    }
    return Verdict(**{**base, **changes})  # type: ignore[arg-type]


def facts(card: Card) -> dict[str, tuple[str, Words | None]]:
    return {fact.label.zh: (fact.value, fact.note) for fact in card.facts}


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_its_look(code: str) -> None:
    card = verdict_card(verdict(code), LABELS)
    assert (
        card.look == {"VALID": "green", "INVALID": "red", "UNKNOWN": "amber"}[CODES[code].outcome]
    )
    assert all((card.icon, card.word.zh, card.word.en, card.next_step))
    assert card.compare == (CODES[code].outcome is not Outcome.INVALID)
    assert (card.claims_note is None) == (code == "valid")
    if card.look == "amber":
        assert "有效" not in card.word.zh + card.sentence.zh + (card.claims_note or card.word).zh


@pytest.mark.parametrize("reason", REASONS)
def test_valid_but_not_acceptable_is_neither_green_nor_red(reason: str) -> None:
    card = verdict_card(verdict(acceptable=False, reasons=(reason,)), LABELS)
    assert card.look not in {"green", "red", "amber"}
    assert "无效" not in card.word.zh + card.sentence.zh
    assert not card.compare


def test_further_reasons_and_missing_claims_by_their_labels() -> None:
    card = verdict_card(
        verdict(
            acceptable=False,
            reasons=("claims_missing", "too_old"),
            missing_claims=("domicile", "/business_scope", "unheard"),
        ),
        LABELS,
    )
    assert "缺住所、经营范围、unheard" in card.sentence.zh
    assert "Domicile, Business scope, unheard" in card.sentence.en
    members = verdict(
        acceptable=False,
        reasons=("claims_missing",),
        missing_claims=("/members/0/name", "/members/1/name"),
        vct="https://certs.example/vct/household-register/1",
    )
    assert verdict_card(members, LABELS).sentence.zh.endswith("缺姓名")
    assert [words.zh for words in card.further] == ["证照有效，但不符合本事项要求：签发时间过早"]


def test_facts_of_a_full_verdict() -> None:
    card = verdict_card(
        verdict(
            issuer_name={"zh": "示例局", "en": "Example Office"},
            certificate_identifier="1.2.156.3005.2.x",
            not_before=MIDNIGHT,
            expires_at=MIDNIGHT + 86400,
            status_as_of=NOW - 120,
            status_age=120,
            trust_as_of=NOW,
            trust_age=0,
        ),
        LABELS,
    )
    assert card.title == Words("营业执照", "Business licence")
    assert facts(card) == {
        "发证机关": ("示例局", Words("", "Example Office")),
        "证照标识": ("1.2.156.3005.2.x", None),
        "签发时间": ("2027-01-15 15:00", None),
        "生效时间": ("2027-01-15", None),
        "有效期至": ("2027-01-15", None),
        "状态截至": ("2027-01-15 15:58", Words("2 分钟前", "2 minutes ago")),
        "信任清单": ("2027-01-15 16:00", Words("刚刚", "just now")),
        "核验时间": ("2027-01-15 16:00", None),
    }


def test_a_window_within_the_day_shows_the_minute() -> None:
    card = verdict_card(verdict(expires_at=NOW), LABELS)
    assert facts(card)["有效期至"] == ("2027-01-15 16:00", None)


def test_no_end_and_no_certificate() -> None:
    assert facts(verdict_card(verdict(), LABELS))["有效期至"] == ("长期", Words("", "no end"))
    nothing = verdict(
        "not_a_certificate", claims=None, vct=None, issued_at=None, issuer_name={"en": "Office"}
    )
    card = verdict_card(nothing, LABELS)
    assert (card.title, card.claims, card.compare) == (None, (), False)
    assert set(facts(card)) == {"发证机关", "核验时间"}


def test_claims_nest_as_they_are() -> None:
    rows = claim_rows(
        {"iss": "x", "members": [{"name": "甲", "minor": True}, {"name": "乙", "height": None}]},
        LABELS.types["household-register"],
    )
    (members,) = rows
    assert members.label.zh == "家庭成员"
    assert [row.label for row in members.rows] == [
        Words("成员 1", "Member 1"),
        Words("成员 2", "Member 2"),
    ]
    assert [(row.label.zh, row.value) for row in members.rows[0].rows] == [
        ("姓名", "甲"),
        ("minor", "是 Yes"),
    ]
    assert [(row.label.zh, row.value) for row in members.rows[1].rows] == [
        ("姓名", "乙"),
        ("身高", "—"),
    ]


def test_claims_stand_in_the_order_of_their_type() -> None:
    claims = {"unheard": "x", "domicile": "d", "name": "n", "unified_social_credit_code": "u"}
    rows = claim_rows(claims, LABELS.types["business-licence"])
    assert [row.value for row in rows] == ["u", "n", "d", "x"]


def test_claims_without_labels_show_their_names() -> None:
    unknown = LABELS.of("https://elsewhere.example/vct/new-type/1")
    assert unknown == TypeLabels(Words("new-type", ""), {})
    (row,) = claim_rows({"list": [1, False]}, unknown)
    assert [(item.label, item.value) for item in row.rows] == [
        (Words("list 1", ""), "1"),
        (Words("list 2", ""), "否 No"),
    ]
    assert LABELS.check("unheard") == Words("unheard", "")


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (0, "刚刚", "just now"),
        (59, "刚刚", "just now"),
        (60, "1 分钟前", "1 minute ago"),
        (7199, "1 小时前", "1 hour ago"),
        (7200, "2 小时前", "2 hours ago"),
        (86400, "1 天前", "1 day ago"),
        (10 * 86400, "10 天前", "10 days ago"),
    ],
)
def test_ages_in_words(seconds: int, zh: str, en: str) -> None:
    assert age_words(seconds) == Words(zh, en)


@pytest.mark.parametrize("kind", VERIFIER_KINDS, ids=lambda kind: kind.code)
def test_problems_have_their_own_look(kind: object) -> None:
    card = problem_card(kind)  # type: ignore[arg-type]
    assert card.look == "grey"
    assert all((card.sentence.zh, card.sentence.en))
