"""A list kept ready for signing: whatever changes, any reader of zlib data finds the exact bits."""

import hashlib
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc_sdk import statuschunks, strict
from certsvc_sdk.errors import StatusListInvalid
from certsvc_sdk.statuschunks import LARGEST_CHUNK, SMALLEST_CHUNK, KeptStatusBits
from certsvc_sdk.statuslist import MutableStatusBits, StatusBits


def scattered(size: int, share: float, *, bits: int = 2) -> StatusBits:
    """A list with a share of its places set, in no order."""
    noise = hashlib.shake_256(b"places").digest(5 * int(size * share))
    made = MutableStatusBits(size, bits)
    for start in range(0, len(noise), 5):
        place = int.from_bytes(noise[start : start + 4], "big") % size
        made.set(place, noise[start + 4] % ((1 << bits) - 1) + 1)
    return made.freeze()


def packed(kept: KeptStatusBits) -> bytes:
    return strict.b64u_decode(kept.to_lst())


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.3])
@pytest.mark.parametrize("size", [1, 5, 4 * SMALLEST_CHUNK, 4 * LARGEST_CHUNK + 1, 700_001])
def test_it_is_ordinary_zlib_data(size: int, share: float) -> None:
    bits = scattered(size, share)
    kept = KeptStatusBits(bits)
    assert zlib.decompress(packed(kept)) == bits.data
    assert kept.freeze() == bits
    assert len(kept) == len(bits)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([1, 2, 4, 8]),
    st.integers(1, 120_000),
    st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 255)), max_size=30),
    st.sampled_from([0, 0.001, 0.2]),
)
def test_changes_one_by_one(
    bits: int, size: int, changes: list[tuple[int, int]], share: float
) -> None:
    start = scattered(size, share, bits=bits)
    kept, plain = KeptStatusBits(start), bytearray(start.data)
    for place, value in changes:
        index, status = place % len(start), value % (1 << bits)
        kept.set(index, status)
        assert kept.get(index) == status
        shift = index * bits & 7
        mask = (1 << bits) - 1
        plain[index * bits >> 3] = plain[index * bits >> 3] & ~(mask << shift) | status << shift
        assert zlib.decompress(packed(kept)) == plain
    kept.repack()
    assert zlib.decompress(packed(kept)) == plain


@pytest.mark.parametrize("share", [0.005, 0.01, 0.1])
def test_cutting_costs_a_tenth_at_most(share: float) -> None:
    bits = scattered(1_000_000, share)
    assert len(packed(KeptStatusBits(bits))) <= 1.1 * len(zlib.compress(bits.data, 6))


@pytest.mark.parametrize("share", [0, 0.01, 0.1])
def test_one_change_costs_one_chunk(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptStatusBits(scattered(1_000_000, share))
    kept.to_lst()
    compressed: list[int] = []

    class Counting:
        def __init__(self, *options: Any) -> None:
            self._packer = zlib.compressobj(*options)

        def compress(self, data: bytes) -> bytes:
            compressed.append(len(data))
            return self._packer.compress(data)

        def flush(self, mode: int) -> bytes:
            return self._packer.flush(mode)

    monkeypatch.setattr(statuschunks, "zlib", _Zlib(Counting))
    kept.set(500_000, 1)
    kept.set(500_001, 1)
    kept.to_lst()
    kept.to_lst()
    assert compressed == [kept.chunk]
    assert SMALLEST_CHUNK <= kept.chunk <= LARGEST_CHUNK


class _Zlib:
    """The module zlib but for one of its parts."""

    def __init__(self, packer: Any) -> None:
        self.compressobj = packer

    def __getattr__(self, name: str) -> Any:
        return getattr(zlib, name)


def test_the_chunk_suits_what_the_list_holds() -> None:
    sizes = [KeptStatusBits(scattered(1_000_000, share)).chunk for share in (0, 0.01, 0.1)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == LARGEST_CHUNK
    assert sizes[-1] == SMALLEST_CHUNK


def test_a_chunk_that_was_compressed_wrongly_does_not_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = KeptStatusBits(scattered(1000, 0.1))

    class Faulty:
        def __init__(self, *options: Any) -> None:
            self._packer = zlib.compressobj(*options)

        def compress(self, data: bytes) -> bytes:
            return self._packer.compress(bytes([data[0] ^ 1]) + data[1:])

        def flush(self, mode: int) -> bytes:
            return self._packer.flush(mode)

    monkeypatch.setattr(statuschunks, "zlib", _Zlib(Faulty))
    kept.repack()
    with pytest.raises(StatusListInvalid, match="faithfully"):
        kept.to_lst()


@pytest.mark.parametrize("index", [-1, 1000, True, 1.0, 2**70])
def test_an_index_outside_the_list(index: Any) -> None:
    kept = KeptStatusBits(scattered(1000, 0))
    for ask in (kept.get, lambda index: kept.set(index, 1)):
        with pytest.raises(StatusListInvalid):
            ask(index)


@pytest.mark.parametrize("value", [-1, 4, True, "1"])
def test_a_value_that_does_not_fit(value: Any) -> None:
    with pytest.raises(StatusListInvalid):
        KeptStatusBits(scattered(1000, 0)).set(0, value)
