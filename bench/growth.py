"""`python -m bench.growth`: what ten thousand and a million issued certificates change (P11, R05).

Two offices side by side, both bulk-loaded; certificates are issued in turn, so that a machine whose
speed drifts drifts for both. PostgreSQL with `--postgresql URL_SMALL URL_LARGE` (two empty
databases), else SQLite.
"""

import argparse
import itertools
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from sqlalchemy.engine import Engine

from bench import bulk
from bench.harness import Bar
from bench.status import scattered
from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.cli.records import demo_records
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.publishing.status_signing import sign
from certsvc.service.engine import make_engine, reading
from certsvc.service.principal import operator
from certsvc.service.settings import Settings
from certsvc.storage.status_lists import StatusLists
from certsvc.worker import make_worker
from certsvc_sdk import Verifier
from certsvc_sdk.statuschunks import KeptStatusBits
from keys import KeyStore, open_store

T = TypeVar("T")

SMALL, LARGE = 10_000, 1_000_000
SAMPLES = 300
#: Certificates that the copies are made of.
TEMPLATES = 100
#: 100 M bits in lists as large as they may be.
BITS, LIST = 100_000_000, 8_000_000


@dataclass
class Office:
    """One office with its database, and what was timed in it."""

    settings: Settings
    engine: Engine
    keys: KeyStore
    service: IssuingService
    verifier: Verifier
    numbers: "itertools.count[int]"

    def issue(self) -> str:
        """Issue one certificate; returns its token."""
        department = bootstrap.departments()[0]
        records, number = demo_records(department.type), next(self.numbers)
        request = IssueRequest(type=department.type, claims=records[number % len(records)])
        who = operator(department.issuer_id)
        return self.service.issue(who, request, f"growth-{number}").token


def open_office(folder: Path, url: str | None, now: int) -> Office:
    """An office with a few real certificates."""
    environ = {"CERTSVC_HOME": str(folder), "CERTSVC_JOURNAL": "off"}
    settings = Settings.from_env(environ | ({} if url is None else {"CERTSVC_DATABASE_URL": url}))
    bootstrap.initialise(settings, now=now, report=lambda _line: None)
    engine = make_engine(settings.database_url)
    keys = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
    make_worker(settings, engine, keys, name="bench").run_once()
    service = IssuingService(
        engine=engine, keys=keys, catalogue=Catalogue.builtin(), settings=settings, clock=time.time
    )
    verifier = Verifier.from_root(
        settings.trust_root, url=f"{settings.published.absolute().as_uri()}/"
    )
    office = Office(settings, engine, keys, service, verifier, itertools.count())
    for _ in range(TEMPLATES):
        office.issue()
    return office


def compare(small: Office, large: Office, samples: int) -> None:
    """Issue and verify in turn, and print the ratios of the medians."""
    took: dict[tuple[str, str], list[float]] = {}
    bar = Bar("issue, verify", samples)
    for number in range(samples):
        pair = (("small", small), ("large", large))
        for name, office in pair if number % 2 else reversed(pair):
            token = _timed(took.setdefault(("issue", name), []), office.issue)
            _timed(
                took.setdefault(("verify", name), []), lambda o=office, t=token: o.verifier.check(t)
            )
        bar.step()
    bar.end()
    for what in ("issue", "verify"):
        one, other = (sorted(took[what, name]) for name in ("small", "large"))
        middle = statistics.median(other) / statistics.median(one)
        late = other[len(other) * 95 // 100] / one[len(one) * 95 // 100]
        print(
            f"{what:<7} median {1e3 * statistics.median(one):.2f} → "
            f"{1e3 * statistics.median(other):.2f} ms (× {middle:.3f}), p95 × {late:.3f}"
        )


def publish(office: Office) -> None:
    """Publish every list of the office anew, as a worker does that takes over."""
    before = _rss()
    worker = make_worker(office.settings, office.engine, office.keys, name="bench")
    (duty,) = [one for one in worker.duties if one.name == "status"]
    began = time.monotonic()
    count = worker.look(duty)
    print(
        f"worker: {count} lists read, signed and published in {time.monotonic() - began:.2f} s, "
        f"+{_rss() - before:.0f} MiB"
    )
    with reading(office.engine) as connection:
        began = time.monotonic()
        bits, _ = StatusLists(connection).snapshot(
            bootstrap.departments()[0].issuer_id, bulk.FIRST_LIST
        )
        print(
            f"        one list of {len(bits):,} read in {1e3 * (time.monotonic() - began):.1f} ms"
        )


def build(keys: KeyStore, now: int) -> None:
    """Compress, sign and check 100 M bits, one place in a hundred revoked."""
    issuer_id = bootstrap.departments()[0].issuer_id
    places, took = BITS // 2, 0.0
    while places > 0:
        bits = scattered(min(LIST, places), 0.01)
        began = time.process_time()
        signer = keys.active(issuer_id, "status")
        sign(signer, "https://certs.example/1", KeptStatusBits(bits), 1, now, thorough=True)
        took += time.process_time() - began
        places -= LIST
    print(f"100 M bits compressed, signed and compared: {took:.2f} s")


def _timed(into: list[float], work: Callable[[], T]) -> T:
    began = time.perf_counter()
    result = work()
    into.append(time.perf_counter() - began)
    return result


def _rss() -> float:
    """Resident memory now, in MiB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def _bytes(office: Office) -> int:
    if office.engine.dialect.name == "sqlite":
        return Path(str(office.engine.url.database)).stat().st_size
    with office.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT pg_database_size(current_database())")
        return int(found.scalar_one())


def main(arguments: Sequence[str] | None = None) -> None:
    """Load, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--small", type=int, default=SMALL)
    parser.add_argument("--large", type=int, default=LARGE)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--postgresql", nargs=2, metavar=("URL_SMALL", "URL_LARGE"))
    options = parser.parse_args(arguments)
    now = int(time.time())
    urls = options.postgresql or (None, None)
    issuer_id = bootstrap.departments()[0].issuer_id
    with TemporaryDirectory(prefix="certsvc-growth-") as folder:
        offices = []
        for name, url, count in zip(
            ("small", "large"), urls, (options.small, options.large), strict=True
        ):
            office = open_office(Path(folder) / name, url, now)
            before, began = _bytes(office), time.monotonic()
            bulk.fill(office.engine, issuer_id, count, now=now)
            each = (_bytes(office) - before) / count
            seconds = time.monotonic() - began
            print(f"{name}: {count:,} loaded in {seconds:.0f} s, {each:,.0f} bytes each")
            offices.append(office)
        began_with = _rss()
        compare(*offices, options.samples)
        print(f"memory while issuing: +{_rss() - began_with:.0f} MiB")
        publish(offices[1])
        build(offices[0].keys, now)
        for office in offices:
            office.engine.dispose()


if __name__ == "__main__":
    main()
