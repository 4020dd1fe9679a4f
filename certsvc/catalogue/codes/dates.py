"""Calendar dates as certificates write them: YYYY-MM-DD, real, and within reason."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

from certsvc.catalogue.codes.fault import CodeFault

# Nothing a living register holds is older; a later end date is a slip of the keyboard.
FIRST_YEAR = 1900
LAST_YEAR = 2200

_FORM = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CODE = "date_invalid"


def calendar_fault(year: int, month: int, day: int) -> tuple[str, str] | None:
    """Says why (zh, en) a year, month and day make no date in reason; None if they do."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return (
            f"年份 {year} 不在 {FIRST_YEAR} 至 {LAST_YEAR} 之间",
            f"the year {year} is not between {FIRST_YEAR} and {LAST_YEAR}",
        )
    if not 1 <= month <= 12:
        return f"没有 {month} 月", f"there is no month {month}"
    if not 1 <= day <= monthrange(year, month)[1]:
        return (
            f"{year} 年 {month} 月没有 {day} 日",
            f"month {month} of {year} has no day {day}",
        )
    return None


def check_date(text: str) -> CodeFault | None:
    """Returns what is wrong with a date, or None.

    Args:
        text: A date as YYYY-MM-DD (GB/T 7408.1, extended format).
    """
    match = _FORM.fullmatch(text)
    if match is None:
        return CodeFault(
            _CODE,
            "日期应写作 4 位年-2 位月-2 位日，例如 2021-03-09",
            "a date is written as year-month-day in digits, e.g. 2021-03-09",
        )
    why = calendar_fault(*(int(part) for part in match.groups()))
    if why is None:
        return None
    return CodeFault(_CODE, f"日期不存在或超出范围：{why[0]}", f"not a usable date: {why[1]}")


def read_date(text: object) -> date | None:
    """Returns the date `text` writes, or None where it writes none."""
    if not isinstance(text, str) or check_date(text) is not None:
        return None
    return date.fromisoformat(text)
