"""Checks the reason and description that come with a status operation."""

from __future__ import annotations

from collections.abc import Iterator

from certsvc.catalogue.findings import FieldError, FindingCode, finding, from_fault
from certsvc.catalogue.status import Operation
from certsvc.catalogue.text import check_text, clean

MAX_DETAIL = 500  # a description, not a decision


def check_reason(operation: Operation, reason: object, detail: object) -> list[FieldError]:
    """Returns what is wrong with ``/reason`` and ``/detail`` of a status request."""
    known = {one.code: one for one in operation.reasons}
    chosen = known.get(reason) if isinstance(reason, str) else None
    found = []
    if chosen is None:
        choices = "、".join(f"{one.code}（{one.label.zh}）" for one in operation.reasons)
        found.append(
            finding(
                "/reason",
                FindingCode.CHOICE_INVALID,
                f"原因应为以下之一：{choices}",
                f"the reason is one of {', '.join(known)}",
            )
        )
    found.extend(_detail_findings(detail))
    if chosen is not None and chosen.detail_required and not found and not clean(_text(detail)):
        found.append(
            finding(
                "/detail",
                FindingCode.REQUIRED,
                f"原因“{chosen.label.zh}”必须附说明",
                f"the reason “{chosen.label.en}” needs a description",
            )
        )
    return found


def _text(detail: object) -> str:
    return detail if isinstance(detail, str) else ""


def _detail_findings(detail: object) -> Iterator[FieldError]:
    if detail is not None and not isinstance(detail, str):
        yield finding("/detail", FindingCode.TYPE_INVALID, "说明应为文本", "the detail is a text")
        return
    text = clean(_text(detail))
    if len(text) > MAX_DETAIL:
        yield finding(
            "/detail",
            FindingCode.TEXT_TOO_LONG,
            f"最多 {MAX_DETAIL} 个字，实际 {len(text)} 个",
            f"at most {MAX_DETAIL} characters, this has {len(text)}",
        )
        return
    fault = check_text(text)
    if fault is not None:
        yield from_fault("/detail", fault)
