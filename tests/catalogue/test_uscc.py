"""GB 32100 unified social credit codes and the GB 11714 code inside."""

import pytest

from certsvc.catalogue import CodeInvalid
from certsvc.catalogue.codes import check_organisation_code, check_uscc, uscc_check_character

GOOD = (
    "91350100M000100Y43",
    "119999000000000198",
    "119999000000000273",
    "91999900MA0000007U",
    "11100000MB0143028R",
    "11100000000013338W",
    "11430000006122244L",
)


@pytest.mark.parametrize("code", GOOD)
def test_good_codes_pass(code: str) -> None:
    assert check_uscc(code) is None
    assert uscc_check_character(code[:-1]) == code[-1]


@pytest.mark.parametrize(
    ("code", "fault", "position", "words"),
    [
        ("91350100M000100Y4", "uscc_length", None, "应为 18 位，实际为 17 位"),
        ("91350100M000100Y433", "uscc_length", None, "实际为 19 位"),
        ("9135 0100M000100Y43", "uscc_length", None, "其中含 1 个空格"),
        ("", "uscc_length", None, "实际为 0 位"),
        ("O1350100M000100Y43", "uscc_alphabet", 1, "是否为数字 0？"),
        ("9I350100M000100Y43", "uscc_alphabet", 2, "是否为数字 1？"),
        ("91350100M0001S0Y43", "uscc_alphabet", 14, "是否为数字 5？"),
        ("91350100M0001Z0Y43", "uscc_alphabet", 14, "是否为数字 2？"),
        ("91350100M0001V0Y43", "uscc_alphabet", 14, "是否为字母 U 或 Y？"),
        ("91350100m000100Y43", "uscc_alphabet", 9, "应为大写字母 “M”"),
        ("91350100Ｍ000100Y43", "uscc_alphabet", 9, "是全角字符，应为半角 “M”"),
        ("91350100M0001-0Y43", "uscc_alphabet", 14, "不是统一社会信用代码的字符"),
        ("91350100M0001中0Y43", "uscc_alphabet", 14, "“中”"),
        ("91350100M0001\u200b0Y43", "uscc_alphabet", 14, "U+200B"),
        ("91350100M000100Y44", "uscc_check_character", 18, "应为 “3”，实际为 “4”"),
    ],
)
def test_faults_are_named(code: str, fault: str, position: int | None, words: str) -> None:
    found = check_uscc(code)
    assert found is not None
    assert (found.code, found.position) == (fault, position)
    assert words in found.zh
    assert found.en.isascii() or "“" in found.en


def test_the_letter_o_is_explained_as_users_read_it() -> None:
    found = check_uscc("O1999908MAN1WXW7EG")
    assert found is not None
    assert found.zh == (
        "第 1 位的 “O” 不是统一社会信用代码的字符（不含 I、O、S、V、Z），是否为数字 0？"
    )


@pytest.mark.parametrize("body", ["1", "O1350100M000100Y4"])
def test_no_check_character_for_what_is_no_code(body: str) -> None:
    with pytest.raises(CodeInvalid):
        uscc_check_character(body)


@pytest.mark.parametrize("code", GOOD)
def test_real_organisation_codes_raise_no_warning(code: str) -> None:
    assert check_organisation_code(code) is None


def test_an_organisation_code_that_fails_its_own_check_is_a_warning_only() -> None:
    body = "91999908MAN1WXW7E"
    code = body + uscc_check_character(body)
    assert check_uscc(code) is None
    warning = check_organisation_code(code)
    assert warning is not None
    assert (warning.code, warning.position) == ("organisation_code_check_character", 17)


def test_a_broken_code_gets_no_second_finding_for_its_inner_check() -> None:
    assert check_organisation_code("91999908MAN1WXW7E") is None
