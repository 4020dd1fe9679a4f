"""Merkle trees of RFC 6962 section 2.1 (RFC 9162 section 2.1): roots, proofs and their checks.

A tree is read by the hashes of its complete subtrees (`Place`), so the same proofs come out of
memory, a database or tiles. Several hashes are asked for at once: a reader fetches in parallel.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

from certsvc_sdk.errors import LogProofInvalid
from certsvc_sdk.strict import MAX_INTEGER

HASH_BYTES: Final = 32
# RFC 6962 section 2.1: the hash of an empty list is the hash of an empty string.
EMPTY_ROOT: Final = sha256(b"").digest()
# Sizes and indexes travel in JSON too (RFC 8259 section 6).
MAX_SIZE: Final = MAX_INTEGER
# A proof in a tree of MAX_SIZE leaves; consistency proofs have up to one more on each side.
MAX_PROOF: Final = 2 * MAX_SIZE.bit_length()


class Place(NamedTuple):
    """A complete subtree: its 2**level leaves begin at leaf `number` * 2**level."""

    level: int
    number: int


#: Returns the hashes of complete subtrees, in the order asked for.
HashReader: TypeAlias = Callable[[Sequence[Place]], Sequence[bytes]]


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 ‖ leaf)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """What must be kept of a tree to let it grow: the roots of its complete subtrees.

    Args:
        size: number of leaves.
        peaks: hashes of the complete subtrees from left to right, one for each bit of `size`.

    Raises:
        LogProofInvalid: an impossible size, or peaks of another number or length.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if not 0 <= size <= MAX_SIZE or len(peaks) != size.bit_count():
            raise LogProofInvalid("a tree of that size has other peaks")
        if any(len(peak) != HASH_BYTES for peak in peaks):
            raise LogProofInvalid("a peak is not a hash")
        self._size = size
        self._peaks = list(peaks)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Hashes of the complete subtrees from left to right."""
        return tuple(self._peaks)

    def append(self, leaf_hash: bytes) -> None:
        """Let the tree grow by one leaf."""
        peaks, size = self._peaks, self._size
        self._size = size + 1
        while size & 1:
            leaf_hash = sha256(b"\x01" + peaks.pop() + leaf_hash).digest()
            size >>= 1
        peaks.append(leaf_hash)

    def root(self) -> bytes:
        """Return the hash of the whole tree."""
        return fold(self._peaks)


def fold(peaks: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees from left to right; the empty tree's for none."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in peaks[-2::-1]:
        root = node_hash(peak, root)
    return root


def peaks_of(size: int) -> list[Place]:
    """Return the complete subtrees of a tree from left to right, one for each bit of `size`."""
    return _cover(0, size)


def root_of(size: int, read: HashReader) -> bytes:
    """Return the root of the first `size` leaves."""
    return fold(read(peaks_of(size)))


def inclusion_proof(index: int, size: int, read: HashReader) -> tuple[bytes, ...]:
    """Return the proof that leaf `index` stands in the tree of `size` (RFC 9162 section 2.1.3.1).

    Args:
        index: place of the leaf, from 0.
        size: number of leaves of the tree.
        read: hashes of complete subtrees.

    Raises:
        LogProofInvalid: the tree has no such leaf.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise LogProofInvalid("the tree has no such leaf")
    places: list[Place] = []
    partial = range(0)
    node, last, level = index, size - 1, 0
    while last:
        if node & 1:
            places.append(Place(level, node - 1))
        elif (node + 2) << level <= size:
            places.append(Place(level, node + 1))
        elif node < last:
            # The one sibling that is no complete subtree: all that stands right of the leaf's part.
            cover = _cover((node + 1) << level, size)
            partial = range(len(places), len(places) + len(cover))
            places += cover
        node, last, level = node >> 1, last >> 1, level + 1
    found = tuple(read(places))
    if not partial:
        return found
    start, stop = partial.start, partial.stop
    return (*found[:start], fold(found[start:stop]), *found[stop:])


def consistency_proof(old: int, new: int, read: HashReader) -> tuple[bytes, ...]:
    """Return the proof that the tree of `new` only adds to that of `old` (section 2.1.4.1).

    Args:
        old: earlier size, at least 1.
        new: later size.
        read: hashes of complete subtrees of the later tree.

    Raises:
        LogProofInvalid: sizes that no proof connects.
    """
    if not 1 <= old <= new <= MAX_SIZE:
        raise LogProofInvalid("no consistency proof leads from the one size to the other")
    low, high, whole = 0, new, True
    ranges: list[tuple[int, int]] = []
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low, whole = middle, False
    if not whole:
        ranges.append((low, high))
    return _hashes(ranges[::-1], read)


def trace(old: int, new: int, read: HashReader) -> tuple[bytes, bytes] | None:
    """Return the roots of two sizes of one tree, computed from one set of hashes.

    Where the second is a signed root, the first is what that tree's beginning really was: a
    signed root of the earlier size that differs is proof of a fork.

    Args:
        old: earlier size, at least 1.
        new: later size.
        read: hashes of complete subtrees; they may be anybody's.

    Raises:
        LogProofInvalid: impossible sizes.
    """
    path = list(consistency_proof(old, new, read))
    if not old & (old - 1):
        path.insert(0, root_of(old, read))
    return _lead(old - 1, new - 1, path) if path else None


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check an inclusion proof (RFC 9162 section 2.1.3.2).

    Raises:
        LogProofInvalid: it does not lead from this leaf at this place to the root.
    """
    if not 0 <= index < size <= MAX_SIZE or len(leaf_hash) != HASH_BYTES:
        raise LogProofInvalid("the tree has no such leaf")
    node, last, found = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0 or len(sibling) != HASH_BYTES:
            raise LogProofInvalid("the inclusion proof is too long or holds no hash")
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last != 0 or found != root:
        raise LogProofInvalid("the inclusion proof does not lead to the root")


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check a consistency proof (RFC 9162 section 2.1.4.2).

    Raises:
        LogProofInvalid: it does not show that the later tree only adds to the earlier one.
    """
    if not 0 <= old <= new <= MAX_SIZE or any(len(one) != HASH_BYTES for one in proof):
        raise LogProofInvalid("sizes or hashes of the consistency proof are impossible")
    if old in (0, new):
        # Every tree is consistent with itself, and adds to the empty one.
        if proof or old_root != (new_root if old else EMPTY_ROOT):
            raise LogProofInvalid("two roots of one size differ")
        return
    # Where the earlier tree is one complete subtree, its root is the proof's unwritten beginning.
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path or _lead(old - 1, new - 1, path) != (old_root, new_root):
        raise LogProofInvalid("the consistency proof does not lead to both roots")


def _lead(node: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return the roots that a consistency proof leads to, None where it has a wrong length."""
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    return (first, second) if last == 0 else None


def _split(size: int) -> int:
    """Return the largest power of two below `size` (RFC 6962 section 2.1)."""
    return 1 << (size - 1).bit_length() - 1


def _cover(low: int, high: int) -> list[Place]:
    """Return the complete subtrees of leaves [low, high), which begin where a subtree may."""
    places = []
    while low < high:
        level = (high - low).bit_length() - 1
        places.append(Place(level, low >> level))
        low += 1 << level
    return places


def _hashes(ranges: Sequence[tuple[int, int]], read: HashReader) -> tuple[bytes, ...]:
    covers = [_cover(low, high) for low, high in ranges]
    found = iter(read([place for cover in covers for place in cover]))
    return tuple(fold([next(found) for _ in cover]) for cover in covers)
