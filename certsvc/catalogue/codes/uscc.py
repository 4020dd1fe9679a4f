"""Unified social credit codes (GB 32100-2015) and the organisation code inside (GB 11714-1997)."""

from __future__ import annotations

from certsvc.catalogue.codes.fault import CodeFault, half_width, shown, spaces_in
from certsvc.catalogue.errors import CodeInvalid

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH = 18

# GB 32100 section 5: 3^(i-1) mod 31.
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

# The five letters the standard leaves out, and what a reader probably saw.
_LIKELY = {
    "I": ("数字 1", "the digit 1"),
    "O": ("数字 0", "the digit 0"),
    "S": ("数字 5", "the digit 5"),
    "V": ("字母 U 或 Y", "the letter U or Y"),
    "Z": ("数字 2", "the digit 2"),
}


def uscc_check_character(body: str) -> str:
    """Returns the check character (GB 32100 section 5) of the first 17 characters.

    Raises:
        CodeInvalid: `body` is not 17 characters of the alphabet.
    """
    if len(body) != LENGTH - 1:
        raise CodeInvalid(_length_fault(body, LENGTH - 1))
    total = 0
    for position, (char, weight) in enumerate(zip(body, _WEIGHTS, strict=True), start=1):
        value = ALPHABET.find(char)
        if value < 0:
            raise CodeInvalid(_alphabet_fault(char, position))
        total += value * weight
    return ALPHABET[(31 - total % 31) % 31]


def check_uscc(text: str) -> CodeFault | None:
    """Returns the one thing wrong with a unified social credit code, or None.

    A wrong length hides the alphabet, a wrong alphabet the check character: each later test
    would only repeat the defect already named. The division in characters 3-8 is not looked up,
    because divisions are merged and renamed and codes outlive them.
    """
    if len(text) != LENGTH:
        return _length_fault(text, LENGTH)
    for position, char in enumerate(text, start=1):
        if char not in ALPHABET:
            return _alphabet_fault(char, position)
    expected = uscc_check_character(text[:-1])
    if text[-1] == expected:
        return None
    return CodeFault(
        "uscc_check_character",
        f"第 18 位校验码按前 17 位应为 “{expected}”，实际为 “{text[-1]}”，"
        "请逐位核对统一社会信用代码",
        f"check character 18 should be “{expected}” for the 17 before it, not “{text[-1]}”; "
        "compare the whole unified social credit code",
        LENGTH,
    )


def check_organisation_code(uscc: str) -> CodeFault | None:
    """Returns a warning where characters 9-17 fail the organisation code's own check, or None.

    Never a reason to refuse: codes of sole traders and of some registers carry no organisation
    code there. A code that is no USCC at all gets no warning, `check_uscc` has said so.
    """
    if check_uscc(uscc) is not None:
        return None
    body, actual = uscc[8:16], uscc[16]
    values = (_ORGANISATION_ALPHABET.index(char) for char in body)
    total = sum(v * w for v, w in zip(values, _ORGANISATION_WEIGHTS, strict=True))
    expected = "0123456789X0"[11 - total % 11]
    if actual == expected:
        return None
    return CodeFault(
        "organisation_code_check_character",
        f"第 17 位（组织机构代码校验码）按 GB 11714 应为 “{expected}”，实际为 “{actual}”，请留意",
        f"character 17 (the organisation code's check) is “{actual}”, GB 11714 gives "
        f"“{expected}”; please note",
        17,
    )


def _length_fault(text: str, expected: int) -> CodeFault:
    zh, en = spaces_in(text)
    return CodeFault(
        "uscc_length",
        f"统一社会信用代码应为 {expected} 位，实际为 {len(text)} 位{zh}",
        f"a unified social credit code has {expected} characters, this has {len(text)}{en}",
    )


def _alphabet_fault(char: str, position: int) -> CodeFault:
    twin = half_width(char)
    if twin is not None and twin in ALPHABET:
        zh, en = f"是全角字符，应为半角 “{twin}”", f"is full-width, write “{twin}”"
    elif char.isascii() and char.upper() != char:
        zh, en = f"应为大写字母 “{char.upper()}”", f"should be the capital “{char.upper()}”"
    else:
        zh = "不是统一社会信用代码的字符（不含 I、O、S、V、Z）"
        en = "is not used in unified social credit codes (which have no I, O, S, V, Z)"
        if char in _LIKELY:
            zh, en = f"{zh}，是否为{_LIKELY[char][0]}？", f"{en}; is it {_LIKELY[char][1]}?"
    return CodeFault(
        "uscc_alphabet",
        f"第 {position} 位的 “{shown(char)}” {zh}",
        f"character {position}, “{shown(char)}”, {en}",
        position,
    )
