"""The next state of the trust repository, in the making: readers see none of it or all of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tuf.api.metadata import Snapshot, TargetFile, Targets, Timestamp

from certsvc.publishing.errors import TreeUnreadable
from certsvc.publishing.roles import (
    SNAPSHOT_LIFE,
    TARGETS_LIFE,
    TIMESTAMP_LIFE,
    RoleFiles,
    expiry,
    half_spent,
)
from certsvc.publishing.signers import TufSigner


@dataclass(slots=True, kw_only=True)
class Edition:
    """What is published, with the changes to come.

    Attributes:
        timestamp: as published; None before the first publication.
        snapshot: as published, updated on the way.
        targets: top-level targets and delegations.
        changed_roles: divisions whose role must be signed anew.
        targets_changed: the top-level targets must be signed anew.
        snapshot_changed: the snapshot must be signed anew, whatever else changes.
    """

    timestamp: Timestamp | None
    snapshot: Snapshot
    targets: Targets
    changed_roles: set[str] = field(default_factory=set)
    targets_changed: bool = False
    snapshot_changed: bool = False
    _roles: dict[str, Targets | None] = field(default_factory=dict)

    @classmethod
    def first(cls, now: int) -> "Edition":
        """An empty repository."""
        return cls(
            timestamp=None,
            snapshot=Snapshot(expires=expiry(now, SNAPSHOT_LIFE), meta={}),
            targets=Targets(expires=expiry(now, TARGETS_LIFE)),
            targets_changed=True,
        )

    @classmethod
    def load(cls, files: RoleFiles) -> "Edition":
        """What readers see now.

        Raises:
            TrustMissing: nothing yet.
            TreeUnreadable: a file is missing or damaged.
        """
        timestamp = files.timestamp()
        snapshot = files.snapshot(timestamp)
        targets = files.targets(snapshot, Targets.type)
        if targets is None:
            raise TreeUnreadable("the snapshot names no targets")
        return cls(timestamp=timestamp, snapshot=snapshot, targets=targets)

    @property
    def divisions(self) -> tuple[str, ...]:
        """Divisions with a delegated role, sorted."""
        roles = self.targets.delegations.roles if self.targets.delegations else None
        return tuple(sorted(roles or ()))

    @property
    def changed(self) -> bool:
        """Whether there is anything to publish beyond a fresh timestamp."""
        return bool(self.changed_roles) or self.targets_changed or self.snapshot_changed

    def role(self, files: RoleFiles, division: str) -> Targets | None:
        """A delegated role as it stands in this edition; None where there is none yet."""
        if division not in self._roles:
            self._roles[division] = files.targets(self.snapshot, division)
        return self._roles[division]

    def add(self, files: RoleFiles, division: str, target: TargetFile, now: int) -> None:
        """List a target in a division's role."""
        role = self.role(files, division) or Targets(expires=expiry(now, TARGETS_LIFE))
        role.targets[target.path] = target
        self._roles[division] = role
        self.changed_roles.add(division)

    def renew(self, files: RoleFiles, now: int) -> None:
        """Mark every role whose life is half spent; roles nobody touches must not run out."""
        self.targets_changed |= half_spent(self.targets, now, TARGETS_LIFE)
        self.snapshot_changed |= half_spent(self.snapshot, now, SNAPSHOT_LIFE)
        for division in self.divisions:
            role = self.role(files, division)
            if role is not None and half_spent(role, now, TARGETS_LIFE):
                self.changed_roles.add(division)

    def timestamp_due(self, now: int) -> bool:
        """Whether the timestamp must be signed anew."""
        return self.timestamp is None or half_spent(self.timestamp, now, TIMESTAMP_LIFE)

    def publish(self, files: RoleFiles, signer: Callable[[str], TufSigner], now: int) -> None:
        """Sign and write what changed, in the order in which nothing points at what is not there.

        Delegated roles, targets, snapshot: their files have versions in their names and nobody
        looks for them yet. The timestamp comes last and shows everything at once.

        Args:
            files: where to.
            signer: gives a role's signer.
            now: Unix seconds; every role that is signed gets its whole life from here.

        Raises:
            SigningFailed: readers keep seeing the state before.
        """
        for division in sorted(self.changed_roles):
            role = self.role(files, division)
            if role is not None:
                self._write_targets(files, division, role, signer(division), now)
        if self.targets_changed:
            self._write_targets(files, Targets.type, self.targets, signer(Targets.type), now)
        timestamp = self.timestamp or Timestamp(expires=expiry(now, TIMESTAMP_LIFE))
        published = self.timestamp is not None
        if self.changed:
            self.snapshot.expires = expiry(now, SNAPSHOT_LIFE)
            after = timestamp.snapshot_meta.version if published else 0
            timestamp.snapshot_meta = files.write(
                Snapshot.type, self.snapshot, signer(Snapshot.type), after=after
            )
        timestamp.expires = expiry(now, TIMESTAMP_LIFE)
        after = timestamp.version if published else 0
        files.write(Timestamp.type, timestamp, signer(Timestamp.type), after=after)

    def _write_targets(
        self, files: RoleFiles, name: str, role: Targets, signer: TufSigner, now: int
    ) -> None:
        role.expires = expiry(now, TARGETS_LIFE)
        known = self.snapshot.meta.get(f"{name}.json")
        meta = files.write(name, role, signer, after=0 if known is None else known.version)
        self.snapshot.meta[f"{name}.json"] = meta
