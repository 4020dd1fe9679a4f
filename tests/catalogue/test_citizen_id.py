"""GB 11643 citizen identity numbers and calendar dates."""

from datetime import date

import pytest

from certsvc.catalogue import CodeInvalid
from certsvc.catalogue.codes import (
    birth_date_of,
    check_citizen_id,
    check_date,
    citizen_id_check_character,
    read_date,
)


@pytest.mark.parametrize(
    "number", ["11010519491231002X", "999900199003070010", "99990020180601002X"]
)
def test_good_numbers_pass(number: str) -> None:
    assert check_citizen_id(number) is None
    assert citizen_id_check_character(number[:-1]) == number[-1]


@pytest.mark.parametrize("division", ["810000", "820000", "830000", "999999", "000000", "110109"])
def test_the_division_is_never_checked(division: str) -> None:
    body = f"{division}19900307001"
    assert check_citizen_id(body + citizen_id_check_character(body)) is None


@pytest.mark.parametrize(
    ("number", "fault", "position", "words"),
    [
        ("11010519491231002", "citizen_id_length", None, "应为 18 位，实际为 17 位"),
        ("110105491231002", "citizen_id_length", None, "旧式 15 位"),
        ("110105 19491231002X", "citizen_id_length", None, "其中含 1 个空格"),
        ("11010519491231002x", "citizen_id_alphabet", 18, "应为大写字母 “X”"),
        ("1101O519491231002X", "citizen_id_alphabet", 5, "应为数字"),
        ("110105194912310X2X", "citizen_id_alphabet", 16, "应为数字"),
        ("11010519491231002Y", "citizen_id_alphabet", 18, "应为数字或大写字母 X"),
        ("１1010519491231002X", "citizen_id_alphabet", 1, "应为半角 “1”"),
        ("11010519490229002X", "citizen_id_birth_date", 7, "1949 年 2 月没有 29 日"),
        ("11010519491331002X", "citizen_id_birth_date", 7, "没有 13 月"),
        ("11010518991231002X", "citizen_id_birth_date", 7, "年份 1899"),
        ("110105194912310021", "citizen_id_check_character", 18, "应为 “X”，实际为 “1”"),
    ],
)
def test_faults_are_named(number: str, fault: str, position: int | None, words: str) -> None:
    found = check_citizen_id(number)
    assert found is not None
    assert (found.code, found.position) == (fault, position)
    assert words in found.zh


def test_the_birth_date_inside() -> None:
    assert birth_date_of("11010519491231002X") == date(1949, 12, 31)
    with pytest.raises(CodeInvalid) as caught:
        birth_date_of("110105194912310021")
    assert caught.value.fault.code == "citizen_id_check_character"


@pytest.mark.parametrize("body", ["1", "1101051949123100X"])
def test_no_check_character_for_what_is_no_number(body: str) -> None:
    with pytest.raises(CodeInvalid):
        citizen_id_check_character(body)


@pytest.mark.parametrize("text", ["1900-01-01", "2024-02-29", "2200-12-31"])
def test_real_dates_pass(text: str) -> None:
    assert check_date(text) is None
    assert read_date(text) == date.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2023-02-29", "2023 年 2 月没有 29 日"),
        ("2023-04-31", "2023 年 4 月没有 31 日"),
        ("2023-00-01", "没有 0 月"),
        ("2023-01-00", "没有 0 日"),
        ("1899-12-31", "年份 1899 不在 1900 至 2200 之间"),
        ("2201-01-01", "年份 2201"),
        ("2023/01/01", "4 位年-2 位月-2 位日"),
        ("20230101", "4 位年-2 位月-2 位日"),
        ("2023-1-1", "4 位年-2 位月-2 位日"),
        ("2023-01-01T00:00:00", "4 位年-2 位月-2 位日"),
        ("2023-01-01\n", "4 位年-2 位月-2 位日"),
        ("２０２３-01-01", "4 位年-2 位月-2 位日"),
        ("长期", "4 位年-2 位月-2 位日"),
    ],
)
def test_other_dates_are_explained(text: str, words: str) -> None:
    found = check_date(text)
    assert found is not None
    assert found.code == "date_invalid"
    assert words in found.zh
    assert read_date(text) is None


def test_what_is_no_text_is_no_date() -> None:
    assert read_date(20230101) is None
