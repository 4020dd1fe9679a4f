"""Whether a client issues unlike its own past: too many, a new type, an hour it never worked in.

A stolen credential works within its scopes, types and numbers (threat T52); what gives it away is
that it behaves otherwise than its owner. The rules are few and plain, so that an operator who reads
a warning sees at once why; whoever grows slowly stays below them, and below the number of a day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

# Four weeks hold a month's end and every day of a week.
PAST_HOURS = 28 * 24
# A client without a week behind it has no habits yet.
LEARNING_HOURS = 7 * 24
# Three times the busiest hour; few are nobody's alarm, whatever was usual.
FACTOR, FEW = 3, 20
# At an hour of the day, or next to one, at which it never issued: more than a slip.
NIGHT = 3
# Offices work by the clock of Asia/Shanghai.
SHANGHAI_HOURS = 8


class Kind(StrEnum):
    """What is unusual."""

    RATE = "rate"
    TYPE = "type"
    HOUR = "hour"


@dataclass(frozen=True, slots=True)
class Source:
    """Who issues what."""

    issuer_id: str
    client_id: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """One client's hour that is unlike its past.

    Attributes:
        source: who issued what.
        hour: hours since 1970.
        kind: what is unusual.
        count: certificates in that hour.
        usual: certificates in the busiest hour of its past.
    """

    source: Source
    hour: int
    kind: Kind
    count: int
    usual: int


@dataclass(slots=True)
class Pace:
    """Counts by client, type and hour."""

    _hours: dict[Source, dict[int, int]] = field(default_factory=dict)

    def add(self, source: Source, hour: int, count: int) -> None:
        """Count certificates; once each."""
        hours = self._hours.setdefault(source, {})
        hours[hour] = hours.get(hour, 0) + count

    def forget(self, before: int) -> None:
        """Drop hours before this one."""
        for source, hours in list(self._hours.items()):
            kept = {hour: count for hour, count in hours.items() if hour >= before}
            if kept:
                self._hours[source] = kept
            else:
                del self._hours[source]

    def judge(self, hour: int) -> Iterator[Unusual]:
        """What was unusual in an hour, by what each client did in the weeks before it."""
        for source, hours in self._hours.items():
            count = hours.get(hour, 0)
            if not count or not self._is_known(source, hour):
                continue
            own = _past(hours, hour)
            usual = max(own.values(), default=0)
            for kind, found in (
                (Kind.TYPE, not own),
                (Kind.RATE, bool(own) and count > max(FEW, FACTOR * usual)),
                (Kind.HOUR, count >= NIGHT and not self._works_at(source, hour)),
            ):
                if found:
                    yield Unusual(source=source, hour=hour, kind=kind, count=count, usual=usual)

    def _of_client(self, source: Source, hour: int) -> Iterator[int]:
        """Hours of the past in which a client issued anything."""
        for other, hours in self._hours.items():
            if (other.issuer_id, other.client_id) == (source.issuer_id, source.client_id):
                yield from _past(hours, hour)

    def _is_known(self, source: Source, hour: int) -> bool:
        return min(self._of_client(source, hour), default=hour) <= hour - LEARNING_HOURS

    def _works_at(self, source: Source, hour: int) -> bool:
        """Whether it ever issued at this hour of the day, or the one before or after."""
        near = {(hour + shift + SHANGHAI_HOURS) % 24 for shift in (-1, 0, 1)}
        # The hours just before belong to the same sitting, which may be the thief's.
        return any(
            (each + SHANGHAI_HOURS) % 24 in near
            for each in self._of_client(source, hour)
            if each < hour - 12
        )


def _past(hours: dict[int, int], hour: int) -> dict[int, int]:
    return {each: n for each, n in hours.items() if hour - PAST_HOURS <= each < hour}
