"""A country of 2,000 issuers: a verifier fetches what it needs, keeps it, and finds it again."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bench.forest import BASE, Forest, country, offices, record_of
from certsvc_sdk import strict
from certsvc_sdk.errors import TrustUnavailable
from certsvc_sdk.fetch import Fetcher, tuf_fetcher
from certsvc_sdk.trust import TrustRepository, parse_record

ISSUERS, BINS = 2_000, 9
FIRST = {division: next(offices(division, 1)) for division in ("330000", "330100", "330106")}


class Counting(BaseHTTPRequestHandler):
    """Serves a folder and counts requests and bytes."""

    server: Any

    def do_GET(self) -> None:
        try:
            data = (self.server.tree / self.path.lstrip("/")).read_bytes()
        except OSError:
            data = None
        self.server.asked.append((self.path, len(data or b"")))
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *args: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory, make_signer: Callable[..., Any]) -> Forest:
    made = Forest(tmp_path_factory.mktemp("country"), 1_800_000_000)
    signer = make_signer("ES256", 11)
    pattern = parse_record(_record(signer))
    country(made, pattern, issuers=ISSUERS, bit_length=BINS)
    return made


def _record(signer: Any) -> bytes:
    uscc = "119999000000000198"
    key = {
        "kid": signer.kid,
        "alg": "ES256",
        "use": "certificate",
        "public": signer.jwk,
        "not_before": 1_799_000_000,
        "not_after": None,
        "state": "active",
        "types": None,
        "compromised_at": None,
        "accept_before_log_index": None,
    }
    return strict.dumps(
        {
            "version": 1,
            "iss": f"{BASE}i/{uscc}",
            "uscc": uscc,
            "division": "999900",
            "names": {"zh": "示例市市场监督管理局", "en": "Market Regulator (example)"},
            "level": "city",
            "keys": [key],
            "rights": [],
            "status_prefix": f"{BASE}status/{uscc}/",
            "status_aggregation": None,
            "log_origin": None,
            "aliases": [],
            "mirrors": [],
            "successor": None,
        }
    )


@pytest.fixture
def server(forest: Forest) -> Iterator[Any]:
    running: Any = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    running.daemon_threads = True
    running.tree, running.asked = forest.folder, []
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def open_trust(forest: Forest, server: Any, tmp_path: Path) -> Callable[..., TrustRepository]:
    below = f"http://127.0.0.1:{server.server_port}/trust"

    def opened(*, line: bool = True) -> TrustRepository:
        return TrustRepository(
            forest.pinned,
            tmp_path / "metadata",
            tmp_path / "targets",
            f"{below}/metadata/",
            f"{below}/targets/",
            tuf_fetcher(Fetcher()) if line else None,
        )

    return opened


def bin_of(path: str) -> str:
    """The bin that TAP 15 puts a path in: the first bits of its SHA-256."""
    number = int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") >> (32 - BINS)
    return f"33-own-bin-{number:03x}"


def without_root(server: Any) -> list[str]:
    """What was asked for, but for the next root, which is asked for every few seconds."""
    names = [name.rpartition("/")[2] for name, _ in server.asked]
    return [name for name in names if name != "2.root.json"]


@pytest.mark.parametrize(
    ("division", "roles"),
    [
        ("330000", ["33", "33-own"]),
        ("330100", ["33", "3301", "3301-own"]),
        ("330106", ["33", "3301", "330106"]),
    ],
)
def test_one_issuer_costs_its_path_and_its_record(
    division: str, roles: list[str], forest: Forest, server: Any, open_trust: Any
) -> None:
    uscc = FIRST[division]
    path = f"issuers/{division}/{uscc}.json"
    record = open_trust().record(f"{BASE}i/{uscc}", now=forest.now)
    assert record.uscc == uscc
    if division == "330000":
        roles = [*roles, bin_of(path)]
    asked = [name.removeprefix("/trust/") for name, _ in server.asked]
    snapshot = forest.snapshot.version
    expected = ["2.root.json", "timestamp.json", f"{snapshot}.snapshot.json", "1.targets.json"]
    expected += [f"1.{role}.json" for role in roles]
    assert sorted(asked[: len(expected) + 2]) == sorted(
        [f"metadata/{name}" for name in expected] + [name for name in asked if "targets/" in name]
    )
    targets = [name for name in asked if name.startswith("targets/")]
    assert len(targets) == 2  # what the repository says of itself, and the record
    assert len(asked) == len(expected) + 2
    sent = sum(size for _, size in server.asked)
    everything = sum(one.stat().st_size for one in forest.folder.rglob("*.json"))
    # Most of it is the snapshot, 137 bytes a role.
    assert sent < everything / 20
    assert sent < 137 * 2 ** (BINS + 1)


def test_a_refresh_without_news_asks_twice(forest: Forest, server: Any, open_trust: Any) -> None:
    trust = open_trust()
    trust.record(f"{BASE}i/{FIRST['330000']}", now=forest.now)
    server.asked.clear()
    trust.refresh(forest.now + 1)
    assert without_root(server) == ["timestamp.json"]


def test_news_of_another_office_cost_the_snapshot_only(
    forest: Forest, server: Any, open_trust: Any, make_signer: Callable[..., Any]
) -> None:
    trust = open_trust()
    trust.record(f"{BASE}i/{FIRST['330106']}", now=forest.now)
    forest.touch("33-own", bin_of(f"issuers/330000/{FIRST['330000']}.json"))
    forest.publish(forest.now + 1)
    server.asked.clear()
    trust.refresh(forest.now + 1)
    assert without_root(server) == ["timestamp.json", f"{forest.snapshot.version}.snapshot.json"]


@pytest.fixture(scope="module")
def whole(
    forest: Forest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., TrustRepository]:
    """Opens a cache with every issuer; it was filled from a folder, which needs no server."""
    cache = tmp_path_factory.mktemp("whole")
    below = (forest.folder / "trust").as_uri()

    def opened(*, line: bool = False) -> TrustRepository:
        return TrustRepository(
            forest.pinned,
            cache / "metadata",
            cache / "targets",
            f"{below}/metadata/",
            f"{below}/targets/",
            tuf_fetcher(Fetcher()) if line else None,
        )

    assert len(opened(line=True).prefetch(forest.now).issuers()) == ISSUERS
    return opened


def test_all_of_it_is_there_without_a_line(whole: Callable[..., TrustRepository]) -> None:
    offline = whole()
    for division, count in (("330000", ISSUERS - 20), ("330100", 10), ("330106", 10)):
        for uscc in offices(division, count):
            found = offline.record(f"{BASE}i/{uscc}")
            assert found is not None
            assert found.uscc == uscc
    assert offline.record(f"{BASE}i/{record_code(division='330000', number=ISSUERS)}") is None


def record_code(*, division: str, number: int) -> str:
    return f"12{division}{number:09}X"


def test_what_was_never_fetched_is_not_called_absent(forest: Forest, open_trust: Any) -> None:
    open_trust().record(f"{BASE}i/{FIRST['330106']}", now=forest.now)
    offline = open_trust(line=False)
    with pytest.raises(TrustUnavailable):
        offline.record(f"{BASE}i/{FIRST['330000']}")


def test_opening_a_cache_reads_no_bin(whole: Any, monkeypatch: Any) -> None:
    read: list[str] = []
    original = Path.open

    def watched(self: Path, *arguments: Any, **named: Any) -> Any:
        read.append(self.name)
        return original(self, *arguments, **named)

    monkeypatch.setattr(Path, "open", watched)
    view = whole().view()
    # The state, root chain, timestamp, snapshot, targets, and what the repository is.
    assert len(read) == 5
    assert view.record(f"{BASE}i/{FIRST['330000']}") is not None
    # 33, 33-own, one bin of 512, one record of 2,000.
    assert len(read) == 9


def test_a_pattern_record_is_one_of_its_own_office(make_signer: Callable[..., Any]) -> None:
    pattern = parse_record(_record(make_signer("ES256", 11)))
    made = record_of(pattern, FIRST["330106"])
    assert parse_record(made.to_bytes()) == made
