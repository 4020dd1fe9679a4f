"""The search for short DEFLATE data: any inflater reads them, and they are shorter than zlib's."""

import zlib
from collections import Counter
from fractions import Fraction
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.qr_sizes import KINDS, tokens
from certsvc_sdk.qr import dictionaries, frame, huffman
from certsvc_sdk.qr.squeeze import squeeze

MANY = settings(max_examples=120, deadline=None, database=None, derandomize=True)
PRESETS = (b"", b"ab", bytes(range(256)), "许可项目：".encode() * 9, b"x" * 32768)


def inflated(data: bytes, preset: bytes) -> bytes:
    reader = zlib.decompressobj(-15, preset)
    text = reader.decompress(data)
    assert reader.eof
    assert not reader.unused_data
    return text


@MANY
@given(
    st.one_of(
        st.binary(min_size=1, max_size=300),
        st.text(min_size=1, max_size=200).map(lambda text: text.encode("utf-8", "replace")),
        st.lists(st.sampled_from([b"ab", b"abcab", b"\0", b"x" * 300]), min_size=1).map(b"".join),
    ),
    st.sampled_from(PRESETS),
)
def test_any_text_comes_back(text: bytes, preset: bytes) -> None:
    assert inflated(squeeze(text, preset), preset) == text


def test_matches_of_each_length_and_distance() -> None:
    noise = b"".join(zlib.crc32(b"%d" % n).to_bytes(4, "big") for n in range(8192))
    for length in (3, 4, 10, 11, 12, 66, 130, 257, 258, 259, 600):
        for back in (length, 1000, 4097, 24577, 32768):
            text = noise[len(noise) - back :][:length]
            assert inflated(squeeze(text + b"!", noise), noise) == text + b"!"


def test_households_are_shorter_than_zlib_makes_them() -> None:
    saved = []
    preset = dictionaries.load(2)
    for token, seed, _ in list(tokens(KINDS[1]))[::30]:
        packed = frame.pack(token, seed, dictionary=2)[19:-66]
        text = inflated(packed, preset)
        plain = frame._deflate(text, preset)
        assert len(packed) <= len(plain)
        saved.append(1 - len(packed) / len(plain))
    assert mean(saved) > 0.03


def test_what_fits_no_paper_is_not_searched() -> None:
    """A text as large as a frame may hold takes no time, whoever wrote it."""
    text = b"".join(zlib.crc32(b"%d" % n).to_bytes(4, "big").hex().encode() for n in range(8000))
    assert frame._deflate(text, b"", search=True) == frame._deflate(text, b"")


@pytest.mark.parametrize("most", [7, 15])
@pytest.mark.parametrize("count", [1, 2, 3, 19, 60])
def test_code_lengths(count: int, most: int) -> None:
    """Fibonacci's numbers make the deepest tree there is; codes stay whole and bounded."""
    first, second, counts = 1, 1, Counter[int]()
    for symbol in range(count):
        counts[symbol] = first
        first, second = second, first + second
    lengths = huffman.code_lengths(counts, most=most)
    assert set(lengths) == set(counts)
    assert max(lengths.values()) <= most
    whole = sum(Fraction(1, 2**length) for length in lengths.values())
    assert whole == (Fraction(1, 2) if count == 1 else 1)
    ordered = [lengths[symbol] for symbol, _ in counts.most_common()]
    assert ordered == sorted(ordered)


def test_codes_are_those_of_the_standard() -> None:
    """The example of RFC 1951 section 3.2.2, its bits turned round."""
    lengths = dict(zip(range(8), (3, 3, 3, 3, 3, 2, 4, 4), strict=True))
    written = {
        symbol: f"{code:0{size}b}"[::-1] for symbol, (code, size) in huffman.codes(lengths).items()
    }
    assert [written[symbol] for symbol in range(8)] == [
        "010", "011", "100", "101", "110", "00", "1110", "1111",
    ]  # fmt: skip
