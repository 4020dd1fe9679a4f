"""Identity, validity, holders and status operations of the built-in types."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from certsvc.catalogue import (
    Catalogue,
    CertificateType,
    Holder,
    OperationUnknown,
    ReasonUnknown,
    TypeUnknown,
    Validity,
    shanghai_date,
)

Claims = dict[str, Any]


def test_the_catalogue(catalogue: Catalogue) -> None:
    assert catalogue.names() == ("business-licence", "household-register")
    assert catalogue.versions("business-licence") == (1,)
    assert catalogue.versions("passport") == ()
    assert catalogue.get("business-licence", 1) is catalogue.get("business-licence")
    for name, version in (("passport", None), ("business-licence", 2)):
        with pytest.raises(TypeUnknown):
            catalogue.get(name, version)


def test_identity(licence: CertificateType, household: CertificateType) -> None:
    assert licence.type_code == "11100000MB0143028R001"
    assert licence.definition.type_code_source == "national"
    assert (licence.titles.zh, licence.titles.en) == ("营业执照", "Business licence")
    assert household.type_code == "119999000000000273001"
    assert household.definition.type_code_source == "configuration"
    assert household.titles.zh == "户口簿（户籍登记摘录）"
    assert household.titles.en == "Household register extract"
    assert (licence.qr_dictionary, household.qr_dictionary) == (1, 2)
    assert (licence.version, household.name) == (1, "household-register")
    for base in ("https://certs.example/", "https://certs.example"):
        assert licence.vct(base) == "https://certs.example/vct/business-licence/1"


@pytest.mark.parametrize("last", ["2040-05-05", "2200-12-31", "2028-02-28", "2026-12-31"])
def test_a_licence_ends_at_midnight_after_its_last_day(licence: CertificateType, last: str) -> None:
    validity = licence.validity({"operating_to": last})
    assert validity.nbf is None
    assert validity.exp is not None
    end = datetime.fromtimestamp(validity.exp, ZoneInfo("Asia/Shanghai"))
    assert (end.hour, end.minute, end.second) == (0, 0, 0)
    assert (end.date() - date.fromisoformat(last)).days == 1
    assert shanghai_date(validity.exp - 1).isoformat() == last


def test_no_end(licence: CertificateType, household: CertificateType) -> None:
    assert licence.validity({}) == Validity(None, None)
    assert licence.validity({"operating_to": "长期"}) == Validity(None, None)
    assert household.validity({"issued_on": "2020-01-01"}) == Validity(None, None)


def test_holders(
    licence: CertificateType,
    household: CertificateType,
    licence_claims: Claims,
    household_claims: Claims,
) -> None:
    assert licence.holders(licence_claims) == [
        Holder(kind="001", code="91999900MA0000007U", name="示例科技有限公司")
    ]
    assert household.holders(household_claims) == [
        Holder(kind="111", code="999900199003070010", name="张示例"),
        Holder(kind="111", code="99990020180601002X", name="张小示"),
    ]
    assert licence.holders({"unified_social_credit_code": 5}) == []
    assert licence.holders({"unified_social_credit_code": "x"}) == [
        Holder(kind="001", code="x", name=None)
    ]


def test_revocation_reasons_keep_the_legal_word(licence: CertificateType) -> None:
    reasons = {one.code: one for one in licence.operation("revoke").reasons}
    assert {code: one.label.zh for code, one in reasons.items()} == {
        "cancelled": "注销",
        "revoked_by_penalty": "吊销",
        "annulled": "撤销",
        "issue_error": "签发错误",
        "other": "其他",
    }
    words = {code: one.word for code, one in reasons.items()}
    assert words == {
        "cancelled": "04",
        "revoked_by_penalty": "07",
        "annulled": "03",
        "issue_error": "99",
        "other": "99",
    }
    assert [code for code, one in reasons.items() if one.detail_required] == ["other"]
    for code, one in reasons.items():
        word = licence.status.word(one.word)
        assert word is not None
        assert code in ("issue_error", "other") or word.label.zh == one.label.zh


def test_only_a_withheld_licence_is_called_withheld(
    licence: CertificateType, household: CertificateType
) -> None:
    sentences = {one.code: one.sentence.zh for one in licence.operation("suspend").reasons}
    assert sentences == {"withheld": "已暂扣", "under_review": "暂停使用", "other": "暂停使用"}
    with pytest.raises(ReasonUnknown):
        household.reason("suspend", "withheld")
    with pytest.raises(ReasonUnknown):
        household.reason("revoke", "revoked_by_penalty")


def test_every_type_has_the_four_operations_with_another_reason(catalogue: Catalogue) -> None:
    for name in catalogue.names():
        one = catalogue.get(name)
        for operation in ("suspend", "resume", "revoke", "supersede"):
            assert one.reason(operation, "other").detail_required
        with pytest.raises(OperationUnknown):
            one.operation("destroy")
    assert catalogue.get("business-licence").status.word("42") is None


@pytest.mark.parametrize(
    ("reason", "detail", "expected"),
    [
        ("cancelled", None, []),
        ("cancelled", "依申请注销", []),
        ("other", "法院裁定", []),
        ("other", None, [("/detail", "required")]),
        ("other", "  ", [("/detail", "required")]),
        ("stolen", None, [("/reason", "choice_invalid")]),
        (None, None, [("/reason", "choice_invalid")]),
        (["other"], None, [("/reason", "choice_invalid")]),
        ("cancelled", 5, [("/detail", "type_invalid")]),
        ("other", 5, [("/detail", "type_invalid")]),
        ("cancelled", "长" * 501, [("/detail", "text_too_long")]),
        ("other", "甲\u202e乙", [("/detail", "text_control_character")]),
        (
            "stolen",
            "甲\u202e乙",
            [("/reason", "choice_invalid"), ("/detail", "text_control_character")],
        ),
    ],
)
def test_reasons_are_checked(
    licence: CertificateType, reason: object, detail: object, expected: list[tuple[str, str]]
) -> None:
    errors = licence.check_reason("revoke", reason, detail)
    assert [(error.path, error.code) for error in errors] == expected
