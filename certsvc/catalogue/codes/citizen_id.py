"""Citizen identity numbers (GB 11643-1999)."""

from __future__ import annotations

from datetime import date

from certsvc.catalogue.codes.dates import calendar_fault
from certsvc.catalogue.codes.fault import CodeFault, half_width, shown, spaces_in
from certsvc.catalogue.errors import CodeInvalid

LENGTH = 18

_DIGITS = "0123456789"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_FIRST_GENERATION_LENGTH = 15


def citizen_id_check_character(body: str) -> str:
    """Returns the check character (ISO 7064 MOD 11-2) of the first 17 digits.

    Raises:
        CodeInvalid: `body` is not 17 digits.
    """
    if len(body) != LENGTH - 1:
        raise CodeInvalid(_length_fault(body, LENGTH - 1))
    for position, char in enumerate(body, start=1):
        if char not in _DIGITS:
            raise CodeInvalid(_alphabet_fault(char, position))
    total = sum(int(char) * weight for char, weight in zip(body, _WEIGHTS, strict=True))
    return _CHECK_CHARACTERS[total % 11]


def check_citizen_id(text: str) -> CodeFault | None:
    """Returns the one thing wrong with a citizen identity number, or None.

    The division in digits 1-6 is never looked up: divisions are abolished and the numbers stay,
    81/82/83 (residents from Hong Kong, Macao, Taiwan) and 9… exist.
    """
    if len(text) != LENGTH:
        return _length_fault(text, LENGTH)
    for position, char in enumerate(text, start=1):
        if char not in _DIGITS and not (char == "X" and position == LENGTH):
            return _alphabet_fault(char, position)
    why = calendar_fault(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    if why is not None:
        return CodeFault(
            "citizen_id_birth_date",
            f"第 7 至 14 位 “{text[6:14]}” 不是出生日期：{why[0]}",
            f"digits 7 to 14, “{text[6:14]}”, are no date of birth: {why[1]}",
            7,
        )
    expected = citizen_id_check_character(text[:-1])
    if text[-1] == expected:
        return None
    return CodeFault(
        "citizen_id_check_character",
        f"第 18 位校验码按前 17 位应为 “{expected}”，实际为 “{text[-1]}”，请逐位核对公民身份号码",
        f"check character 18 should be “{expected}” for the 17 digits before it, not "
        f"“{text[-1]}”; compare the whole citizen identity number",
        LENGTH,
    )


def birth_date_of(citizen_id: str) -> date:
    """Returns the date of birth a citizen identity number carries (digits 7-14).

    Raises:
        CodeInvalid: `citizen_id` is not a citizen identity number.
    """
    fault = check_citizen_id(citizen_id)
    if fault is not None:
        raise CodeInvalid(fault)
    return date(int(citizen_id[6:10]), int(citizen_id[10:12]), int(citizen_id[12:14]))


def _length_fault(text: str, expected: int) -> CodeFault:
    zh, en = spaces_in(text)
    if len(text) == _FIRST_GENERATION_LENGTH and not zh:
        zh, en = "（旧式 15 位号码须先换成 18 位）", " (convert an old 15-digit number first)"
    return CodeFault(
        "citizen_id_length",
        f"公民身份号码应为 {expected} 位，实际为 {len(text)} 位{zh}",
        f"a citizen identity number has {expected} characters, this has {len(text)}{en}",
    )


def _alphabet_fault(char: str, position: int) -> CodeFault:
    twin = half_width(char)
    if twin is not None and twin in f"{_DIGITS}X":
        zh, en = f"是全角字符，应为半角 “{twin}”", f"is full-width, write “{twin}”"
    elif char == "x" and position == LENGTH:
        zh, en = "应为大写字母 “X”", "should be the capital “X”"
    elif position == LENGTH:
        zh, en = "应为数字或大写字母 X", "should be a digit or the capital X"
    else:
        zh, en = "应为数字", "should be a digit"
    return CodeFault(
        "citizen_id_alphabet",
        f"第 {position} 位的 “{shown(char)}” {zh}",
        f"character {position}, “{shown(char)}”, {en}",
        position,
    )
