"""What an issuer may issue, where and when; reader and writer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import Json, text
from certsvc_sdk.trust.fields import check_window, moment, moment_or_null, only
from certsvc_sdk.trust.urls import parse_url

_WHAT = "right"
_MEMBERS = frozenset({"vct", "division", "from", "to", "max_validity"})
_DIVISION = re.compile(r"[0-9]{6}")
# GB/T 2260 writes the whole country so; offices of the centre carry it in their USCC.
NATIONAL = "100000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """May issue one type (`vct` without its version) in a division, within [not_before, not_after).

    `max_validity` in seconds bounds `exp - iat`; None: no bound.
    """

    vct: str
    division: str
    not_before: int
    not_after: int | None = None
    max_validity: int | None = None

    def covers(self, *, vct: str, at: int, division: str) -> bool:
        """Whether this right allows the unversioned type at that time and place."""
        return (
            vct == self.vct
            and self.not_before <= at
            and (self.not_after is None or at < self.not_after)
            and division_within(division, self.division)
        )

    def admits(self, validity: int | None) -> bool:
        """Whether a certificate may be valid for so many seconds; None: without end."""
        longest = self.max_validity
        return longest is None or (validity is not None and validity <= longest)

    def to_json(self) -> dict[str, Json]:
        """The member of `rights`."""
        return {
            "vct": self.vct,
            "division": self.division,
            "from": self.not_before,
            "to": self.not_after,
            "max_validity": self.max_validity,
        }


def is_division(text: str) -> bool:
    """Whether a text has the form of a GB/T 2260 code: six digits."""
    return _DIVISION.fullmatch(text) is not None


@lru_cache(maxsize=1024)  # a country has a few thousand divisions, a hall meets some
def division_within(division: str, area: str) -> bool:
    """Whether a division lies in an area by GB/T 2260: 330000 holds 330100 holds 330106.

    Args:
        division: six digits, the place to judge.
        area: six digits; 100000 is the whole country.
    """
    if area == NATIONAL:
        return True
    significant = area
    while significant.endswith("00"):
        significant = significant[:-2]
    return bool(significant) and division.startswith(significant)


def read_right(obj: Mapping[str, Json]) -> Right:
    """Read a member of `rights`.

    Raises:
        Malformed: unknown members, a vct that is no address, no division, an empty period.
    """
    only(obj, _MEMBERS, _WHAT)
    right = Right(
        vct=text(obj, "vct", _WHAT),
        division=text(obj, "division", _WHAT),
        not_before=moment(obj, "from", _WHAT),
        not_after=moment_or_null(obj, "to", _WHAT),
        max_validity=moment_or_null(obj, "max_validity", _WHAT),
    )
    url = parse_url(right.vct)
    if url is None or url.is_directory or not is_division(right.division):
        raise Malformed(f"{_WHAT}: vct or division breaks its form")
    if right.max_validity == 0:
        raise Malformed(f"{_WHAT}: max_validity must be positive")
    check_window(right.not_before, right.not_after, _WHAT)
    return right
