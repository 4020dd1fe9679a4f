"""Reads the published log to answer for it: proofs and histories, each checked before it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from certsvc.publishing.errors import LogUnpublished, TreeUnreadable
from certsvc.publishing.log_files import CHECKPOINT, WITNESSED, LogFiles
from certsvc.publishing.log_signing import LogSigner
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.log import merkle
from certsvc_sdk.log.checkpoint import Checkpoint
from certsvc_sdk.log.history import Entry, History
from certsvc_sdk.log.note import NoteKey
from certsvc_sdk.log.proof import LogProof
from certsvc_sdk.log.tiles import WIDTH, TileReader, tile_at, unpack_hashes
from keys import KeyStore

# Proofs that share the tiles they have read; afterwards the memory is given back.
PROOFS = 512

Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _Edition:
    """One checkpoint as published, with the tiles read under it."""

    stamp: Stamp
    note: bytes
    checkpoint: Checkpoint
    tiles: TileReader
    cosigned: bool
    proofs: int = 0


@dataclass(frozen=True, slots=True)
class Logged:
    """A leaf and its place."""

    data: bytes
    hash: bytes
    index: int


class LogReader:
    """Proofs from the published tree; any number of threads.

    Args:
        tree: the published tree.
        keys: know the log's keys; the active one signs histories.
        origin: name of the log.
        witnesses: proofs lead to a checkpoint that one of these has signed, where one covers
            the leaf.
    """

    def __init__(
        self,
        tree: PublishedTree,
        keys: KeyStore,
        *,
        origin: str,
        witnesses: tuple[NoteKey, ...] = (),
    ) -> None:
        self.origin = origin
        self._tree = tree
        self._files = LogFiles(tree)
        self._witnesses = witnesses
        self._signer = LogSigner(keys, origin=origin)
        self._editions: dict[str, _Edition] = {}
        self._lock = Lock()

    def stamp(self) -> Stamp | None:
        """What changes when the checkpoint is published anew; None while there is none."""
        return self._stamp(CHECKPOINT)

    def _stamp(self, path: str) -> Stamp | None:
        try:
            found = (self._tree.root / path).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def checkpoint(self) -> Checkpoint:
        """The checkpoint that readers see.

        Raises:
            LogUnpublished: there is none yet.
            TreeUnreadable: it is damaged or not signed by the log.
        """
        return self._current().checkpoint

    def newest(self, first: int) -> tuple[int, list[bytes]]:
        """Hashes of the newest leaves as the tiles have them; only a proof tells what is true.

        Args:
            first: index of the first leaf wanted.

        Returns:
            Number of leaves of the checkpoint that readers see, and the hashes from `first` on.

        Raises:
            LogUnpublished, TreeUnreadable: as `checkpoint`; or a tile is missing or damaged.
        """
        size = self._current().checkpoint.size
        hashes: list[bytes] = []
        try:
            for number in range(first // WIDTH, -(-size // WIDTH)):
                tile = tile_at(0, number, size)
                hashes += unpack_hashes(self._files.read(tile), tile.width)
        except CertsvcError as error:
            raise TreeUnreadable("a tile of the log is damaged") from error
        return size, hashes[first % WIDTH :]

    def proof(self, index: int, leaf_hash: bytes) -> str | None:
        """The proof of a leaf (c2sp.org/tlog-proof); None while the checkpoint is before it.

        Raises:
            LogUnpublished, TreeUnreadable: as `checkpoint`; or the tiles prove something else.
        """
        edition = self._covering(index)
        if edition is None:
            return None
        path = self._path_of(edition, index, leaf_hash)
        return LogProof(index=index, hashes=path, checkpoint=edition.note).to_text()

    def history(self, leaves: Sequence[Logged], *, now: int) -> bytes | None:
        """A certificate's whole life under one checkpoint, and the log's word that it is whole.

        Args:
            leaves: all its leaves in order, the issue first.
            now: Unix seconds.

        Returns:
            The JSON text (`certsvc_sdk.log.history`); None while the checkpoint is before one
            of the leaves: a history without its newest event would be a lie.

        Raises:
            LogUnpublished, TreeUnreadable, SigningFailed: see there.
        """
        edition = self._covering(max(leaf.index for leaf in leaves))
        if edition is None:
            return None
        issued, *events = (
            Entry(
                leaf=leaf.data,
                index=leaf.index,
                proof=self._path_of(edition, leaf.index, leaf.hash),
            )
            for leaf in leaves
        )
        first, *rest = (leaf.hash for leaf in leaves)
        statement = self._signer.statement(first, rest, edition.checkpoint, now=now)
        return History(
            checkpoint=edition.note, issued=issued, events=tuple(events), statement=statement
        ).to_bytes()

    def _path_of(self, edition: _Edition, index: int, leaf_hash: bytes) -> tuple[bytes, ...]:
        tree = edition.checkpoint
        try:
            path = merkle.inclusion_proof(index, tree.size, edition.tiles)
            merkle.verify_inclusion(leaf_hash, index, tree.size, path, tree.root)
        except CertsvcError as error:
            raise TreeUnreadable("the log's tiles do not prove a leaf of the database") from error
        return path

    def _covering(self, index: int) -> _Edition | None:
        """The checkpoint to prove a leaf under; None while none covers it."""
        current = self._current()
        if self._witnesses and not current.cosigned:
            witnessed = self._edition(WITNESSED)
            if witnessed is not None and index < witnessed.checkpoint.size:
                return witnessed
        return current if index < current.checkpoint.size else None

    def _current(self) -> _Edition:
        found = self._edition(CHECKPOINT)
        if found is None:
            raise LogUnpublished("no checkpoint is published yet")
        return found

    def _edition(self, path: str) -> _Edition | None:
        with self._lock:
            stamp, known = self._stamp(path), self._editions.get(path)
            if stamp is None:
                return None
            if known is None or known.stamp != stamp:
                known = self._editions[path] = self._open(path, stamp)
            elif known.proofs >= PROOFS:
                known.tiles = TileReader(known.checkpoint.size, self._files.read)
                known.proofs = 0
            known.proofs += 1
            return known

    def _open(self, path: str, stamp: Stamp) -> _Edition:
        # Read after its stamp was taken: a later checkpoint under an old stamp is read again.
        note = self._tree.read(path) or b""
        try:
            opened = self._signer.view(self._witnesses).open(note)
        except CertsvcError as error:
            raise TreeUnreadable("the log's checkpoint is damaged") from error
        checkpoint = opened.checkpoint
        tiles = TileReader(checkpoint.size, self._files.read)
        return _Edition(stamp, note, checkpoint, tiles, cosigned=bool(opened.cosigned))
