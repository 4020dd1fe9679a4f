"""Creates and maintains the trust repository in the published tree.

Roles root, targets, snapshot and timestamp, and delegated ones by administrative division
(`certsvc.publishing.delegations`). What the key store holds no key for is left to officers.
"""

from collections.abc import Iterable

from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Root, Targets

from certsvc.publishing import delegations
from certsvc.publishing.bins import cut_where_full
from certsvc.publishing.contents import (
    about_of,
    checked_about,
    checked_record,
    fill_first,
    new_root,
)
from certsvc.publishing.edition import TOP_LEVEL, Edition
from certsvc.publishing.errors import (
    RoleKeyUntrusted,
    RoleOffline,
    TreeUnreadable,
    TrustExists,
    TrustMissing,
)
from certsvc.publishing.online import TRUST_OWNER, OnlineKeys
from certsvc.publishing.publication import publish
from certsvc.publishing.roles import (
    SNAPSHOT_LIFE,
    TARGETS_LIFE,
    RoleFiles,
    half_spent,
    role_path,
)
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk.errors import Malformed, TrustInvalid
from certsvc_sdk.trust.about import About
from certsvc_sdk.trust.record import IssuerRecord, issuer_target, parse_record
from keys import KeyStore

# What this installation signs alone needs one signature; officers' roles have thresholds above.
THRESHOLD = 1


class TrustPublisher:
    """Writes the trust repository. One publisher at a time: the caller holds the lease.

    Errors of the key store (`keys.errors.KeysError`) pass through.

    Args:
        tree: where the repository stands.
        keys: holds the trust keys of the roles that are signed online.
        owner: name of the trust keys' owner in the key store.
    """

    def __init__(self, tree: PublishedTree, keys: KeyStore, *, owner: str = TRUST_OWNER) -> None:
        self.files = RoleFiles(tree)
        self._keys = keys
        self._owner = owner

    @property
    def initialised(self) -> bool:
        """Whether readers see a repository."""
        return self.files.exist

    def online(self) -> OnlineKeys:
        """The key store's trust keys, for one operation."""
        return OnlineKeys(self._keys, owner=self._owner)

    def edition(self) -> Edition:
        """What readers see, to be changed and given to `publish`.

        Raises:
            TrustMissing: there is no repository.
            TreeUnreadable: it is damaged, or not signed by its keys.
        """
        self.files.redo()
        return Edition.load(self.files)

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
        data = checked_about(about)
        online = self.online()
        keys = {name: online.ensure(name, now) for name in TOP_LEVEL}
        if not self.files.root_version():
            root = Metadata(new_root({name: ([key], THRESHOLD) for name, key in keys.items()}, now))
            online.sign(Root.type, root, root.signed.roles[Root.type])
            self.files.write({role_path(Root.type, 1): root.to_bytes()})
        edition = Edition.first(self.files, self.files.root(), now)
        fill_first(edition, data, now)
        publish(edition, online, now)
        return self.root()

    def root(self) -> bytes:
        """The newest root.

        Raises:
            TrustMissing: there is none.
        """
        data = self.files.root_bytes()
        if data is None:
            raise TrustMissing("no trust root has been made yet")
        return data

    def about(self) -> About:
        """What the repository says of itself.

        Raises:
            TrustMissing: there is no repository.
            TreeUnreadable: it is damaged.
        """
        return about_of(Edition.load(self.files))

    def record(self, iss: str) -> IssuerRecord | None:
        """An issuer's record as published, or None.

        Raises:
            TrustMissing, TreeUnreadable: as `about`.
        """
        try:
            path = issuer_target(iss)
        except Malformed:
            return None
        found = Edition.load(self.files).find(path)
        try:
            record = None if found is None else parse_record(self.files.read_target(found[1]))
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
            RoleOffline: officers have to sign; nothing is published then.
            RoleKeyUntrusted: `renew_root` first.
        """
        edition, online = self.edition(), self.online()
        self.put(edition, online, records, now)
        return bool(edition.drafts) and publish(edition, online, now)

    def put(
        self, edition: Edition, online: OnlineKeys, records: Iterable[IssuerRecord], now: int
    ) -> None:
        """List records in an edition, each in the role that readers look in.

        Raises:
            RecordRefused, RoleOffline, RoleKeyUntrusted: as `publish_records`.
        """
        about = about_of(edition)
        touched: set[str] = set()
        for path, data in [checked_record(record, about) for record in records]:
            name = edition.owner_of(path)
            division = path.split("/")[1]
            if name in (Targets.type, division):
                name = division
                self.delegate_online(edition, online, division, now)
            if edition.list_target(name, path, data, now):
                touched.add(name)
        cut_where_full(edition, touched, now)

    def resign(self, now: int, *, force: bool = False) -> bool:
        """Sign anew what has less than half of its life left: the heart-beat of the repository.

        Roles whose keys are in other hands are left alone; they renew them.

        Args:
            now: Unix seconds.
            force: sign snapshot and timestamp anew in any case.

        Returns:
            Whether anything was written.

        Raises:
            TrustMissing: `initialise` first.
            RoleKeyUntrusted: `renew_root` first.
        """
        edition, online = self.edition(), self.online()
        self.retire_former(edition, online, now)
        for _, each in list(edition.walk()):
            role = edition.role(each.name)
            if role is None or not half_spent(role, now, TARGETS_LIFE):
                continue
            if each.parent == Targets.type and online.signer(each.name) is not None:
                self.delegate_online(edition, online, each.name, now)
            delegate = edition.delegate(each.name)
            if delegate is not None and online.holds(each.name, delegate.role):
                edition.edit(each.name, now)
        self._renew_targets(edition, online, now)
        force |= half_spent(edition.snapshot, now, SNAPSHOT_LIFE)
        return publish(edition, online, now, fresh_snapshot=force)

    def _renew_targets(self, edition: Edition, online: OnlineKeys, now: int) -> None:
        targets, role = edition.role(Targets.type), edition.coming_root.roles[Targets.type]
        if targets is None or not half_spent(targets, now, TARGETS_LIFE):
            return
        # A key of this store that the root does not know is a fault; no key, or one that a former
        # root knew, is officers' matter.
        if self._is_ours(edition, online):
            online.required(Targets.type, role)
        if online.holds(Targets.type, role):
            edition.edit(Targets.type, now)

    def retire_former(self, edition: Edition, online: OnlineKeys, now: int) -> tuple[str, ...]:
        """Retire what still could sign after officers had taken root or targets over.

        Publication itself does it; this makes good for a crash, or a store that was read only.

        Returns:
            Ids of the keys in the key store.
        """
        former = {name: edition.former_keys(name) for name in (Root.type, Targets.type)}
        return online.let_go({name: keys for name, keys in former.items() if keys}, now)

    def _is_ours(self, edition: Edition, online: OnlineKeys) -> bool:
        """Whether this store is meant to sign for the targets."""
        signer, former = online.signer(Targets.type), edition.former_keys(Targets.type)
        return signer is not None and signer.public_key.keyid not in former

    def renew_root(self, now: int) -> bytes:
        """Publish the next root: a new year, and the keys that are active now.

        The root's own key stays: changing it needs both keys' signatures at one time.

        Returns:
            The new root. Verifiers with an older one follow by themselves.

        Raises:
            TrustMissing: `initialise` first.
            RoleKeyUntrusted: the active root key is not the one of the published root.
        """
        edition, online = self.edition(), self.online()
        before = edition.root.signed
        signer = online.required(Root.type, before.roles[Root.type])
        roles = {name: ([_active(online, name)], THRESHOLD) for name in TOP_LEVEL[1:]}
        root = new_root({Root.type: ([signer.public_key], THRESHOLD), **roles}, now)
        root.version = before.version + 1
        edition.next_root = Metadata(root)
        online.sign(Root.type, edition.next_root, root.roles[Root.type])
        edition.edit(Targets.type, now)
        publish(edition, online, now)
        return self.root()

    def delegate_online(
        self, edition: Edition, online: OnlineKeys, division: str, now: int
    ) -> None:
        """Give a division straight under the top its role, with the key that is active now.

        Raises:
            RoleOffline: the top is signed by officers, and does not delegate to it so.
        """
        delegate = edition.delegate(division)
        if delegate is not None:
            signer = online.signer(division)
            # Another key than the delegation's: it was rotated here, or officers hold the role.
            if signer is None or signer.public_key.keyid in delegate.role.keyids:
                return
            if delegate.parent != Targets.type or delegate.role.threshold != THRESHOLD:
                return
        targets = edition.coming_root.roles[Targets.type]
        if not online.holds(Targets.type, targets):
            if self._is_ours(edition, online):
                raise RoleKeyUntrusted("the root does not know the active key of targets")
            raise RoleOffline((Targets.type,))
        key = online.ensure(division, now)
        delegations.add(edition.edit(Targets.type, now), division, [key], THRESHOLD)
        edition.edit(division, now)


def _active(online: OnlineKeys, name: str) -> Key:
    signer = online.signer(name)
    if signer is None:
        raise RoleKeyUntrusted(f"there is no active key for {name}")
    return signer.public_key
