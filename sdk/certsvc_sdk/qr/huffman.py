"""Huffman codes of a dynamic DEFLATE block, and the block's head (RFC 1951 section 3.2)."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

#: Longest code of literals, lengths and distances.
MAX_BITS: Final = 15
# Longest code of the code that writes the lengths of the others (section 3.2.7).
_MAX_HEAD_BITS = 7
# The order in which the lengths of that code stand.
_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
# Fewest lengths of literals and of distances that a head may give.
_MIN_LITERALS = 257
_MIN_DISTANCES = 1
_MIN_ORDER = 4
_REPEAT, _ZEROS, _MANY_ZEROS = 16, 17, 18

#: A number and how many bits it takes, least significant first.
Bits = tuple[int, int]


class Run(NamedTuple):
    """A symbol of the head's own code, with its extra bits."""

    symbol: int
    extra: int = 0
    bits: int = 0


def code_lengths(counts: Mapping[int, int], *, most: int = MAX_BITS) -> dict[int, int]:
    """Return the length of each symbol's code, in bits.

    Args:
        counts: how often each symbol occurs, at least once.
        most: bits that a code may have. Beyond it the rare symbols count as less rare, which
            costs a fraction of a bit.
    """
    if len(counts) == 1:
        return dict.fromkeys(counts, 1)
    weights = dict(counts)
    while True:
        heap: list[tuple[int, int, tuple[int, ...]]] = [
            (weight, symbol, (symbol,)) for symbol, weight in weights.items()
        ]
        heapq.heapify(heap)
        lengths = dict.fromkeys(weights, 0)
        while len(heap) > 1:
            light, tie, left = heapq.heappop(heap)
            heavy, _, right = heapq.heappop(heap)
            both = left + right
            for symbol in both:
                lengths[symbol] += 1
            heapq.heappush(heap, (light + heavy, tie, both))
        if max(lengths.values(), default=0) <= most:
            return lengths
        weights = {symbol: (weight + 1) // 2 + 1 for symbol, weight in weights.items()}


def codes(lengths: Mapping[int, int]) -> dict[int, Bits]:
    """Return the canonical code of each symbol (section 3.2.2), its first bit lowest."""
    found: dict[int, Bits] = {}
    code, before = 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in lengths.items()):
        code <<= length - before
        found[symbol] = int(f"{code:0{length}b}"[::-1], 2), length
        code, before = code + 1, length
    return found


def head(literals: Mapping[int, int], distances: Mapping[int, int]) -> list[Bits]:
    """Return what a last dynamic block begins with: its type and the lengths of its codes.

    Args:
        literals: lengths of the codes of literals, end of block and match lengths.
        distances: those of the codes of distances; empty where nothing refers back.
    """
    first = _listed(literals, _MIN_LITERALS)
    second = _listed(distances, _MIN_DISTANCES)
    # Repeating costs bits too: whether it pays shows when it is tried.
    tried = (_head(first, second, list(_runs(first + second, repeat))) for repeat in (3, 6, 139))
    return min(tried, key=size)


def _listed(lengths: Mapping[int, int], least: int) -> list[int]:
    beyond = max(least, max(lengths, default=0) + 1)
    return [lengths.get(symbol, 0) for symbol in range(beyond)]


def _head(first: Sequence[int], second: Sequence[int], runs: Sequence[Run]) -> list[Bits]:
    own = code_lengths(Counter(run.symbol for run in runs), most=_MAX_HEAD_BITS)
    order = [own.get(symbol, 0) for symbol in _ORDER]
    while len(order) > _MIN_ORDER and not order[-1]:
        order.pop()
    # Last block, dynamic codes; then the three counts.
    bits = [(1, 1), (2, 2), (len(first) - _MIN_LITERALS, 5), (len(second) - _MIN_DISTANCES, 5)]
    bits += [(len(order) - _MIN_ORDER, 4), *((length, 3) for length in order)]
    written = codes(own)
    for run in runs:
        bits += [written[run.symbol], (run.extra, run.bits)]
    return bits


def _runs(lengths: Sequence[int], repeat: int) -> Iterator[Run]:
    """Yield the lengths, runs of one length shortened where they have `repeat` more of it."""
    at = 0
    while at < len(lengths):
        length, end = lengths[at], at + 1
        while end < len(lengths) and lengths[end] == length:
            end += 1
        yield from _zeros(end - at) if length == 0 else _same(length, end - at, repeat)
        at = end


def _zeros(count: int) -> Iterator[Run]:
    while count >= 11:
        taken = min(count, 138)
        yield Run(_MANY_ZEROS, taken - 11, 7)
        count -= taken
    if count >= 3:
        yield Run(_ZEROS, count - 3, 3)
        count = 0
    yield from [Run(0)] * count


def _same(length: int, count: int, repeat: int) -> Iterator[Run]:
    yield Run(length)
    count -= 1
    while count >= repeat:
        taken = min(count, 6)
        yield Run(_REPEAT, taken - 3, 2)
        count -= taken
    yield from [Run(length)] * count


def size(bits: Iterable[Bits]) -> int:
    """Return how many bits numbers take."""
    return sum(count for _, count in bits)


def joined(bits: Iterable[Bits]) -> bytes:
    """Return the bytes of numbers written one after another, the last byte filled with zeros."""
    whole, at = 0, 0
    for number, count in bits:
        whole |= number << at
        at += count
    return whole.to_bytes((at + 7) // 8, "little")
