"""Rules between fields, as data: a type file lists them, `consistency` applies them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from certsvc.catalogue.schema import Model


class NotAfterToday(Model):
    """The date may not lie after today (``date_in_future``)."""

    rule: Literal["not_after_today"]
    claim: str

    def pointers(self) -> tuple[str, ...]:
        """Every claim the rule reads."""
        return (self.claim,)


class NotBeforeToday(Model):
    """The date is a last valid day and may not lie before today (``already_expired``)."""

    rule: Literal["not_before_today"]
    claim: str

    def pointers(self) -> tuple[str, ...]:
        """Every claim the rule reads."""
        return (self.claim,)


class DateOrder(Model):
    """The first date may not lie after the last (``date_order``, named at the last)."""

    rule: Literal["date_order"]
    first: str
    last: str

    def pointers(self) -> tuple[str, ...]:
        """Every claim the rule reads."""
        return (self.first, self.last)


class BirthDateAgrees(Model):
    """The date is the one inside the citizen ID (``citizen_id_birth_date_mismatch``)."""

    rule: Literal["birth_date_agrees"]
    citizen_id: str
    date: str

    def pointers(self) -> tuple[str, ...]:
        """Every claim the rule reads."""
        return (self.citizen_id, self.date)


class CodeAgrees(Model):
    """The code does not contradict the word beside it (``relationship_mismatch``)."""

    rule: Literal["code_agrees"]
    code: str
    word: str
    code_list: str

    def pointers(self) -> tuple[str, ...]:
        """Every claim the rule reads."""
        return (self.code, self.word)


class Unique(Model):
    """No value stands twice (``duplicate_value``, named at the later one)."""

    rule: Literal["unique"]
    claim: str

    def pointers(self) -> tuple[str, ...]:
        """Every claim the rule reads."""
        return (self.claim,)


class OneHead(Model):
    """Exactly one element is the head, and the head's name is the one on the first page.

    ``head_missing``, ``head_duplicate``, ``head_mismatch``. Stands after `CodeAgrees` in a file:
    an element whose code contradicts its word is left out of the count.
    """

    rule: Literal["one_head"]
    code: str
    head_code: str
    name: str
    head_name: str

    def pointers(self) -> tuple[str, ...]:
        """Every claim the rule reads."""
        return (self.code, self.name, self.head_name)


Rule = Annotated[
    NotAfterToday | NotBeforeToday | DateOrder | BirthDateAgrees | CodeAgrees | Unique | OneHead,
    Field(discriminator="rule"),
]
