"""What is wrong with a code, precisely enough to correct it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeFault:
    """One defect of one code.

    Attributes:
        code: Stable name of the defect, e.g. ``uscc_length``.
        zh: Chinese sentence, naming the character and what was expected.
        en: The same in English.
        position: 1-based position of the wrong character, where there is one.
    """

    code: str
    zh: str
    en: str
    position: int | None = None


def shown(char: str) -> str:
    """Returns `char` as a message may show it: invisible ones by code point."""
    if char.isprintable() and not char.isspace():
        return char
    return f"U+{ord(char):04X}"


def half_width(char: str) -> str | None:
    """Returns the ASCII twin of a full-width character, or None for any other."""
    point = ord(char) - 0xFEE0
    return chr(point) if 0x21 <= point <= 0x7E else None


def spaces_in(text: str) -> tuple[str, str]:
    """Returns a remark (zh, en) on spaces inside a code of wrong length, else empty texts."""
    count = sum(char.isspace() for char in text)
    if not count:
        return "", ""
    return f"，其中含 {count} 个空格", f", {count} of them spaces"
