"""The offline side: judges a signing request by itself, says what it changes, and signs.

Needs the request and a key store, nothing else: no database, no network, no settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuf.api.metadata import DelegatedRole, Metadata, Root, Snapshot, Targets

from certsvc.authority.trust_errors import KeyNotInRole, RequestExpired, RequestRefused
from certsvc.authority.trust_request import Request, parse_role
from certsvc.authority.trust_words import words_of
from certsvc.publishing.delegations import delegates, in_order, is_role_name, key_role, paths_of
from certsvc.publishing.edition import Edition, signed_by
from certsvc.publishing.online import PURPOSE, TRUST_OWNER
from certsvc.publishing.roles import DAY, RoleFiles, expiry, seconds_left
from certsvc.publishing.signers import TufSigner, is_plain_key, sign
from certsvc.publishing.tree import PublishedTree
from certsvc_sdk.errors import TrustInvalid
from certsvc_sdk.trust.record import parse_record
from keys import KeyStore, State

# Versions grow by one; a crash leaves a few numbers out. A leap would lock verifiers out (T46).
MAX_LEAP = 100
# Nobody promises more than two meetings.
MAX_LIFE = 800 * DAY
# Files are never looked at here: everything is in the request.
_NOWHERE = Path("/dev/null/nowhere")


def examine(request: Request, *, now: int, root: bytes | None = None) -> Edition:
    """Judge a request by what is inside it.

    Args:
        request: as carried here.
        now: Unix seconds by this machine's clock.
        root: a root that this machine knows to be right; None: nothing is pinned.

    Returns:
        The edition it would make: what is published, with the parts as drafts.

    Raises:
        RequestMalformed: metadata that cannot be read.
        RequestRefused: it is not what it says.
        RequestExpired: what would be signed has expired.
    """
    edition = _base(request, root)
    for name, text_of_it in request.parts.items():
        metadata = parse_role(name, text_of_it)
        if name == Root.type:
            edition.next_root = metadata
            if not request.roots:
                edition.root = metadata
        else:
            edition.drafts[name] = metadata
            edition.fixed.add(name)
    if not request.parts:
        raise RequestRefused("nothing would be signed")
    said = {}
    for name, metadata in parts_of(edition).items():
        before = before_of(edition, name)
        _check_part(edition, name, before, metadata, now)
        _check_records(name, before, metadata.signed, request.records)
        said[name] = words_of(
            name, before, metadata.signed, request.records, made_at=request.made_at
        )
    if said != dict(request.words):
        raise RequestRefused("the words in the request are not what it changes")
    # Escape sequences would let a terminal show other words than these.
    shown = "".join(word for lines in said.values() for line in lines for word in line)
    if not shown.replace("\u3000", "").isprintable():
        raise RequestRefused("the words in the request hold control characters")
    return edition


def signers_of(edition: Edition, name: str) -> frozenset[str]:
    """Ids of the keys whose signatures a part takes.

    A root is signed by old and new keys. So may the targets be that go with it: then readers of
    either root can read them, and nobody meets a half.
    """
    role = edition.role_keys(name)
    new = frozenset(() if role is None else role.keyids)
    if edition.next_root is not None and name in (Root.type, Targets.type):
        return new | frozenset(edition.root.signed.roles[name].keyids)
    return new


def sign_request(
    request: Request, store: KeyStore, *, now: int, root: bytes | None = None
) -> tuple[Request, tuple[str, ...]]:
    """Sign every part that keys of this store sign.

    Args:
        request: as carried here.
        store: the officer's key store.
        now: Unix seconds.
        root: see `examine`.

    Returns:
        The request with the signatures, and the roles signed.

    Raises:
        RequestMalformed, RequestRefused, RequestExpired: as `examine`.
        KeyNotInRole: no key of the store signs any of the roles.
        KeysError: the key store refused.
    """
    edition = examine(request, now=now, root=root)
    signable(edition, store)
    parts, signed = dict(request.parts), []
    for signer in signers(store):
        keyid = signer.public_key.keyid
        for name, metadata in parts_of(edition).items():
            if keyid in signers_of(edition, name):
                sign(name, metadata, signer, append=True)
                parts[name] = metadata.to_bytes().decode()
                signed.append(name)
    return replace(request, parts=parts), tuple(dict.fromkeys(signed))


def signable(edition: Edition, store: KeyStore) -> tuple[str, ...]:
    """The parts that keys of this store sign.

    Raises:
        KeyNotInRole: none.
    """
    keyids = {signer.public_key.keyid for signer in signers(store)}
    found = tuple(name for name in parts_of(edition) if keyids & signers_of(edition, name))
    if not found:
        raise KeyNotInRole("none of these roles is signed by a key of this store")
    return found


def signers(store: KeyStore) -> list[TufSigner]:
    """The active trust keys of an officer's store."""
    return [
        TufSigner(store.signer(info.issuer_id, info.kid))
        for info in store.list(TRUST_OWNER)
        if info.purpose == PURPOSE and info.state is State.ACTIVE
    ]


def parts_of(edition: Edition) -> dict[str, Metadata[Any]]:
    """What would be signed, by role, the root first."""
    root = {} if edition.next_root is None else {Root.type: edition.next_root}
    return {**root, **dict(sorted(edition.drafts.items()))}


def before_of(edition: Edition, name: str) -> Root | Targets | None:
    """A role as published, or None; the root of a first ceremony is its own base."""
    if name == Root.type:
        return None if edition.root is edition.next_root else edition.root.signed
    found = edition.published(name)
    return None if found is None else found.signed


def _base(request: Request, pinned: bytes | None) -> Edition:
    """What is published, as far as the request carries it, every signature checked."""
    roots = [parse_role(Root.type, each) for each in request.roots]
    if pinned is not None and pinned.decode("utf-8", "replace") not in request.roots:
        raise RequestRefused("the request does not start from the root that is pinned here")
    for number, root in enumerate(roots):
        before = roots[max(0, number - 1)]
        follows = root.signed.version == number + 1
        if not follows or not all(signed_by(e.signed, Root.type, root) for e in (before, root)):
            raise RequestRefused("the roots do not follow one another")
    if not roots:
        if Root.type not in request.parts or request.published:
            raise RequestRefused("there is no root to start from")
        roots = [parse_role(Root.type, request.parts[Root.type])]
    files = RoleFiles(PublishedTree(_NOWHERE))
    snapshot = Snapshot(expires=expiry(0, 0), meta={})
    edition = Edition(files=files, root=roots[-1], timestamp=None, snapshot=snapshot)
    if not request.roots:
        edition.next_root = roots[-1]
    found = {name: parse_role(name, each) for name, each in request.published.items()}
    edition.remember(found)
    for name, metadata in found.items():
        delegator = edition.coming_root if name == Targets.type else edition.delegator(name)
        # A delegation that ended leaves its role behind; nothing is built upon it.
        if delegator is None or not signed_by(delegator, name, metadata):
            raise RequestRefused(f"the published {name} is not signed by its keys")
    return edition


def _check_part(
    edition: Edition,
    name: str,
    before: Root | Targets | None,
    metadata: Metadata[Any],
    now: int,
) -> None:
    signed = metadata.signed
    if edition.role_keys(name) is None:
        raise RequestRefused(f"nobody delegates to {name}")
    known = 0 if before is None else before.version
    leap = 1 if name == Root.type else MAX_LEAP
    if not known < signed.version <= known + leap:
        raise RequestRefused(f"{name}: version {signed.version} does not follow {known}")
    if seconds_left(signed, now) <= 0:
        raise RequestExpired(f"{name} expired at {signed.expires}; is this machine's clock right?")
    if seconds_left(signed, now) > MAX_LIFE:
        raise RequestRefused(f"{name} would be valid for years")
    if not (_is_plain_root(signed) if isinstance(signed, Root) else _is_plain(name, signed)):
        raise RequestRefused(f"{name} holds what this tool does not write")


def _check_records(
    name: str, before: Root | Targets | None, signed: Root | Targets, records: Mapping[str, str]
) -> None:
    """Whether every office that changes is here to be read, as it was and as it would be."""
    if not isinstance(signed, Targets):
        return
    old = before.targets if isinstance(before, Targets) else {}
    for path, target in signed.targets.items():
        former = old.get(path)
        if former == target or not path.startswith("issuers/"):
            continue
        if former is not None and former.hashes["sha256"] not in records:
            raise RequestRefused(f"{name}: the former record of an office is not in the request")
        try:
            record = parse_record(records.get(target.hashes["sha256"], "").encode())
        except TrustInvalid as error:
            raise RequestRefused(f"{name}: an office's record is missing or damaged") from error
        if path != f"issuers/{record.division}/{record.uscc}.json":
            raise RequestRefused(f"{name}: a record stands at the place of another office")


def _is_plain_root(root: Root) -> bool:
    roles = root.roles.values()
    return (
        root.consistent_snapshot is True
        and not root.unrecognized_fields
        and all(map(is_plain_key, root.keys.values()))
        and all(_is_plain_role(each.keyids, each.threshold, root.keys) for each in roles)
        and not any(each.unrecognized_fields for each in roles)
    )


def _is_plain(name: str, targets: Targets) -> bool:
    """Whether the words say everything: no member, path or key that they pass over."""
    if targets.unrecognized_fields or any(
        each.unrecognized_fields or set(each.hashes) != {"sha256"} or each.path != path
        for path, each in targets.targets.items()
    ):
        return False
    delegations = targets.delegations
    if delegations is None:
        return True
    bins = delegations.succinct_roles
    if bins is not None and (bins.name_prefix != name or key_role(name) != name):
        return False
    return (
        not delegations.unrecognized_fields
        and in_order(targets)
        and all(map(is_plain_key, delegations.keys.values()))
        and all(_is_plain_delegate(each.name, each.role) for each in delegates(name, targets))
        and all(
            _is_plain_role(each.role.keyids, each.role.threshold, delegations.keys)
            for each in delegates(name, targets)
        )
    )


def _is_plain_delegate(name: str, role: Any) -> bool:  # noqa: ANN401 - one of two unrelated kinds
    if role.unrecognized_fields:
        return False
    if not isinstance(role, DelegatedRole):
        return True
    return (
        is_role_name(name)
        and role.paths == paths_of(name)
        and role.terminating
        and role.path_hash_prefixes is None
    )


def _is_plain_role(keyids: Sequence[str], threshold: int, keys: Mapping[str, object]) -> bool:
    return 0 < threshold <= len(set(keyids)) == len(keyids) and set(keyids) <= keys.keys()
