"""Signatures of published trust metadata: of what readers see now, and of what stood before."""

import re
from collections.abc import Iterator
from typing import Any

from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Key
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

from certsvc.publishing.edition import Edition, signed_by
from certsvc.publishing.errors import PublishingError
from certsvc.publishing.roles import METADATA_FOLDER, RoleFiles, role_path
from certsvc.publishing.tree import PublishedTree

_ROLE = re.compile(r"(?:[0-9]+\.)?([A-Za-z0-9_-]+)\.json")


class RoleSignatures:
    """Judges metadata files one by one; the published edition is read once.

    Args:
        tree: the published tree.
    """

    def __init__(self, tree: PublishedTree) -> None:
        self._tree = tree
        self._edition: Edition | None = None
        self._keys: dict[str, Key] | None = None

    def are_good(self, path: str, data: bytes) -> bool:
        """Whether a role's own file says what its keys signed, in the bytes we write.

        Args:
            path: in the tree.
            data: what stands there.
        """
        name = _ROLE.fullmatch(path.rpartition("/")[2])
        if name is None:
            return False
        try:
            metadata: Metadata[Any] = Metadata.from_bytes(data)
            if metadata.to_bytes() != data or not _is_lower_case(metadata):
                return False
            return self._is_signed(path, name[1], metadata)
        except (RepositoryError, PublishingError, UnverifiedSignatureError, ValueError):
            return False

    def _is_signed(self, path: str, role: str, metadata: Metadata[Any]) -> bool:
        if isinstance(metadata.signed, Root):
            # Roots before the newest were signed by keys that may be gone: by their own, then.
            return role == Root.type and signed_by(metadata.signed, role, metadata)
        if self._edition is None:
            self._edition = Edition.load(RoleFiles(self._tree))
        root = self._edition.root.signed
        delegator = root if role in root.roles else self._edition.delegator(role)
        if delegator is not None and signed_by(delegator, role, metadata):
            return True
        return path not in self._current() and self._was_signed(metadata)

    def _current(self) -> Iterator[str]:
        """Paths of what readers see now, which present keys must have signed."""
        if self._edition is None or self._edition.timestamp is None:
            return
        timestamp = self._edition.timestamp.signed
        yield f"{METADATA_FOLDER}/{Timestamp.type}.json"
        yield role_path(Snapshot.type, timestamp.snapshot_meta.version)
        yield role_path(Targets.type, self._edition.snapshot.meta["targets.json"].version)
        for _, each in self._edition.walk():
            yield role_path(each.name, self._edition.snapshot.meta[f"{each.name}.json"].version)

    def _was_signed(self, metadata: Metadata[Any]) -> bool:
        """Whether every signature is good by a key that some root or role has named once."""
        if self._keys is None:
            self._keys = dict(_keys_ever_named(self._tree))
        for keyid, signature in metadata.signatures.items():
            if keyid not in self._keys:
                return False
            self._keys[keyid].verify_signature(signature, metadata.signed_bytes)
        return bool(metadata.signatures)


def _keys_ever_named(tree: PublishedTree) -> Iterator[tuple[str, Key]]:
    for name in tree.names(METADATA_FOLDER):
        try:
            signed = Metadata[Any].from_bytes(tree.read(f"{METADATA_FOLDER}/{name}") or b"").signed
        except RepositoryError:
            continue
        if isinstance(signed, Root):
            yield from signed.keys.items()
        elif isinstance(signed, Targets) and signed.delegations is not None:
            yield from signed.delegations.keys.items()


def _is_lower_case(metadata: Metadata[Any]) -> bool:
    # Hexadecimal digits read the same in both cases, so a changed bit would go unseen.
    texts = (one.signature + one.keyid for one in metadata.signatures.values())
    return all(text == text.lower() for text in texts)
