"""One code found in an image or PDF."""

from dataclasses import dataclass

from certsvc_sdk.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One code found in an image or PDF, with its own verdict.

    Attributes:
        page: page of the PDF from 1, None for an image.
        position: box of the code in pixels (left, top, right, bottom).
        text_kind: `url`, `digits`, `token` or `other`.
        verdict: the verdict.
    """

    page: int | None
    position: tuple[int, ...] | None
    text_kind: str
    verdict: Verdict


def kind_of(text: str) -> str:
    """Say what the text of a code looks like: `url`, `digits`, `token` or `other`."""
    stripped = text.strip()
    if stripped.isascii() and stripped.isdigit():
        return "digits"
    if "://" in stripped:
        return "url"
    return "token" if "~" in stripped else "other"
