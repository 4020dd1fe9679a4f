"""What a reader trusts of one log: its name, its keys, and witnesses where it asks for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import LogUntrusted
from certsvc_sdk.log import merkle
from certsvc_sdk.log.checkpoint import Checkpoint, SignedCheckpoint, parse_checkpoint
from certsvc_sdk.log.note import Kind, Note, NoteKey, cosigned_at, verified
from certsvc_sdk.log.proof import LogProof, parse_proof


class Cosigned(NamedTuple):
    """A trusted witness saw the checkpoint: its name, and when, Unix seconds."""

    name: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A checkpoint that the log signed, and enough witnesses with it.

    Attributes:
        checkpoint: what the log says.
        note: with all its signatures.
        cosigned: the trusted witnesses among them.
    """

    checkpoint: Checkpoint
    note: Note
    cosigned: tuple[Cosigned, ...] = ()


@dataclass(frozen=True, slots=True)
class Proven:
    """A leaf's place in the log, and the checkpoint that it was proven under."""

    index: int
    opened: Opened


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """The trust in one log.

    Attributes:
        origin: name of the log; its keys sign under it.
        keys: its keys, at least one of Ed25519: without that one's signature nothing counts.
        witnesses: keys whose cosignatures count, of kind COSIGNATURE.
        threshold: how many different witnesses a checkpoint needs.
    """

    origin: str
    keys: tuple[NoteKey, ...]
    witnesses: tuple[NoteKey, ...] = ()
    threshold: int = 0

    @classmethod
    def of(
        cls,
        origin: str,
        keys: Iterable[PublicKey],
        *,
        witnesses: Iterable[NoteKey] = (),
        threshold: int = 0,
    ) -> "LogView":
        """Return the trust in a log by its public keys; keys that sign no notes are left out.

        Raises:
            LogNoteInvalid: the origin cannot be a key's name.
        """
        usable = (key for key in keys if key.alg in ("Ed25519", "EdDSA", "ML-DSA-65"))
        return cls(
            origin=origin,
            keys=tuple(NoteKey.of(origin, key) for key in usable),
            witnesses=tuple(witnesses),
            threshold=threshold,
        )

    def open(self, data: bytes) -> Opened:
        """Read a checkpoint and believe it only if it is this log's.

        Raises:
            LogNoteInvalid: it is no checkpoint.
            LogUntrusted: another log's, not signed by an Ed25519 key of this log, a signature of
                a known key that does not verify, or too few witnesses.
        """
        return self.accept(parse_checkpoint(data))

    def accept(self, signed: SignedCheckpoint) -> Opened:
        """Believe a checkpoint that was taken apart already, or not; see `open`.

        Raises:
            LogUntrusted: as `open`.
        """
        checkpoint, note = signed
        if checkpoint.origin != self.origin:
            raise LogUntrusted("the checkpoint is another log's")
        # A post-quantum signature comes beside the usual one and never in its place.
        if not any(key.kind is Kind.ED25519 for key in verified(note, self.keys)):
            raise LogUntrusted("the checkpoint is not signed by the log")
        seen = verified(note, self.witnesses)
        # One key under two names is one witness.
        different = {key.public.jwk["x"] for key in seen}
        if len(different) < self.threshold:
            raise LogUntrusted(f"the checkpoint needs {self.threshold} witnesses")
        return Opened(
            checkpoint=checkpoint,
            note=note,
            cosigned=tuple(
                Cosigned(key.name, cosigned_at(one.signature)) for key, one in seen.items()
            ),
        )

    def prove(self, proof: LogProof | str, leaf_hash: bytes) -> Proven:
        """Return the place of a leaf that a proof shows.

        Args:
            proof: of c2sp.org/tlog-proof, or its text.
            leaf_hash: 32 bytes.

        Raises:
            LogNoteInvalid, LogUntrusted: as `open`, for the proof's checkpoint.
            LogProofInvalid: it breaks its grammar or does not lead from the leaf to the root.
        """
        if isinstance(proof, str):
            proof = parse_proof(proof)
        opened = self.open(proof.checkpoint)
        tree = opened.checkpoint
        merkle.verify_inclusion(leaf_hash, proof.index, tree.size, proof.hashes, tree.root)
        return Proven(proof.index, opened)
