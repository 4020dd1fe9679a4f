"""What a text on a certificate may hold: visible characters that mean the same to every reader."""

from __future__ import annotations

import re
import unicodedata

from certsvc.catalogue.codes.fault import CodeFault

# What spreadsheets and forms leave around a cell; anything else at an end is a finding.
TRIMMED = " \t\r\n\u00a0\u3000"

# Controls, surrogates, line and paragraph separators, noncharacters, and all of Unicode's
# Default_Ignorable_Code_Point (bidi controls, zero-width characters, tags, fillers, variation
# selectors). Private-use and unassigned characters stay: rare names live there.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
    + "]"
)

_KINDS = (
    ("\ud800", "\udfff", "不成对的代理码", "a lone surrogate"),
    ("\u202a", "\u202e", "双向控制字符", "a bidirectional control"),
    ("\u2066", "\u2069", "双向控制字符", "a bidirectional control"),
    ("\u200b", "\u200d", "零宽字符", "a zero-width character"),
    ("\ufeff", "\ufeff", "零宽字符", "a zero-width character"),
    ("\n", "\r", "换行符", "a line break"),
    ("\t", "\t", "制表符", "a tab"),
)


def clean(text: str) -> str:
    """Composes (Unicode NFC) and trims a text; nothing inside it is removed."""
    return unicodedata.normalize("NFC", text).strip(TRIMMED)


def check_text(text: str) -> CodeFault | None:
    """Returns the first control or invisible character of a text, or None."""
    match = _UNSEEN.search(text)
    if match is None:
        return None
    char, position = match[0], match.start() + 1
    zh, en = next(
        ((zh, en) for first, last, zh, en in _KINDS if first <= char <= last),
        ("控制或不可见字符", "a control or invisible character"),
    )
    point = f"U+{ord(char):04X}"
    return CodeFault(
        "text_control_character",
        f"第 {position} 位是{zh} {point}，请删除",
        f"character {position} is {en} ({point}), please delete it",
        position,
    )
