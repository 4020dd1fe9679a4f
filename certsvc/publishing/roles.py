"""TUF metadata files in the published tree: read, sign, write; consistent snapshots throughout."""

from datetime import UTC, datetime
from typing import TypeVar

from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from certsvc.publishing.errors import SigningFailed, TreeUnreadable, TrustMissing
from certsvc.publishing.signers import TufSigner
from certsvc.publishing.tree import PublishedTree

METADATA_FOLDER = "trust/metadata"
TARGET_FOLDER = "trust/targets"
TIMESTAMP_PATH = f"{METADATA_FOLDER}/timestamp.json"

DAY = 24 * 3600
# The root is signed by people who have to meet; a year is what they can promise.
ROOT_LIFE = 365 * DAY
# A division that does not renew for a quarter has no keeper any more.
TARGETS_LIFE = 90 * DAY
# Bounds how old a mix of roles a stolen timestamp key could serve.
SNAPSHOT_LIFE = 7 * DAY
# A verifier cut off from updates knows it after a day (threat T45).
TIMESTAMP_LIFE = DAY

Role = TypeVar("Role", Root, Snapshot, Targets, Timestamp)


class RoleFiles:
    """The trust repository's files in a tree."""

    def __init__(self, tree: PublishedTree) -> None:
        self._tree = tree

    @property
    def exist(self) -> bool:
        """Whether readers see a repository."""
        return self._tree.exists(TIMESTAMP_PATH)

    def timestamp(self) -> Timestamp:
        """What readers see first.

        Raises:
            TrustMissing: there is none.
            TreeUnreadable: it is damaged.
        """
        if not self.exist:
            raise TrustMissing("no trust repository has been made yet")
        return self._load(Timestamp, TIMESTAMP_PATH)

    def snapshot(self, timestamp: Timestamp) -> Snapshot:
        """The snapshot that a timestamp names.

        Raises:
            TreeUnreadable: it is missing or damaged.
        """
        return self._load(Snapshot, _path(Snapshot.type, timestamp.snapshot_meta.version))

    def targets(self, snapshot: Snapshot, role: str) -> Targets | None:
        """The targets role that a snapshot names, top-level or delegated; None: it names none.

        Raises:
            TreeUnreadable: it is missing or damaged.
        """
        meta = snapshot.meta.get(f"{role}.json")
        return None if meta is None else self._load(Targets, _path(role, meta.version))

    def root_bytes(self) -> bytes | None:
        """The newest root's bytes."""
        version = self.root_version()
        return self._tree.read(_path(Root.type, version)) if version else None

    def root_version(self) -> int:
        """Version of the newest root, 0 where there is none; roots have no gaps (TUF 5.3.3)."""
        version = 0
        while self._tree.exists(_path(Root.type, version + 1)):
            version += 1
        return version

    def root(self) -> Root:
        """The newest root.

        Raises:
            TrustMissing: there is none.
            TreeUnreadable: it is damaged.
        """
        version = self.root_version()
        if not version:
            raise TrustMissing("no trust root has been made yet")
        return self._load(Root, _path(Root.type, version))

    def write(self, role: str, signed: Role, signer: TufSigner, *, after: int) -> MetaFile:
        """Sign a role and write it under the next version; a timestamp replaces the published one.

        What a crash left behind stays as it is: a file with a version never changes, so that
        caches may keep it for ever.

        Args:
            role: its name.
            signed: its content; gets its version here.
            signer: the role's key.
            after: version that readers see now, 0 for none.

        Returns:
            Version, length and hash for the role that refers to it.

        Raises:
            SigningFailed: the key store refused.
        """
        signed.version = after + 1
        path = TIMESTAMP_PATH
        if role != Timestamp.type:
            while self._tree.exists(_path(role, signed.version)):
                signed.version += 1
            path = _path(role, signed.version)
        metadata = Metadata(signed)
        try:
            metadata.sign(signer)
        except UnsignedMetadataError as error:
            raise SigningFailed(f"{role} could not be signed: {error.__cause__}") from error
        data = metadata.to_bytes()
        self._tree.write(path, data)
        return MetaFile.from_data(signed.version, data, ["sha256"])

    def write_target(self, path: str, data: bytes) -> TargetFile:
        """Write a target under its hash (consistent snapshots, TUF 5.7.3).

        Returns:
            Length and hash for the role that lists it.
        """
        target = TargetFile.from_data(path, data, ["sha256"])
        for prefixed in target.get_prefixed_paths():
            self._tree.write_if_changed(f"{TARGET_FOLDER}/{prefixed}", data)
        return target

    def read_target(self, target: TargetFile) -> bytes:
        """A listed target's bytes.

        Raises:
            TreeUnreadable: missing or altered.
        """
        data = self._tree.read(f"{TARGET_FOLDER}/{target.get_prefixed_paths()[0]}") or b""
        try:
            target.verify_length_and_hashes(data)
        except RepositoryError as error:
            raise TreeUnreadable(f"target {target.path} is missing or damaged") from error
        return data

    def _load(self, role: type[Role], path: str) -> Role:
        data = self._tree.read(path)
        try:
            signed = Metadata[Role].from_bytes(data or b"").signed
        except RepositoryError as error:
            raise TreeUnreadable(f"{path} is missing or damaged") from error
        if not isinstance(signed, role):
            raise TreeUnreadable(f"{path} holds another role")
        return signed


def expiry(now: int, life: int) -> datetime:
    """The moment `life` seconds after `now`, as TUF writes it."""
    return datetime.fromtimestamp(now + life, UTC)


def half_spent(signed: Root | Snapshot | Targets | Timestamp, now: int, life: int) -> bool:
    """Whether less than half of a role's life is left: time to sign anew."""
    return int(signed.expires.timestamp()) - now < life // 2


def _path(role: str, version: int) -> str:
    return f"{METADATA_FOLDER}/{version}.{role}.json"
