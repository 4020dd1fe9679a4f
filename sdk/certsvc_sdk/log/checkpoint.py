"""Checkpoints (c2sp.org/tlog-checkpoint): origin, size and root of a log, as a signed note."""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from certsvc_sdk.errors import LogNoteInvalid
from certsvc_sdk.log import base64, merkle
from certsvc_sdk.log.note import MAX_NAME, Note, parse_note

#: Below the log's address, beside `tile/`.
PATH: Final = "checkpoint"

# ASCII digits without leading zeroes; the length keeps conversion cheap.
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says of itself at one moment.

    Attributes:
        origin: name of the log.
        size: number of leaves.
        root: hash of the tree, 32 bytes.
        extensions: further lines; they mean nothing here.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def to_text(self) -> str:
        """Return the note text to sign.

        Raises:
            LogNoteInvalid: it would not be read again as the same checkpoint.
        """
        lines = (self.origin, str(self.size), base64.encode(self.root), *self.extensions)
        text = "".join(f"{line}\n" for line in lines)
        if read_text(text) != self:
            raise LogNoteInvalid("origin, size, root or extensions cannot stand in a checkpoint")
        return text


class SignedCheckpoint(NamedTuple):
    """A checkpoint with its note; whether anybody signed it is not asked yet (`view`)."""

    checkpoint: Checkpoint
    note: Note


def parse_size(text: str) -> int | None:
    """Return a size or index in its one decimal spelling, None for anything else."""
    value = int(text) if _SIZE.fullmatch(text) else None
    return value if value is not None and value <= merkle.MAX_SIZE else None


def parse_checkpoint(data: bytes) -> SignedCheckpoint:
    """Take a signed checkpoint apart.

    Raises:
        LogNoteInvalid: it is no note, or its text is no checkpoint.
    """
    note = parse_note(data)
    return SignedCheckpoint(read_text(note.text), note)


def read_text(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note.

    Raises:
        LogNoteInvalid: fewer than three lines, an empty line, no size, no root, or a root of
            nothing that is not the empty tree's.
    """
    lines = text.split("\n")
    if len(lines) <= _LINES or lines.pop() or not all(lines):
        raise LogNoteInvalid("a checkpoint has three lines or more, none of them empty")
    size = parse_size(lines[1])
    if size is None or len(lines[0]) > MAX_NAME:
        raise LogNoteInvalid("a checkpoint has an origin and a size without leading zeroes")
    root = base64.decode(lines[2], LogNoteInvalid, "root", size=merkle.HASH_BYTES)
    if size == 0 and root != merkle.EMPTY_ROOT:
        raise LogNoteInvalid("the empty tree has another root")
    return Checkpoint(origin=lines[0], size=size, root=root, extensions=tuple(lines[_LINES:]))
