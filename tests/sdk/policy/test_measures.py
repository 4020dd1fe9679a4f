"""Days, ages and sums: read exactly or not at all."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc_sdk.policy import measures


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("伍佰万元整", 5_000_000),
        ("叁仟万元整", 30_000_000),
        ("壹佰万元整", 1_000_000),
        ("伍拾万元整", 500_000),
        ("壹拾贰万叁仟肆佰伍拾陆元整", 123_456),
        ("壹亿贰仟万元整", 120_000_000),
        ("壹亿元整", 100_000_000),
        ("拾万元整", 100_000),
        ("十二万元", 120_000),
        ("壹万零伍佰元整", 10_500),
        ("叁仟零伍拾圆整", 3_050),
        ("伍元", 5),
        ("零元整", 0),
        ("500万元", 5_000_000),
        ("500万元人民币", 5_000_000),
        ("人民币500万元整", 5_000_000),
        ("人民币伍佰万", 5_000_000),
        ("1亿2000万元", 120_000_000),
        ("1000000元", 1_000_000),
        ("50000万元", 500_000_000),
        ("1000.500000万人民币", 10_005_000),
        ("5.00元", 5),
        (" 1000000元 ", 1_000_000),
        ("一万五千元", 15_000),
        ("1万5000元", 15_000),
        ("二百零五元", 205),
        ("一亿零五万元", 100_050_000),
    ],
)
def test_sums(text: str, yuan: int) -> None:
    assert measures.yuan(text) == yuan


@pytest.mark.parametrize(
    "text",
    [
        "", "元", "人民币", "万元", "亿元", "伍佰万", "500", "伍拾万美元", "50万港元", "5.50元",
        "5,000,000元", "五百多万元", "万伍佰元", "佰万元", "拾佰元", "伍伍元", "伍拾拾元",
        "壹佰仟元", "壹亿壹亿元", "壹万壹亿元", "零佰元", "1亿50000万元", "-5元", "５００万元",
        "伍佰万元整（注）", "1e6元", "5.元", ".5万元", "1.2.3万元", "0.00001万元", "0万元",
        "一万五元", "二百五元", "1.5万5元", "一千五十元", "一亿五万元", "1亿5万元",
        "9" * 100 + "元", None, 5_000_000, True, ["伍元"],
    ],
)  # fmt: skip
def test_what_is_no_sum_is_not_guessed(text: object) -> None:
    assert measures.yuan(text) is None


@given(st.integers(0, 10**12 - 1))
def test_every_sum_in_digits(amount: int) -> None:
    assert measures.yuan(f"{amount}元") == amount


@given(st.text("零壹贰伍拾佰仟万亿元整人民币0123456789", max_size=64))
def test_no_text_makes_it_raise(text: str) -> None:
    found = measures.yuan(text)
    assert found is None or found >= 0


@given(st.text("0123456789-W", max_size=11) | st.dates().map(str))
def test_a_date_is_what_the_calendar_has(text: str) -> None:
    try:
        known = len(text) == 10 and str(date.fromisoformat(text)) == text
    except ValueError:
        known = False
    assert measures.is_date(text) is known


@pytest.mark.parametrize("value", [None, 20270101, "２０２７-01-01", "2027-02-29", "2027/01/01"])
def test_no_date(value: object) -> None:
    assert not measures.is_date(value)


def test_days_are_those_of_beijing() -> None:
    midnight = 1_799_942_400  # 2027-01-15 00:00 in Beijing
    assert measures.day(midnight) == "2027-01-15"
    assert measures.day(midnight - 1) == "2027-01-14"
    assert measures.day(midnight, 31) == "2027-02-15"
    assert measures.day(midnight, -15) == "2026-12-31"
    assert measures.day(2**53, 36_525) == "9999-12-31"
    assert measures.day(-(2**53)) == "0001-01-01"


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        ("2009-01-15", "2027-01-14", 17),
        ("2009-01-15", "2027-01-15", 18),
        ("2008-02-29", "2026-02-28", 17),
        ("2008-02-29", "2026-03-01", 18),
        ("2008-02-29", "2028-02-29", 20),
        ("2027-01-15", "2027-01-15", 0),
    ],
)
def test_a_year_is_complete_on_the_birthday(born: str, today: str, age: int) -> None:
    assert measures.age(born, today) == age


@given(st.dates(max_value=date(2300, 1, 1)), st.integers(0, 40_000))
def test_ages_never_shrink(born: date, days: int) -> None:
    today = born + timedelta(days=days)
    later = today + timedelta(days=1)
    assert 0 <= measures.age(str(born), str(today)) <= measures.age(str(born), str(later))
