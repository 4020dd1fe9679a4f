"""Validation of business licences: one finding for one defect, precise in both languages."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from certsvc.catalogue import CertificateType, FieldError

Claims = dict[str, Any]
Told = Callable[[list[FieldError]], list[tuple[str, str]]]


def test_the_example_passes(licence: CertificateType, licence_claims: Claims, today: date) -> None:
    assert licence.validate(licence_claims, today=today) == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("name", 5, "type_invalid"),
        ("name", True, "type_invalid"),
        ("name", ["甲"], "type_invalid"),
        ("name", {"zh": "甲"}, "type_invalid"),
        ("copy_type", 5, "type_invalid"),
        ("copy_type", "复印件", "choice_invalid"),
        ("legal_representative_title", "董事长", "choice_invalid"),
        ("name", "名" * 121, "text_too_long"),
        ("business_scope", "经" * 2001, "text_too_long"),
        ("business_scope", "\u200b" + "经" * 2001, "text_too_long"),
        ("name", "甲\x00乙", "text_control_character"),
        ("name", "甲\ud800乙", "text_control_character"),
        ("name", "甲\u200d乙", "text_control_character"),
        ("name", "甲\ufe0f乙", "text_control_character"),
        ("name", "甲\u3164乙", "text_control_character"),
        ("name", "甲\n乙", "text_control_character"),
        ("name", "甲\t乙", "text_control_character"),
        ("name", "甲\U000e0041乙", "text_control_character"),
        ("name", "甲\ufffe乙", "text_control_character"),
        ("name", "\ufeff甲", "text_control_character"),
        ("copy_type", "正\u2066本", "text_control_character"),
        ("unified_social_credit_code", "91999900MA00000\u200b07U", "text_control_character"),
        ("unified_social_credit_code", "91999900MA0000007A", "uscc_check_character"),
        ("established_on", "2021-02-30", "date_invalid"),
        ("established_on", "1899-02-03", "date_invalid"),
        ("established_on", "2026-11-23", "date_in_future"),
        ("issued_on", "2026-11-23", "date_in_future"),
        ("operating_to", "2026-11-21", "already_expired"),
        ("operating_to", "2019-01-01", "date_order"),
    ],
)
def test_one_defect_one_finding(
    licence: CertificateType,
    licence_claims: Claims,
    today: date,
    name: str,
    value: object,
    code: str,
) -> None:
    licence_claims[name] = value
    errors = licence.validate(licence_claims, today=today)
    assert [(error.path, error.code) for error in errors] == [(f"/{name}", code)]
    assert errors[0].zh
    assert errors[0].en
    assert errors[0].zh.isprintable()
    errors[0].zh.encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issued_on", "2026-11-22"),
        ("operating_to", "2026-11-22"),
        ("operating_to", None),
        ("operating_to", ""),
        ("operating_from", "\u3000"),
        ("registered_capital", None),
        ("business_scope", "经" * 2000),
        ("name", " 甲有限公司\r\n"),
        ("name", "\U00031350\ue000有限公司"),
        ("legal_representative", "买买提·吐尔逊"),
    ],
)
def test_what_is_lawful_passes(
    licence: CertificateType, licence_claims: Claims, today: date, name: str, value: object
) -> None:
    licence_claims[name] = value
    assert licence.validate(licence_claims, today=today) == []


def test_empty_claims_name_every_required_field_in_order(
    licence: CertificateType, today: date, told: Told
) -> None:
    required = licence.json_schema()["required"]
    assert told(licence.validate({}, today=today)) == [
        (f"/{name}", "required") for name in required
    ]


def test_findings_come_in_the_schemas_order_with_unknown_members_last(
    licence: CertificateType, licence_claims: Claims, today: date, told: Told
) -> None:
    licence_claims |= {"zzz_unheard_of": "1", "issued_on": "x", "unified_social_credit_code": "1"}
    del licence_claims["domicile"]
    assert told(licence.validate(licence_claims, today=today)) == [
        ("/unified_social_credit_code", "uscc_length"),
        ("/domicile", "required"),
        ("/issued_on", "date_invalid"),
        ("/zzz_unheard_of", "unknown_member"),
    ]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("unifiedSocialCreditCode", "unified_social_credit_code"),
        ("unified_social_credit_cod", "unified_social_credit_code"),
        ("经营范围", "business_scope"),
        ("Business scope", "business_scope"),
        ("legal-representative", "legal_representative"),
    ],
)
def test_a_misspelt_member_is_one_finding_with_a_hint(
    licence: CertificateType, licence_claims: Claims, today: date, wrong: str, meant: str
) -> None:
    licence_claims[wrong] = licence_claims.pop(meant)
    (error,) = licence.validate(licence_claims, today=today)
    assert error.code == "unknown_member"
    assert f"是否为 {meant}（" in error.zh
    assert f"did you mean {meant}?" in error.en


def test_no_hint_where_nothing_is_near(
    licence: CertificateType, licence_claims: Claims, today: date
) -> None:
    licence_claims["weather"] = "sunny"
    (error,) = licence.validate(licence_claims, today=today)
    assert error.zh == "没有名为“weather”的字段"


def test_a_hostile_member_name_is_shown_harmless(
    licence: CertificateType, licence_claims: Claims, today: date
) -> None:
    licence_claims["\u202e/~\ud800" + "x" * 500] = "1"
    (error,) = licence.validate(licence_claims, today=today)
    assert error.code == "unknown_member"
    for text in (error.path, error.zh, error.en):
        assert len(text) < 120
        assert text.isprintable()
        text.encode()
    assert error.path.startswith("/\ufffd~1~0\ufffdxxx")


def test_json_of_a_finding(licence: CertificateType, licence_claims: Claims, today: date) -> None:
    licence_claims["unified_social_credit_code"] = "O1999900MA0000007U"
    (error,) = licence.validate(licence_claims, today=today)
    assert error.to_json() == {
        "path": "/unified_social_credit_code",
        "code": "uscc_alphabet",
        "zh": error.zh,
        "en": error.en,
        "value_position": 1,
    }
    licence_claims["unified_social_credit_code"] = "O1"
    (error,) = licence.validate(licence_claims, today=today)
    assert "value_position" not in error.to_json()


def test_rules_between_fields_wait_for_sound_fields(
    licence: CertificateType, licence_claims: Claims, today: date, told: Told
) -> None:
    licence_claims |= {"operating_from": "2050-13-01", "operating_to": "2045-01-01"}
    assert told(licence.validate(licence_claims, today=today)) == [
        ("/operating_from", "date_invalid")
    ]
    licence_claims |= {"operating_from": "2019-05-05", "operating_to": "2018-01-01"}
    assert told(licence.validate(licence_claims, today=today)) == [("/operating_to", "date_order")]


def test_warnings_of_anything(licence: CertificateType, licence_claims: Claims) -> None:
    assert licence.warnings(licence_claims) == []
    assert licence.warnings("not an object") == []
    licence_claims["unified_social_credit_code"] = "91999908MAN1WXW7EG"
    (warning,) = licence.warnings(licence_claims)
    assert warning.path == "/unified_social_credit_code"
    assert warning.code == "organisation_code_check_character"
    licence_claims["unified_social_credit_code"] = 5
    assert licence.warnings(licence_claims) == []
