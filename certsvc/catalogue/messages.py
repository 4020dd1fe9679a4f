"""Turns a JSON Schema validator's errors into findings."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

from certsvc.catalogue.errors import CodeInvalid
from certsvc.catalogue.findings import FieldError, FindingCode, finding, from_fault
from certsvc.catalogue.pointers import join
from certsvc.catalogue.schema import Node, node_at

_SHOWN = 40  # a message repeats no more of a value or name than a reader can take in

_TYPES = {
    "object": ("对象", "an object"),
    "array": ("列表", "an array"),
    "string": ("文本", "a text"),
}
_ACTUAL = (
    (bool, "布尔值", "a boolean"),
    (int | float, "数字", "a number"),
    (str, "文本", "a text"),
    (list, "列表", "an array"),
    (dict, "对象", "an object"),
)


def findings_of(error: ValidationError, root: Node) -> Iterator[FieldError]:
    """Yields the findings one validator error stands for.

    Args:
        error: As jsonschema reports it, for a schema made of `Node`.
        root: The schema's root.
    """
    path = ""
    for segment in error.absolute_path:
        path = join(path, segment)
    node = node_at(root, path) or root
    match error.validator:
        case "required" | "additionalProperties":
            instance: Any = error.instance
            yield from _members(instance, path, node)
        case "format" if isinstance(error.cause, CodeInvalid):
            yield from_fault(path, error.cause.fault)
        case _:
            yield _keyword(error, path, node)


def _keyword(error: ValidationError, path: str, node: Node) -> FieldError:
    value: Any = error.instance
    limit: Any = error.validator_value
    match error.validator:
        case "type":
            zh, en = next(
                ((zh, en) for kind, zh, en in _ACTUAL if isinstance(value, kind)), ("空值", "null")
            )
            expected = _TYPES[node.type]
            return finding(
                path,
                FindingCode.TYPE_INVALID,
                f"应为{expected[0]}，实际为{zh}",
                f"should be {expected[1]}, not {en}",
            )
        case "enum":
            return finding(
                path,
                FindingCode.CHOICE_INVALID,
                f"“{_short(value)}”不在可选值之内：{'、'.join(limit)}",
                f"“{_short(value)}” is none of {', '.join(limit)}",
            )
        case "maxLength":
            return finding(
                path,
                FindingCode.TEXT_TOO_LONG,
                f"最多 {limit} 个字，实际 {len(value)} 个",
                f"at most {limit} characters, this has {len(value)}",
            )
        case "minItems":
            return finding(
                path,
                FindingCode.TOO_FEW_ITEMS,
                f"至少 {limit} 项，实际 {len(value)} 项",
                f"at least {limit} elements, this has {len(value)}",
            )
        case "maxItems":
            return finding(
                path,
                FindingCode.TOO_MANY_ITEMS,
                f"最多 {limit} 项，实际 {len(value)} 项",
                f"at most {limit} elements, this has {len(value)}",
            )
    zh, en = (
        (node.hint.zh, node.hint.en) if node.hint else ("格式不符", "not of the form asked for")
    )
    return finding(
        path, FindingCode.FORMAT_INVALID, f"“{_short(value)}”：{zh}", f"“{_short(value)}”: {en}"
    )


def _members(instance: Mapping[str, object], path: str, node: Node) -> Iterator[FieldError]:
    """Yields unknown members, and required ones missing; a misspelt one is a single finding."""
    known = node.properties or {}
    missing = [name for name in node.required or () if name not in instance]
    for name in instance:
        if name in known:
            continue
        meant = _meant(name, known, missing)
        if meant in missing:
            missing.remove(meant)
        zh = f"没有名为“{_short(name)}”的字段"
        en = f"there is no field named “{_short(name)}”"
        if meant is not None:
            label = known[meant].label
            zh += f"，是否为 {meant}（{label.zh if label else ''}）？"
            en += f"; did you mean {meant}?"
        yield finding(join(path, name), FindingCode.UNKNOWN_MEMBER, zh, en)
    for name in missing:
        label = known[name].label
        zh, en = (label.zh, label.en) if label else (name, name)
        yield finding(
            join(path, name), FindingCode.REQUIRED, f"缺少“{zh}”", f"“{en}” is required and missing"
        )


def _meant(name: str, known: Mapping[str, Node], missing: list[str]) -> str | None:
    """Returns the member a wrong name probably meant: by label, by spelling, missing ones first."""
    spoken = name[: _SHOWN * 2]
    for member, node in known.items():
        if node.label is not None and spoken.strip() in (node.label.zh, node.label.en):
            return member
    # unifiedSocialCreditCode and Unified-Social-Credit-Code are the same word to a person.
    plain = {_plain(member): member for member in known}
    close = difflib.get_close_matches(_plain(spoken), plain, n=3, cutoff=0.7)
    ranked = sorted((plain[one] for one in close), key=lambda member: member not in missing)
    return ranked[0] if ranked else None


def _plain(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())


def _short(value: object) -> str:
    text = value if isinstance(value, str) else f"{value}"
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
