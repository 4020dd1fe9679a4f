"""Rules about single claims.

An absent claim (or null) is not the same as a wrong one: see `Predicate.absent`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, Final

from certsvc_sdk.errors import PolicyInvalid
from certsvc_sdk.policy import grammar
from certsvc_sdk.policy.grammar import below, refused
from certsvc_sdk.policy.operators import OPERATORS, Facts, Operator
from certsvc_sdk.policy.pointers import ABSENT, EVERY, entries, is_whole


class Finding(Enum):
    """What a predicate says of a certificate."""

    MET = "met"
    UNMET = "unmet"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """One rule about one claim.

    Attributes:
        claim: name or JSON pointer; `*` stands for every array element.
        op: a key of `OPERATORS`.
        value: what the operator compares with.
        given: name of the value in `Policy.given`, in place of `value`.
        match: with `*`, whether `every` element must meet it or `any` one will do.
        absent: `refuse`: an absent claim counts as missing; `accept`: its absence meets the rule,
            provided that the issuer signed nothing there that the holder left out.
        types: the rule holds for these types only, as in `Policy.types`; None: for all.
        zh: what a clerk reads when it is not met; None: words made from the operator.
        en: the same in English; both or neither.
    """

    claim: str
    op: str
    # May be about a person; out of every log and traceback.
    value: Any = field(default=None, repr=False)
    given: str | None = None
    match: str = "every"
    absent: str = "refuse"
    types: tuple[Any, ...] | None = None
    zh: str | None = None
    en: str | None = None

    @classmethod
    def read(
        cls, obj: object, pointer: str, types: Callable[[object, str], tuple[Any, ...]]
    ) -> "Predicate":
        """Read one predicate.

        Args:
            obj: JSON data; a `Predicate` is checked like data.
            pointer: its place in the policy.
            types: reads the member `types`.

        Raises:
            PolicyInvalid: unknown operator or member, or a value that the operator cannot take.
        """
        if isinstance(obj, cls):
            obj = obj.to_json()
        found = grammar.members(obj, pointer, _MEMBERS)
        op = grammar.choice(found.get("op"), f"{pointer}/op", tuple(OPERATORS))
        read: dict[str, Any] = {
            "claim": grammar.claim(found.get("claim"), f"{pointer}/claim"),
            "op": op,
        }
        _read_value(found, pointer, OPERATORS[op], read)
        for name, among in _CHOICES.items():
            if name in found:
                read[name] = grammar.choice(found[name], f"{pointer}/{name}", among)
        if "types" in found:
            read["types"] = types(found["types"], f"{pointer}/types")
        if "zh" in found or "en" in found:
            spoken = {name: found.get(name) for name in ("zh", "en")}
            read |= grammar.words(spoken, pointer)
        return cls(**read)

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as JSON data, without the members left at their defaults."""
        shown = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: grammar.plain(value)
            for name, value in shown.items()
            if value != _DEFAULTS.get(name, ABSENT)
        }

    def operand(self, given: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Return what the claim is compared with, `ABSENT` where the caller gave none that fits."""
        if self.given is None:
            return self.value
        read = OPERATORS[self.op].operand
        if read is None or self.given not in given:
            return ABSENT
        try:
            return read(given[self.given], "")
        except PolicyInvalid:
            return ABSENT

    def judge(self, operand: Any, facts: Facts) -> Finding:  # noqa: ANN401
        """Judge the claim of one certificate.

        Args:
            operand: what `operand` returned.
            facts: the certificate.
        """
        names = grammar.parts(self.claim)
        found = entries(names, facts.claims)
        present = [value for value in found if value is not ABSENT]
        test = OPERATORS[self.op].test
        accepted = self.absent == "accept"
        if operand is ABSENT and present:
            return Finding.UNMET
        tests = (test(value, operand, facts) for value in present)
        some = self.match == "any" and bool(present)
        if not (any(tests) if some else all(tests)):
            return Finding.UNMET
        if not some and len(present) < len(found) and not accepted:
            return Finding.ABSENT
        # What is met by nobody's contradicting it must not be met by leaving something out, nor by
        # an element that moved forward into the place of one left out.
        counted = any(name.isdigit() for name in names)
        asked = not some and (len(present) < len(found) or EVERY in names)
        doubtful = facts.withheld and (counted or asked)
        if doubtful and not is_whole(names, facts.signed, facts.claims):
            return Finding.ABSENT
        return Finding.MET


def _read_value(
    found: Mapping[str, Any], pointer: str, operator: Operator, read: dict[str, Any]
) -> None:
    """Read `value` or `given`, exactly what the operator takes."""
    given, place = "given" in found, below(pointer, "value")
    if given and not operator.giveable:
        where = below(pointer, "given")
        raise refused(where, "此运算不接受 given", "this operator takes no `given`")
    if operator.operand is None:
        if "value" in found:
            raise refused(place, "此运算没有 value", "this operator takes no `value`")
        return
    if given == ("value" in found):
        raise refused(place, "须给出 value 或 given 之一", "exactly one of `value` and `given`")
    if given:
        read["given"] = grammar.name(found["given"], f"{pointer}/given")
    else:
        read["value"] = operator.operand(found["value"], place)


_CHOICES: Final = {"match": ("every", "any"), "absent": ("refuse", "accept")}
_MEMBERS: Final = frozenset(one.name for one in fields(Predicate))
_DEFAULTS: Final = {
    one.name: one.default for one in fields(Predicate) if one.name not in ("claim", "op")
}
