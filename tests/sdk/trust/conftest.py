"""A trust repository in memory, signed with python-tuf alone, and a mirror that can misbehave."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadError, DownloadHTTPError
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
from tuf.ngclient.fetcher import FetcherInterface

from certsvc_sdk.trust import TrustRepository

NOW = 1_800_000_000
DAY = 86_400
METADATA_URL = "https://certs.example/trust/metadata/"
TARGET_URL = "https://certs.example/trust/targets/"
LIFE = {"root": 365 * DAY, "targets": 90 * DAY, "snapshot": 7 * DAY, "timestamp": DAY}


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class Mirror(FetcherInterface):
    """Serves files by address; single addresses can be made to misbehave."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, Callable[[], Iterator[bytes]]] = {}
        self.asked: list[str] = []
        self.down = False

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.asked.append(url)
        if self.down:
            raise DownloadError("no route")
        if url in self.faults:
            return self.faults[url]()
        if url not in self.files:
            raise DownloadHTTPError("not found", 404)
        data = self.files[url]
        return iter([data[:10], data[10:]])

    def answer(self, url: str, status: int) -> None:
        def fault() -> Iterator[bytes]:
            raise DownloadHTTPError("no", status)

        self.faults[url] = fault


class Simulator:
    """Signs and serves roles; tests change `root`, `targets`, `roles` and call `publish`."""

    def __init__(self, now: int = NOW) -> None:
        self.mirror = Mirror()
        self.now = now
        self.signers: dict[str, list[CryptoSigner]] = {}
        self.root = Root(consistent_snapshot=True, expires=_utc(now + LIFE["root"]))
        for role in ("root", "targets", "snapshot", "timestamp"):
            self.add_key(role)
        self.targets = Targets()
        self.targets.delegations = Delegations(keys={}, roles={})
        self.roles: dict[str, Targets] = {}
        self.snapshot = Snapshot(meta={})
        self.timestamp = Timestamp(snapshot_meta=MetaFile(1))
        self.contents: dict[str, bytes] = {}
        self.pinned = self.publish_root()
        self.put(None, "about.json", about())

    def add_key(self, role: str) -> CryptoSigner:
        signer = CryptoSigner.generate_ed25519()
        self.signers.setdefault(role, []).append(signer)
        self.root.add_key(signer.public_key, role)
        return signer

    def replace_key(self, role: str) -> None:
        for signer in self.signers.pop(role):
            self.root.revoke_key(signer.public_key.keyid, role)
        self.add_key(role)

    def delegate(self, role: str, *patterns: str, terminating: bool = True) -> None:
        signer = CryptoSigner.generate_ed25519()
        self.signers[role] = [signer]
        assert self.targets.delegations is not None
        assert self.targets.delegations.roles is not None
        self.targets.delegations.roles[role] = DelegatedRole(
            role, [], 1, terminating, list(patterns) or [f"issuers/{role}/*"]
        )
        self.targets.add_key(signer.public_key, role)
        self.roles[role] = Targets()

    def put(self, role: str | None, path: str, data: bytes) -> str:
        """Lists a target; returns its address."""
        holder = self.targets if role is None else self.roles[role]
        target = TargetFile.from_data(path, data, ["sha256"])
        holder.targets[path] = target
        url = TARGET_URL + target.get_prefixed_paths()[0]
        self.mirror.files[url] = data
        return url

    def sign(self, role: str, signed: Any, signers: list[CryptoSigner] | None = None) -> bytes:
        metadata = Metadata(signed)
        for signer in self.signers[role] if signers is None else signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def publish_root(self, signers: list[CryptoSigner] | None = None) -> bytes:
        data = self.sign("root", self.root, signers)
        self.mirror.files[f"{METADATA_URL}{self.root.version}.root.json"] = data
        return data

    def next_root(self, **changes: Any) -> None:
        """The next root, signed by the old and the new keys."""
        before = list(self.signers["root"])
        self.root.version += 1
        for name, change in changes.items():
            assert name == "keys"
            for role in change:
                self.replace_key(role)
        both = {s.public_key.keyid: s for s in [*before, *self.signers["root"]]}
        self.publish_root(list(both.values()))

    def write(self, role: str, signed: Any, signers: list[CryptoSigner] | None = None) -> MetaFile:
        data = self.sign(role, signed, signers)
        self.mirror.files[f"{METADATA_URL}{signed.version}.{role}.json"] = data
        return MetaFile.from_data(signed.version, data, ["sha256"])

    def publish(self, now: int | None = None, *, bump: bool = True) -> None:
        """Signs everything anew at `now` and shows it."""
        self.now = self.now if now is None else now
        for role, targets in self.roles.items():
            targets.expires = _utc(self.now + LIFE["targets"])
            self.snapshot.meta[f"{role}.json"] = self.write(role, targets)
        self.targets.expires = _utc(self.now + LIFE["targets"])
        self.snapshot.meta["targets.json"] = self.write("targets", self.targets)
        self.publish_snapshot()
        if bump:
            for signed in (*self.roles.values(), self.targets, self.snapshot, self.timestamp):
                signed.version += 1

    def publish_snapshot(self) -> None:
        self.snapshot.expires = _utc(self.now + LIFE["snapshot"])
        self.timestamp.snapshot_meta = self.write("snapshot", self.snapshot)
        self.publish_timestamp()

    def publish_timestamp(self) -> None:
        self.timestamp.expires = _utc(self.now + LIFE["timestamp"])
        data = self.sign("timestamp", self.timestamp)
        self.mirror.files[METADATA_URL + "timestamp.json"] = data

    def freeze(self) -> dict[str, bytes]:
        """What the mirror serves now, to be served again later."""
        return dict(self.mirror.files)

    def copy_of(self, signed: Any) -> Any:
        return deepcopy(signed)


def about(env: str = "demo", base: str = "https://certs.example/", **changes: Any) -> bytes:
    return json.dumps({"version": 1, "env": env, "base": base, **changes}).encode()


@pytest.fixture
def now() -> int:
    return NOW


@pytest.fixture
def make_about() -> Callable[..., bytes]:
    return about


@pytest.fixture
def record_json(make_signer: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """`record_json("119999000000000198")`: a record with one certificate and one status key."""

    def key(use: str, alg: str, number: int) -> dict[str, Any]:
        signer = make_signer(alg, number)
        return {
            "kid": signer.kid,
            "alg": alg,
            "use": use,
            "public": signer.jwk,
            "not_before": NOW - DAY,
            "not_after": None,
            "state": "active",
            "types": None,
            "compromised_at": None,
            "accept_before_log_index": None,
        }

    def made(
        uscc: str = "119999000000000198", host: str = "https://certs.example", **changes: Any
    ) -> dict[str, Any]:
        return {
            "version": 1,
            "iss": f"{host}/i/{uscc}",
            "uscc": uscc,
            "division": uscc[2:8],
            "names": {"zh": "示例市市场监督管理局", "en": "Market Regulator (example)"},
            "level": "city",
            "keys": [key("certificate", "ES256", 11), key("status", "Ed25519", 12)],
            "rights": [
                {
                    "vct": f"{host}/vct/business-licence",
                    "division": uscc[2:8],
                    "from": NOW - DAY,
                    "to": None,
                    "max_validity": None,
                }
            ],
            "status_prefix": f"{host}/status/{uscc}/",
            "status_aggregation": f"{host}/status/{uscc}/lists.json",
            "log_origin": None,
            "aliases": [],
            "mirrors": [],
            "successor": None,
            **changes,
        }

    return made


@pytest.fixture
def record_bytes(record_json: Callable[..., dict[str, Any]]) -> Callable[..., bytes]:
    return lambda *args, **changes: json.dumps(
        record_json(*args, **changes), ensure_ascii=False
    ).encode()


@pytest.fixture
def sim(record_bytes: Callable[..., bytes]) -> Simulator:
    """Divisions 999900 and 999800 with one issuer each, published at NOW."""
    made = Simulator()
    for uscc in ("119999000000000198", "11999800000000019X"):
        division = uscc[2:8]
        made.delegate(division)
        made.put(division, f"issuers/{division}/{uscc}.json", record_bytes(uscc))
    made.publish()
    return made


@pytest.fixture
def open_trust(sim: Simulator, tmp_path: Path) -> Callable[..., TrustRepository]:
    """Opens the cache as one more process would; `fetcher=None` is a machine without a line."""

    def opened(**changes: Any) -> TrustRepository:
        arguments: dict[str, Any] = {
            "root": sim.pinned,
            "metadata_dir": tmp_path / "cache" / "metadata",
            "target_dir": tmp_path / "cache" / "targets",
            "metadata_url": METADATA_URL,
            "target_url": TARGET_URL,
            "fetcher": sim.mirror,
        }
        return TrustRepository(**{**arguments, **changes})

    return opened


@pytest.fixture
def trust(open_trust: Callable[..., TrustRepository]) -> TrustRepository:
    return open_trust()


@pytest.fixture
def iss() -> str:
    return "https://certs.example/i/119999000000000198"


@pytest.fixture
def other_iss() -> str:
    return "https://certs.example/i/11999800000000019X"
