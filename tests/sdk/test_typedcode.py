"""The typed code: its check, its spellings, what it forgives and what it takes for a slip."""

import itertools
import re

import pytest

from certsvc_sdk import typedcode
from certsvc_sdk.errors import CodeUnavailable, NotACertificate, Unreadable

TOKEN = "eyJh.eyJi.c2ln~WyJhIl0~"


def codes(number: int, seed: int = 1) -> list[str]:
    return [typedcode.of(f"{seed}.{count}~") for count in range(number)]


def test_the_wire_format_is_pinned() -> None:
    code = typedcode.of(TOKEN)
    assert typedcode.grouped(code) == "4H33-WW5C-2FDF-84F8"
    assert typedcode.digits(code) == "04463549485659416239"
    assert typedcode.CODES > 2**61


def test_no_two_signs_of_the_alphabet_look_alike() -> None:
    groups = ("0OQD", "1IL7JT", "2Z", "5S", "6G", "8B", "9QG", "4AY", "3E", "UVW", "NMH", "PRF")
    alphabet = set(typedcode.ALPHABET)
    kept = {group: sorted(alphabet & set(group)) for group in groups}
    # H and M stand for N's group of three, R and F for P's: the sign between them is what misleads.
    assert {group for group, signs in kept.items() if len(signs) > 1} == {"NMH", "PRF"}
    assert not alphabet & set("AEIOU01NP")
    assert len(alphabet) == typedcode.BASE == 17


def test_every_wrong_symbol_and_every_swap_is_caught() -> None:
    """By linearity one code would do; some are taken as they come, whole alphabets through."""
    for code in codes(8):
        wrong = {
            code[:at] + sign + code[at + 1 :]
            for at in range(typedcode.SYMBOLS)
            for sign in typedcode.ALPHABET
        } - {code}
        assert len(wrong) == 16 * 16
        for first, second in itertools.combinations(range(typedcode.SYMBOLS), 2):
            signs = list(code)
            signs[first], signs[second] = signs[second], signs[first]
            wrong.add("".join(signs))
        for text in wrong - {code}:
            with pytest.raises(Unreadable):
                typedcode.read(text)


def test_every_pair_of_neighbours_in_every_place() -> None:
    """Each of 17 x 16 pairs at each of 15 places, in a code made for it: its swap is caught."""
    tried = 0
    for at in range(typedcode.DATA_SYMBOLS - 1):
        for one, other in itertools.permutations(range(typedcode.BASE), 2):
            values = [3] * typedcode.DATA_SYMBOLS
            values[at], values[at + 1] = one, other
            number = 0
            for value in values:
                number = number * typedcode.BASE + value
            digits = f"{number:019d}"
            whole = next(digits + check for check in "0123456789" if _is_code(digits + check))
            signs = list(typedcode.read(whole))
            signs[at], signs[at + 1] = signs[at + 1], signs[at]
            with pytest.raises(Unreadable):
                typedcode.read("".join(signs))
            tried += 1
    assert tried == 14 * 17 * 16


def _is_code(text: str) -> bool:
    try:
        typedcode.read(text)
    except Unreadable:
        return False
    return True


def test_every_wrong_digit_and_neighbours_that_changed_places_are_caught() -> None:
    for code in codes(8, seed=2):
        digits = typedcode.digits(code)
        assert len(digits) == typedcode.DIGITS
        assert typedcode.read(digits) == code
        wrong = {digits[:at] + sign + digits[at + 1 :] for at in range(20) for sign in "0123456789"}
        wrong |= {digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :] for at in range(19)}
        # A hand scanner that lost a key or sent it twice.
        wrong |= {digits[:at] + digits[at + 1 :] for at in range(20)}
        wrong |= {digits[:at] + digits[at] + digits[at:] for at in range(20)}
        for text in wrong - {digits}:
            with pytest.raises(Unreadable):
                typedcode.read(text)


def test_no_digits_stand_for_a_number_that_is_no_code() -> None:
    beyond = [f"{typedcode.CODES + more:019d}" for more in range(5)] + ["9" * 19]
    for digits in beyond:
        assert not any(_is_code(digits + check) for check in "0123456789")
    last = f"{typedcode.CODES - 1:019d}"
    assert sum(_is_code(last + check) for check in "0123456789") == 1


@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(str.lower, id="lower-case"),
        pytest.param(lambda text: text.replace("-", ""), id="no-hyphens"),
        pytest.param(lambda text: text.replace("-", " "), id="spaces"),
        pytest.param(lambda text: f"  {text}\r\n", id="white-space-around"),
        pytest.param(lambda text: text.replace("-", "\u3000"), id="ideographic-spaces"),
        pytest.param(lambda text: text.replace("-", "\u2014\u2014"), id="chinese-dashes"),
        pytest.param(lambda text: text.replace("-", "\uff0d"), id="full-width-hyphens"),
        pytest.param(lambda text: text.replace("-", "\u2011"), id="unbreakable-hyphens"),
        pytest.param(lambda text: "\ufeff" + text + "\u200b", id="unseen-marks"),
        pytest.param(lambda text: "-".join(text.replace("-", "")), id="hyphens-everywhere"),
        pytest.param(
            lambda text: "".join(
                chr(ord(sign) + 0xFEE0) if sign.isalnum() else sign for sign in text
            ),
            id="full-width",
        ),
    ],
)
def test_spellings_that_are_forgiven(spell: object) -> None:
    assert callable(spell)
    for code in codes(20, seed=3):
        assert typedcode.read(spell(typedcode.grouped(code))) == code
        assert typedcode.is_meant(spell(typedcode.grouped(code)))


def test_slips_of_the_hand_are_typing_errors() -> None:
    """Left out, doubled, put in, taken for a sign outside the alphabet, broken off."""
    for code in codes(40, seed=4):
        slips = [code[:at] + code[at + 1 :] for at in range(16)]
        slips += [code[:at] + code[at] + code[at:] for at in range(16)]
        slips += [code[:at] + sign + code[at + 1 :] for at in range(16) for sign in "0O1ILSBZGQ"]
        slips += [code[:12], code[:8], code + code[:4], "B" + code[1:14] + "0O"]
        for slip in slips:
            assert typedcode.is_meant(slip), slip
            if slip != code:
                with pytest.raises(Unreadable):
                    typedcode.read(slip)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "91350100M000100Y43",  # a USCC
        "999900199003070010",  # a citizen ID
        "13800138000",  # a telephone number
        "6901234567892",  # goods
        "134567890123456789",  # 18 digits: a payment code
        "https://pay.invalid/collect?to=somebody",
        "WIFI:T:WPA;S:x;P:y;;",
        "ß" * 8,  # two letters in upper case, and none of ours
        "证照短码",
        "7K3F-92CD-XW4M-83H\u0000",
        "7K3F/92CD/XW4M/83HR",
        "C" * 25,
        "2" * 65,
        " " * 10_000 + "7",
        "9" * 60,
    ],
)
def test_texts_that_nobody_meant_as_a_code(text: str) -> None:
    assert not typedcode.is_meant(text)
    with pytest.raises(NotACertificate):
        typedcode.read(text)


def test_a_code_is_of_the_whole_token() -> None:
    """Nobody who was shown a part, or knows what is published, can make the code."""
    jws, *disclosures = TOKEN.split("~")[:-1]
    assert disclosures
    partial = [f"{jws}~", jws, TOKEN + "~", TOKEN.replace("c2ln", "c2lo"), jws.rpartition(".")[0]]
    assert len({typedcode.of(text) for text in (TOKEN, *partial)}) == len(partial) + 1


def test_another_token_is_refused_for_a_code() -> None:
    code = typedcode.of(TOKEN)
    typedcode.require(TOKEN, code)
    for other in (TOKEN[:-1], TOKEN + " ", "", "\ud800"):
        with pytest.raises(CodeUnavailable):
            typedcode.require(other, code)


def test_all_symbols_are_equally_likely() -> None:
    drawn = "".join(codes(2_000, seed=5))
    expected = len(drawn) / typedcode.BASE
    counts = [drawn.count(sign) for sign in typedcode.ALPHABET]
    # 16 degrees of freedom: 45 is beyond one in ten thousand.
    assert sum((count - expected) ** 2 / expected for count in counts) < 45
    assert re.fullmatch(f"[{typedcode.ALPHABET}]+", drawn)
