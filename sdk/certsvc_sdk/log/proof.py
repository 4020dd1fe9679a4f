"""Proofs that travel with a certificate (c2sp.org/tlog-proof): place, path and checkpoint."""

from dataclasses import dataclass
from typing import Final

from certsvc_sdk.errors import LogProofInvalid
from certsvc_sdk.log import base64, merkle
from certsvc_sdk.log.checkpoint import parse_size
from certsvc_sdk.log.note import MAX_NOTE

HEADER: Final = "c2sp.org/tlog-proof@v1"
#: Ending of the files that hold one.
SUFFIX: Final = ".tlog-proof"
MAX_EXTRA: Final = 8 * 1024
MAX_TEXT: Final = MAX_NOTE + 2 * MAX_EXTRA + merkle.MAX_PROOF * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """A proof taken apart; nothing in it is trusted yet (`view.LogView.prove`).

    Attributes:
        index: place of the leaf, from 0.
        hashes: inclusion proof, from the leaf's sibling up.
        checkpoint: the signed note, as it stands.
        extra: bytes that nobody vouches for, or None.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def to_text(self) -> str:
        """Return the proof as it travels.

        Raises:
            LogProofInvalid: it would not be read again as the same proof.
        """
        extra = [] if self.extra is None else [f"extra {base64.encode(self.extra)}"]
        hashes = [base64.encode(one) for one in self.hashes]
        head = "\n".join((HEADER, *extra, f"index {self.index}", *hashes))
        try:
            text = f"{head}\n\n{self.checkpoint.decode('utf-8')}"
        except UnicodeDecodeError as error:
            raise LogProofInvalid("the checkpoint is not UTF-8") from error
        if parse_proof(text) != self:
            raise LogProofInvalid("the proof has no such text")
        return text


def parse_proof(text: str) -> LogProof:
    """Take a proof apart.

    Raises:
        LogProofInvalid: too long, another header, no index, or lines that are no hashes.
    """
    if len(text) > MAX_TEXT:
        raise LogProofInvalid("the proof is too long")
    head, separator, checkpoint = text.partition("\n\n")
    header, *lines = head.split("\n")
    if not separator or header != HEADER:
        raise LogProofInvalid("the text is no proof of this version")
    extra = _extra(lines)
    if not lines or not lines[0].startswith("index "):
        raise LogProofInvalid("the proof names no index")
    index = parse_size(lines.pop(0).removeprefix("index "))
    if index is None or len(lines) > merkle.MAX_PROOF:
        raise LogProofInvalid("the proof's index is no number, or it has too many hashes")
    hashes = tuple(
        base64.decode(line, LogProofInvalid, "proof", size=merkle.HASH_BYTES) for line in lines
    )
    try:
        note = checkpoint.encode()
    except UnicodeEncodeError as error:
        raise LogProofInvalid("the proof holds a surrogate") from error
    return LogProof(index=index, hashes=hashes, checkpoint=note, extra=extra)


def _extra(lines: list[str]) -> bytes | None:
    """Take the line of extra data off, where there is one."""
    if not lines or not lines[0].startswith("extra "):
        return None
    extra = base64.decode(lines.pop(0).removeprefix("extra "), LogProofInvalid, "extra")
    if len(extra) > MAX_EXTRA:
        raise LogProofInvalid("the extra data is too long")
    return extra
