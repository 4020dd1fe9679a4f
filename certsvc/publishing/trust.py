"""Creates and maintains the trust repository in the published tree.

Roles root, targets, snapshot and timestamp, and one delegated role for each division, named by its
six digits and confined to `issuers/<division>/*`. Every key is the key store's.
"""

from collections.abc import Iterable

from tuf.api.metadata import DelegatedRole, Delegations, Root, TargetFile, Targets

from certsvc.publishing.edition import Edition
from certsvc.publishing.errors import (
    RecordRefused,
    RoleKeyUntrusted,
    TreeUnreadable,
    TrustExists,
    TrustMissing,
)
from certsvc.publishing.roles import ROOT_LIFE, RoleFiles, expiry
from certsvc.publishing.signers import ALGORITHM, TufSigner
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk.errors import Malformed, TrustInvalid
from certsvc_sdk.trust.about import ABOUT_TARGET, About, Environment, parse_about
from certsvc_sdk.trust.record import IssuerRecord, issuer_target, parse_record
from keys import KeyStore
from keys.errors import NoActiveKey
from keys.provision import ensure_active

# Trust keys belong to no department; in the key store they stand under this name.
TRUST_OWNER = "trust"
PURPOSE = "trust"
# Thresholds above one are for keys that several people hold, each in a store of their own.
THRESHOLD = 1
TOP_LEVEL = ("root", "targets", "snapshot", "timestamp")


class TrustPublisher:
    """Writes the trust repository. One publisher at a time: the caller holds the lease.

    Errors of the key store (`keys.errors.KeysError`) pass through.

    Args:
        tree: where the repository stands.
        keys: holds a trust key for each role.
        owner: name of the trust keys' owner in the key store.
    """

    def __init__(self, tree: PublishedTree, keys: KeyStore, *, owner: str = TRUST_OWNER) -> None:
        self._files = RoleFiles(tree)
        self._keys = keys
        self._owner = owner

    @property
    def initialised(self) -> bool:
        """Whether readers see a repository."""
        return self._files.exist

    def initialise(self, now: int, about: About) -> bytes:
        """Make the repository, with keys where there are none yet; a broken-off run is resumed.

        Args:
            now: Unix seconds.
            about: which world the repository speaks for.

        Returns:
            The root, for verifiers to pin.

        Raises:
            TrustExists: readers see a repository already.
            RecordRefused: verifiers would refuse `about`.
        """
        if self.initialised:
            raise TrustExists("the tree holds a trust repository already")
        data = about.to_bytes()
        try:
            parse_about(data)
        except TrustInvalid as error:
            raise RecordRefused(str(error)) from error
        for role in TOP_LEVEL:
            self._ensure_key(role, now)
        if not self._files.root_version():
            self._write_root(now, after=0)
        edition = Edition.first(now)
        edition.targets.targets[ABOUT_TARGET] = self._files.write_target(ABOUT_TARGET, data)
        edition.targets.delegations = Delegations(keys={}, roles={})
        self._publish(edition, now)
        return self.root()

    def root(self) -> bytes:
        """The newest root.

        Raises:
            TrustMissing: there is none.
        """
        data = self._files.root_bytes()
        if data is None:
            raise TrustMissing("no trust root has been made yet")
        return data

    def about(self) -> About:
        """What the repository says of itself.

        Raises:
            TrustMissing: there is no repository.
            TreeUnreadable: it is damaged.
        """
        data = self._read(Edition.load(self._files).targets, ABOUT_TARGET)
        try:
            return parse_about(data or b"")
        except TrustInvalid as error:
            raise TreeUnreadable(str(error)) from error

    def record(self, iss: str) -> IssuerRecord | None:
        """An issuer's record as published, or None.

        Raises:
            TrustMissing, TreeUnreadable: as `about`.
        """
        try:
            path = issuer_target(iss)
        except Malformed:
            return None
        edition = Edition.load(self._files)
        role = edition.role(self._files, path.split("/")[1])
        data = None if role is None else self._read(role, path)
        try:
            record = None if data is None else parse_record(data)
        except TrustInvalid as error:
            raise TreeUnreadable(str(error)) from error
        return record if record is not None and record.answers_to(iss) else None

    def publish_records(self, records: Iterable[IssuerRecord], now: int) -> bool:
        """Publish issuers' records; those already published and not named stay as they are.

        Args:
            records: new or changed records; of one issuer the last one counts.
            now: Unix seconds.

        Returns:
            Whether anything changed.

        Raises:
            TrustMissing: `initialise` first.
            RecordRefused: verifiers would refuse a record; nothing is published then.
            RoleKeyUntrusted: `renew_root` first.
        """
        about = self.about()
        checked = [(record.division, *_checked(record, about)) for record in records]
        edition = Edition.load(self._files)
        for division, path, data in checked:
            target = TargetFile.from_data(path, data, ["sha256"])
            role = edition.role(self._files, division)
            known = role is not None and role.targets.get(path) == target
            if self._delegate(edition, division, now) or not known:
                self._files.write_target(path, data)
                edition.add(self._files, division, target, now)
        if edition.changed:
            self._publish(edition, now)
        return edition.changed

    def resign(self, now: int, *, force: bool = False) -> bool:
        """Sign anew what has less than half of its life left: the heart-beat of the repository.

        Args:
            now: Unix seconds.
            force: sign snapshot and timestamp anew in any case.

        Returns:
            Whether anything was written.

        Raises:
            TrustMissing: `initialise` first.
            RoleKeyUntrusted: `renew_root` first.
        """
        edition = Edition.load(self._files)
        edition.renew(self._files, now)
        for division in sorted(edition.changed_roles):
            if self._holds(division):
                self._delegate(edition, division, now)
            else:
                # Its key is in other hands; they renew it.
                edition.changed_roles.remove(division)
        edition.snapshot_changed |= force
        due = edition.changed or edition.timestamp_due(now)
        if due:
            self._publish(edition, now)
        return due

    def renew_root(self, now: int) -> bytes:
        """Publish the next root: a new year, and the keys that are active now.

        The root's own key stays: changing it needs both keys' signatures at one time.

        Returns:
            The new root. Verifiers with an older one follow by themselves.

        Raises:
            TrustMissing: `initialise` first.
            RoleKeyUntrusted: the active root key is not the one of the published root.
        """
        edition = Edition.load(self._files)
        published = self._files.root()
        if self._signer(Root.type).public_key.keyid not in published.roles[Root.type].keyids:
            raise RoleKeyUntrusted("the root's own key has changed")
        self._write_root(now, after=published.version)
        edition.targets_changed = edition.snapshot_changed = True
        self._publish(edition, now)
        return self.root()

    def _delegate(self, edition: Edition, division: str, now: int) -> bool:
        """Give a division its role with the key that is active now.

        Returns:
            Whether the delegation is new or has a new key: the role must be signed by it.
        """
        self._ensure_key(division, now)
        key = self._signer(division).public_key
        delegations = edition.targets.delegations
        if delegations is None or delegations.roles is None:
            raise TreeUnreadable("the published targets delegate in a way this release does not")
        known = delegations.roles.get(division)
        if known is not None and known.keyids == [key.keyid]:
            return False
        for keyid in known.keyids if known is not None else ():
            delegations.keys.pop(keyid, None)
        # Terminating: no role further down the list may speak for the same offices.
        delegations.roles[division] = DelegatedRole(
            division, [key.keyid], THRESHOLD, terminating=True, paths=[f"issuers/{division}/*"]
        )
        delegations.keys[key.keyid] = key
        edition.targets_changed = True
        return True

    def _publish(self, edition: Edition, now: int) -> None:
        root = self._files.root()
        for role in ("targets", "snapshot", "timestamp"):
            if self._signer(role).public_key.keyid not in root.roles[role].keyids:
                raise RoleKeyUntrusted(f"the root does not know the active key of {role}")
        edition.publish(self._files, self._signer, now)

    def _write_root(self, now: int, *, after: int) -> None:
        root = Root(expires=expiry(now, ROOT_LIFE), consistent_snapshot=True)
        for role in TOP_LEVEL:
            root.add_key(self._signer(role).public_key, role)
            root.roles[role].threshold = THRESHOLD
        self._files.write(Root.type, root, self._signer(Root.type), after=after)

    def _read(self, role: Targets, path: str) -> bytes | None:
        target = role.targets.get(path)
        return None if target is None else self._files.read_target(target)

    def _signer(self, role: str) -> TufSigner:
        return TufSigner(self._keys.active(self._owner, PURPOSE, role=role))

    def _holds(self, role: str) -> bool:
        try:
            self._signer(role)
        except NoActiveKey:
            return False
        return True

    def _ensure_key(self, role: str, now: int) -> None:
        ensure_active(
            self._keys, issuer_id=self._owner, alg=ALGORITHM, purpose=PURPOSE, role=role, now=now
        )


def _checked(record: IssuerRecord, about: About) -> tuple[str, bytes]:
    """Path and bytes of a record that every verifier will accept."""
    data = record.to_bytes()
    try:
        path = issuer_target(parse_record(data).iss)
    except (Malformed, TrustInvalid) as error:
        raise RecordRefused(str(error)) from error
    if record.uses_loopback and about.env is not Environment.DEMO:
        raise RecordRefused("plain http addresses are for demonstrations")
    return path, data
