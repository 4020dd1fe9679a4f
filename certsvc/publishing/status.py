"""Publishes status lists: signed, checked as a verifier would, and never going back.

The steps of a publication, numbered for the tests that die at each of them::

    1  what the database says has been read (the worker's step)
    2  signed and checked
    3  the tree is locked, the fence passed, the pointer compared
    4  the version is written
    5  the pointer has moved: readers see it
    6  old versions are removed
    7  the database knows (the worker's step)
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from certsvc.publishing.errors import PointerMoved, SigningFailed, StatusRollback
from certsvc.publishing.status_files import StatusFiles
from certsvc.publishing.status_signing import sign
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk.errors import StatusListInvalid
from certsvc_sdk.statuschunks import KeptStatusBits
from certsvc_sdk.statuslist import StatusBits
from keys import KeyStore

PURPOSE = "status"
# What no publisher with a lease has; a tree that such a one has written refuses it.
NO_FENCE = 0

Checkpoint = Callable[[int], None]


def no_checkpoint(_step: int) -> None:
    """Nothing happens between the steps but in tests."""


@dataclass(slots=True)
class _Kept:
    """A list as it was last published from here."""

    entries: KeptStatusBits
    version: int
    token: bytes


class StatusPublisher:
    """Writes status lists and each issuer's list of lists; for one thread.

    It keeps each list it has published in memory, so that a change costs its own chunk. That is
    a copy for speed alone: after any failure, and when `forget` is called, the next publication
    is of the whole list.

    Errors of the key store (`keys.errors.KeysError`) pass through.

    Args:
        tree: where they stand.
        keys: holds each issuer's status key.
        base_url: the published tree's own address, ends in `/`.
        checkpoint: called with the number of each step, for tests that die there.
    """

    def __init__(
        self,
        tree: PublishedTree,
        keys: KeyStore,
        *,
        base_url: str,
        checkpoint: Checkpoint = no_checkpoint,
    ) -> None:
        self._tree = tree
        self._keys = keys
        self._base_url = base_url
        self._checkpoint = checkpoint
        self._kept: dict[tuple[str, int], _Kept] = {}

    def publish(
        self,
        issuer_id: str,
        list_no: int,
        bits: StatusBits,
        version: int,
        now: int,
        *,
        uscc: str | None = None,
        fence: int = NO_FENCE,
    ) -> str:
        """Sign and publish a whole list (Token Status List, section 5.1).

        Args:
            issuer_id: whose status key signs.
            list_no: number of the list.
            bits: the whole list.
            version: of the bits; the same version may be signed anew before it expires.
            now: Unix seconds, becomes `iat`.
            uscc: the issuer's code in the address; None: the same as `issuer_id`.
            fence: the publisher's fencing number.

        Returns:
            The published token.

        Raises:
            StatusRollback: a higher version, or other bits of this version, are published, or
                a revocation would be taken back.
            SigningFailed: what was signed would not be accepted by a verifier.
            TreeUnreadable: what is published cannot be read, so nothing can be compared.
            PublisherFenced: a later publisher has written the tree.
            OSError: the disk does not obey; what was published stands.
        """
        self._kept.pop((issuer_id, list_no), None)
        entries = KeptStatusBits(bits)
        files = self._files(issuer_id, list_no, uscc)
        token = self._sign(issuer_id, files, entries, version, now, thorough=True)
        # Compare and swap: a publisher that slept here must not put an older list back.
        with self._tree.exclusive(fence):
            files.refuse_rollback(bits, version)
            self._put(files, token, version, now)
            files.aggregate()
        self._kept[issuer_id, list_no] = _Kept(entries, version, token)
        return token.decode("ascii")

    def republish(
        self,
        issuer_id: str,
        list_no: int,
        changes: Iterable[tuple[int, int]],
        version: int,
        now: int,
        *,
        uscc: str | None = None,
        fence: int = NO_FENCE,
    ) -> str:
        """Sign and publish a list of which this publisher keeps an earlier version.

        Args:
            issuer_id: as `publish`.
            list_no: as `publish`.
            changes: indexes and values of everything that changed since `kept_version`.
            version: the new version; an unchanged one is the heart-beat, which compares the
                whole list as `publish` does.
            now: as `publish`.
            uscc: as `publish`.
            fence: as `publish`.

        Returns:
            The published token.

        Raises:
            PointerMoved: nothing is kept, or the pointer is not where it was left.
            StatusRollback, SigningFailed, TreeUnreadable, PublisherFenced, OSError: as `publish`.
        """
        # Taken out, and put back when all went well: a failure leaves nothing half-changed.
        kept = self._kept.pop((issuer_id, list_no), None)
        if kept is None:
            raise PointerMoved(f"list {list_no} is not kept here")
        beats = kept.version == version
        if version < kept.version or (_apply(kept.entries, changes) and beats):
            raise StatusRollback(f"list {list_no}: version {kept.version} is out, not this one")
        if beats:
            kept.entries.repack()
        files = self._files(issuer_id, list_no, uscc)
        token = self._sign(issuer_id, files, kept.entries, version, now, thorough=beats)
        with self._tree.exclusive(fence):
            if files.current() != kept.token:
                raise PointerMoved(f"{files.pointer} is not where it was left")
            self._put(files, token, version, now)
        self._kept[issuer_id, list_no] = _Kept(kept.entries, version, token)
        return token.decode("ascii")

    def kept_version(self, issuer_id: str, list_no: int) -> int | None:
        """The version from which `republish` goes on, or None: the whole list is needed."""
        kept = self._kept.get((issuer_id, list_no))
        return None if kept is None else kept.version

    def forget(self) -> None:
        """Keep nothing: somebody else may have published meanwhile."""
        self._kept.clear()

    def published_version(self, uscc: str, list_no: int) -> int | None:
        """Version of a list as readers see it, or None where there is none.

        Raises:
            TreeUnreadable: as `publish`.
        """
        token = self._files(uscc, list_no, None).published()
        return None if token is None else token.version

    def _files(self, issuer_id: str, list_no: int, uscc: str | None) -> StatusFiles:
        return StatusFiles(self._tree, self._base_url, uscc or issuer_id, list_no)

    def _sign(
        self,
        issuer_id: str,
        files: StatusFiles,
        entries: KeptStatusBits,
        version: int,
        now: int,
        *,
        thorough: bool,
    ) -> bytes:
        signer = self._keys.active(issuer_id, PURPOSE)
        token = sign(signer, files.uri, entries, version, now, thorough=thorough)
        self._checkpoint(2)
        return token.encode("ascii")

    def _put(self, files: StatusFiles, token: bytes, version: int, now: int) -> None:
        self._checkpoint(3)
        files.write_version(token, version=version, now=now)
        self._checkpoint(4)
        files.move_pointer(token)
        self._checkpoint(5)
        files.prune(now)
        self._checkpoint(6)


def _apply(entries: KeptStatusBits, changes: Iterable[tuple[int, int]]) -> bool:
    """Set what changed; whether anything did."""
    changed = False
    try:
        for index, value in changes:
            before = entries.get(index)
            # The low bit tells what is for ever: revoked or superseded.
            if before & 1 and value != before:
                raise StatusRollback("a revocation would be taken back")
            entries.set(index, value)
            changed |= value != before
    except StatusListInvalid as error:
        raise SigningFailed("a change does not fit the list") from error
    return changed
