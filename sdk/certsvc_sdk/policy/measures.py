"""Days, ages and sums of money as certificates write them; unreadable means None, never a guess."""

from time import gmtime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fractions import Fraction

_BEIJING_OFFSET: Final = 8 * 3600
_DAY: Final = 86_400
# Seconds of the first and the last day that a date of ten characters can name.
_FIRST: Final = -62_135_596_800
_LAST: Final = 253_402_214_400
_DATE_LENGTH: Final = 10
_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

# No sum on a certificate is longer; reading is linear in it.
_MAX_SUM: Final = 64
_UNITS: Final = {"拾": 10, "十": 10, "佰": 100, "百": 100, "仟": 1000, "千": 1000}
_NUMERALS: Final = {
    numeral: value
    for row in ("零壹贰叁肆伍陆柒捌玖", "〇一二三四五六七八九")
    for value, numeral in enumerate(row)
}
_ZEROS: Final = "零〇"
_RENMINBI: Final = "人民币"
_YUAN: Final = ("元整", "圆整", "元", "圆")


def is_date(value: object) -> bool:
    """Tell whether a value is a calendar day `YYYY-MM-DD` (RFC 3339 full-date), from year 1 on."""
    if not isinstance(value, str) or len(value) != _DATE_LENGTH:
        return False
    year, month, day_of_month = value[:4], value[5:7], value[8:]
    if value[4] != "-" or value[7] != "-" or not _is_digits(year + month + day_of_month):
        return False
    if year == "0000" or not 1 <= int(month) <= len(_MONTHS):
        return False
    if month == "02" and day_of_month == "29":
        return _is_leap(int(year))
    return 1 <= int(day_of_month) <= _MONTHS[int(month) - 1]


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def day(moment: int, days: int = 0) -> str:
    """Return the day in Beijing of `moment` (Unix seconds), `days` later, as `YYYY-MM-DD`."""
    there = gmtime(min(max(moment + _BEIJING_OFFSET + days * _DAY, _FIRST), _LAST))
    return f"{there.tm_year:04}-{there.tm_mon:02}-{there.tm_mday:02}"


def age(born: str, today: str) -> int:
    """Return full years between two days `YYYY-MM-DD`.

    A year is completed on the birthday; who was born on 29 February completes it on 1 March of a
    common year.
    """
    years = int(today[:4]) - int(born[:4])
    return years - (today[5:] < born[5:])


def yuan(value: object) -> int | None:
    """Return whole yuan of a sum such as 伍佰万元整, 人民币500万元 or 1000000元; else None.

    Other currencies, parts of a yuan, separators and numbers without a currency give None.
    """
    if not isinstance(value, str) or len(value) > _MAX_SUM:
        return None
    digits = value.strip().removeprefix(_RENMINBI).removesuffix(_RENMINBI)
    for end in _YUAN:
        if digits.endswith(end):
            digits = digits.removesuffix(end)
            break
    return None if digits == value.strip() else _sum(digits)


def _sum(text: str) -> int | None:
    """Read 亿, 万 and what is below them, each at most once and in this order."""
    total = 0
    for name, unit in (("亿", 10**8), ("万", 10**4)):
        head, found, tail = text.partition(name)
        if found:
            above = _after(head) if total else _leading(head)
            if not above or above * unit % 1:
                return None
            total, text = total + int(above * unit), tail
    if not text and total:
        return total
    rest = _after(text) if total else _leading(text)
    return None if rest is None or rest % 1 else total + int(rest)


def _after(text: str) -> int | None:
    """Read what stands behind 亿 or 万: four digits, thousands, or less behind a 零."""
    value = _below_ten_thousand(text)
    whole = len(text) == 4 if _is_digits(text) else text[:1] in _ZEROS or (value or 0) >= 1000
    return value if whole else None


def _leading(text: str) -> "Fraction | int | None":
    """Read what stands first: numerals, or digits as many as they are, 1000.5 among them."""
    from fractions import Fraction

    whole, point, part = text.partition(".")
    if _is_digits(whole) and (_is_digits(part) or not point):
        return Fraction(text)
    return _below_ten_thousand(text)


def _below_ten_thousand(text: str) -> int | None:
    """Read 5000, 伍仟, 伍仟零伍拾 or 拾: digits, or numerals with falling units."""
    if _is_digits(text):
        return int(text) if len(text) <= 4 else None
    total, last, numeral, skipped = 0, 10_000, None, True
    for char in text:
        if char in _UNITS:
            # 拾万 is 10 万; any other unit needs its numeral.
            if numeral is None and char in "拾十" and last == 10_000:
                numeral = 1
            # 一千五十 and 二百五 mean one thing to some and another to others.
            if not numeral or _UNITS[char] >= last or not (skipped or _UNITS[char] * 10 == last):
                return None
            last, skipped = _UNITS[char], False
            total, numeral = total + numeral * last, None
        elif char in _ZEROS and not numeral:
            numeral, skipped = 0, True
        elif char in _NUMERALS and not numeral:
            numeral = _NUMERALS[char]
        else:
            return None
    if numeral and not (skipped or last == 10):
        return None
    return total + (numeral or 0) if text else None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
