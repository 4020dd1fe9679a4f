"""GB/T 36904 certificate identifiers, ISO 7064 MOD 37,36."""

import pytest

from certsvc.catalogue import CodeInvalid
from certsvc.catalogue.codes import (
    check_identifier,
    check_type_code,
    identifier_check_character,
    make_identifier,
    parse_identifier,
)

ROOT = "1.2.156.3005.2"
REAL = (
    f"{ROOT}.11100000000013338W011.11430000006122244L.20230000403.001.U",
    f"{ROOT}.11100000000013338W011.11430000006122244L.20230000403.002.S",
    f"{ROOT}.11100000000013338W032.11220000013544541J.2430599.001.F",
    f"{ROOT}.11100000MB0143028R001.119999000000000198.999900000000000001.001.X",
)


@pytest.mark.parametrize("identifier", REAL)
def test_real_identifiers_pass_and_are_made_again(identifier: str) -> None:
    assert check_identifier(identifier) is None
    parts = parse_identifier(identifier)
    made = make_identifier(parts.type_code, parts.issuer_uscc, parts.serial, parts.version)
    assert made == identifier


def test_parts() -> None:
    parts = parse_identifier(REAL[1])
    assert parts.type_code == "11100000000013338W011"
    assert parts.issuer_uscc == "11430000006122244L"
    assert (parts.serial, parts.version, parts.check) == ("20230000403", 2, "S")


def test_the_widely_copied_mistake_is_noticed() -> None:
    # A = 11 instead of 10 gives another check character for every body with a letter.
    wrong = REAL[0][:-1] + "T"
    found = check_identifier(wrong)
    assert found is not None
    assert found.code == "identifier_check_character"
    assert "应为 “U”，实际为 “T”" in found.zh
    assert parse_identifier(wrong).check == "T"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        REAL[0].replace("3005", "3006"),
        REAL[0].replace(".001.", ".1."),
        REAL[0].replace(".001.", ".000."),
        REAL[0].replace(".001.", ".００１."),
        REAL[0].lower(),
        REAL[0] + "\n",
        REAL[0].replace("20230000403", ""),
        REAL[0].replace("20230000403", "2" * 33),
    ],
)
def test_other_grammar_is_refused(text: str) -> None:
    found = check_identifier(text)
    assert found is not None
    assert found.code == "identifier_format"
    with pytest.raises(CodeInvalid):
        parse_identifier(text)


@pytest.mark.parametrize(
    ("type_code", "issuer", "serial", "version", "fault"),
    [
        ("11100000MB0143028R01", "119999000000000198", "1", 1, "identifier_format"),
        ("11100000MB0143028Q001", "119999000000000198", "1", 1, "uscc_check_character"),
        ("11100000MB0143028R001", "119999000000000199", "1", 1, "uscc_check_character"),
        ("11100000MB0143028R001", "119999000000000198", "", 1, "identifier_format"),
        ("11100000MB0143028R001", "119999000000000198", "a", 1, "identifier_format"),
        ("11100000MB0143028R001", "119999000000000198", "1", 0, "identifier_format"),
        ("11100000MB0143028R001", "119999000000000198", "1", 1000, "identifier_format"),
    ],
)
def test_no_identifier_is_made_of_wrong_parts(
    type_code: str, issuer: str, serial: str, version: int, fault: str
) -> None:
    with pytest.raises(CodeInvalid) as caught:
        make_identifier(type_code, issuer, serial, version)
    assert caught.value.fault.code == fault


@pytest.mark.parametrize(
    "code", ["11100000MB0143028R001", "11100000MB03271699001", "119999000000000273001"]
)
def test_type_codes(code: str) -> None:
    assert check_type_code(code) is None


def test_the_check_character_has_one_alphabet() -> None:
    with pytest.raises(CodeInvalid):
        identifier_check_character("12.3")
