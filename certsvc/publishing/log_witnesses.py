"""Cosignatures of witnesses (c2sp.org/tlog-cosignature): they saw that the log only grows.

A cosignature is added to the published checkpoint without changing its text. A checkpoint moves on
while witnesses look at it, so the newest one that they signed stands beside it.
"""

from certsvc.publishing.errors import CosignatureRefused, TreeUnreadable
from certsvc.publishing.log_files import WITNESSED, LogFiles
from certsvc.publishing.log_signing import LogSigner
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk.errors import CertsvcError, LogInvalid
from certsvc_sdk.log.note import Kind, Note, NoteKey, cosigned_at, verified
from certsvc_sdk.log.view import Opened
from keys import KeyStore


def read_witnesses(text: str) -> tuple[NoteKey, ...]:
    """The witnesses that a setting names.

    Args:
        text: verifier keys (c2sp.org/signed-note) with commas; empty: none.

    Raises:
        CosignatureRefused: one is no key of a witness.
    """
    try:
        keys = [NoteKey.from_vkey(one.strip()) for one in text.split(",") if one.strip()]
    except LogInvalid as error:
        raise CosignatureRefused(str(error)) from error
    if any(key.kind is not Kind.COSIGNATURE for key in keys):
        raise CosignatureRefused("a witness's key is one for cosignatures (type 0x04)")
    return tuple(keys)


class Witnesses:
    """Collects cosignatures of the log's checkpoints.

    Args:
        tree: the published tree.
        keys: know the log's keys.
        origin: name of the log.
        witnesses: whose cosignatures are taken.
    """

    def __init__(
        self,
        tree: PublishedTree,
        keys: KeyStore,
        *,
        origin: str,
        witnesses: tuple[NoteKey, ...],
    ) -> None:
        self._tree = tree
        self._files = LogFiles(tree)
        self._signer = LogSigner(keys, origin=origin)
        self._witnesses = witnesses

    def collect(self, data: bytes) -> bytes:
        """Take the cosignatures of a checkpoint that this log signed.

        Args:
            data: the signed note with lines of witnesses.

        Returns:
            The newest cosigned checkpoint as published now.

        Raises:
            CosignatureRefused: not a checkpoint of this log, or no good line of a witness.
            TreeUnreadable: the published checkpoint is damaged.
            OSError: the tree cannot be written.
        """
        given = self._opened(data)
        lines = verified(given.note, self._witnesses)
        if not lines:
            raise CosignatureRefused("no line of a witness that is known here")
        with self._tree.exclusive():
            current = self._published(self._files.checkpoint())
            if current is None or given.checkpoint.size > current.checkpoint.size:
                raise CosignatureRefused("the checkpoint is not one of those published")
            if current.checkpoint == given.checkpoint:
                self._files.write_checkpoint(self._joined(current, given))
            known = self._published(self._tree.read(WITNESSED))
            if known is not None and known.checkpoint.size > given.checkpoint.size:
                return known.note.to_bytes()
            same = known is not None and known.checkpoint == given.checkpoint
            witnessed = self._joined(known if known is not None and same else given, given)
            self._tree.write(WITNESSED, witnessed)
            return witnessed

    def _opened(self, data: bytes) -> Opened:
        try:
            # The log's own signature proves that it said this once, whatever its size.
            return self._signer.view(self._witnesses).open(data)
        except CertsvcError as error:
            raise CosignatureRefused(str(error)) from error

    def _published(self, data: bytes | None) -> Opened | None:
        if data is None:
            return None
        try:
            return self._signer.view(self._witnesses).open(data)
        except CertsvcError as error:
            raise TreeUnreadable("the log's checkpoint is damaged") from error

    def _joined(self, base: Opened, given: Opened) -> bytes:
        """The log's own lines, then of each witness the newest one."""
        own = [
            line
            for line in base.note.signatures
            if not any(key.made(line) for key in self._witnesses)
            and any(key.made(line) for key in self._signer.view().keys)
        ]
        newest = verified(base.note, self._witnesses)
        for key, line in verified(given.note, self._witnesses).items():
            before = newest.get(key)
            if before is None or cosigned_at(before.signature) < cosigned_at(line.signature):
                newest[key] = line
        return Note(base.note.text, (*own, *newest.values())).to_bytes()
