"""Changes that wait for officers' signatures: one file in the data folder, replaced whole."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Key, Signature
from tuf.api.metadata import Metadata, Role, Root, Targets

from certsvc.authority.trust_errors import KeyNotInRole, RequestRefused, RequestStale
from certsvc.authority.trust_request import Request, parse_role, read_request
from certsvc.authority.trust_signing import before_of, parts_of, signers_of
from certsvc.authority.trust_words import words_of
from certsvc.home import write_private
from certsvc.publishing.delegations import parents_of
from certsvc.publishing.edition import TOP_LEVEL, Edition
from certsvc.publishing.errors import RoleUnknown
from certsvc.publishing.online import OnlineKeys
from certsvc.publishing.publication import give_version, needs_officers
from certsvc.publishing.roles import OFFLINE_LIFE, TARGETS_LIFE, target_files
from certsvc_sdk.errors import Malformed
from certsvc_sdk.strict import dumps, loads_object
from certsvc_sdk.trust.record import IssuerRecord, parse_record

FOLDER = "trust-staging"
REQUEST = "request.json"
OFFICERS = "officers.json"
_MAX_OFFICERS = 1024 * 1024


class Staging:
    """The staged request of an installation.

    Args:
        home: the data folder.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / FOLDER / REQUEST
        self._officers = home / FOLDER / OFFICERS

    def officers(self) -> dict[str, str]:
        """Names of officers by key id, as their public key files gave them; for the eye only."""
        try:
            data = self._officers.read_bytes()
            found = loads_object(data, max_bytes=_MAX_OFFICERS, what=OFFICERS, max_members=10_000)
        except (OSError, Malformed):
            return {}
        return {keyid: str(name) for keyid, name in found.items()}

    def know(self, officers: Mapping[str, str]) -> dict[str, str]:
        """Keep names beside those known already; returns all."""
        before = self.officers()
        names = {**before, **officers}
        if names != before:
            write_private(self._officers, dumps(names))
        return names

    def load(self) -> Request | None:
        """What waits for signatures, or None.

        Raises:
            RequestMalformed: the file is damaged.
        """
        try:
            return read_request(self.path.read_bytes())
        except FileNotFoundError:
            return None

    def save(self, request: Request | None) -> None:
        """Replace what waits; None: nothing does any more."""
        if request is not None and request.parts:
            write_private(self.path, request.to_bytes())
        elif self.path.exists():
            os.unlink(self.path)

    def overlay(self, edition: Edition) -> Request | None:
        """Put what waits over what is published.

        Raises:
            RequestMalformed: the file is damaged.
        """
        request = self.load()
        if request is None:
            return None
        for name, text in request.parts.items():
            metadata = parse_role(name, text)
            if name == Root.type:
                edition.next_root = metadata
                continue
            edition.drafts[name] = metadata
            edition.fixed.add(name)
            edition.contents[name] = dict(_contents(metadata.signed, request.records))
        return request

    def pending(self, path: str) -> IssuerRecord | None:
        """An issuer's record as it waits for signatures, or None."""
        request = self.load()
        for name, text in ({} if request is None else request.parts).items():
            if request is None or name == Root.type:
                continue
            target = parse_role(name, text).signed.targets.get(path)
            data = None if target is None else request.records.get(target.hashes["sha256"])
            if data is not None:
                return parse_record(data.encode())
        return None


def stage(
    staging: Staging,
    edition: Edition,
    online: OnlineKeys,
    *,
    now: int,
    at_once: bool = False,
    officers: Mapping[str, str] | None = None,
    life: int = OFFLINE_LIFE,
) -> Request:
    """Let an edition's drafts wait for signatures, together with what waits already.

    A role that is changed once more loses the signatures it had: they were given to other words.

    Args:
        staging: where.
        edition: with the staged parts overlaid before it was changed.
        online: the key store's trust keys.
        now: Unix seconds.
        at_once: new rights may begin without the public delay.
        officers: names by key id, for the eye.
        life: seconds for which officers sign.

    Raises:
        RoleKeyUntrusted, SigningFailed: a role that is signed here has no usable key.
    """
    before = staging.load()
    offline = needs_officers(edition, online)
    for name in sorted(edition.drafts.keys() - set(offline) - edition.fixed):
        # Signed here and now, it waits for what officers sign; published meanwhile, it is stale.
        give_version(edition, name, now, TARGETS_LIFE)
        online.sign(name, edition.drafts[name], _role_of(edition, name))
        edition.fixed.add(name)
    for name in offline:
        if name not in edition.fixed:
            give_version(edition, name, now, life)
            edition.fixed.add(name)
    made_at = now
    request = Request(
        made_at=made_at,
        at_once=at_once or (before is not None and before.at_once),
        roots=tuple(_roots(edition)),
        published=dict(_published(edition)),
        parts={name: each.to_bytes().decode() for name, each in parts_of(edition).items()},
        records=_records(edition, {} if before is None else before.records),
        officers=staging.know(officers or {}),
    )
    words = {
        name: words_of(
            name, before_of(edition, name), each.signed, request.records, made_at=made_at
        )
        for name, each in parts_of(edition).items()
    }
    request = replace(request, words=words)
    staging.save(request)
    return request


def _role_of(edition: Edition, name: str) -> Role:
    role = edition.role_keys(name)
    if role is None:
        raise RoleUnknown(f"nobody delegates to {name}")
    return role


def merge(staged: Request, edition: Edition, carried: Iterable[Request]) -> Request:
    """Take the signatures of signed copies over, each checked.

    Args:
        staged: what waits.
        edition: with the staged parts overlaid.
        carried: what officers brought back.

    Raises:
        RequestStale: a copy is of another change than the one that waits.
        KeyNotInRole: it is signed by a key that does not sign this role.
        RequestRefused: a signature is wrong.
    """
    parts = parts_of(edition)
    for request in carried:
        if not request.parts.keys() & parts.keys():
            raise RequestStale("this request was published, withdrawn or replaced meanwhile")
        for name, text in request.parts.items():
            metadata = parse_role(name, text)
            if name not in parts or parts[name].signed_bytes != metadata.signed_bytes:
                raise RequestStale(f"{name} was published or changed meanwhile: sign it anew")
            _take(edition, name, parts[name], metadata)
    return replace(staged, parts={name: each.to_bytes().decode() for name, each in parts.items()})


def _take(edition: Edition, name: str, part: Metadata[Targets], other: Metadata[Targets]) -> None:
    keys = _keys_of(edition, name)
    for keyid, signature in other.signatures.items():
        if keyid not in signers_of(edition, name):
            raise KeyNotInRole(f"{name} is not signed by the key {keyid[:16]}")
        if not _is_good(keys[keyid], signature, part.signed_bytes):
            raise RequestRefused(f"the signature of {keyid[:16]} on {name} is wrong")
        part.signatures[keyid] = signature


def _keys_of(edition: Edition, name: str) -> dict[str, Key]:
    if name in TOP_LEVEL:
        return {**edition.root.signed.keys, **edition.coming_root.keys}
    delegate = edition.delegate(name)
    return {} if delegate is None else {key.keyid: key for key in delegate.keys}


def _is_good(key: Key, signature: Signature, payload: bytes) -> bool:
    try:
        key.verify_signature(signature, payload)
    except (UnverifiedSignatureError, VerificationError):
        return False
    return True


def _roots(edition: Edition) -> Iterator[str]:
    if edition.root is edition.next_root:
        return
    for version in range(1, edition.root.signed.version + 1):
        yield (edition.files.root_bytes(version) or b"").decode()


def _published(edition: Edition) -> Iterator[tuple[str, str]]:
    """The parts as published, and the roles above them."""
    seen: set[str] = set()
    waiting = [name for name in parts_of(edition) if name != Root.type]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        waiting += parents_of(name) if name != Targets.type else ()
        found = edition.published(name)
        if found is not None and edition.is_published(name):
            yield name, found.to_bytes().decode()


def _records(edition: Edition, before: Mapping[str, str]) -> dict[str, str]:
    """Target files that came, changed or went, by hash."""
    found: dict[str, str] = {}
    staged = {d: data for files in edition.contents.values() for d, data in _by_hash(files)}
    for name, draft in edition.drafts.items():
        old = edition.published(name)
        listed = {} if old is None else old.signed.targets
        for path, target in draft.signed.targets.items():
            digest = target.hashes["sha256"]
            if listed.get(path) == target:
                continue
            data = staged.get(digest) or before.get(digest)
            found[digest] = data or edition.files.read_target(target).decode()
            if path in listed:
                former = listed[path].hashes["sha256"]
                found[former] = edition.files.read_target(listed[path]).decode()
    return found


def _by_hash(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    for path, data in files.items():
        yield path.rpartition("/")[2].partition(".")[0], data.decode()


def _contents(targets: Targets, records: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    for path, target in targets.targets.items():
        data = records.get(target.hashes["sha256"])
        if data is not None:
            yield from target_files(path, data.encode())[1].items()
