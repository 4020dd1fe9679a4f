"""Proofs that travel with a certificate."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc_sdk.errors import LogInvalid, LogNoteInvalid, LogProofInvalid
from certsvc_sdk.log import merkle
from certsvc_sdk.log.proof import MAX_EXTRA, MAX_TEXT, LogProof, parse_proof

# c2sp.org/tlog-proof, its example, with the checkpoint's signature cut as there.
EXAMPLE = """c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ=
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJw==
"""


@pytest.mark.parametrize("size", [1, 2, 7, 300])
def test_every_leaf_is_proven(size: int, book: Any) -> None:
    book.fill(size)
    for index in {0, size // 2, size - 1}:
        text = book.proof(index)
        proven = book.view.prove(text, merkle.leaf_hash(book.leaves[index]))
        assert (proven.index, proven.opened.checkpoint) == (index, book.tree())
        assert parse_proof(text).to_text() == text


def test_extra_data_is_carried_and_not_believed(book: Any) -> None:
    book.fill(3)
    plain = parse_proof(book.proof(1))
    made = LogProof(index=1, hashes=plain.hashes, checkpoint=plain.checkpoint, extra=b"who knows")
    assert parse_proof(made.to_text()).extra == b"who knows"
    assert book.view.prove(made, merkle.leaf_hash(book.leaves[1])).index == 1


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_altered_bit_proves_another_thing(book_of_seven: Any, data: Any) -> None:
    book, text = book_of_seven
    raw = bytearray(text.encode())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    leaf = merkle.leaf_hash(book.leaves[5])
    try:
        altered = bytes(raw).decode()
        proven = book.view.prove(altered, leaf)
    except (LogInvalid, UnicodeDecodeError):
        return
    pytest.fail(f"believed: {proven}")


@pytest.fixture(scope="module")
def book_of_seven(logbooks: Any, make_signer: Any) -> Any:
    book = logbooks.LogBook("certs.example/log", make_signer("Ed25519", 40))
    book.fill(7)
    return book, book.proof(5)


def test_another_leaf_place_or_size_is_not_proven(book: Any) -> None:
    book.fill(7)
    leaf = merkle.leaf_hash(book.leaves[5])
    right = parse_proof(book.proof(5))
    for wrong in (
        book.proof(4),
        LogProof(index=4, hashes=right.hashes, checkpoint=right.checkpoint),
        LogProof(index=5, hashes=right.hashes[::-1], checkpoint=right.checkpoint),
        LogProof(index=5, hashes=right.hashes[:-1], checkpoint=right.checkpoint),
        LogProof(index=5, hashes=(*right.hashes, bytes(32)), checkpoint=right.checkpoint),
        LogProof(index=5, hashes=right.hashes, checkpoint=book.note(6)),
        LogProof(index=5, hashes=right.hashes, checkpoint=book.note(4)),
    ):
        with pytest.raises(LogProofInvalid):
            book.view.prove(wrong, leaf)
    with pytest.raises(LogProofInvalid):
        book.view.prove(right, leaf[:-1])


@pytest.mark.parametrize(
    "altered",
    {
        "empty": "",
        "another version": EXAMPLE.replace("@v1", "@v2"),
        "a space before": " " + EXAMPLE,
        "carriage returns": EXAMPLE.replace("\n", "\r\n"),
        "no index": EXAMPLE.replace("index 73894\n", ""),
        "leading zero": EXAMPLE.replace("index 7", "index 07"),
        "negative": EXAMPLE.replace("index 7", "index -7"),
        "not a number": EXAMPLE.replace("73894", "x"),
        "too large": EXAMPLE.replace("73894", "9" * 17),
        "index twice": EXAMPLE.replace("index 73894\n", "index 73894\nindex 73894\n"),
        "extra twice": EXAMPLE.replace("extra", "extra AAAA\nextra"),
        "extra after index": EXAMPLE.replace("gSKy", "extra AAAA\ngSKy"),
        "short hash": EXAMPLE.replace("gSKyXo", "gS"),
        "unpadded hash": EXAMPLE.replace("PlQ=", "PlQ"),
        "other last bits": EXAMPLE.replace("PlQ=", "PlR="),
        "too many hashes": EXAMPLE.replace("B95l", ("A" * 43 + "=\n") * 200 + "B95l"),
        "long extra": EXAMPLE.replace("extra YWdl", "extra " + "A" * 4 * MAX_EXTRA + "YWdl"),
        "too long": EXAMPLE + "x" * MAX_TEXT,
        "no checkpoint": EXAMPLE.partition("\n\n")[0],
        "a surrogate": EXAMPLE + "\ud800",
    }.items(),
    ids=lambda item: item[0],
)
def test_no_proof(altered: tuple[str, str]) -> None:
    with pytest.raises(LogProofInvalid):
        parse_proof(altered[1])


def test_the_example_of_the_standard(book: Any) -> None:
    text = EXAMPLE.replace("kYXJ3aW4tYXJ=", "")
    proof = parse_proof(text)
    assert (proof.index, len(proof.hashes)) == (73894, 2)
    assert proof.extra == b"age-v1.2.1-darwin-arm64.tar.gz"
    # Its signature is cut short in the standard too.
    with pytest.raises(LogNoteInvalid):
        book.view.prove(text, bytes(32))


def test_what_is_no_proof_is_not_written() -> None:
    for wrong in (
        LogProof(index=-1, hashes=(), checkpoint=b"x"),
        LogProof(index=0, hashes=(b"short",), checkpoint=b"x"),
        LogProof(index=0, hashes=(), checkpoint=b"\xff"),
    ):
        with pytest.raises(LogProofInvalid):
            wrong.to_text()
