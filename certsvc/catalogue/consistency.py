"""Applies the rules between fields to claims whose single fields have been checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from certsvc.catalogue.code_list import CodeList
from certsvc.catalogue.codes import birth_date_of, read_date
from certsvc.catalogue.findings import FieldError, FindingCode, finding
from certsvc.catalogue.pointers import Found, bind, expand, lookup
from certsvc.catalogue.rules import (
    BirthDateAgrees,
    CodeAgrees,
    DateOrder,
    NotAfterToday,
    NotBeforeToday,
    OneHead,
    Rule,
    Unique,
)


@dataclass(frozen=True, slots=True)
class Consistency:
    """One look at one set of claims.

    Attributes:
        claims: Normalised claims.
        flawed: Pointers that already have a finding; a rule that reads one says nothing.
        today: The day in Asia/Shanghai.
        code_lists: By name.
    """

    claims: Mapping[str, object]
    flawed: Collection[str]
    today: date
    code_lists: Mapping[str, CodeList]

    def apply(self, rule: Rule) -> list[FieldError]:
        """Returns the findings of one rule."""
        match rule:
            case NotAfterToday():
                found = self._not_after_today(rule)
            case NotBeforeToday():
                found = self._not_before_today(rule)
            case DateOrder():
                found = self._date_order(rule)
            case BirthDateAgrees():
                found = self._birth_date_agrees(rule)
            case CodeAgrees():
                found = self._code_agrees(rule)
            case Unique():
                found = self._unique(rule)
            case OneHead():
                found = self._one_head(rule)
        return list(found)

    def _sound(self, pattern: str) -> Iterator[tuple[Found, str]]:
        """Yields the texts at a pattern that have no finding of their own."""
        for found in expand(self.claims, pattern):
            if isinstance(found.value, str) and found.pointer not in self.flawed:
                yield found, found.value

    def _beside(self, pattern: str, indexes: tuple[int, ...]) -> str | None:
        """Returns the sound text at a pattern for the same array elements, or None."""
        pointer = bind(pattern, indexes)
        value = lookup(self.claims, pointer)
        return value if isinstance(value, str) and pointer not in self.flawed else None

    def _not_after_today(self, rule: NotAfterToday) -> Iterator[FieldError]:
        for found, text in self._sound(rule.claim):
            day = read_date(text)
            if day is not None and day > self.today:
                yield finding(
                    found.pointer,
                    FindingCode.DATE_IN_FUTURE,
                    f"日期 {text} 晚于今天（{self.today}）",
                    f"the date {text} is after today ({self.today})",
                )

    def _not_before_today(self, rule: NotBeforeToday) -> Iterator[FieldError]:
        for found, text in self._sound(rule.claim):
            day = read_date(text)
            if day is not None and day < self.today:
                yield finding(
                    found.pointer,
                    FindingCode.ALREADY_EXPIRED,
                    f"有效期已于 {text} 届满，早于今天（{self.today}），不能签发",
                    f"validity ended on {text}, before today ({self.today}); it cannot be issued",
                )

    def _date_order(self, rule: DateOrder) -> Iterator[FieldError]:
        for found, last in self._sound(rule.last):
            first = self._beside(rule.first, found.indexes)
            first_day, last_day = read_date(first), read_date(last)
            if first_day is not None and last_day is not None and first_day > last_day:
                yield finding(
                    found.pointer,
                    FindingCode.DATE_ORDER,
                    f"截止日期 {last} 早于起始日期 {first}",
                    f"the end date {last} is before the start date {first}",
                )

    def _birth_date_agrees(self, rule: BirthDateAgrees) -> Iterator[FieldError]:
        for found, text in self._sound(rule.date):
            citizen_id = self._beside(rule.citizen_id, found.indexes)
            if citizen_id is None:
                continue
            inside = birth_date_of(citizen_id).isoformat()
            if text != inside:
                yield finding(
                    found.pointer,
                    FindingCode.CITIZEN_ID_BIRTH_DATE_MISMATCH,
                    f"出生日期 {text} 与公民身份号码中的 {inside} 不一致",
                    f"the date of birth {text} differs from {inside} in the citizen ID",
                )

    def _code_agrees(self, rule: CodeAgrees) -> Iterator[FieldError]:
        codes = self.code_lists[rule.code_list]
        for found, code in self._sound(rule.code):
            word = self._beside(rule.word, found.indexes)
            label = codes.label(code)
            if word is None or label is None or not codes.contradicts(code, word):
                continue
            expected = codes.codes_for(word)
            more = ("", "")
            if len(expected) > 1:
                more = (
                    f"（或更细的 {'、'.join(expected[1:])}）",
                    f" (or {', '.join(expected[1:])})",
                )
            yield finding(
                found.pointer,
                FindingCode.RELATIONSHIP_MISMATCH,
                f"“{word}”的代码应为 {expected[0]}{more[0]}，"
                f"实际为 {code}（{code} 是“{label.zh}”）",
                f"the code for “{word}” is {expected[0]}{more[1]}, not {code} "
                f"({code} is “{label.zh}”, {label.en})",
            )

    def _unique(self, rule: Unique) -> Iterator[FieldError]:
        seen: dict[str, str] = {}
        for found, text in self._sound(rule.claim):
            if text in seen:
                yield finding(
                    found.pointer,
                    FindingCode.DUPLICATE_VALUE,
                    f"与 {seen[text]} 重复",
                    f"repeats the value at {seen[text]}",
                )
            seen.setdefault(text, found.pointer)

    def _one_head(self, rule: OneHead) -> Iterator[FieldError]:
        people = list(self._sound(rule.code))
        if len(people) < sum(1 for _ in expand(self.claims, rule.code.rpartition("/")[0])):
            return  # an element without a sound code may be the head
        heads = [found for found, code in people if code == rule.head_code]
        if people and not heads:
            yield finding(
                rule.code.partition("/*")[0],
                FindingCode.HEAD_MISSING,
                f"没有户主（代码 {rule.head_code}）",
                f"nobody is the head of household (户主, code {rule.head_code})",
            )
        for extra in heads[1:]:
            yield finding(
                extra.pointer,
                FindingCode.HEAD_DUPLICATE,
                f"户主（代码 {rule.head_code}）只能有一人，已见于 {heads[0].pointer}",
                f"only one person can be the head (户主, code {rule.head_code}), "
                f"already at {heads[0].pointer}",
            )
        if len(heads) != 1:
            return
        name = self._beside(rule.name, heads[0].indexes)
        first_page = self._beside(rule.head_name, ())
        if name is not None and first_page not in (None, name):
            yield finding(
                rule.head_name,
                FindingCode.HEAD_MISMATCH,
                f"户主姓名“{first_page}”与成员中户主的姓名“{name}”不一致",
                f"the head's name “{first_page}” differs from the name “{name}” among the members",
            )
