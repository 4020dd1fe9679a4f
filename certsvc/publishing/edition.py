"""The trust repository as published, and its next state in the making.

Nothing that stands in the tree is built upon before its signatures were checked: whoever can write
the tree must not get our signature under what they wrote.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Role, Root, Snapshot, TargetFile, Targets, Timestamp

from certsvc.publishing.delegations import Delegate, delegate_of, delegates, parents_of
from certsvc.publishing.errors import TreeUnreadable
from certsvc.publishing.roles import SNAPSHOT_LIFE, RoleFiles, expiry, target_files

TOP_LEVEL = ("root", "targets", "snapshot", "timestamp")


@dataclass(slots=True, kw_only=True)
class Edition:
    """What is published, with the changes to come.

    Attributes:
        files: of the repository.
        root: the newest root.
        timestamp: as published; None before the first publication.
        snapshot: as published.
        next_root: the root to come, or None.
        drafts: roles to come by name; each replaces the published one.
        fixed: drafts whose version and expiry officers have signed.
        contents: files of new targets by role and path in the tree.
    """

    files: RoleFiles
    root: Metadata[Root]
    timestamp: Metadata[Timestamp] | None
    snapshot: Snapshot
    next_root: Metadata[Root] | None = None
    drafts: dict[str, Metadata[Targets]] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    contents: dict[str, dict[str, bytes]] = field(default_factory=dict)
    _published: dict[str, Metadata[Targets] | None] = field(default_factory=dict)

    @classmethod
    def first(cls, files: RoleFiles, root: Metadata[Root], now: int) -> "Edition":
        """An empty repository under a root."""
        snapshot = Snapshot(expires=expiry(now, SNAPSHOT_LIFE), meta={})
        return cls(files=files, root=root, timestamp=None, snapshot=snapshot)

    @classmethod
    def load(cls, files: RoleFiles) -> "Edition":
        """What readers see now.

        Raises:
            TrustMissing: nothing yet.
            TreeUnreadable: a file is missing, damaged, or not signed by its role's keys.
        """
        timestamp = files.timestamp()
        root = _newest_root(files)
        snapshot = files.snapshot(timestamp.signed.snapshot_meta.version)
        edition = cls(files=files, root=root, timestamp=timestamp, snapshot=snapshot.signed)
        edition._check_top("timestamp", timestamp)
        edition._check_top("snapshot", snapshot)
        if edition.published(Targets.type) is None:
            raise TreeUnreadable("the snapshot names no targets")
        return edition

    @property
    def coming_root(self) -> Root:
        """The root that readers will have."""
        return (self.next_root or self.root).signed

    def former_keys(self, name: str) -> frozenset[str]:
        """Ids of the keys that earlier roots named for a role and the newest one does not."""
        newest = self.root.signed
        former: set[str] = set()
        for version in range(1, newest.version):
            data = self.files.root_bytes(version)
            if data is not None:
                former |= set(Metadata[Root].from_bytes(data).signed.roles[name].keyids)
        return frozenset(former - set(newest.roles[name].keyids))

    def published(self, name: str) -> Metadata[Targets] | None:
        """A targets role as readers see it, or None.

        Raises:
            TreeUnreadable: it is damaged, or not signed by its role's keys.
        """
        if name not in self._published:
            meta = self.snapshot.meta.get(f"{name}.json")
            found = None if meta is None else self.files.targets(name, meta.version)
            if found is not None and not self._is_signed(name, found):
                raise TreeUnreadable(f"the published role {name} is not signed by its keys")
            self._published[name] = found
        return self._published[name]

    def is_published(self, name: str) -> bool:
        """Whether readers come to a role: it stands there, and somebody delegates to it."""
        if name == Targets.type:
            return True
        for parent in parents_of(name):
            found = self.published(parent) if self.is_published(parent) else None
            if found is not None and delegate_of(parent, found.signed, name) is not None:
                return self.published(name) is not None
        return False

    def remember(self, published: Mapping[str, Metadata[Targets]]) -> None:
        """Take roles for published that came another way than from the tree."""
        self._published.update(published)

    def metadata(self, name: str) -> Metadata[Targets] | None:
        """A targets role as it will be: its draft, else as published."""
        return self.drafts.get(name) or self.published(name)

    def role(self, name: str) -> Targets | None:
        """The content of `metadata`."""
        found = self.metadata(name)
        return None if found is None else found.signed

    def edit(self, name: str, now: int) -> Targets:
        """The content of a role, to be changed; from now on it is a draft without signatures."""
        if name not in self.drafts or name in self.fixed:
            before = self.role(name)
            fresh = Targets(expires=expiry(now, 0)) if before is None else deepcopy(before)
            self.drafts[name] = Metadata(fresh)
            self.fixed.discard(name)
        return self.drafts[name].signed

    def list_target(self, name: str, path: str, data: bytes, now: int) -> bool:
        """List a target in a role.

        Returns:
            Whether it was not listed so before.
        """
        target, files = target_files(path, data)
        before = self.role(name)
        if before is not None and before.targets.get(path) == target:
            return False
        self.edit(name, now).targets[path] = target
        self.contents.setdefault(name, {}).update(files)
        return True

    def delegate(self, name: str) -> Delegate | None:
        """The delegation of a role in the coming edition, by the nearest role that has it."""
        for parent in parents_of(name):
            targets = self.role(parent) if self._reaches(parent) else None
            found = None if targets is None else delegate_of(parent, targets, name)
            if found is not None:
                return found
        return None

    def role_keys(self, name: str) -> Role | None:
        """Keys and threshold of a role, of the top level or delegated; None: nobody delegates."""
        if name in TOP_LEVEL:
            return self.coming_root.roles[name]
        found = self.delegate(name)
        return None if found is None else found.role

    def owner_of(self, path: str) -> str:
        """The role that a target belongs to: the last one of a reader's walk (TUF 5.6.7)."""
        name = Targets.type
        while (targets := self.role(name)) is not None and targets.delegations is not None:
            below = next(targets.delegations.get_roles_for_target(path), None)
            if below is None:
                break
            name = below[0]
        return name

    def find(self, path: str) -> tuple[str, TargetFile] | None:
        """Where readers find a target; the first role of the walk that lists it wins."""
        name: str | None = Targets.type
        while name is not None and (targets := self.role(name)) is not None:
            if path in targets.targets:
                return name, targets.targets[path]
            below = targets.delegations
            first = None if below is None else next(below.get_roles_for_target(path), None)
            name = None if first is None else first[0]
        return None

    def walk(self, name: str = Targets.type, depth: int = 0) -> Iterator[tuple[int, Delegate]]:
        """Every delegated role below a role, depth first, in the order of readers."""
        targets = self.role(name)
        for each in () if targets is None else delegates(name, targets):
            yield depth, each
            yield from self.walk(each.name, depth + 1)

    def is_signed(self, name: str, metadata: Metadata[Targets]) -> bool:
        """Whether enough of a targets role's keys signed, as the coming edition names them."""
        delegator = self.coming_root if name == Targets.type else self.delegator(name)
        return delegator is not None and signed_by(delegator, name, metadata)

    def _reaches(self, name: str) -> bool:
        return name == Targets.type or self.delegate(name) is not None

    def delegator(self, name: str) -> Targets | None:
        """The role that delegates to this one in the coming edition, or None."""
        found = self.delegate(name)
        return None if found is None else self.role(found.parent)

    def _is_signed(self, name: str, metadata: Metadata[Targets]) -> bool:
        """As `is_signed`, among what is published; a role nobody delegates to is not judged."""
        if name == Targets.type:
            return signed_by(self.root.signed, name, metadata) or self._was_signed(name, metadata)
        for parent in parents_of(name):
            found = self.published(parent)
            if found is not None and delegate_of(parent, found.signed, name) is not None:
                return signed_by(found.signed, name, metadata)
        return True

    def _check_top(self, name: str, metadata: Metadata[Timestamp] | Metadata[Snapshot]) -> None:
        if not signed_by(self.root.signed, name, metadata) and not self._was_signed(name, metadata):
            raise TreeUnreadable(f"the published {name} is not signed by its keys")

    def _was_signed(
        self, name: str, metadata: Metadata[Timestamp] | Metadata[Snapshot] | Metadata[Targets]
    ) -> bool:
        """Whether the root before signed for it: of a new root only the first half was written."""
        data = self.files.root_bytes(self.root.signed.version - 1)
        if data is None:
            return False
        return signed_by(Metadata[Root].from_bytes(data).signed, name, metadata)


def signed_by(
    delegator: Root | Targets,
    name: str,
    metadata: Metadata[Root] | Metadata[Timestamp] | Metadata[Snapshot] | Metadata[Targets],
) -> bool:
    """Whether enough keys of a role signed; the same key twice counts once (threat T49)."""
    try:
        delegator.verify_delegate(name, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError):
        return False
    return True


def _newest_root(files: RoleFiles) -> Metadata[Root]:
    """The newest root, each one signed by its own keys and by the keys of the one before.

    Raises:
        TrustMissing: there is none.
        TreeUnreadable: one is damaged or does not follow.
    """
    newest = files.root()
    try:
        before: Metadata[Root] | None = None
        for version in range(1, newest.signed.version + 1):
            root = Metadata[Root].from_bytes(files.root_bytes(version) or b"")
            for each in (root,) if before is None else (before, root):
                each.signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
            before = root
    except (RepositoryError, ValueError, AttributeError) as error:
        raise TreeUnreadable("a published root is damaged or does not follow") from error
    return newest
