"""The operators of predicates: a closed set with exact meanings, no expressions.

Types are never coerced: a claim of another type than the operator's does not meet it. Text is
compared character by character. There are no regular expressions, so no configuration can make a
check slow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, Final, NamedTuple

from certsvc_sdk.policy import grammar, measures
from certsvc_sdk.policy.grammar import refused
from certsvc_sdk.policy.pointers import entries

# Streets of a district or trades of a licence; each is looked for in each claim.
MAX_TEXTS: Final = 64
# A century either way; no permit of any office runs longer.
MAX_DAYS: Final = 36_525
MAX_YEARS: Final = 150


@dataclass(frozen=True, slots=True)
class Days:
    """A day counted from the one the verdict is for, in Beijing; negative lies in the past."""

    days: int

    def to_json(self) -> dict[str, int]:
        """Return `{"days": …}`."""
        return {"days": self.days}


class Facts(NamedTuple):
    """What predicates look at.

    Attributes:
        claims: the claims, disclosed ones in their places.
        signed: the payload as signed, digests and all.
        withheld: number of digests whose disclosures the holder left out, decoys included.
        moment: Unix seconds the answer is for.
    """

    claims: Mapping[str, Any]
    signed: Mapping[str, Any]
    withheld: int
    moment: int


class Operator(NamedTuple):
    """One operator.

    Attributes:
        operand: reads and checks `value`; None: the operator takes none.
        test: (claim's value, operand, facts) → whether it is met.
        giveable: whether the value may come with the request (`given`).
        zh: the demand in words; `{value}` is a bound that may be shown.
        en: the same in English.
    """

    operand: Callable[[object, str], Any] | None
    test: Callable[[Any, Any, Facts], bool]
    giveable: bool
    zh: str
    en: str


# --- operands


def _texts(value: object, pointer: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (grammar.text(value, pointer),)
    return grammar.items(value, pointer, grammar.text, least=1, most=MAX_TEXTS)


def _scalars(value: object, pointer: str) -> tuple[grammar.Scalar, ...]:
    return grammar.items(value, pointer, grammar.scalar, least=1)


def _date(value: object, pointer: str) -> str | Days:
    if isinstance(value, Mapping):
        found = grammar.members(value, pointer, frozenset(("days",)))
        place = f"{pointer}/days"
        return Days(grammar.whole(found.get("days"), place, least=-MAX_DAYS, most=MAX_DAYS))
    if isinstance(value, str) and measures.is_date(value):
        return value
    raise refused(
        pointer,
        '应为日期 YYYY-MM-DD，或 {"days": 相对核验当日的天数}',
        'should be a date YYYY-MM-DD, or {"days": days from the day of the check}',
    )


def _years(value: object, pointer: str) -> int:
    return grammar.whole(value, pointer, most=MAX_YEARS)


# --- tests


def same(left: Any, right: Any) -> bool:  # noqa: ANN401
    """Tell whether two single JSON values are equal; text is no number, true is not 1."""
    if grammar.is_number(left) and grammar.is_number(right):
        return bool(left == right)
    return isinstance(left, str | bool) and type(left) is type(right) and bool(left == right)


def _is_other(value: Any, among: tuple[Any, ...], _: Facts) -> bool:  # noqa: ANN401
    return isinstance(value, grammar.Scalar) and not any(same(value, one) for one in among)


def _same_claim(value: Any, other: str, facts: Facts) -> bool:  # noqa: ANN401
    return any(same(value, one) for one in entries(grammar.parts(other), facts.claims))


def _compares(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any, Facts], bool]:
    return lambda value, bound, _: grammar.is_number(value) and compare(value, bound)


def _sum_compares(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any, Facts], bool]:
    def test(value: Any, bound: int, _: Facts) -> bool:  # noqa: ANN401
        amount = measures.yuan(value)
        return amount is not None and compare(amount, bound)

    return test


def _day_compares(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any, Facts], bool]:
    def test(value: Any, bound: str | Days, facts: Facts) -> bool:  # noqa: ANN401
        # Days of this form sort as text.
        return measures.is_date(value) and compare(value, bound_day(bound, facts.moment))

    return test


def bound_day(bound: str | Days, moment: int) -> str:
    """Return the day a bound stands for, `YYYY-MM-DD`."""
    return measures.day(moment, bound.days) if isinstance(bound, Days) else bound


def _age_compares(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any, Facts], bool]:
    def test(value: Any, bound: int, facts: Facts) -> bool:  # noqa: ANN401
        if not measures.is_date(value):
            return False
        today = measures.day(facts.moment)
        # Nobody is born tomorrow: such a date is a fault and no age.
        return value <= today and compare(measures.age(value, today), bound)

    return test


def _holds(value: Any, texts: tuple[str, ...], _: Facts) -> bool:  # noqa: ANN401
    return isinstance(value, str) and any(text in value for text in texts)


def _begins(value: Any, texts: tuple[str, ...], _: Facts) -> bool:  # noqa: ANN401
    return isinstance(value, str) and value.startswith(texts)


OPERATORS: Final[Mapping[str, Operator]] = {
    "exists": Operator(None, lambda *_: True, False, "须显示", "must be shown"),
    "equals": Operator(
        grammar.scalar, lambda value, wanted, _: same(value, wanted), True,
        "须与要求一致", "must be what is required",
    ),
    "one_of": Operator(
        _scalars, lambda value, among, _: any(same(value, one) for one in among), False,
        "须在可接受的范围内", "must be among what is accepted",
    ),
    "none_of": Operator(
        _scalars, _is_other, False,
        "不得属于不接受的情形", "must not be among what is refused",
    ),
    "same_as": Operator(
        grammar.claim, _same_claim, False, "须与{value}一致", "must be the same as {value}",
    ),
    "starts_with": Operator(
        _texts, _begins, True, "须以要求的文字开头", "must begin with the text required",
    ),
    "contains": Operator(
        _texts, _holds, True, "须包含要求的文字", "must contain the text required",
    ),
    "at_least": Operator(
        grammar.number, _compares(ge), True, "须不小于{value}", "must be at least {value}",
    ),
    "at_most": Operator(
        grammar.number, _compares(le), True, "须不大于{value}", "must be at most {value}",
    ),
    "yuan_at_least": Operator(
        grammar.whole, _sum_compares(ge), True,
        "须不低于人民币{value}元", "must be at least {value} yuan",
    ),
    "yuan_at_most": Operator(
        grammar.whole, _sum_compares(le), True,
        "须不高于人民币{value}元", "must be at most {value} yuan",
    ),
    "before": Operator(_date, _day_compares(lt), True, "须早于{value}", "must be before {value}"),
    "on_or_before": Operator(
        _date, _day_compares(le), True, "须不晚于{value}", "must not be after {value}",
    ),
    "after": Operator(_date, _day_compares(gt), True, "须晚于{value}", "must be after {value}"),
    "on_or_after": Operator(
        _date, _day_compares(ge), True, "须不早于{value}", "must not be before {value}",
    ),
    "age_at_least": Operator(
        _years, _age_compares(ge), True,
        "须年满{value}周岁", "must give an age of at least {value}",
    ),
    "age_under": Operator(
        _years, _age_compares(lt), True, "须未满{value}周岁", "must give an age under {value}",
    ),
}  # fmt: skip
