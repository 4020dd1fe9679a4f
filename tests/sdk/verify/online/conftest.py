"""The world, published: a TUF repository and status lists, behind a loopback server."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
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

from bench.forest import Forest, record_of
from certsvc_sdk import cli, strict
from certsvc_sdk.client import Verifier
from certsvc_sdk.trust.about import About, Environment
from certsvc_sdk.trust.record import IssuerRecord

DAY = 86_400


class Publisher:
    """Writes the published tree: a TUF repository with one delegation, and status lists."""

    ROLES = ("root", "targets", "issuers", "snapshot", "timestamp")

    def __init__(self, tree: Path, facts: Any, env: Environment) -> None:
        self.tree = tree
        self.facts = facts
        self.about = About(env=env, base=facts.base)
        self.signers = {role: CryptoSigner.generate_ed25519() for role in self.ROLES}
        self.version = 0
        self.records: dict[str, bytes] = {}
        self.extra: dict[str, bytes] = {}
        expires = datetime.fromtimestamp(facts.now + 3650 * DAY, UTC)
        root = Root(version=1, expires=expires, consistent_snapshot=True)
        for role in ("root", "targets", "snapshot", "timestamp"):
            root.add_key(self.signers[role].public_key, role)
        self.root = self._signed(root, "root")
        self.write("trust/metadata/1.root.json", self.root)

    def write(self, name: str, data: bytes | str) -> None:
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)

    def status(self, token: str, uri: str | None = None) -> None:
        self.write((uri or self.facts.uri).removeprefix(self.facts.base), token)

    def publish(
        self, *records: IssuerRecord | bytes, now: int | None = None, life: int = DAY
    ) -> None:
        """Publish a new state of the repository with these records."""
        self.version += 1
        now = self.facts.now if now is None else now
        for record in records:
            data = record if isinstance(record, bytes) else record.to_bytes()
            self.records[f"issuers/999900/{self.facts.uscc}.json"] = data
        month = datetime.fromtimestamp(now + 30 * DAY, UTC)
        delegated = Targets(version=self.version, expires=month)
        for path, data in self.records.items():
            delegated.targets[path] = self._target(path, data)
        top = Targets(version=self.version, expires=month)
        for path, data in {"about.json": self.about.to_bytes(), **self.extra}.items():
            top.targets[path] = self._target(path, data)
        key = self.signers["issuers"].public_key
        role = DelegatedRole("issuers", [key.keyid], 1, True, paths=["issuers/*/*"])
        top.delegations = Delegations({key.keyid: key}, {"issuers": role})
        snapshot = Snapshot(version=self.version, expires=month)
        for name, targets in (("targets", top), ("issuers", delegated)):
            data = self._signed(targets, name)
            snapshot.meta[f"{name}.json"] = MetaFile(self.version)
            self.write(f"trust/metadata/{self.version}.{name}.json", data)
        self.write(
            f"trust/metadata/{self.version}.snapshot.json", self._signed(snapshot, "snapshot")
        )
        expires = datetime.fromtimestamp(now + life, UTC)
        timestamp = Timestamp(
            version=self.version, expires=expires, snapshot_meta=MetaFile(self.version)
        )
        self.write("trust/metadata/timestamp.json", self._signed(timestamp, "timestamp"))

    def _target(self, path: str, data: bytes) -> TargetFile:
        folder, _, name = path.rpartition("/")
        digest = hashlib.sha256(data).hexdigest()
        self.write(f"trust/targets/{folder}/{digest}.{name}".replace("//", "/"), data)
        return TargetFile.from_data(path, data, ["sha256"])

    def _signed(self, content: Any, role: str) -> bytes:
        metadata = Metadata(content)
        metadata.sign(self.signers[role])
        return metadata.to_bytes()


class Handler(BaseHTTPRequestHandler):
    """Serves a folder with entity tags; `server.answer` may take over."""

    server: Any

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("If-None-Match")))
        if self.server.answer is not None and self.server.answer(self):
            return
        try:
            data = (self.server.tree / self.path.lstrip("/")).read_bytes()
        except OSError:
            self.reply(404, b"")
            return
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            self.reply(304, b"")
        else:
            self.reply(200, data, ETag=etag)

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Keep the test's output clean."""


@contextmanager
def serve(tree: Path) -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.tree, server.requests, server.answer = tree, [], None
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Clock:
    """A clock that tests set."""

    now: float

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(facts: Any) -> Clock:
    return Clock(facts.now)


@pytest.fixture
def publisher(tmp_path: Path, issuer: Any, facts: Any) -> Publisher:
    """A published tree in order."""
    publisher = Publisher(tmp_path / "tree", facts, Environment.PRODUCTION)
    publisher.publish(issuer.record())
    publisher.status(issuer.status_token())
    aggregation = strict.dumps({"status_lists": [facts.uri]})
    publisher.write(f"status/{facts.uscc}/lists.json", aggregation)
    return publisher


@pytest.fixture
def server(publisher: Publisher) -> Iterator[Any]:
    with serve(publisher.tree) as running:
        yield running


@pytest.fixture
def verifier_of(publisher: Publisher, clock: Clock, tmp_path: Path) -> Any:
    """`verifier_of(url=…)`: a verifier of this world; two of them share a cache."""

    def make(**options: Any) -> Verifier:
        settings: dict[str, Any] = {"cache_dir": tmp_path / "cache", "clock": clock}
        return Verifier.from_root(publisher.root, **settings | options)

    return make


@pytest.fixture
def run(publisher: Any, server: Any, clock: Any, tmp_path: Path, capsys: Any) -> Any:
    """`run("verify", text)`: exit code, output and error text of a command in this world."""
    root = tmp_path / "root.json"
    root.write_bytes(publisher.root)
    environ = {
        "CERTSVC_TRUST_ROOT": str(root),
        "CERTSVC_TRUST_URL": server.url,
        "CERTSVC_SDK_CACHE": str(tmp_path / "cache"),
    }

    def command(*argv: str, **changes: Any) -> SimpleNamespace:
        env = {k: v for k, v in (environ | changes).items() if v is not None}
        code = cli.main(list(argv), environ=env, clock=clock)
        printed = capsys.readouterr()
        return SimpleNamespace(code=code, out=printed.out, err=printed.err)

    return command


class Office:
    """An office with a log: one certificate of ten days ago among others'."""

    def __init__(
        self, issuer: Any, publisher: Any, book: Any, facts: Any, make_signer: Any
    ) -> None:
        self.issuer, self.publisher, self.book, self.facts = issuer, publisher, book, facts
        self.make_signer = make_signer
        self.token = issuer.token(iat=facts.now - 10 * facts.day, nbf=...)
        self.record()
        book.fill(5)
        self.places = [book.issue(self.token)]
        book.fill(3)
        self.serve()

    def signer(self, number: int) -> Any:
        """An Ed25519 key of somebody else."""
        return self.make_signer("Ed25519", number)

    def record(self, *, key: Any = None, **log: Any) -> None:
        usual = self.issuer.record_json(key=key)
        keys = [*usual["keys"], self.issuer.key_json(self.book.signer, "log", **log)]
        self.publisher.publish(self.issuer.record(keys=keys, log_origin=self.book.origin))

    def serve(self, book: Any = None) -> None:
        book = book or self.book
        book.publish()
        book.serve_proof(self.places[0])
        book.serve_history(self.places, self.facts.now)
        book.write(self.publisher.tree / "log")

    def forked(self, logbooks: Any, common: int, size: int) -> Any:
        """Another log of the same key that agrees up to `common` leaves."""
        other = logbooks.LogBook(self.book.origin, self.book.signer)
        for leaf in self.book.leaves[:common]:
            other.add(leaf)
        for number in range(common, size):
            other.add(logbooks.other_leaf(9000 + number))
        other.issue(self.issuer.token(iat=self.facts.now - 100))
        return other


@pytest.fixture
def office(issuer: Any, publisher: Any, book: Any, facts: Any, make_signer: Any) -> Office:
    return Office(issuer, publisher, book, facts, make_signer)


class Nation:
    """A country's trust repository on disk, behind HTTP, and certificates of its offices.

    Province 33 delegates to city 3301, that to county 330106; province 44 stands beside it.
    """

    COUNTY, CITY, PROVINCE, OTHER = (
        f"12{division}000000001X" for division in ("330106", "330100", "330000", "440000")
    )

    def __init__(self, tree: Path, issuer: Any, facts: Any, clock: Clock) -> None:
        self.tree, self.issuer, self.facts, self.clock = tree, issuer, facts, clock
        self.forest = forest = Forest(tree, facts.now)
        forest.delegate("targets", "33", "issuers/33*/*")
        forest.delegate("targets", "44", "issuers/44*/*")
        forest.delegate("33", "3301", "issuers/3301*/*")
        forest.delegate("3301", "330106", "issuers/330106/*", keys=2, threshold=2)
        forest.delegate("3301", "3301-own", "issuers/330100/*")
        forest.delegate("33", "33-own", "issuers/330000/*")
        forest.bins("33-own", "33-own-bin", 2)
        for uscc in (self.COUNTY, self.CITY, self.PROVINCE, self.OTHER):
            self.put(uscc)
            uri = f"{facts.base}status/{uscc}/1"
            lists = strict.dumps({"status_lists": [uri]})
            forest.write(f"status/{uscc}/lists.json", lists)
            forest.write(f"status/{uscc}/1", issuer.status_token(uri=uri, exp=0x7FFFFFFF).encode())
        forest.publish()

    def record(self, uscc: str, **key: Any) -> IssuerRecord:
        return record_of(self.issuer.record(key=key), uscc)

    def put(self, uscc: str, role: str | None = None, **key: Any) -> None:
        """List an office's record; `key` changes its certificate key."""
        path = f"issuers/{uscc[2:8]}/{uscc}.json"
        self.forest.put(path, self.record(uscc, **key).to_bytes(), role)

    def licence(self, uscc: str) -> str:
        base = self.facts.base
        status = {"status_list": {"idx": 7, "uri": f"{base}status/{uscc}/1"}}
        return str(self.issuer.token(iss=f"{base}i/{uscc}", status=status))

    def verifier(self, cache: Path, **options: Any) -> Verifier:
        settings = {"cache_dir": cache, "clock": self.clock, "url": self.server.url}
        return Verifier.from_root(self.forest.pinned, **settings | options)

    server: Any = None


@pytest.fixture
def nation(tmp_path: Path, issuer: Any, facts: Any, clock: Clock) -> Iterator[Nation]:
    made = Nation(tmp_path / "nation", issuer, facts, clock)
    with serve(made.tree) as made.server:
        yield made
