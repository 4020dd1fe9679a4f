"""Notes, keys, cosignatures and checkpoints: the standards' examples, and what is refused."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import mldsa
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc_sdk import strict
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import LogNoteInvalid, LogUntrusted, SignatureInvalid
from certsvc_sdk.log import merkle
from certsvc_sdk.log.checkpoint import Checkpoint, parse_checkpoint, parse_size, read_text
from certsvc_sdk.log.note import (
    MAX_NOTE,
    MAX_SIGNATURES,
    Kind,
    Note,
    NoteKey,
    NoteSignature,
    cosignature,
    cosigned_at,
    cosigned_message,
    parse_note,
    verified,
)
from certsvc_sdk.log.view import LogView

# golang.org/x/mod/sumdb/note, its documentation's example.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpR"
    "Zb6KE6RyyBwJnAM=\n"
)
# c2sp.org/signed-note, its example.
C2SP_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmR"
    "KuwHjG1Yu72IneyaQM=\n"
)
# c2sp.org/tlog-cosignature, its example.
COSIGNED = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcy"
    "v2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3"
    "b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


@pytest.mark.parametrize(("vkey", "note"), [(GO_VKEY, GO_NOTE), (C2SP_VKEY, C2SP_NOTE)])
def test_examples_of_the_standards(vkey: str, note: str) -> None:
    key = NoteKey.from_vkey(vkey)
    assert key.vkey == vkey
    parsed = parse_note(note.encode())
    assert list(verified(parsed, [key])) == [key]
    assert parsed.to_bytes() == note.encode()
    altered = Note(parsed.text.replace("e", "E", 1), parsed.signatures)
    with pytest.raises(LogUntrusted):
        verified(altered, [key])


def test_an_example_of_a_cosigned_checkpoint() -> None:
    signed = parse_checkpoint(COSIGNED.encode())
    assert signed.checkpoint.origin == "example.com/behind-the-sofa"
    assert signed.checkpoint.size == 20852163
    witness = signed.note.signatures[1]
    assert (witness.name, cosigned_at(witness.signature)) == ("witness.example.com/w1", 1679315147)
    message = cosigned_message(signed.note.text, 1679315147)
    assert message.startswith(b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n")
    assert message.endswith(f"{ROOT}\n".encode())


def test_no_part_of_a_verifier_key_is_one() -> None:
    # As golang.org/x/mod/sumdb/note tests it.
    for start in range(len(GO_VKEY)):
        for end in range(start + 1, len(GO_VKEY) + 1):
            if (start, end) != (0, len(GO_VKEY)):
                with pytest.raises(LogNoteInvalid):
                    NoteKey.from_vkey(GO_VKEY[start:end])
    for place, char in enumerate(GO_VKEY):
        with pytest.raises(LogNoteInvalid):
            NoteKey.from_vkey(GO_VKEY[:place] + chr(ord(char) + 1) + GO_VKEY[place + 1 :])


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",  # ECDSA
        "a+00000000+" + "A" * MAX_NOTE,
        "",
    ],
)
def test_no_verifier_key(vkey: str) -> None:
    with pytest.raises(LogNoteInvalid):
        NoteKey.from_vkey(vkey)


@pytest.mark.parametrize(
    "note",
    {
        "empty": b"",
        "no signature": b"text\n\n",
        "no empty line": b"text\n\xe2\x80\x94 a AAAAAAAA\n",
        "no final line feed": GO_NOTE.encode()[:-1],
        "carriage returns": GO_NOTE.replace("\n", "\r\n").encode(),
        "a tab": GO_NOTE.replace(" ", "\t", 1).encode(),
        "NUL": b"\0" + GO_NOTE.encode(),
        "no UTF-8": b"\xff" + GO_NOTE.encode(),
        "a hyphen for the dash": GO_NOTE.replace("—", "-").encode(),
        "no name": GO_NOTE.replace("— PeterNeumann", "— ").encode(),
        "a name with a plus": GO_NOTE.replace("— Peter", "— Peter+").encode(),
        "a name with a wide space": GO_NOTE.replace("— Peter", "— Peter\u3000").encode(),
        "a long name": GO_NOTE.replace("— Peter", "— " + "P" * 201).encode(),
        "bad base64": GO_NOTE.replace("AM=", "AN=").encode(),
        "no padding": GO_NOTE.replace("AM=", "AM").encode(),
        "base64 of the other alphabet": GO_NOTE.replace("/", "_").encode(),
        "a key id alone": b"text\n\n\xe2\x80\x94 a AAAAAA==\n",
        "too many signatures": ("t\n\n" + "— a AAAAAAAA\n" * (MAX_SIGNATURES + 1)).encode(),
        "too long": b"t" * MAX_NOTE + GO_NOTE.encode(),
    }.items(),
    ids=lambda item: item[0],
)
def test_no_note(note: tuple[str, bytes]) -> None:
    with pytest.raises(LogNoteInvalid):
        parse_note(note[1])


def test_sixteen_large_signatures_are_taken() -> None:
    lines = tuple(NoteSignature("pq", bytes(4), bytes([n]) * 4627) for n in range(16))
    note = Note("text\n", lines)
    assert parse_note(note.to_bytes()) == note


@pytest.mark.parametrize("text", ["no line feed", "a\tb\n", "\ud800\n"])
def test_texts_that_fit_no_note(text: str) -> None:
    with pytest.raises(LogNoteInvalid):
        Note(text, (NoteSignature("a", bytes(4), b"x"),)).to_bytes()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(GO_NOTE.encode()) * 8 - 1))
def test_no_altered_bit_of_a_note_is_believed(bit: int) -> None:
    data = bytearray(GO_NOTE.encode())
    data[bit // 8] ^= 1 << bit % 8
    key = NoteKey.from_vkey(GO_VKEY)
    try:
        found = verified(parse_note(bytes(data)), [key])
    except (LogNoteInvalid, LogUntrusted):
        return
    assert not found  # another name or key id: somebody else's line


def test_a_line_of_a_known_key_that_fails_spoils_the_note(book: Any) -> None:
    text = book.tree().to_text()
    right = book.key.line(book.signer.sign(text.encode()))
    wrong = book.key.line(bytes(64))
    stranger = NoteSignature(book.origin, bytes(4), bytes(64))
    assert verified(Note(text, (stranger, right)), [book.key])
    for lines in ((right, wrong), (wrong, right), (wrong,)):
        with pytest.raises(LogUntrusted):
            verified(Note(text, lines), [book.key])


def test_a_cosignature_is_bound_to_its_time_and_kind(book: Any, logbooks: Any) -> None:
    note = book.note()
    key = NoteKey.of("witness.example/w", book.signer.public, Kind.COSIGNATURE)
    plain = NoteKey.of("witness.example/w", book.signer.public)
    assert key.key_id != plain.key_id
    assert NoteKey.from_vkey(key.vkey) == key
    line = logbooks.cosign(note, key, book.signer, 1_800_000_000)
    parsed = parse_note(note)
    assert verified(Note(parsed.text, (line,)), [key]) == {key: line}
    for signature in (
        cosignature(1_800_000_001, line.signature[8:]),
        bytes(8) + line.signature[8:],
        line.signature[:8],
        b"",
        (2**63).to_bytes(8, "big") + line.signature[8:],
    ):
        with pytest.raises(SignatureInvalid):
            key.verify(parsed.text, signature)
    with pytest.raises(LogNoteInvalid):
        cosignature(2**63, bytes(64))


def test_an_ml_dsa_key_signs_beside_and_never_alone(book: Any) -> None:
    private = mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes(32))
    raw = private.public_key().public_bytes_raw()
    jwk = {"kty": "AKP", "alg": "ML-DSA-65", "pub": strict.b64u_encode(raw)}
    public = PublicKey.from_jwk(jwk, "ML-DSA-65")
    key = NoteKey.of(book.origin, public)
    assert key.kind is Kind.ML_DSA_65
    assert NoteKey.from_vkey(key.vkey).key_id == key.key_id
    view = LogView.of(book.origin, [book.signer.public, public])
    text = book.tree().to_text()
    classic = book.key.line(book.signer.sign(text.encode()))
    quantum = key.line(private.sign(text.encode()))
    assert view.open(Note(text, (classic, quantum)).to_bytes()).checkpoint == book.tree()
    with pytest.raises(LogUntrusted):
        view.open(Note(text, (quantum,)).to_bytes())
    with pytest.raises(LogUntrusted):
        view.open(Note(text, (classic, key.line(bytes(3309)))).to_bytes())


def test_keys_that_sign_no_notes(es256_signer: Any, book: Any) -> None:
    with pytest.raises(LogNoteInvalid):
        NoteKey.of("log", es256_signer.public)
    with pytest.raises(LogNoteInvalid):
        NoteKey.of("a log", book.signer.public)
    with pytest.raises(LogNoteInvalid):
        NoteKey.of("log\ud800", book.signer.public)
    with pytest.raises(LogNoteInvalid):
        NoteKey.of("log", book.signer.public, Kind.ML_DSA_65)
    assert LogView.of("log", [es256_signer.public]).keys == ()


def test_threshold_counts_keys_and_not_names(book: Any, logbooks: Any, make_signer: Any) -> None:
    book.fill(3)
    note = book.note()
    signers = [make_signer("Ed25519", number) for number in (50, 50, 51)]
    keys = [
        NoteKey.of(f"witness.example/{number}", signer.public, Kind.COSIGNATURE)
        for number, signer in enumerate(signers)
    ]
    lines = [
        logbooks.cosign(note, key, signer, 1_800_000_000 + number)
        for number, (key, signer) in enumerate(zip(keys, signers, strict=True))
    ]
    view = LogView.of(book.origin, [book.signer.public], witnesses=keys, threshold=2)
    opened = view.open(book.note(None, *lines))
    assert [one.at for one in opened.cosigned] == [1_800_000_000, 1_800_000_001, 1_800_000_002]
    for too_few in ((), lines[:1], lines[:2]):
        with pytest.raises(LogUntrusted):
            view.open(book.note(None, *too_few))
    broken = [lines[0], NoteSignature(keys[2].name, keys[2].key_id, bytes(72))]
    with pytest.raises(LogUntrusted):
        view.open(book.note(None, *broken))
    # Witnesses without the log say nothing.
    with pytest.raises(LogUntrusted):
        view.open(Note(parse_note(note).text, tuple(lines)).to_bytes())


def test_another_logs_checkpoint_is_not_ours(book: Any) -> None:
    other = Checkpoint(origin="certs.example/other", size=0, root=merkle.EMPTY_ROOT)
    with pytest.raises(LogUntrusted):
        book.view.open(book.sign(other))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n",
        f"log\n1\n{ROOT}",
        f"\n1\n{ROOT}\n",
        f"log\n01\n{ROOT}\n",
        f"log\n-1\n{ROOT}\n",
        f"log\n+1\n{ROOT}\n",
        f"log\n１\n{ROOT}\n",
        f"log\n1e3\n{ROOT}\n",
        f"log\n{2**53}\n{ROOT}\n",
        f"log\n{'9' * 400}\n{ROOT}\n",
        f"log\n0\n{ROOT}\n",
        f"log\n1\n{ROOT[:-4]}\n",
        f"log\n1\n{ROOT} \n",
        f"log\n1\n\n{ROOT}\n",
        f"log\n1\n{ROOT}\n\n",
        f"{'l' * 201}\n1\n{ROOT}\n",
    ],
)
def test_no_checkpoint(text: str) -> None:
    with pytest.raises(LogNoteInvalid):
        read_text(text)


def test_a_checkpoint_is_written_as_it_is_read() -> None:
    text = f"log\n17\n{ROOT}\nextension\n"
    tree = read_text(text)
    assert tree.extensions == ("extension",)
    assert tree.to_text() == text
    for wrong in (
        Checkpoint(origin="a\nb", size=17, root=tree.root),
        Checkpoint(origin="log", size=-1, root=tree.root),
        Checkpoint(origin="log", size=17, root=b"short"),
        Checkpoint(origin="log", size=17, root=tree.root, extensions=("",)),
    ):
        with pytest.raises(LogNoteInvalid):
            wrong.to_text()
    assert parse_size("0") == 0
    assert parse_size("00") is None
