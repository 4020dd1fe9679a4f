"""A trust repository of a whole country, signed with python-tuf alone.

What no publisher of ours would sign can be signed with it too, so the attacks are tried on it.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Key,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    SuccinctRoles,
    TargetFile,
    Targets,
    Timestamp,
)

from certsvc_sdk.trust.about import ABOUT_TARGET, About, Environment
from certsvc_sdk.trust.record import IssuerRecord

DAY = 86_400
BASE = "https://certs.example/"
LIFE = {"root": 365 * DAY, "targets": 90 * DAY, "snapshot": 7 * DAY, "timestamp": DAY}
Role = TypeVar("Role", Root, Snapshot, Targets, Timestamp)
_TOP = ("root", "targets", "snapshot", "timestamp")


class Forest:
    """Signs roles into the folder of a published tree.

    Attributes:
        folder: the tree.
        now: Unix seconds of the next publication.
        root: the newest root; `pinned` are the bytes of the first.
        roles: content of `targets` and of every delegated role, by name.
        signers: keys by role; of bins by their prefix.
        snapshot: the newest snapshot.
        timestamp: the newest timestamp.
    """

    def __init__(
        self, folder: Path, now: int, *, env: Environment = Environment.PRODUCTION
    ) -> None:
        self.folder = folder
        self.now = now
        self.roles: dict[str, Targets] = {"targets": _unsigned(Targets())}
        self.signers = {role: [CryptoSigner.generate_ed25519()] for role in _TOP}
        self.snapshot = _unsigned(Snapshot(meta={}))
        self.timestamp = _unsigned(Timestamp(snapshot_meta=MetaFile(1)))
        self.root = _unsigned(Root(consistent_snapshot=True))
        self._bins: dict[str, SuccinctRoles] = {}
        self._holder: dict[str, str] = {}
        self._changed = {"targets"}
        for role in _TOP:
            self.root.add_key(self.signers[role][0].public_key, role)
        self.pinned = self.write_root()
        self.put(ABOUT_TARGET, About(env=env, base=BASE).to_bytes())

    def delegate(
        self, parent: str, role: str, *patterns: str, keys: int = 1, threshold: int = 1
    ) -> None:
        """Let a new role speak for the paths of some patterns, after those named before."""
        made = [CryptoSigner.generate_ed25519() for _ in range(keys)]
        delegations = self._delegations(parent)
        assert delegations.roles is not None
        delegations.roles[role] = DelegatedRole(role, [], threshold, True, [*patterns])
        for signer in made:
            self.roles[parent].add_key(signer.public_key, role)
        self.signers[role] = made
        self.roles[role] = _unsigned(Targets())
        self._changed |= {parent, role}

    def bins(self, parent: str, prefix: str, bit_length: int) -> None:
        """Let hash bins (TAP 15) speak for all that a role speaks for."""
        signer = CryptoSigner.generate_ed25519()
        bins = SuccinctRoles([signer.public_key.keyid], 1, bit_length, prefix)
        keys: dict[str, Key] = {signer.public_key.keyid: signer.public_key}
        self.roles[parent].delegations = Delegations(keys, succinct_roles=bins)
        self.signers[prefix], self._bins[parent] = [signer], bins
        for name in bins.get_roles():
            self.roles[name], self._holder[name] = _unsigned(Targets()), prefix
            self._changed.add(name)
        self._changed.add(parent)

    def put(self, path: str, data: bytes, role: str | None = None) -> None:
        """List a target where the delegations lead to, or in a role of one's own choice."""
        holder = self._role_of(path) if role is None else role
        self.roles[holder].targets[path] = TargetFile.from_data(path, data, ["sha256"])
        folder, slash, name = path.rpartition("/")
        digest = hashlib.sha256(data).hexdigest()
        self.write(f"trust/targets/{folder}{slash}{digest}.{name}", data)
        self._changed.add(holder)

    def touch(self, *roles: str) -> None:
        """Sign these roles anew with the next publication."""
        self._changed |= {*roles}

    def publish(self, now: int | None = None) -> None:
        """Sign what changed, and snapshot and timestamp."""
        self.now = self.now if now is None else now
        for role in sorted(self._changed):
            self.roles[role].version += 1
            self.snapshot.meta[f"{role}.json"] = self.write_role(role)
        self._changed = set()
        self.publish_snapshot()

    def write_role(
        self, role: str, signers: Collection[CryptoSigner] | None = None, *, name: str | None = None
    ) -> MetaFile:
        """Sign a role as it is, by its own keys or others, under its name or another."""
        targets = self.roles[role]
        targets.expires = self._end("targets")
        data = self.sign(targets, self.keys_of(role) if signers is None else signers)
        self.write(f"trust/metadata/{targets.version}.{name or role}.json", data)
        return MetaFile.from_data(targets.version, data, ["sha256"])

    def publish_snapshot(self) -> None:
        """Sign snapshot and timestamp."""
        self.snapshot.version += 1
        self.snapshot.expires = self._end("snapshot")
        data = self.sign(self.snapshot, self.signers["snapshot"])
        self.write(f"trust/metadata/{self.snapshot.version}.snapshot.json", data)
        version = self.snapshot.version
        self.timestamp.snapshot_meta = MetaFile.from_data(version, data, ["sha256"])
        self.publish_timestamp()

    def publish_timestamp(self) -> None:
        """Sign the timestamp."""
        self.timestamp.version += 1
        self.timestamp.expires = self._end("timestamp")
        data = self.sign(self.timestamp, self.signers["timestamp"])
        self.write("trust/metadata/timestamp.json", data)

    def write_root(self, signers: Iterable[CryptoSigner] = ()) -> bytes:
        """Sign the next root by its keys, and by others beside."""
        self.root.version += 1
        self.root.expires = self._end("root")
        both = {one.public_key.keyid: one for one in (*signers, *self.signers["root"])}
        data = self.sign(self.root, both.values())
        self.write(f"trust/metadata/{self.root.version}.root.json", data)
        return data

    def replace_keys(self, *roles: str) -> None:
        """Give top-level roles new keys, in a next root that the old and the new ones sign."""
        former = list(self.signers["root"])
        for role in roles:
            for signer in self.signers[role]:
                self.root.revoke_key(signer.public_key.keyid, role)
            self.signers[role] = [CryptoSigner.generate_ed25519()]
            self.root.add_key(self.signers[role][0].public_key, role)
        self.write_root(former)

    def keys_of(self, role: str) -> list[CryptoSigner]:
        """The keys that sign a role; bins share theirs."""
        return self.signers[self._holder.get(role, role)]

    def sign(self, signed: Any, signers: Iterable[CryptoSigner]) -> bytes:  # noqa: ANN401
        """The bytes of a role."""
        metadata = Metadata(signed)
        for signer in signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Write a file of the tree."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def _delegations(self, role: str) -> Delegations:
        found = self.roles[role].delegations
        if found is None:
            found = self.roles[role].delegations = Delegations({}, {})
        return found

    def _role_of(self, path: str) -> str:
        role = "targets"
        while True:
            delegations = self.roles[role].delegations
            found = () if delegations is None else delegations.get_roles_for_target(path)
            child = next(iter(found), None)
            if child is None:
                return role
            role = child[0]

    def _end(self, role: str) -> datetime:
        return datetime.fromtimestamp(self.now + LIFE[role], UTC)


def _unsigned(role: Role) -> Role:
    role.version = 0  # counted up before it is signed
    return role


def offices(division: str, count: int) -> Iterator[str]:
    """Codes of that many offices of a division."""
    return (f"12{division}{number:09}X" for number in range(count))


def country(forest: Forest, pattern: IssuerRecord, *, issuers: int, bit_length: int = 9) -> None:
    """Publish a province with most issuers in hash bins, and a city with a county below it.

    Args:
        forest: empty but for what every repository has.
        pattern: a record whose keys and rights all the others get too.
        issuers: how many, at least 20.
        bit_length: 2 to this power are the bins.
    """
    forest.delegate("targets", "33", "issuers/33*/*")
    forest.delegate("33", "3301", "issuers/3301*/*")
    forest.delegate("3301", "330106", "issuers/330106/*")
    forest.delegate("3301", "3301-own", "issuers/330100/*")
    forest.delegate("33", "33-own", "issuers/330000/*")
    forest.bins("33-own", "33-own-bin", bit_length)
    for division, count in (("330106", 10), ("330100", 10), ("330000", issuers - 20)):
        for uscc in offices(division, count):
            data = record_of(pattern, uscc).to_bytes()
            forest.put(f"issuers/{division}/{uscc}.json", data)
    forest.publish()


def record_of(pattern: IssuerRecord, uscc: str) -> IssuerRecord:
    """The record of another office with the same keys and rights."""
    division = uscc[2:8]
    return replace(
        pattern,
        iss=f"{BASE}i/{uscc}",
        uscc=uscc,
        division=division,
        rights=tuple(replace(right, division=division) for right in pattern.rights),
        status_prefix=f"{BASE}status/{uscc}/",
        status_aggregation=f"{BASE}status/{uscc}/lists.json",
    )
