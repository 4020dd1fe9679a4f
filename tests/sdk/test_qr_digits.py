"""N17 and the text around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc_sdk.errors import Malformed, NotACertificate, Unreadable
from certsvc_sdk.qr import digits, frame, text

LENGTHS = {0: 0, 1: 3, 2: 5, 3: 8, 4: 10, 5: 13, 6: 15, 7: 17, 8: 20, 14: 34}


@pytest.mark.parametrize(("size", "count"), LENGTHS.items())
def test_digits_of_each_length(size: int, count: int) -> None:
    assert digits.encode(b"\xff" * size).isascii()
    assert len(digits.encode(b"\xff" * size)) == count
    assert digits.encode(bytes(size)) == "0" * count


def test_known_groups() -> None:
    assert digits.encode(b"\xff" * 7) == "72057594037927935"
    assert digits.encode(b"\x01\x02") == "00258"
    assert digits.decode("00000000000000001255") == bytes(6) + b"\x01\xff"


@given(st.binary(min_size=1, max_size=300))
def test_every_byte_string_has_one_spelling(data: bytes) -> None:
    assert digits.decode(digits.encode(data)) == data


@given(st.text(alphabet="0123456789", min_size=1, max_size=80))
def test_digits_are_refused_or_canonical(run: str) -> None:
    try:
        data = digits.decode(run)
    except Unreadable:
        return
    assert digits.encode(data) == run


@pytest.mark.parametrize(
    "run",
    [
        "",
        "256",
        "65536",
        "72057594037927936",
        *("0" * tail for tail in (1, 2, 4, 6, 7, 9, 11, 12, 14, 16)),
        "12 34",
        "+12",
        "1_2",
        "１２３",
        "٠١٢",
        "12\n",
        "0" * (digits.MAX_DIGITS + 1),
    ],
)
def test_broken_digits_are_unreadable(run: str) -> None:
    with pytest.raises(Unreadable):
        digits.decode(run)


def test_crc_is_ibm_3740() -> None:
    assert frame.crc16(b"123456789") == b"\x29\xb1"
    assert frame.crc16(b"") == b"\xff\xff"


BODY = bytes(range(40))


@pytest.mark.parametrize(
    "heard",
    [
        "https://certs.example/v#{}",
        "HTTPS://CERTS.EXAMPLE/V#{}",
        "https://certs.example:8443/v#{}",
        "  https://other.host/v#{}\r\n",
        "{}",
        "\t{}\n",
    ],
)
def test_what_scanners_deliver(heard: str) -> None:
    assert text.from_text(heard.format(digits.encode(BODY))) == BODY


def test_parts_make_the_text() -> None:
    prefix, run = text.to_parts(BODY, "certs.example")
    assert prefix == "https://certs.example/v#"
    assert text.to_text(BODY, "certs.example") == prefix + run
    assert text.from_text(prefix + run) == BODY


@pytest.mark.parametrize("host", ["", "a/b", "a b", "ä.example", "a#", "https://a", "-a", "a\n"])
def test_a_host_is_a_host(host: str) -> None:
    with pytest.raises(Malformed):
        text.to_text(BODY, host)


# The Kelvin sign and the long s are lower-cased to ASCII letters.
@pytest.mark.parametrize("url", ["https://\u212aerts.example/v#", "http\u017f://certs.example/v#"])
def test_letters_that_only_look_ascii_are_foreign(url: str) -> None:
    with pytest.raises(NotACertificate):
        text.from_text(url + digits.encode(BODY))
