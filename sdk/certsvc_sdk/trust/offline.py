"""Answers from the cached repository, verified again as of the moment it was last seen live.

`tuf.ngclient` refuses an expired timestamp, and rightly so when it fetches. A window without a
line still has to answer, with the age of its data in the verdict; so every signature, version,
length and hash is checked here as of the recorded `verified_at`.
"""

import hashlib
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from certsvc_sdk.errors import Malformed, TrustInvalid, TrustUnavailable
from certsvc_sdk.trust.about import ABOUT_TARGET, About, Environment, parse_about
from certsvc_sdk.trust.record import IssuerRecord, issuer_target, parse_record
from certsvc_sdk.trust.store import Kind, Read, State

if TYPE_CHECKING:
    from tuf.api.metadata import Root, TargetFile, Targets
    from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet

# Roles visited for one look-up (`UpdaterConfig.max_delegations`): country, province, city, county.
MAX_DELEGATIONS = 32
# Timestamps of this system are signed for a day. TUF metadata do not say when they were signed, so
# this long before its end is the latest moment that a timestamp proves by itself.
TIMESTAMP_LIFE = 24 * 3600
ISSUER_FOLDER = "issuers/"
# QR dictionaries that are younger than a release come as targets `dictionaries/<number>.bin`.
DICTIONARY_FOLDER = "dictionaries/"


class CachedTrust:
    """One verified generation of the trust repository. Safe to share by threads.

    Attributes:
        as_of: Unix seconds of the last verification against the live repository.
        expires: Unix seconds after which the data is stale: expiry of the timestamp role.
        env: a demonstration or the real thing.
        base: the published tree's address inside identifiers; ends in `/`.

    Args:
        root: pinned root metadata, the anchor of everything.
        state: which files make up the generation.
        read: gives a file by kind and digest; raises TrustUnavailable.

    Raises:
        TrustUnavailable: a file is missing or altered, or the generation does not verify.
    """

    def __init__(self, *, root: bytes, state: State, read: Read) -> None:
        self._state = state
        self._read = read
        self._lock = threading.Lock()
        self._records: dict[str, IssuerRecord] = {}
        self._answers: dict[str, IssuerRecord] = {}
        self._trusted = _verify(root, state, read)
        self._roles = {("root", "targets"): self._trusted.targets}
        about = self.target(ABOUT_TARGET)
        if about is None:
            raise TrustUnavailable("the trust repository does not say what it is")
        # Attributes and no properties: each check asks for all of them.
        self.as_of = state.verified_at
        self.expires = int(self._trusted.timestamp.expires.timestamp())
        said = _about(about)
        self.env, self.base = said.env, said.base

    @property
    def signed_at(self) -> int:
        """Unix seconds that the timestamp itself proves, whatever clock has seen it."""
        return self.expires - TIMESTAMP_LIFE

    @property
    def version(self) -> int:
        """Version of the timestamp role: grows with every publication."""
        return self._trusted.timestamp.version

    def target(self, path: str) -> bytes | None:
        """A file of the repository.

        Returns:
            Its verified bytes, or None where the verified metadata lists no such target.

        Raises:
            TrustUnavailable: listed but not cached, or in a part that was never fetched.
        """
        with self._lock:
            info = self._find(path)
        if info is None:
            return None
        digest = self._state.targets.get(path)
        if digest is None:
            raise TrustUnavailable(f"{path} was never fetched")
        data = self._read(Kind.TARGET, digest)
        from tuf.api.exceptions import LengthOrHashMismatchError

        try:
            info.verify_length_and_hashes(data)
        except LengthOrHashMismatchError as error:
            raise TrustUnavailable(f"cached {path} is not the listed one") from error
        return data

    def record(self, iss: str) -> IssuerRecord | None:
        """An issuer's record.

        Args:
            iss: as it stands in a token.

        Returns:
            The record, or None where the verified list has no issuer of that identifier.

        Raises:
            TrustUnavailable: the record, or the list it would stand in, was never fetched; or the
                record is signed and still not one this release can accept.
        """
        known = self._answers.get(iss)
        if known is not None:
            return known
        try:
            path = issuer_target(iss)
        except Malformed:
            return None
        try:
            record = self._record_at(path)
        except TrustInvalid as error:
            raise TrustUnavailable(str(error)) from error
        # Another host with the same USCC is another issuer.
        if record is None or not record.answers_to(iss):
            return None
        self._answers[iss] = record  # an issuer's own identifiers only, so strangers fill nothing
        return record

    def issuers(self) -> tuple[IssuerRecord, ...]:
        """Every cached record that can be used, by target path; what offline use can answer for."""
        found: list[IssuerRecord] = []
        for path in sorted(self._state.targets):
            # One damaged record must not hide the others.
            with suppress(TrustUnavailable, TrustInvalid):
                record = self._record_at(path) if path.startswith(ISSUER_FOLDER) else None
                if record is not None:
                    found.append(record)
        return tuple(found)

    def _record_at(self, path: str) -> IssuerRecord | None:
        known = self._records.get(path)
        if known is not None:
            return known
        data = self.target(path)
        if data is None:
            return None
        record = parse_record(data)
        # Who may write one office's place may not speak for an office elsewhere.
        if issuer_target(record.iss) != path:
            raise TrustInvalid("issuer record: it stands in another office's place")
        if record.uses_loopback and self.env is not Environment.DEMO:
            raise TrustInvalid("issuer record: plain http is for demonstrations")
        self._records[path] = record
        return record

    def _find(self, path: str) -> "TargetFile | None":
        """Walk the delegations in pre-order (TUF 5.6.7); the first role that lists it wins."""
        visited: set[str] = set()
        stack: list[tuple[str, str, Targets | Root]] = [("targets", "root", self._trusted.root)]
        while stack and len(visited) <= MAX_DELEGATIONS:
            role, parent, delegator = stack.pop()
            if role in visited:
                continue
            visited.add(role)
            targets = self._role(role, parent, delegator)
            if path in targets.targets:
                return targets.targets[path]
            if targets.delegations is None:
                continue
            children: list[tuple[str, str, Targets | Root]] = []
            for child, terminating in targets.delegations.get_roles_for_target(path):
                children.append((child, role, targets))
                if terminating:
                    stack.clear()
                    break
            stack.extend(reversed(children))
        return None

    def _role(self, role: str, parent: str, delegator: "Targets | Root") -> "Targets":
        from tuf.api.exceptions import RepositoryError

        known = self._roles.get((parent, role))
        if known is not None:
            return known
        digest = self._state.metadata.get(role)
        if digest is None:
            raise TrustUnavailable(f"trust role {role} was never fetched")
        data = self._read(Kind.METADATA, digest)
        try:
            targets = self._trusted.update_delegated_targets(data, role, parent)
            _refuse_twins(delegator, role)
        except (RepositoryError, ValueError) as error:
            raise TrustUnavailable(f"cached trust role {role} does not verify") from error
        self._roles[parent, role] = targets
        return targets


def _verify(root: bytes, state: State, read: Read) -> "TrustedMetadataSet":
    """Load root chain, timestamp, snapshot and top-level targets in TUF's order.

    Raises:
        TrustUnavailable: a file is missing, or something does not verify.
    """
    from tuf.api.exceptions import RepositoryError
    from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
    from tuf.ngclient.config import EnvelopeType

    try:
        trusted = TrustedMetadataSet(root, EnvelopeType.METADATA)
        # The one private attribute this package sets; tests/sdk/test_trust_private.py guards it.
        trusted.reference_time = datetime.fromtimestamp(state.verified_at, UTC)
        for version, digest in sorted(state.roots.items()):
            if version > trusted.root.version:
                trusted.update_root(read(Kind.METADATA, digest))
        trusted.update_timestamp(read(Kind.METADATA, state.metadata["timestamp"]))
        trusted.update_snapshot(read(Kind.METADATA, state.metadata["snapshot"]))
        trusted.update_targets(read(Kind.METADATA, state.metadata["targets"]))
        for role in trusted.root.roles:
            _refuse_twins(trusted.root, role)
    except (RepositoryError, ValueError, KeyError, OverflowError, OSError) as error:
        raise TrustUnavailable("the cached trust data does not verify") from error
    # The state repeats two signed versions; a wrong copy would keep every newer state out.
    if (trusted.root.version, trusted.timestamp.version) != state.generation:
        raise TrustUnavailable("the cached trust data is of another generation than its state says")
    return trusted


def _refuse_twins(delegator: "Root | Targets", role: str) -> None:
    """Refuse a role with one key under two identifiers: it would count as two persons (T49).

    Identifiers are free text (TAP 12), and python-tuf counts them, not the keys.

    Raises:
        ValueError: two of the role's keys are the same.
    """
    keys = [delegator.get_key(keyid) for keyid in delegator.get_delegated_role(role).keyids]
    values = {(key.keytype, str(key.keyval.get("public")).strip().lower()) for key in keys}
    if len(values) != len(keys):
        raise ValueError("one key stands under two identifiers")


def _about(data: bytes) -> About:
    try:
        return parse_about(data)
    except TrustInvalid as error:
        raise TrustUnavailable(str(error)) from error


def digest_of(data: bytes) -> str:
    """SHA-256 in lower-case hex, a file's name in the cache."""
    return hashlib.sha256(data).hexdigest()
