"""A policy that uses every member and operator, and where its values hurt."""

from typing import Any

from fuzzing.aims import Aims
from fuzzing.trees import Raw
from fuzzing.world import AUDIENCE, DAY, NONCE, TYPES

from certsvc_sdk.policy.operators import OPERATORS

_VALUES: dict[str, Any] = {
    "exists": None,
    "equals": "示例科技有限公司",
    "one_of": ["张三", 7, True],
    "none_of": ["李四"],
    "same_as": "/members/1/name",
    "starts_with": ["91", "999"],
    "contains": ["科技"],
    "at_least": 1,
    "at_most": 1.5,
    "yuan_at_least": 100,
    "yuan_at_most": 100,
    "age_at_least": 18,
    "age_under": 60,
}
_CLAIMS = ("name", "/members/*/name", "/capital", "/founded", "/members/*/height", "/nothing/0/x")
# Operators whose claims must be of a kind.
_KINDS = {
    "yuan": "registered_capital",
    "age": "founded",
    "on": "founded",
    "before": "founded",
    "after": "founded",
    "at": "capital",
}


def _predicate(place: int, op: str) -> dict[str, Any]:
    claim = _KINDS.get(op.partition("_")[0], _CLAIMS[place % len(_CLAIMS)])
    made: dict[str, Any] = {"claim": claim, "op": op}
    value = _VALUES.get(op, "2019-05-06" if place % 2 else {"days": -30})
    if value is not None:
        made["value"] = value
    if place % 3 == 1:
        made["absent"] = "accept"
    if place % 4 == 2:
        made |= {"zh": "须一致", "en": "must be the same"}
    return made


POLICY: dict[str, Any] = {
    "title": {"zh": "食品经营许可", "en": "Food business"},
    "types": ["business-licence", {"type": f"{TYPES}household-register", "min_version": 1}],
    "claims": ["name", "/members/*/name", "/members/*/citizen_id"],
    "predicates": [
        *(_predicate(place, op) for place, op in enumerate(OPERATORS)),
        {"claim": "name", "op": "equals", "given": "applicant", "match": "any"},
    ],
    "given": {"applicant": "示例科技有限公司"},
    "max_trust_age": 86_400,
    "max_status_age": 3600,
    "max_certificate_age": 90 * DAY,
    "issuer_divisions": ["99", "9999", "999900"],
    "require_log_proof": False,
    "require_holder_binding": False,
    "holder": "91999900MA0000007U",
    "audience": AUDIENCE,
    "nonce": NONCE,
}

_NUMBERS = (
    0, 1, -1, 2**53 - 1, 2**53, -(2**53), 10**15, Raw("1e308"), Raw("1.7976931348623157e308"),
    Raw("NaN"), Raw("1e400"), Raw("-0.0"), True, None, "1", Raw("1" * 30),
)  # fmt: skip
_POINTERS = (
    "", "/", "//", "/*", "/*/*", "/members/*", "/members/-1/name", "/members/00/name",
    "/members/99999999999999999999/name", "/~2", "~", "/a~", "/" + "a/" * 40, "a" * 600, "\ud800",
    "\0", None, 7,
)  # fmt: skip
_DATES = (
    "0001-01-01", "9999-12-31", "2019-02-29", "2020-02-29", "2019-5-6", "", "２０１９-05-06",
    {"days": 10**9}, {"days": -(10**9)}, {"days": 3_000_000}, {"days": -800_000}, {"days": True},
    {"days": 0, "more": 1}, {},
)  # fmt: skip
_OPERANDS = (*_NUMBERS, *_POINTERS, *_DATES, [], [[]], ["x"] * 300, {"a": 1})
AIMS: Aims = (
    *(
        aim
        for place in range(len(OPERATORS) + 1)
        for aim in (
            (("predicates", place, "value"), _OPERANDS),
            (("predicates", place, "claim"), (*_CLAIMS, *_POINTERS)),
            (("predicates", place, "op"), (*OPERATORS, "eval", "", None)),
            (("predicates", place, "match"), ("every", "any", "none", None)),
            (("predicates", place, "absent"), ("accept", "refuse", None)),
            (("predicates", place, "given"), ("applicant", "other", "", None)),
        )
    ),
    (("claims",), ([], list(_CLAIMS), list(_POINTERS[:8]), ["name"] * 257, None)),
    (("types",), ([], ["x"], [{"type": "x", "min_version": 0}], [{"type": "x"}], None)),
    (("given", "applicant"), (*_NUMBERS, *_POINTERS)),
    (("given",), ({}, None, [])),
    (("title", "zh"), ("", "x" * 201, "\u202e", "\ud800", None)),
    (("max_trust_age",), _NUMBERS),
    (("max_status_age",), _NUMBERS),
    (("max_certificate_age",), _NUMBERS),
    (("issuer_divisions",), ([], ["9"], ["９９"], ["99", "99"], None)),
    (("require_log_proof",), (True, 1, None)),
    (("require_holder_binding",), (True, 1, None)),
    (("holder",), ("", "x", "\ud800", None)),
    (("audience",), ("", "\ud800", None)),
)
