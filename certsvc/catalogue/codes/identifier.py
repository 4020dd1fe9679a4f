"""Certificate identifiers 电子证照标识 (GB/T 36904-2018): made, read and checked in one place.

``1.2.156.3005.2.<type 21>.<issuer USCC 18>.<serial>.<version 3>.<check>``
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from certsvc.catalogue.codes.fault import CodeFault
from certsvc.catalogue.codes.uscc import check_uscc
from certsvc.catalogue.errors import CodeInvalid

ROOT = "1.2.156.3005.2"
MAX_SERIAL = 32  # the standard leaves the length open; longer ones only fatten the QR code
MAX_VERSION = 999  # three digits

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TYPE_CODE = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_SERIAL = re.compile(rf"[0-9A-Z]{{1,{MAX_SERIAL}}}")
_FORM = re.compile(
    rf"1\.2\.156\.3005\.2\.([0-9A-Z]{{18}}[0-9]{{3}})\.([0-9A-Z]{{18}})"
    rf"\.([0-9A-Z]{{1,{MAX_SERIAL}}})\.([0-9]{{3}})\.([0-9A-Z])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateIdentifier:
    """The parts of a certificate identifier.

    Attributes:
        type_code: 21 characters: USCC of the defining authority and 3 digits.
        issuer_uscc: 18 characters.
        serial: 0-9 and A-Z.
        version: 1 at first issue, one more on each re-issue.
        check: The check character as written, right or wrong.
    """

    type_code: str
    issuer_uscc: str
    serial: str
    version: int
    check: str

    @property
    def expected_check(self) -> str:
        """The check character the other parts call for."""
        body = f"{self.type_code}{self.issuer_uscc}{self.serial}{self.version:03d}"
        return identifier_check_character(body)


def identifier_check_character(body: str) -> str:
    """Returns the ISO 7064 MOD 37,36 check character of `body`, which has no dots and no root.

    Raises:
        CodeInvalid: A character outside 0-9 and A-Z.
    """
    product = 36
    for position, char in enumerate(body, start=1):
        value = _ALPHABET.find(char)
        if value < 0:
            raise CodeInvalid(
                _format_fault(
                    f"第 {position} 位不是 0-9、A-Z", f"character {position} not 0-9, A-Z"
                )
            )
        product = ((product + value) % 36 or 36) * 2 % 37
    return _ALPHABET[(37 - product) % 36]


def check_type_code(text: str) -> CodeFault | None:
    """Returns what is wrong with a certificate type code (USCC and 3 digits), or None."""
    if _TYPE_CODE.fullmatch(text) is None:
        return _format_fault(
            "证照类型代码应为 18 位统一社会信用代码加 3 位数字",
            "a type code is a unified social credit code and 3 digits",
        )
    return check_uscc(text[:18])


def make_identifier(type_code: str, issuer_uscc: str, serial: str, version: int) -> str:
    """Makes the identifier of one certificate.

    Args:
        type_code: 21 characters, see `check_type_code`.
        issuer_uscc: The issuing office's code.
        serial: 1 to `MAX_SERIAL` characters of 0-9 and A-Z.
        version: 1 to 999.

    Raises:
        CodeInvalid: One of the parts is not what it should be.
    """
    fault = check_type_code(type_code) or check_uscc(issuer_uscc)
    if fault is None and _SERIAL.fullmatch(serial) is None:
        fault = _format_fault(
            f"流水号应为 1 至 {MAX_SERIAL} 位数字或大写字母",
            f"a serial is 1 to {MAX_SERIAL} digits or capital letters",
        )
    if fault is None and not 1 <= version <= MAX_VERSION:
        fault = _format_fault("版本号应在 001 至 999 之间", "a version lies between 001 and 999")
    if fault is not None:
        raise CodeInvalid(fault)
    check = identifier_check_character(f"{type_code}{issuer_uscc}{serial}{version:03d}")
    return f"{ROOT}.{type_code}.{issuer_uscc}.{serial}.{version:03d}.{check}"


def parse_identifier(text: str) -> CertificateIdentifier:
    """Splits an identifier by its grammar; the check character is left to `check_identifier`.

    Raises:
        CodeInvalid: `text` is not of the grammar.
    """
    match = _FORM.fullmatch(text)
    if match is None or match[4] == "000":
        raise CodeInvalid(
            _format_fault(
                f"电子证照标识应形如 {ROOT}.类型 21 位.发证机构 18 位.流水号.版本 3 位.校验位",
                f"a certificate identifier reads {ROOT}.<type, 21>.<issuer, 18>.<serial>."
                "<version, 3 digits>.<check>",
            )
        )
    return CertificateIdentifier(
        type_code=match[1],
        issuer_uscc=match[2],
        serial=match[3],
        version=int(match[4]),
        check=match[5],
    )


def check_identifier(text: str) -> CodeFault | None:
    """Returns what is wrong with a certificate identifier, or None.

    The caller refuses its own identifiers on a fault and only warns on foreign ones: a widely
    copied routine computes the check character wrongly.
    """
    try:
        parts = parse_identifier(text)
    except CodeInvalid as error:
        return error.fault
    if parts.check == parts.expected_check:
        return None
    return CodeFault(
        "identifier_check_character",
        f"电子证照标识校验位应为 “{parts.expected_check}”，实际为 “{parts.check}”",
        f"the certificate identifier's check character should be “{parts.expected_check}”, "
        f"not “{parts.check}”",
        len(text),
    )


def _format_fault(zh: str, en: str) -> CodeFault:
    return CodeFault("identifier_format", zh, en)
