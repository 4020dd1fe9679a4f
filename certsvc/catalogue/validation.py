"""Validates claims against a type: every defect once, nothing raised whatever comes in.

1. shape: a bounded plain copy (`structure`)
2. form: composed, trimmed, empty cells absent (`normalise`)
3. fields: JSON Schema 2020-12 with the codes' own checks as formats
4. texts: no control and no invisible characters
5. rules between fields, on fields that have no finding yet (`consistency`)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from certsvc.catalogue.code_list import CodeList
from certsvc.catalogue.codes import CodeFault, check_citizen_id, check_date, check_uscc
from certsvc.catalogue.consistency import Consistency
from certsvc.catalogue.errors import CodeInvalid
from certsvc.catalogue.findings import FieldError, FindingCode, from_fault
from certsvc.catalogue.messages import findings_of
from certsvc.catalogue.normalise import normalise_members
from certsvc.catalogue.pointers import join, segments
from certsvc.catalogue.rules import Rule
from certsvc.catalogue.schema import Node
from certsvc.catalogue.structure import plain_copy
from certsvc.catalogue.text import check_text
from certsvc_sdk.strict import Json

# More findings than this help nobody, and a hostile request shall not buy a huge answer.
MAX_FINDINGS = 200

_CHECKS = {"uscc": check_uscc, "citizen-id": check_citizen_id, "date": check_date}

# Of several findings at one field the first of these says what is really wrong.
_PRECEDENCE = (
    FindingCode.UNKNOWN_MEMBER,
    FindingCode.TYPE_INVALID,
    FindingCode.TEXT_TOO_LONG,
    FindingCode.TEXT_CONTROL_CHARACTER,
)


def make_validator(root: Node) -> Draft202012Validator:
    """Makes the JSON Schema validator of a type, with the formats of this system only."""
    checker = FormatChecker(formats=())
    for name in _CHECKS:
        checker.checks(name, raises=CodeInvalid)(_format(name))
    schema = root.to_json()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=checker)


def _format(name: str) -> Any:  # noqa: ANN401 - jsonschema's own type for a format function
    check = _CHECKS[name]

    def conforms(value: object) -> bool:
        fault: CodeFault | None = check(value) if isinstance(value, str) else None
        if fault is not None:
            raise CodeInvalid(fault)
        return True

    return conforms


def conforms(value: Json, node: Node) -> bool:
    """Says whether JSON Schema has nothing to report, at a tenth of its cost.

    What it does not accept goes through the library, whose errors tell places and reasons.
    """
    if node.type == "string":
        return (
            isinstance(value, str)
            and (node.max_length is None or len(value) <= node.max_length)
            and (node.choices is None or value in node.choices)
            and (node.pattern is None or re.search(node.pattern, value) is not None)
            and (node.format is None or _CHECKS[node.format](value) is None)
        )
    if node.type == "array":
        return (
            isinstance(value, list)
            and (node.min_items or 0) <= len(value) <= (node.max_items or 0)
            and node.items is not None
            and all(conforms(element, node.items) for element in value)
        )
    known = node.properties or {}
    return (
        isinstance(value, dict)
        and all(name in value for name in node.required or ())
        and all(name in known and conforms(member, known[name]) for name, member in value.items())
    )


def validate_claims(
    claims: object,
    *,
    root: Node,
    validator: Draft202012Validator,
    rules: Sequence[Rule],
    code_lists: Mapping[str, CodeList],
    today: date,
) -> tuple[list[FieldError], dict[str, Json]]:
    """Returns everything wrong with the claims, and their normal form.

    Findings are in the schema's order, at most `MAX_FINDINGS`; with none the form is to be signed.
    """
    # 1. shape
    plain, misshapen = plain_copy(claims)
    if misshapen:
        return misshapen[:MAX_FINDINGS], {}
    # 2. form
    normal = normalise_members(plain, root)
    # 3. fields
    found: dict[str, FieldError] = {}
    told: set[tuple[object, ...]] = set()
    for error in () if conforms(normal, root) else validator.iter_errors(normal):
        if error.validator in ("required", "additionalProperties"):
            # One look at an object tells all its missing and unknown members.
            if tuple(error.absolute_path) in told:
                continue
            told.add(tuple(error.absolute_path))
        for one in findings_of(error, root):
            _keep(found, one)
    # 4. texts
    for one in _text_findings(normal, root, ""):
        _keep(found, one)
    # 5. rules between fields
    for rule in rules:
        look = Consistency(normal, frozenset(found), today, code_lists)
        for one in look.apply(rule):
            _keep(found, one)
    ordered = sorted(found.values(), key=lambda one: _place(one.path, root))
    return ordered[:MAX_FINDINGS], normal


def _keep(found: dict[str, FieldError], one: FieldError) -> None:
    """Keeps one finding a field: the earliest, unless the new one goes deeper to the cause."""
    held = found.get(one.path)
    if held is None or _rank(one) < _rank(held):
        found[one.path] = one


def _rank(one: FieldError) -> int:
    code = FindingCode(one.code)
    return _PRECEDENCE.index(code) if code in _PRECEDENCE else len(_PRECEDENCE)


def _text_findings(value: object, node: Node | None, path: str) -> Iterator[FieldError]:
    """Yields control characters in the texts of fields the schema knows."""
    if node is None:
        return
    if isinstance(value, str):
        fault = check_text(value)
        if fault is not None:
            yield from_fault(path, fault)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _text_findings(member, (node.properties or {}).get(name), join(path, name))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _text_findings(element, node.items, join(path, index))


def _place(path: str, root: Node) -> tuple[int, ...]:
    """Returns a sort key that follows the schema, unknown members last."""
    place: list[int] = []
    node: Node | None = root
    for segment in segments(path):
        if node is None:
            break
        if node.items is not None:
            place.append(int(segment) if segment.isdecimal() else 0)
            node = node.items
        else:
            names = list(node.properties or {})
            place.append(names.index(segment) if segment in names else len(names))
            node = (node.properties or {}).get(segment)
    return tuple(place)
