"""Signs and writes an edition: readers see all of it or nothing, whenever a process dies.

Order: new targets, delegated roles, targets, snapshot. Their files have versions or hashes in their
names and nobody looks for them yet. The timestamp comes last and shows everything at once. A new
root is written behind it, where all of that is good under the old root as well.
"""

from collections.abc import Iterator

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Role, Root, Snapshot, Targets, Timestamp

from certsvc.publishing.delegations import delegate_of, delegates, key_role
from certsvc.publishing.edition import Edition, signed_by
from certsvc.publishing.errors import RoleKeyUntrusted, RoleOffline, TreeUnreadable, VersionTaken
from certsvc.publishing.online import OnlineKeys
from certsvc.publishing.roles import (
    SNAPSHOT_LIFE,
    TARGETS_LIFE,
    TIMESTAMP_LIFE,
    TIMESTAMP_PATH,
    RoleFiles,
    expiry,
    half_spent,
    role_path,
)

# Integers above this differ from reader to reader; no honest publisher counted so far (T46).
MAX_VERSION = 2**53 - 1


def prepare(edition: Edition, online: OnlineKeys, now: int) -> None:
    """Sign what the key store can sign: drafts, and roles whose keys a draft has changed."""
    for name in list(edition.drafts):
        _sign(edition, online, name, now)
    waiting = list(_touched(edition))
    while waiting:
        name = waiting.pop()
        found = edition.metadata(name)
        if found is not None and edition.is_signed(name, found):
            continue
        role = edition.role_keys(name)
        if role is not None and _is_settled(edition, name):
            online.take_over(key_role(name), role, now)
        if role is not None and name not in edition.fixed and online.holds(name, role):
            edition.edit(name, now)
            _sign(edition, online, name, now)
            waiting += [each.name for each in delegates(name, edition.drafts[name].signed)]


def _is_settled(edition: Edition, name: str) -> bool:
    """Whether the draft that delegates to a role has its signatures: only then keys change."""
    delegate = edition.delegate(name)
    draft = None if delegate is None else edition.drafts.get(delegate.parent)
    return delegate is not None and draft is not None and edition.is_signed(delegate.parent, draft)


def blocked(edition: Edition) -> dict[str, str]:
    """Drafts that readers could not follow yet, each with the role whose signatures lack."""
    found: dict[str, str] = {}
    for name, draft in edition.drafts.items():
        if not edition.is_signed(name, draft):
            found[name] = name
            continue
        for each in delegates(name, draft.signed):
            below = edition.metadata(each.name)
            if below is None or not edition.is_signed(each.name, below):
                found[name] = each.name
    if edition.next_root is not None:
        root, old = edition.next_root, edition.root.signed
        targets = edition.metadata(Targets.type)
        first = edition.timestamp is None
        if not signed_by(root.signed, Root.type, root) or not (
            first or signed_by(old, Root.type, root)
        ):
            found[Root.type] = Root.type
        elif targets is None or not edition.is_signed(Targets.type, targets):
            found[Root.type] = Targets.type
    return found


def publish(
    edition: Edition, online: OnlineKeys, now: int, *, fresh_snapshot: bool = False
) -> bool:
    """Sign and write what changed, and the timestamp with it.

    Args:
        edition: goes to readers as a whole.
        online: signs for roles whose keys are here.
        now: Unix seconds; every role that is signed here gets its whole life from here.
        fresh_snapshot: sign snapshot and timestamp anew in any case.

    Returns:
        Whether anything was written.

    Raises:
        RoleOffline: some drafts lack signatures that the key store cannot give.
        RoleKeyUntrusted: readers do not know the active key of snapshot or timestamp.
        VersionTaken: see there.
        SigningFailed: readers keep seeing the state before.
    """
    prepare(edition, online, now)
    lacking = blocked(edition)
    if lacking:
        raise RoleOffline(tuple(sorted(set(lacking.values()))))
    changed = bool(edition.drafts) or edition.next_root is not None
    if not (changed or fresh_snapshot or _is_due(edition, now)):
        return False
    _check_online(edition, online)
    files = dict(_role_files(edition))
    for content in edition.contents.values():
        edition.files.write(content)
    edition.files.write(files)
    timestamp = _timestamp(edition, online, now, snapshot=changed or fresh_snapshot)
    given_up = _given_up(edition)
    _show(edition, timestamp)
    # Last: a crash before leaves the old state, which these keys keep alive.
    online.let_go(given_up, now)
    return True


def _given_up(edition: Edition) -> dict[str, set[str]]:
    """Keys by role that readers know and will not know any more."""
    found: dict[str, set[str]] = {}
    if edition.next_root is not None:
        for name, role in edition.root.signed.roles.items():
            found[name] = set(role.keyids) - set(edition.coming_root.roles[name].keyids)
    for name, draft in edition.drafts.items():
        before = edition.published(name)
        for each in () if before is None else delegates(name, before.signed):
            after = delegate_of(name, draft.signed, each.name)
            kept = set() if after is None else set(after.role.keyids)
            found.setdefault(key_role(each.name), set()).update(set(each.role.keyids) - kept)
    return {name: keys for name, keys in found.items() if keys}


def _sign(edition: Edition, online: OnlineKeys, name: str, now: int) -> None:
    """Sign a draft where the key store holds the role's key; what officers signed stays."""
    role, draft = edition.role_keys(name), edition.drafts[name]
    if role is None or name in edition.fixed or not online.holds(name, role):
        return
    give_version(edition, name, now, TARGETS_LIFE)
    online.sign(name, draft, role)


def give_version(edition: Edition, name: str, now: int, life: int) -> None:
    """Give a draft its version, above what readers see, and its life from now."""
    meta = edition.snapshot.meta.get(f"{name}.json")
    signed = edition.drafts[name].signed
    signed.version = edition.files.free_version(name, 0 if meta is None else meta.version)
    signed.expires = expiry(now, life)


def _touched(edition: Edition) -> Iterator[str]:
    """Roles whose keys may have changed in this edition."""
    if edition.next_root is not None:
        yield Targets.type
    for name, draft in edition.drafts.items():
        yield from (each.name for each in delegates(name, draft.signed))


def _is_due(edition: Edition, now: int) -> bool:
    timestamp = edition.timestamp
    return timestamp is None or half_spent(timestamp.signed, now, TIMESTAMP_LIFE)


def _check_online(edition: Edition, online: OnlineKeys) -> None:
    """Refuse before the first file is written what would fail at the last one."""
    for name in (Snapshot.type, Timestamp.type):
        known = {*edition.root.signed.roles[name].keyids, *edition.coming_root.roles[name].keyids}
        signer = online.signer(name)
        if signer is None or signer.public_key.keyid not in known:
            raise RoleKeyUntrusted(f"readers do not know the active key of {name}")


def _role_files(edition: Edition) -> Iterator[tuple[str, bytes]]:
    """Files of the drafts, the top level last; the snapshot learns of them."""
    for name in sorted(edition.drafts, key=lambda name: (name == Targets.type, name)):
        data = _settled(edition.files, name, edition.drafts[name])
        version = edition.drafts[name].signed.version
        edition.snapshot.meta[f"{name}.json"] = MetaFile.from_data(version, data, ["sha256"])
        yield role_path(name, version), data


def _settled(files: RoleFiles, name: str, draft: Metadata[Targets]) -> bytes:
    """A draft's bytes, or those in which a broken-off publication wrote the same content."""
    data = draft.to_bytes()
    there = files.read(name, draft.signed.version)
    if there is None or there == data:
        return data
    try:
        same = Metadata[Targets].from_bytes(there).signed == draft.signed
    except RepositoryError as error:
        raise TreeUnreadable(f"a file of {name} is damaged") from error
    if not same:
        raise VersionTaken(f"another version {draft.signed.version} of {name} stands there")
    # More signatures than before change nothing; a file with a version never changes.
    return there


def _timestamp(
    edition: Edition, online: OnlineKeys, now: int, *, snapshot: bool
) -> Metadata[Timestamp]:
    """The next timestamp, signed, with its snapshot written where that changed."""
    before = edition.timestamp
    fresh = Timestamp(expires=expiry(now, TIMESTAMP_LIFE)) if before is None else before.signed
    timestamp = Metadata(fresh)
    todo: list[tuple[str, Metadata[Snapshot] | Metadata[Timestamp]]] = []
    next_snapshot = Metadata(edition.snapshot)
    if snapshot:
        after = 0 if before is None else _sane(fresh.snapshot_meta.version)
        edition.snapshot.version = edition.files.free_version(Snapshot.type, after)
        edition.snapshot.expires = expiry(now, SNAPSHOT_LIFE)
        todo.append((Snapshot.type, next_snapshot))
    # With the keys of before first: a retired key signs no more.
    _sign_twice(edition, online, todo, now)
    if snapshot:
        data = next_snapshot.to_bytes()
        version = edition.snapshot.version
        edition.files.write({role_path(Snapshot.type, version): data})
        fresh.snapshot_meta = MetaFile.from_data(version, data, ["sha256"])
    fresh.version = 1 if before is None else _sane(fresh.version) + 1
    fresh.expires = expiry(now, TIMESTAMP_LIFE)
    _sign_twice(edition, online, [(Timestamp.type, timestamp)], now)
    return timestamp


def _sane(version: int) -> int:
    """A version to go on from; after an absurd one readers accept a fresh start by a new key."""
    return version if version < MAX_VERSION else 0


def _sign_twice(
    edition: Edition,
    online: OnlineKeys,
    todo: list[tuple[str, Metadata[Snapshot] | Metadata[Timestamp]]],
    now: int,
) -> None:
    """Sign with the key of before and the key to come, where a new root changes it.

    So the files are good under both roots, and no reader meets a half.
    """
    for name, metadata in todo:
        metadata.signatures.clear()
        old, new = edition.root.signed.roles[name], edition.coming_root.roles[name]
        if edition.next_root is not None and online.holds(name, old):
            online.sign(name, metadata, old, append=True)
        online.take_over(name, new, now)
        online.sign(name, metadata, new, append=True)


def _show(edition: Edition, timestamp: Metadata[Timestamp]) -> None:
    data = timestamp.to_bytes()
    root = edition.next_root
    if root is None:
        edition.files.write({TIMESTAMP_PATH: data})
        return
    old: Root = edition.root.signed
    targets = edition.metadata(Targets.type)
    alone = (
        edition.timestamp is not None
        and targets is not None
        and signed_by(old, Targets.type, targets)
        and signed_by(old, Timestamp.type, timestamp)
        and _good_snapshot(edition, old)
    )
    edition.files.write_root(root.signed.version, root.to_bytes(), data, alone=alone)


def _good_snapshot(edition: Edition, old: Root) -> bool:
    snapshot = edition.files.snapshot(edition.snapshot.version)
    return signed_by(old, Snapshot.type, snapshot)


def needs_officers(edition: Edition, online: OnlineKeys) -> tuple[str, ...]:
    """Drafts for which the key store cannot sign, sorted."""
    roles: dict[str, Role | None] = {name: edition.role_keys(name) for name in edition.drafts}
    return tuple(
        sorted(n for n, role in roles.items() if role is None or not online.holds(n, role))
    )
