"""RFC 6962 trees: against the standard's words in code, known roots, and every altered bit."""

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc_sdk.errors import LogProofInvalid
from certsvc_sdk.log import merkle
from certsvc_sdk.log.memory import LeafHashes
from certsvc_sdk.log.merkle import EMPTY_ROOT, MAX_SIZE, Frontier, Place

# The leaves and roots that implementations of Certificate Transparency test by.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = st.integers(min_value=1, max_value=150)


def mth(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it stands."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256().digest()
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path(m: int, hashes: list[bytes]) -> list[bytes]:
    """Section 2.1.1."""
    if len(hashes) == 1:
        return []
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m: int, hashes: list[bytes], whole: bool) -> list[bytes]:
    """Section 2.1.2."""
    n = len(hashes)
    if m == n:
        return [] if whole else [mth(hashes)]
    k = 1
    while 2 * k < n:
        k *= 2
    if m <= k:
        return [*subproof(m, hashes[:k], whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), mth(hashes[:k])]


def grown(size: int) -> tuple[LeafHashes, list[bytes]]:
    tree, hashes = LeafHashes(), [merkle.leaf_hash(b"%d" % number) for number in range(size)]
    for one in hashes:
        tree.append(one)
    assert len(tree) == size
    return tree, hashes


def flipped(data: bytes, bit: int) -> bytes:
    return bytes(
        byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(data)
    )


def test_the_known_roots() -> None:
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT == hashlib.sha256().digest()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        frontier.append(merkle.leaf_hash(leaf))
        assert frontier.root().hex() == root
    assert Frontier(frontier.size, frontier.peaks).root().hex() == ROOTS[-1]


def test_a_known_proof() -> None:
    # Certificate Transparency's own: leaf 5 of 8 (from 0), and from 6 to 8.
    tree = LeafHashes()
    for leaf in LEAVES:
        tree.append(merkle.leaf_hash(leaf))
    found = [one.hex() for one in merkle.inclusion_proof(5, 8, tree.read)]
    assert found == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    found = [one.hex() for one in merkle.consistency_proof(6, 8, tree.read)]
    assert found == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@settings(max_examples=60, deadline=None)
@given(SIZES, st.data())
def test_proofs_are_those_of_the_standard(size: int, data: Any) -> None:
    tree, hashes = grown(size)
    root, index = mth(hashes), data.draw(st.integers(0, size - 1))
    assert merkle.root_of(size, tree.read) == root
    frontier = Frontier()
    for one in hashes:
        frontier.append(one)
    assert frontier.root() == root
    proof = merkle.inclusion_proof(index, size, tree.read)
    assert list(proof) == path(index, hashes)
    merkle.verify_inclusion(hashes[index], index, size, proof, root)
    old = data.draw(st.integers(1, size))
    proof = merkle.consistency_proof(old, size, tree.read)
    assert list(proof) == subproof(old, hashes, True)
    merkle.verify_consistency(old, size, proof, mth(hashes[:old]), root)
    traced = merkle.trace(old, size, tree.read)
    assert traced == ((mth(hashes[:old]), root) if proof or not old & (old - 1) else None)


@settings(max_examples=150, deadline=None)
@given(SIZES, st.data())
def test_no_other_bit_is_believed(size: int, data: Any) -> None:
    tree, hashes = grown(size)
    root, index = mth(hashes), data.draw(st.integers(0, size - 1))
    proof = list(merkle.inclusion_proof(index, size, tree.read))
    parts = [hashes[index], root, *proof]
    bit = data.draw(st.integers(0, len(parts) * 256 - 1))
    parts[bit // 256] = flipped(parts[bit // 256], bit % 256)
    with pytest.raises(LogProofInvalid):
        merkle.verify_inclusion(parts[0], index, size, parts[2:], parts[1])


@settings(max_examples=100, deadline=None)
@given(SIZES, st.data())
def test_no_other_bit_of_a_consistency_proof_is_believed(size: int, data: Any) -> None:
    tree, hashes = grown(size)
    old = data.draw(st.integers(1, size))
    proof = list(merkle.consistency_proof(old, size, tree.read))
    parts = [mth(hashes[:old]), mth(hashes), *proof]
    bit = data.draw(st.integers(0, len(parts) * 256 - 1))
    parts[bit // 256] = flipped(parts[bit // 256], bit % 256)
    with pytest.raises(LogProofInvalid):
        merkle.verify_consistency(old, size, parts[2:], parts[0], parts[1])


@settings(max_examples=60, deadline=None)
@given(SIZES, st.data())
def test_a_proof_shows_one_place_in_one_tree(size: int, data: Any) -> None:
    tree, hashes = grown(size)
    root, index = mth(hashes), data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, tree.read)
    other = data.draw(st.integers(0, size + 3).filter(lambda number: number != index))
    with pytest.raises(LogProofInvalid):
        merkle.verify_inclusion(hashes[index], other, size, proof, root)
    for wrong in ([*proof, root], proof[:-1] if proof else [root]):
        with pytest.raises(LogProofInvalid):
            merkle.verify_inclusion(hashes[index], index, size, wrong, root)


@pytest.mark.parametrize(
    ("index", "size"), [(0, 0), (-1, 5), (5, 5), (6, 5), (0, MAX_SIZE + 1), (MAX_SIZE, MAX_SIZE)]
)
def test_there_is_no_such_leaf(index: int, size: int) -> None:
    with pytest.raises(LogProofInvalid):
        merkle.inclusion_proof(index, size, lambda places: [])
    with pytest.raises(LogProofInvalid):
        merkle.verify_inclusion(bytes(32), index, size, (), bytes(32))


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5), (-1, 5), (5, MAX_SIZE + 1)])
def test_no_proof_connects_these_sizes(old: int, new: int) -> None:
    with pytest.raises(LogProofInvalid):
        merkle.consistency_proof(old, new, lambda places: [])


def test_consistency_of_equal_and_empty_trees() -> None:
    root = merkle.leaf_hash(b"a")
    merkle.verify_consistency(1, 1, (), root, root)
    merkle.verify_consistency(0, 0, (), EMPTY_ROOT, EMPTY_ROOT)
    merkle.verify_consistency(0, 1, (), EMPTY_ROOT, root)
    for old, new, proof, first, second in (
        (1, 1, (), root, EMPTY_ROOT),
        (1, 1, (root,), root, root),
        (0, 1, (), root, root),
        (2, 1, (), root, root),
        (3, 4, (), root, root),
        (-1, 1, (), root, root),
        (2, 3, (b"short",), root, root),
        (1, MAX_SIZE + 1, (), root, root),
    ):
        with pytest.raises(LogProofInvalid):
            merkle.verify_consistency(old, new, proof, first, second)


@pytest.mark.parametrize(
    ("size", "peaks"), [(1, ()), (2, (bytes(32),) * 2), (-1, ()), (1, (b"short",))]
)
def test_a_frontier_of_another_size_is_none(size: int, peaks: Any) -> None:
    with pytest.raises(LogProofInvalid):
        Frontier(size, peaks)


def test_a_tree_in_memory_has_no_subtree_that_is_not_complete() -> None:
    tree, hashes = grown(3)
    assert tree.read([Place(1, 0)]) == [mth(hashes[:2])]
    with pytest.raises(LogProofInvalid):
        tree.read([Place(1, 1)])


def test_a_leaf_is_no_node() -> None:
    left, right = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")
    assert merkle.leaf_hash(b"\x01" + left + right) != merkle.node_hash(left, right)
    with pytest.raises(LogProofInvalid):
        merkle.verify_inclusion(b"short", 0, 1, (), b"short")
    with pytest.raises(LogProofInvalid):
        merkle.verify_inclusion(left, 0, 2, (b"short",), merkle.node_hash(left, right))
