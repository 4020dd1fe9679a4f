"""A bounded plain copy of claims, before anything recursive or regular looks at them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from certsvc.catalogue.findings import FieldError, FindingCode, finding
from certsvc.catalogue.pointers import join
from certsvc_sdk.strict import Json

MAX_DEPTH = 16  # the same as for everything read from outside (strict JSON)
MAX_VALUES = 20_000  # 50 members of 22 fields need 1,200
MAX_INTEGER = 2**53 - 1  # RFC 8259 section 6: beyond it readers disagree


@dataclass(slots=True)
class _Copier:
    """Copies one document, counting values and collecting findings."""

    findings: list[FieldError] = field(default_factory=list)
    values: int = 0

    def copy(self, value: object, path: str, depth: int) -> Json:
        """Returns `value` as plain dicts, lists and scalars; None where it cannot be one."""
        self.values += 1
        if self.values > MAX_VALUES:
            if self.values == MAX_VALUES + 1:
                self._add(
                    "",
                    FindingCode.TOO_MANY_VALUES,
                    f"数据项超过 {MAX_VALUES} 个",
                    f"more than {MAX_VALUES} values",
                )
            return None
        if value is None or isinstance(value, str | bool):
            return value
        if isinstance(value, int | float):
            return self._number(value, path)
        if isinstance(value, Mapping | list | tuple):
            if depth >= MAX_DEPTH:
                self._add(
                    path,
                    FindingCode.NESTING_TOO_DEEP,
                    f"嵌套超过 {MAX_DEPTH} 层",
                    f"nested deeper than {MAX_DEPTH} levels",
                )
                return None
            return self._container(value, path, depth)
        self._add(path, FindingCode.TYPE_INVALID, "不是 JSON 数据", "not a JSON value")
        return None

    def _container(
        self,
        value: Mapping[object, object] | list[object] | tuple[object, ...],
        path: str,
        depth: int,
    ) -> Json:
        if not isinstance(value, Mapping):
            items: list[Json] = []
            for index, element in enumerate(value):
                if self.values > MAX_VALUES:
                    break
                items.append(self.copy(element, join(path, index), depth + 1))
            return items
        members: dict[str, Json] = {}
        for name, element in value.items():
            if self.values > MAX_VALUES:
                break
            if not isinstance(name, str):
                self._add(path, FindingCode.TYPE_INVALID, "成员名应为文本", "a member name is text")
                continue
            members[name] = self.copy(element, join(path, name), depth + 1)
        return members

    def _number(self, value: float, path: str) -> float | None:
        if isinstance(value, int):
            if abs(value) <= MAX_INTEGER:
                return value
        elif math.isfinite(value):
            return value
        self._add(
            path,
            FindingCode.NUMBER_INVALID,
            "数值超出可精确表示的范围",
            "the number is beyond what every reader represents exactly",
        )
        return None

    def _add(self, path: str, code: FindingCode, zh: str, en: str) -> None:
        self.findings.append(finding(path, code, zh, en))


def plain_copy(claims: object) -> tuple[dict[str, Json], list[FieldError]]:
    """Copies claims into plain JSON data.

    Returns:
        The copy and no findings, or an empty object and what is wrong with the claims' shape.
        A finding here means that field checks would be meaningless or unsafe.
    """
    if not isinstance(claims, Mapping):
        wrong = finding(
            "",
            FindingCode.TYPE_INVALID,
            "证照数据应为 JSON 对象",
            "the claims must be a JSON object",
        )
        return {}, [wrong]
    copier = _Copier()
    copy = copier.copy(claims, "", 0)
    if copier.findings or not isinstance(copy, dict):
        return {}, copier.findings
    return copy, []
