"""Validation of household register extracts: members, relationships, the head."""

import copy
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from certsvc.catalogue import CertificateType, FieldError
from certsvc.catalogue.codes import citizen_id_check_character

Claims = dict[str, Any]
Told = Callable[[list[FieldError]], list[tuple[str, str]]]


def _many(claims: Claims, count: int) -> list[Claims]:
    """Returns `count` members with citizen IDs of their own, the head first."""
    people = [claims["members"][0]]
    for number in range(1, count):
        body = f"99990019900307{number + 100:03d}"
        person = copy.deepcopy(claims["members"][0])
        person |= {"relationship_to_head": "非亲属", "relationship_code": "99"}
        people.append({**person, "citizen_id": body + citizen_id_check_character(body)})
    return people


def test_the_example_passes(
    household: CertificateType, household_claims: Claims, today: date
) -> None:
    assert household.validate(household_claims, today=today) == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("sex", "male", "choice_invalid"),
        ("relationship_code", "2", "format_invalid"),
        ("relationship_code", "1１", "format_invalid"),
        ("relationship_code", 30, "type_invalid"),
        ("citizen_id", "999900201806010020", "citizen_id_check_character"),
        ("citizen_id", "99990020180601002x", "citizen_id_alphabet"),
        ("citizen_id", "999900199003070010", "duplicate_value"),
        ("date_of_birth", "2018-06-31", "date_invalid"),
        ("registered_on", "2027-01-01", "date_in_future"),
        ("relationship_code", "20", "relationship_mismatch"),
        ("religion", "\u202a无", "text_control_character"),
    ],
)
def test_one_defect_one_finding(
    household: CertificateType,
    household_claims: Claims,
    today: date,
    name: str,
    value: object,
    code: str,
) -> None:
    household_claims["members"][1][name] = value
    if code == "duplicate_value":
        household_claims["members"][1]["date_of_birth"] = "1990-03-07"
    errors = household.validate(household_claims, today=today)
    assert [(error.path, error.code) for error in errors] == [(f"/members/1/{name}", code)]


def test_the_birth_date_must_be_the_one_in_the_citizen_id(
    household: CertificateType, household_claims: Claims, today: date
) -> None:
    household_claims["members"][1]["date_of_birth"] = "2018-06-02"
    (error,) = household.validate(household_claims, today=today)
    assert (error.path, error.code) == (
        "/members/1/date_of_birth",
        "citizen_id_birth_date_mismatch",
    )
    assert error.zh == "出生日期 2018-06-02 与公民身份号码中的 2018-06-01 不一致"


def test_a_broken_citizen_id_is_not_compared(
    household: CertificateType, household_claims: Claims, today: date, told: Told
) -> None:
    household_claims["members"][1] |= {"citizen_id": "1", "date_of_birth": "2018-06-02"}
    assert told(household.validate(household_claims, today=today)) == [
        ("/members/1/citizen_id", "citizen_id_length")
    ]


def test_head_and_self_confused_is_named_as_such(
    household: CertificateType, household_claims: Claims, today: date
) -> None:
    household_claims["members"][0]["relationship_code"] = "01"
    (error,) = household.validate(household_claims, today=today)
    assert (error.path, error.code) == ("/members/0/relationship_code", "relationship_mismatch")
    assert error.zh == "“户主”的代码应为 02，实际为 01（01 是“本人”）"


@pytest.mark.parametrize(
    ("word", "code", "contradicts"),
    [
        ("父亲", "51", False),
        ("母亲", "52", False),
        ("父亲", "52", True),
        ("孙子", "40", False),
        ("孙女", "40", False),
        ("孙女", "42", False),
        # Codes that no source confirms refuse nothing: the record may be right.
        ("孙女", "41", False),
        ("父亲", "61", False),
        ("配偶", "12", False),
        ("女儿", "31", False),
        ("本人", "01", False),
        ("本人", "02", True),
        ("继父", "51", False),
        ("女婿", "97", False),
        ("配偶", "20", True),
        ("弟弟", "73", False),
        ("户主的表舅", "86", False),
        ("配偶", "88", False),
        ("舅舅", "99", False),
    ],
)
def test_relationships(
    household: CertificateType,
    household_claims: Claims,
    today: date,
    word: str,
    code: str,
    contradicts: bool,
) -> None:
    person = household_claims["members"][1]
    person |= {"relationship_to_head": word, "relationship_code": code}
    codes = [error.code for error in household.validate(household_claims, today=today)]
    assert codes == (["relationship_mismatch"] if contradicts else [])


def test_nobody_is_head(
    household: CertificateType, household_claims: Claims, today: date, told: Told
) -> None:
    household_claims["members"][0] |= {"relationship_to_head": "本人", "relationship_code": "01"}
    assert told(household.validate(household_claims, today=today)) == [("/members", "head_missing")]


def test_two_heads(
    household: CertificateType, household_claims: Claims, today: date, told: Told
) -> None:
    household_claims["members"][1] |= {"relationship_to_head": "户主", "relationship_code": "02"}
    assert told(household.validate(household_claims, today=today)) == [
        ("/members/1/relationship_code", "head_duplicate")
    ]


def test_the_first_page_names_another_head(
    household: CertificateType, household_claims: Claims, today: date
) -> None:
    household_claims["head_name"] = "李示例"
    (error,) = household.validate(household_claims, today=today)
    assert (error.path, error.code) == ("/head_name", "head_mismatch")
    assert "“李示例”" in error.zh
    assert "“张示例”" in error.zh


def test_a_flawed_name_is_not_compared(
    household: CertificateType, household_claims: Claims, today: date, told: Told
) -> None:
    household_claims["members"][0]["name"] = "张\u200b示例"
    assert told(household.validate(household_claims, today=today)) == [
        ("/members/0/name", "text_control_character")
    ]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (None, ("/members", "required")),
        ([], ("/members", "too_few_items")),
        ("张示例", ("/members", "type_invalid")),
        ({"0": {}}, ("/members", "type_invalid")),
        ([None], ("/members/0", "type_invalid")),
        (["张示例"], ("/members/0", "type_invalid")),
    ],
)
def test_members_of_the_wrong_shape(
    household: CertificateType,
    household_claims: Claims,
    today: date,
    told: Told,
    members: object,
    expected: tuple[str, str],
) -> None:
    household_claims["members"] = members
    assert told(household.validate(household_claims, today=today)) == [expected]


def test_fifty_members_and_not_one_more(
    household: CertificateType, household_claims: Claims, today: date, told: Told
) -> None:
    household_claims["members"] = _many(household_claims, 50)
    assert household.validate(household_claims, today=today, profile="core") == []
    household_claims["members"] = _many(household_claims, 51)
    assert told(household.validate(household_claims, today=today)) == [
        ("/members", "too_many_items")
    ]


def test_a_profile_may_be_too_small_for_a_household(
    household: CertificateType, household_claims: Claims, today: date
) -> None:
    household_claims["members"] = _many(household_claims, 50)
    assert household.validate(household_claims, today=today) == []
    (error,) = household.validate(household_claims, today=today, profile="full")
    assert (error.path, error.code) == ("", "too_many_disclosures")
    assert "实际 606 个" in error.zh


def test_an_empty_member_names_what_is_missing(
    household: CertificateType, household_claims: Claims, today: date, told: Told
) -> None:
    household_claims["members"].append({"name": ""})
    names = ("name", "relationship_to_head", "relationship_code", "sex", "date_of_birth")
    assert told(household.validate(household_claims, today=today)) == [
        *((f"/members/2/{name}", "required") for name in names),
        ("/members/2/citizen_id", "required"),
    ]


def test_a_misspelt_member_field(
    household: CertificateType, household_claims: Claims, today: date
) -> None:
    person = household_claims["members"][1]
    person["citizenId"] = person.pop("citizen_id")
    (error,) = household.validate(household_claims, today=today)
    assert (error.path, error.code) == ("/members/1/citizenId", "unknown_member")
    assert "citizen_id（公民身份号码）" in error.zh
