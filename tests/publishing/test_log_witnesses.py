"""Cosignatures: taken from known witnesses for what this log said, beside an unchanged text."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certsvc.publishing.errors import CosignatureRefused
from certsvc.publishing.log import LogPublisher
from certsvc.publishing.log_files import CHECKPOINT, WITNESSED
from certsvc.publishing.log_reader import LogReader
from certsvc.publishing.log_signing import LogSigner
from certsvc.publishing.log_witnesses import Witnesses, read_witnesses
from certsvc.storage.log import Leaf
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.log import merkle
from certsvc_sdk.log.checkpoint import Checkpoint, parse_checkpoint
from certsvc_sdk.log.note import Kind, Note, NoteKey, cosignature, cosigned_message, parse_note
from certsvc_sdk.log.proof import parse_proof
from certsvc_sdk.strict import b64u_encode
from keys.provision import ensure_active

ORIGIN = "certs.example/log"
NOW = 1_800_000_000


class Witness:
    """Signs whatever it is shown."""

    def __init__(self, name: str) -> None:
        self._private = Ed25519PrivateKey.generate()
        point = b64u_encode(self._private.public_key().public_bytes_raw())
        public = PublicKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": point}, "Ed25519")
        self.key = NoteKey.of(name, public, Kind.COSIGNATURE)

    def cosign(self, data: bytes, at: int = NOW, *, said: str | None = None) -> bytes:
        note = parse_note(data)
        signature = self._private.sign(cosigned_message(said or note.text, at))
        line = self.key.line(cosignature(at, signature))
        return Note(note.text, (*note.signatures, line)).to_bytes()


@pytest.fixture
def witness():
    return Witness("witness.example/one")


@pytest.fixture
def other():
    return Witness("witness.example/two")


@pytest.fixture
def log(tree, store):
    """Function that lets the published log grow to a size; returns its checkpoint."""
    ensure_active(store, issuer_id="log", alg="Ed25519", purpose="log", now=NOW)
    publisher = LogPublisher(tree, store, origin=ORIGIN)
    leaves = [Leaf(data, merkle.leaf_hash(data)) for data in (b"%d" % n for n in range(300))]

    def grow(size: int) -> bytes:
        publisher.publish(size, lambda first, end: leaves[first:end])
        return tree.read(CHECKPOINT)

    grow.leaves = leaves
    return grow


@pytest.fixture
def collector(tree, store, log, witness, other):
    known = (witness.key, other.key)
    return Witnesses(tree, store, origin=ORIGIN, witnesses=known)


def opened(store, data, *witnesses: Witness):
    view = LogSigner(store, origin=ORIGIN).view(tuple(one.key for one in witnesses))
    return view.open(data)


def test_a_cosignature_stands_beside_an_unchanged_text(tree, store, log, collector, witness, other):
    before = log(3)
    answer = collector.collect(witness.cosign(before))
    both = collector.collect(other.cosign(before, NOW + 1))
    assert tree.read(CHECKPOINT) == tree.read(WITNESSED) == both
    assert parse_note(both).text == parse_note(before).text
    assert [one.name for one in opened(store, answer, witness, other).cosigned] == [
        witness.key.name
    ]
    cosigned = opened(store, both, witness, other).cosigned
    assert [(one.name, one.at) for one in cosigned] == [
        (witness.key.name, NOW),
        (other.key.name, NOW + 1),
    ]


def test_of_each_witness_the_newest_counts(store, log, collector, witness):
    before = log(3)
    for at in (NOW, NOW + 50, NOW + 20):
        answer = collector.collect(witness.cosign(before, at))
    (one,) = opened(store, answer, witness).cosigned
    assert one.at == NOW + 50
    assert len(parse_note(answer).signatures) == 2


def test_a_late_cosignature_stands_beside_the_checkpoint_that_moved_on(
    tree, store, log, collector, witness
):
    early = log(3)
    newest = log(5)
    collector.collect(witness.cosign(early))
    assert tree.read(CHECKPOINT) == newest
    assert opened(store, tree.read(WITNESSED), witness).checkpoint.size == 3
    collector.collect(witness.cosign(newest))
    # One that comes later still takes nothing back.
    answer = collector.collect(witness.cosign(early, NOW + 99))
    assert opened(store, answer, witness).checkpoint.size == 5


def test_the_log_goes_on_from_a_cosigned_checkpoint(tree, store, log, collector, witness):
    collector.collect(witness.cosign(log(3)))
    assert parse_checkpoint(log(4)).checkpoint.size == 4
    assert opened(store, tree.read(WITNESSED), witness).checkpoint.size == 3


def test_proofs_lead_to_a_cosigned_checkpoint_that_covers_them(
    tree, store, log, collector, witness
):
    reader = LogReader(tree, store, origin=ORIGIN, witnesses=(witness.key,))

    def size_of(index: int) -> int:
        text = reader.proof(index, log.leaves[index].hash)
        return parse_checkpoint(parse_proof(text).checkpoint).checkpoint.size

    first = log(3)
    assert size_of(1) == 3
    collector.collect(witness.cosign(first))
    log(260)
    assert (size_of(1), size_of(3)) == (3, 260)
    collector.collect(witness.cosign(tree.read(CHECKPOINT)))
    assert size_of(1) == 260
    view = LogSigner(store, origin=ORIGIN).view((witness.key,))
    proven = view.prove(reader.proof(1, log.leaves[1].hash), log.leaves[1].hash)
    assert [one.name for one in proven.opened.cosigned] == [witness.key.name]


def test_what_no_known_witness_signed_is_refused(tree, store, log, collector, witness):
    before = log(3)
    foreign = Witness("witness.example/three")
    impostor = Witness(witness.key.name)
    good = witness.cosign(before)
    own, line = parse_note(good).signatures
    text = parse_note(good).text
    bigger = text.replace("log\n3\n", "log\n4\n")
    for bad in (
        b"",
        b"\xff",
        before,
        foreign.cosign(before),
        impostor.cosign(before),
        witness.cosign(before, said=bigger),
        Note(text, (line,)).to_bytes(),
        Note(bigger, (own, line)).to_bytes(),
        good.replace(b"certs.example", b"certs.invalid"),
        good + b"\n",
    ):
        with pytest.raises(CosignatureRefused):
            collector.collect(bad)
    assert tree.read(CHECKPOINT) == before
    assert tree.read(WITNESSED) is None


def test_a_checkpoint_that_was_never_published_is_refused(tree, store, log, collector, witness):
    log(3)
    signer = LogSigner(store, origin=ORIGIN)
    ahead = signer.checkpoint(Checkpoint(origin=ORIGIN, size=9, root=bytes(32)))
    with pytest.raises(CosignatureRefused):
        collector.collect(witness.cosign(ahead))


def test_lines_of_strangers_are_left_out(tree, log, collector, witness):
    stranger = Witness("witness.example/three")
    answer = collector.collect(witness.cosign(stranger.cosign(log(3))))
    assert [one.name for one in parse_note(answer).signatures] == [ORIGIN, witness.key.name]


def test_the_setting_names_witnesses(witness, other):
    assert read_witnesses("") == ()
    names = f"{witness.key.vkey}, {other.key.vkey}"
    assert read_witnesses(names) == (witness.key, other.key)
    plain = NoteKey.of("log.example", witness.key.public)
    for bad in ("x", plain.vkey, f"{witness.key.vkey};"):
        with pytest.raises(CosignatureRefused):
            read_witnesses(bad)
