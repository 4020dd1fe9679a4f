"""Changes of the trust tree: first ceremony, delegations, root keys, renewal, removal.

Every change is published at once where the key store can sign all of it, else staged for officers.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

from certsvc.authority.officers import OfficerKey
from certsvc.authority.records import Outcome
from certsvc.authority.trust_errors import ChangeRefused
from certsvc.authority.trust_publishing import pin_root
from certsvc.authority.trust_staging import Staging, stage
from certsvc.authority.world import Authority, keep_record
from certsvc.publishing import delegations
from certsvc.publishing.contents import checked_about, fill_first, new_root
from certsvc.publishing.edition import TOP_LEVEL, Edition, signed_by
from certsvc.publishing.errors import RoleRefused, RoleUnknown, TrustExists
from certsvc.publishing.online import OnlineKeys
from certsvc.publishing.publication import needs_officers, publish
from certsvc.publishing.roles import OFFLINE_LIFE, ROOT_LIFE, expiry
from certsvc.service.engine import writing
from certsvc.storage.errors import IssuerUnknown
from certsvc.storage.issuers import Issuers
from certsvc_sdk.trust.about import About
from certsvc_sdk.trust.record import parse_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders:
    """Who signs for a role: officers' keys and how many of them; none: the key store alone."""

    keys: tuple[OfficerKey, ...] = ()
    threshold: int = 1

    def checked(self) -> "Holders":
        """Itself.

        Raises:
            RoleRefused: the threshold cannot be reached, or one key stands there twice.
        """
        count = len({each.key.keyid for each in self.keys})
        if count != len(self.keys):
            raise RoleRefused("the same key is given twice; it would count once")
        if not 0 < self.threshold <= max(1, count):
            raise RoleRefused(f"{self.threshold} signatures of {count} keys cannot be had")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class RootChange:
    """What a new root changes; None: stays. No change at all is a renewal."""

    root: Holders | None = None
    targets: Holders | None = None
    online: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of a change: published, or staged for the officers of these roles.

    `retired` are online keys that sign no more because officers do; `kept` those that a store
    read only has kept active.
    """

    outcome: Outcome
    roles: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    retired: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def begin(
    authority: Authority, about: About, root: Holders, targets: Holders, *, now: int
) -> Change:
    """The first ceremony: a repository of which readers see nothing before officers signed it.

    Raises:
        TrustExists: readers see a repository already.
        RoleRefused: thresholds that cannot be reached.
        RecordRefused: verifiers would refuse `about`.
    """
    if authority.trust.initialised:
        raise TrustExists("the tree holds a trust repository already")
    data, online = checked_about(about), authority.trust.online()
    roles: dict[str, tuple[list[Key], int]] = {
        name: ([online.ensure(name, now)], 1) for name in (Snapshot.type, Timestamp.type)
    }
    for name, holders in ((Root.type, root), (Targets.type, targets)):
        roles[name] = _keys(online, name, holders.checked(), now), holders.threshold
    first = Metadata(new_root({name: roles[name] for name in TOP_LEVEL}, now))
    edition = Edition.first(authority.trust.files, first, now)
    edition.next_root = first
    fill_first(edition, data, now)
    if online.holds(Root.type, first.signed.roles[Root.type]):
        online.sign(Root.type, first, first.signed.roles[Root.type])
    Staging(authority.settings.home).save(None)
    return _finish(authority, edition, online, _names(root, targets), now=now)


def delegate(
    authority: Authority, name: str, holders: Holders, *, now: int, new_key: bool = False
) -> Change:
    """Delegate to a role, or give a delegated one other keys.

    Args:
        authority: the installation, opened to write.
        name: the role.
        holders: who signs for it.
        now: Unix seconds.
        new_key: the key store signs with another key than before, from publication on.

    Raises:
        RoleRefused: no such role can be, or its place is taken.
        TrustMissing: no repository.
    """
    if not delegations.is_role_name(name):
        raise RoleRefused(f"{name!r}: two, four or six digits of GB/T 2260, or one with -own")
    edition, online = _open(authority)
    before = edition.delegate(name)
    parent = next((each for each in delegations.parents_of(name) if _exists(edition, each)), None)
    if before is not None:
        parent = before.parent
    if parent is None:
        raise RoleUnknown(f"delegate {delegations.parents_of(name)[0]} first")
    above = edition.role(parent)
    if above is not None and above.delegations is not None and above.delegations.succinct_roles:
        raise RoleRefused(f"{parent} is cut into bins and cannot delegate further")
    keys = _keys(online, name, holders.checked(), now)
    if new_key and not holders.keys:
        keys = [online.successor(name, now)]
    delegations.add(edition.edit(parent, now), name, keys, holders.threshold)
    moved = _move_down(edition, parent, name, now)
    # Its officers sign its first content, or what it says already, with the keys of now.
    if holders.keys and (before is None or set(before.role.keyids) != {k.keyid for k in keys}):
        edition.edit(name, now)
    elif moved and not online.holds(Targets.type, edition.coming_root.roles[Targets.type]):
        raise RoleRefused(f"{moved} offices stand in {parent}: give {name} officers' keys")
    return _finish(authority, edition, online, _names(holders), now=now)


def undelegate(authority: Authority, name: str, *, now: int) -> Change:
    """Take a delegation back: nothing that role says is believed any more.

    Raises:
        RoleUnknown: nobody delegates to it.
    """
    edition, online = _open(authority)
    before = edition.delegate(name)
    if before is None or not isinstance(name, str) or delegations.key_role(name) != name:
        raise RoleUnknown(f"nobody delegates to {name}")
    below = [each.name for _, each in edition.walk(name)]
    delegations.remove(edition.edit(before.parent, now), name)
    for gone in (name, *below):
        edition.drafts.pop(gone, None)
        edition.contents.pop(gone, None)
        edition.fixed.discard(gone)
    return _finish(authority, edition, online, {}, now=now)


def rotate_root(authority: Authority, change: RootChange, *, now: int) -> Change:
    """A new root: other keys, or another year. Old and new keys both sign it.

    Raises:
        RoleRefused: thresholds that cannot be reached.
        TrustMissing: no repository.
    """
    edition, online = _open(authority)
    before = edition.root.signed
    roles = {
        name: ([before.keys[each] for each in role.keyids], role.threshold)
        for name, role in before.roles.items()
    }
    for name, holders in ((Root.type, change.root), (Targets.type, change.targets)):
        if holders is not None:
            roles[name] = _keys(online, name, holders.checked(), now), holders.threshold
    if change.online:
        for name in (Snapshot.type, Timestamp.type):
            roles[name] = [online.successor(name, now)], 1
    root = Metadata(new_root({name: roles[name] for name in TOP_LEVEL}, now))
    root.signed.version = before.version + 1
    root.signed.expires = expiry(now, ROOT_LIFE)
    edition.next_root = root
    if online.holds(Root.type, before.roles[Root.type]):
        online.sign(Root.type, root, before.roles[Root.type])
    if change.targets is not None:
        edition.edit(Targets.type, now)
    names = _names(*(each for each in (change.root, change.targets) if each is not None))
    return _finish(authority, edition, online, names, now=now)


def renew(authority: Authority, names: Sequence[str], *, now: int) -> Change:
    """New versions of officers' roles that say the same, valid for another year.

    Raises:
        RoleUnknown: there is no such role.
    """
    edition, online = _open(authority)
    for name in names:
        if edition.role(name) is None or edition.role_keys(name) is None:
            raise RoleUnknown(f"there is no role {name}; the root is renewed by rotate-root")
        edition.edit(name, now)
        for _, each in edition.walk(name):
            if delegations.key_role(each.name) != each.name:
                edition.edit(each.name, now)
    return _finish(authority, edition, online, {}, now=now)


def remove_issuer(authority: Authority, path: str, *, now: int) -> Change:
    """Take an issuer out of the list: nothing it signed is believed any more.

    It loses its rights here first, so that it stops issuing before anybody has signed, and so that
    a later publication of its keys lists it without any.

    Raises:
        ChangeRefused: it is not in the list.
    """
    edition, online = _open(authority)
    found = edition.find(path)
    if found is None:
        raise ChangeRefused(f"{path} is not in the list")
    uscc = path.rpartition("/")[2].removesuffix(".json")
    with writing(authority.engine) as connection, suppress(IssuerUnknown):
        issuers = Issuers(connection)
        record = parse_record(issuers.get(uscc).record.encode())
        keep_record(issuers, replace(record, rights=()), now=now)
    edition.edit(found[0], now).targets.pop(path)
    return _finish(authority, edition, online, {}, now=now)


def _open(authority: Authority) -> tuple[Edition, OnlineKeys]:
    edition = authority.trust.edition()
    Staging(authority.settings.home).overlay(edition)
    return edition, authority.trust.online()


def _finish(
    authority: Authority,
    edition: Edition,
    online: OnlineKeys,
    names: Mapping[str, str],
    *,
    now: int,
) -> Change:
    staging = Staging(authority.settings.home)
    offline = needs_officers(edition, online)
    root = edition.next_root
    signed = root is None or _has_enough(edition, root)
    if not offline and signed:
        publish(edition, online, now)
        pin_root(authority)
        return Change(
            outcome=Outcome.PUBLISHED, retired=tuple(online.retired), kept=tuple(online.kept)
        )
    stage(staging, edition, online, now=now, officers=names, life=OFFLINE_LIFE)
    roles = ((Root.type,) if root is not None and not signed else ()) + offline
    return Change(outcome=Outcome.STAGED, roles=roles, names=names)


def _has_enough(edition: Edition, root: Metadata[Root]) -> bool:
    old = edition.root.signed
    return signed_by(root.signed, Root.type, root) and signed_by(old, Root.type, root)


def _exists(edition: Edition, name: str) -> bool:
    return name == Targets.type or edition.delegate(name) is not None


def _keys(online: OnlineKeys, name: str, holders: Holders, now: int) -> list[Key]:
    if holders.keys:
        return [each.key for each in holders.keys]
    return [online.ensure(name, now)]


def _names(*holders: Holders) -> dict[str, str]:
    return {each.key.keyid: each.name for some in holders for each in some.keys}


def _move_down(edition: Edition, parent: str, name: str, now: int) -> int:
    """Offices that the delegating role listed itself go to the role that now speaks for them."""
    above = edition.role(parent)
    moved = [] if above is None else delegations.matching(above.targets.values(), name)
    for target in moved:
        del edition.edit(parent, now).targets[target.path]
        owner = edition.owner_of(target.path)
        edition.edit(owner, now).targets[target.path] = target
    if moved:
        staged = edition.contents.get(parent, {})
        edition.contents.setdefault(name, {}).update(staged)
    return len(moved)
