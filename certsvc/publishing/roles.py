"""TUF metadata files in the published tree: read and written; consistent snapshots throughout."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp

from certsvc.publishing.errors import TreeUnreadable, TrustMissing
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk.durable import replace_file, sync_folder
from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import dumps, integer, loads_object, text

METADATA_FOLDER = "trust/metadata"
TARGET_FOLDER = "trust/targets"
TIMESTAMP_PATH = f"{METADATA_FOLDER}/timestamp.json"

DAY = 24 * 3600
# The root is signed by people who have to meet; a year is what they can promise.
ROOT_LIFE = 365 * DAY
# Roles whose officers sign by hand; the same people, the same year.
OFFLINE_LIFE = 365 * DAY
# A division that does not renew for a quarter has no keeper any more.
TARGETS_LIFE = 90 * DAY
# Bounds how old a mix of roles a stolen timestamp key could serve.
SNAPSHOT_LIFE = 7 * DAY
# A verifier cut off from updates knows it after a day (threat T45).
TIMESTAMP_LIFE = DAY
# Fewer files are written one by one, in the order given.
FEW = 8
# A root and a timestamp that only go together, until both are in place; its dot hides it.
_PAIR = ".trust-pair"
_MAX_PAIR = 1024 * 1024

Role = TypeVar("Role", Root, Snapshot, Targets, Timestamp)


class RoleFiles:
    """The trust repository's files in a tree."""

    def __init__(self, tree: PublishedTree) -> None:
        self._tree = tree

    @property
    def exist(self) -> bool:
        """Whether readers see a repository."""
        return self._tree.exists(TIMESTAMP_PATH)

    def timestamp(self) -> Metadata[Timestamp]:
        """What readers see first.

        Raises:
            TrustMissing: there is none.
            TreeUnreadable: it is damaged.
        """
        if not self.exist:
            raise TrustMissing("no trust repository has been made yet")
        return self._load(Timestamp, TIMESTAMP_PATH)

    def snapshot(self, version: int) -> Metadata[Snapshot]:
        """A snapshot.

        Raises:
            TreeUnreadable: it is missing or damaged.
        """
        return self._load(Snapshot, role_path(Snapshot.type, version))

    def targets(self, role: str, version: int) -> Metadata[Targets]:
        """A targets role, top-level or delegated.

        Raises:
            TreeUnreadable: it is missing or damaged.
        """
        return self._load(Targets, role_path(role, version))

    def root_bytes(self, version: int | None = None) -> bytes | None:
        """A root's bytes, by default the newest one's."""
        version = self.root_version() if version is None else version
        return self._tree.read(role_path(Root.type, version)) if version else None

    def root_version(self) -> int:
        """Version of the newest root, 0 where there is none; roots have no gaps (TUF 5.3.3)."""
        version = 0
        while self._tree.exists(role_path(Root.type, version + 1)):
            version += 1
        return version

    def root(self) -> Metadata[Root]:
        """The newest root.

        Raises:
            TrustMissing: there is none.
            TreeUnreadable: it is damaged.
        """
        version = self.root_version()
        if not version:
            raise TrustMissing("no trust root has been made yet")
        return self._load(Root, role_path(Root.type, version))

    def read(self, role: str, version: int) -> bytes | None:
        """A versioned file's bytes, or None where there is none."""
        return self._tree.read(role_path(role, version))

    def free_version(self, role: str, after: int) -> int:
        """The next version whose file does not stand there yet.

        What a crash left behind stays as it is: a file with a version never changes, so that
        caches may keep it for ever.

        Args:
            role: its name.
            after: version that readers see now, 0 for none.
        """
        version = after + 1
        while self._tree.exists(role_path(role, version)):
            version += 1
        return version

    def write(self, files: Mapping[str, bytes]) -> None:
        """Put files in place by path; those that stand there with these bytes stay untouched.

        Raises:
            OSError: the disk is full or does not obey; some may be in place then.
        """
        if len(files) <= FEW:
            for path, data in files.items():
                self._tree.write_if_changed(path, data)
        else:
            self._tree.write_many(
                {path: data for path, data in files.items() if self._tree.read(path) != data}
            )

    def write_root(self, version: int, root: bytes, timestamp: bytes, *, alone: bool) -> None:
        """Write a new root and the timestamp that goes with it.

        Args:
            version: of the root.
            root: its bytes.
            timestamp: bytes of the timestamp.
            alone: readers of the old root can read what the timestamp shows, so that it may come
                first and the root at any time; else a crash between the two is made good by `redo`.
        """
        if alone:
            self.write({TIMESTAMP_PATH: timestamp})
            self.write({role_path(Root.type, version): root})
            return
        pair = {"version": version, "root": root.decode(), "timestamp": timestamp.decode()}
        # Nobody reads a root that no timestamp stands beside, so the first needs no care.
        if self.exist:
            replace_file(self._pair, dumps(pair))
        self.write({role_path(Root.type, version): root})
        self.write({TIMESTAMP_PATH: timestamp})
        self._forget_pair()

    def redo(self) -> None:
        """Finish what a crash broke off between a root and its timestamp.

        Raises:
            TreeUnreadable: what was kept for that is damaged.
        """
        try:
            pair = loads_object(self._pair.read_bytes(), max_bytes=_MAX_PAIR, what="pair")
            version = integer(pair, "version", "pair")
            root, timestamp = (text(pair, name, "pair").encode() for name in ("root", "timestamp"))
        except FileNotFoundError:
            return
        except (OSError, Malformed) as error:
            raise TreeUnreadable("a root and its timestamp were broken off") from error
        if version >= self.root_version():
            self.write({role_path(Root.type, version): root})
            self.write({TIMESTAMP_PATH: timestamp})
        self._forget_pair()

    @property
    def _pair(self) -> Path:
        return self._tree.root / _PAIR

    def _forget_pair(self) -> None:
        if self._pair.exists():
            self._pair.unlink()
            sync_folder(self._tree.root)

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

    def _load(self, role: type[Role], path: str) -> Metadata[Role]:
        data = self._tree.read(path)
        try:
            metadata = Metadata[Role].from_bytes(data or b"")
        except RepositoryError as error:
            raise TreeUnreadable(f"{path} is missing or damaged") from error
        if not isinstance(metadata.signed, role):
            raise TreeUnreadable(f"{path} holds another role")
        return metadata


def target_files(path: str, data: bytes) -> tuple[TargetFile, dict[str, bytes]]:
    """A target as a role lists it, and its files by path under its hash (TUF 5.7.3)."""
    target = TargetFile.from_data(path, data, ["sha256"])
    return target, {f"{TARGET_FOLDER}/{name}": data for name in target.get_prefixed_paths()}


def expiry(now: int, life: int) -> datetime:
    """The moment `life` seconds after `now`, as TUF writes it."""
    return datetime.fromtimestamp(now + life, UTC)


def seconds_left(signed: Root | Snapshot | Targets | Timestamp, now: int) -> int:
    """Seconds until a role expires; negative: it has."""
    return int(signed.expires.timestamp()) - now


def half_spent(signed: Root | Snapshot | Targets | Timestamp, now: int, life: int) -> bool:
    """Whether less than half of a role's life is left: time to sign anew."""
    return seconds_left(signed, now) < life // 2


def role_path(role: str, version: int) -> str:
    """Path of a versioned metadata file in the tree."""
    return f"{METADATA_FOLDER}/{version}.{role}.json"
