"""When a certificate begins and ends, and what day it is where it is issued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

# China has kept UTC+8 without summer time since 1992, and no validity ends in the past.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Validity:
    """The validity window [nbf, exp) in Unix seconds; None for no bound."""

    nbf: int | None
    exp: int | None


def shanghai_date(now: int) -> date:
    """Returns the day it is in Asia/Shanghai.

    Args:
        now: Unix seconds.
    """
    return datetime.fromtimestamp(now, SHANGHAI).date()


def end_of(last_day: date) -> int:
    """Returns 00:00 Asia/Shanghai of the day after the last valid day, in Unix seconds."""
    after = last_day + timedelta(days=1)
    return int(datetime(after.year, after.month, after.day, tzinfo=SHANGHAI).timestamp())
