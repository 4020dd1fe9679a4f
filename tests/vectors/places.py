"""Folders in which a vector's world stands as a reader finds it: trust cache, root, served lists.

`conftest.py` loads this module, and `replay` before it.
"""

import hashlib
import itertools
import json
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import replay
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from certsvc_sdk.client import Verifier
from certsvc_sdk.trust.about import About, Environment

DAY = 86_400
ROLES = ("root", "targets", "issuers", "snapshot", "timestamp")


class Clock:
    """Unix seconds that a vector sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Publisher:
    """Publishes a vector's trust data as a TUF repository."""

    def __init__(self) -> None:
        self.signers = {role: CryptoSigner.generate_ed25519() for role in ROLES}

    def publish(self, tree: Path, world: dict[str, Any]) -> bytes:
        """Write the repository of a world; gives the pinned root."""
        trust = world["trust"]
        ends = _utc(max(trust["expires"], trust["as_of"]) + 3650 * DAY)
        root = Root(version=1, expires=ends, consistent_snapshot=True)
        for role in ("root", "targets", "snapshot", "timestamp"):
            root.add_key(self.signers[role].public_key, role)
        about = About(env=Environment(world["environment"]), base=world["base"])
        top, delegated = Targets(expires=ends), Targets(expires=ends)
        top.targets["about.json"] = _target(tree, "about.json", about.to_bytes())
        for path, value in world["records"].items():
            text = b"{}" if replay.is_unfetched(value) else replay.record_text(value)
            delegated.targets[path] = _target(tree, path, text)
        key = self.signers["issuers"].public_key
        role = DelegatedRole("issuers", [key.keyid], 1, True, paths=["issuers/*/*"])
        top.delegations = Delegations({key.keyid: key}, {"issuers": role})
        snapshot = Snapshot(expires=ends)
        snapshot.meta = {"targets.json": MetaFile(1), "issuers.json": MetaFile(1)}
        timestamp = Timestamp(expires=_utc(trust["expires"]), snapshot_meta=MetaFile(1))
        for name, content, file in (
            ("issuers", delegated, "1.issuers.json"),
            ("targets", top, "1.targets.json"),
            ("snapshot", snapshot, "1.snapshot.json"),
            ("timestamp", timestamp, "timestamp.json"),
        ):
            _write(tree / "trust" / "metadata" / file, self._signed(content, name))
        pinned = self._signed(root, "root")
        _write(tree / "trust" / "metadata" / "1.root.json", pinned)
        return pinned

    def _signed(self, content: Any, role: str) -> bytes:
        metadata = Metadata(content)
        metadata.sign(self.signers[role])
        return metadata.to_bytes()


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _target(tree: Path, path: str, data: bytes) -> TargetFile:
    folder, _, name = path.rpartition("/")
    digest = hashlib.sha256(data).hexdigest()
    _write(tree / "trust" / "targets" / folder / f"{digest}.{name}", data)
    return TargetFile.from_data(path, data, ["sha256"])


@dataclass
class Place:
    """A folder with a fetched trust cache, the pinned root, and status lists to be served."""

    root: bytes
    cache: Path
    served: Path
    base: str
    log: dict[str, Any] = field(default_factory=dict)
    now_served: dict[str, Any] | None = None

    @property
    def url(self) -> str:
        """Where the lists are read; there is no trust data to renew."""
        return self.served.as_uri() + "/"

    def serve(self, lists: dict[str, Any]) -> None:
        """Serve exactly these lists."""
        if lists == self.now_served:
            return
        self.now_served = lists
        shutil.rmtree(self.served, ignore_errors=True)
        self.served.mkdir(parents=True)
        for uri, text in (lists | self.log).items():
            name = uri.removeprefix(self.base)
            # What lies elsewhere or has no file name must not be asked for at all.
            if name != uri and text is not None and _is_file(name):
                _write(self.served / name, replay.joined(text).encode("utf-8", "surrogatepass"))


def _is_file(name: str) -> bool:
    # A list lies two folders deep; a shorter name would stand where a folder must.
    return (
        name.count("/") > 1
        and not name.endswith("/")
        and len(name) < 200
        and name.isprintable()
        and ".." not in name
    )


class Worlds:
    """Makes places; the trust data of each distinct world is fetched once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.publisher = Publisher()
        self.fetched: dict[str, tuple[bytes, Path]] = {}
        self.numbers = itertools.count()

    def place(self, vector: Any) -> Place:
        """A place of its own for a vector."""
        world = vector.world
        parts = [world[name] for name in ("environment", "base", "trust", "records")]
        key = json.dumps(parts, sort_keys=True)
        if key not in self.fetched:
            self.fetched[key] = self._fetch(world)
        root, cache = self.fetched[key]
        here = self.folder / f"place-{next(self.numbers)}"
        shutil.copytree(cache, here / "cache")
        return Place(root, here / "cache", here / "served", world["base"], world["log"])

    def _fetch(self, world: dict[str, Any]) -> tuple[bytes, Path]:
        here = self.folder / f"world-{len(self.fetched)}"
        cache = here / "cache"
        cache.mkdir(parents=True)
        if world["trust"] is None:
            with_trust = world | {"trust": {"as_of": 0, "expires": 1}}
            return self.publisher.publish(here / "tree", with_trust), cache
        root = self.publisher.publish(here / "tree", world)
        url, clock = (here / "tree").as_uri() + "/", Clock()
        clock.now = world["trust"]["as_of"]
        verifier = Verifier.from_root(root, url=url, cache_dir=cache, clock=clock)
        for path, value in world["records"].items():
            if not replay.is_unfetched(value):
                verifier.check(_asking_for(path.rpartition("/")[2].removesuffix(".json")))
        assert verifier.trust_state() is not None
        return root, cache


def _asking_for(uscc: str) -> str:
    """A text that makes a verifier fetch an office's record and nothing else."""
    header = {"alg": "ES256", "typ": "dc+sd-jwt", "kid": "x"}
    claims = {"vct": "x", "certificate_identifier": "x", "iat": 0}
    payload = {"iss": f"https://anywhere.example/i/{uscc}", **claims}
    return ".".join((_part(header), _part(payload), "")) + "~"


def _part(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _shared(vector: Any) -> str | None:
    """What vectors have in common that may use one reader: none of them leaves a trace in it."""
    if vector.content.keys() & {"before", "nonces", "codes"}:
        return None
    world, now = vector.world, vector.now
    return json.dumps([world, now], sort_keys=True)


class Readers:
    """Verifiers and API clients by vector; kept where vectors can share them."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self.make = make
        self.kept: dict[str, Any] = {}

    def of(self, vector: Any) -> Any:
        """The reader of a vector."""
        key = _shared(vector)
        if key is None:
            return self.make(vector)
        if key not in self.kept:
            self.kept[key] = self.make(vector)
        return self.kept[key]
