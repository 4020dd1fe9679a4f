"""What a matter asks of a certificate: the caller's policy, apart from authentic and in force.

rules       `Policy`, `TypeVersions`: the rules of one matter as data
predicates  `Predicate`: a rule about one claim
operators   the closed set of operators, their operands and exact meanings
judging     `judge`: reasons and unmet rules
collection  `Policies`: the named policies of a department
words       rules in Chinese and English
schema      the JSON Schema of all of it

What most checks do without is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from certsvc_sdk.policy.judging import (
    HOLDER_POINTERS,
    Judged,
    Subject,
    holder_matches,
    judge,
)
from certsvc_sdk.policy.pointers import values
from certsvc_sdk.policy.rules import Policy, TypeVersions, accepts_division, accepts_type

if TYPE_CHECKING:
    from certsvc_sdk.policy.collection import Policies
    from certsvc_sdk.policy.predicates import Predicate

__all__ = [
    "HOLDER_POINTERS",
    "Judged",
    "Policies",
    "Policy",
    "Predicate",
    "Subject",
    "TypeVersions",
    "accepts_division",
    "accepts_type",
    "holder_matches",
    "judge",
    "values",
]

_LATER = {"Policies": "collection", "Predicate": "predicates"}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    home = _LATER.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
