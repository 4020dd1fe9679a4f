"""`python -m bench.restore`: backup, restore and replay, in certificates a second (R20).

One office, bulk-loaded, is backed up and restored, and then brought level over a journal of
certificates that were really issued. What ten million take is extrapolated: all three are linear,
the tables' indexes apart. `--certificates N` sets the size, `--postgresql URL URL` two empty
databases, else SQLite; `--journal-cost` compares commits with and without the journal.
"""

import argparse
import secrets
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import Engine

from bench import bulk
from certsvc import bootstrap
from certsvc.catalogue import Catalogue
from certsvc.cli.records import demo_records
from certsvc.issuing.model import IssueRequest
from certsvc.issuing.service import IssuingService
from certsvc.restoring.backup import make_backup
from certsvc.restoring.recording import attach_journal
from certsvc.restoring.restore import restore
from certsvc.service.engine import make_engine, reading, writing
from certsvc.service.principal import operator
from certsvc.service.settings import Settings
from certsvc.storage.journal_reading import START, Notices, position_of, records_after, segments
from certsvc.storage.journal_replay import replay
from certsvc.storage.leases import Leases
from certsvc.worker import make_worker
from keys import open_store

#: Certificates that the copies are made of, and that the journal tells of.
ISSUED = 200
TARGET = 10_000_000
COMMITS = 200


def main() -> None:
    """Measure and print."""
    options = _options()
    with TemporaryDirectory(prefix="bench-restore-") as folder:
        home = Path(folder)
        first, second = options.postgresql or (
            f"sqlite:///{home / 'first.db'}",
            f"sqlite:///{home / 'second.db'}",
        )
        if options.journal_cost:
            _journal_cost(home, first)
            return
        _drill(home, first, second, options.certificates)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.restore", description=__doc__)
    parser.add_argument("--certificates", type=int, default=100_000)
    parser.add_argument("--postgresql", nargs=2, metavar="URL")
    parser.add_argument("--journal-cost", action="store_true")
    return parser.parse_args()


def _drill(home: Path, first: str, second: str, count: int) -> None:
    settings = Settings(home=home, database_url=first)
    now = int(time.time())
    bootstrap.initialise(settings, now=now, report=str)
    engine = make_engine(first)
    journal = attach_journal(settings, engine, clock_ns=time.time_ns, rng=secrets.token_bytes)
    empty = home / "empty.backup"
    make_backup(settings, engine, empty, now=now, rng=secrets.token_bytes)
    issuer_id, issued = _issue(settings, engine)
    told = sum(path.stat().st_size for path in segments(home / "journal"))
    print(f"issue, one after the other      {ISSUED / issued:10,.0f} certificates/s")
    print(f"journal                         {told / ISSUED:10,.0f} bytes a certificate")
    plain = make_engine(first)
    bulk.fill(plain, issuer_id, count, now=now)
    path = home / "full.backup"
    with _timed("backup, read back too", count):
        make_backup(settings, plain, path, now=now, rng=secrets.token_bytes)
    print(
        f"backup                          {path.stat().st_size / count:10,.0f} bytes a certificate"
    )
    target = make_engine(second)
    with _timed("restore, checked before", count):
        restore(settings, target, path, now=now)
    _replayed(settings, home, empty)
    for each in (engine, plain, target):
        each.dispose()
    if journal is not None:
        journal.close()


def _issue(settings: Settings, engine: Engine) -> tuple[str, float]:
    """Issue some for real; returns the issuer and the seconds it took."""
    store = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
    worker = make_worker(settings, engine, store, name="bench")
    worker.run_once()
    service = IssuingService(
        engine=engine,
        keys=store,
        catalogue=Catalogue.builtin(),
        settings=settings,
        clock=time.time,
    )
    records = demo_records("business-licence")
    issuer_id = bootstrap.departments()[0].issuer_id
    began = time.perf_counter()
    for number in range(ISSUED):
        request = IssueRequest(type="business-licence", claims=records[number % len(records)])
        service.issue(operator(issuer_id), request, f"bench-{number}")
    taken = time.perf_counter() - began
    worker.run_once()
    worker.release()
    return issuer_id, taken


def _replayed(settings: Settings, home: Path, empty: Path) -> None:
    """The journal of the issued ones, done again on the backup from before them."""
    if not settings.database_url.startswith("sqlite"):
        return
    target = make_engine(f"sqlite:///{home / 'third.db'}")
    restore(settings, target, empty, now=1)
    with reading(target) as connection:
        position = position_of(connection)
    with _timed("replay of the journal", ISSUED):
        replay(target, records_after(home / "journal", position, Notices([], [])))
    target.dispose()


def _journal_cost(home: Path, url: str) -> None:
    """A small transaction's commit with and without the journal, in turn."""
    from certsvc.storage.database import upgrade

    plain, recorded = make_engine(url), make_engine(url)
    upgrade(plain)
    settings = Settings(home=home, database_url=url)
    journal = attach_journal(settings, recorded, clock_ns=time.time_ns, rng=secrets.token_bytes)
    taken: dict[str, list[float]] = {"without": [], "with": []}
    for number in range(COMMITS):
        for name, engine in (("without", plain), ("with", recorded)):
            began = time.perf_counter()
            with writing(engine) as connection:
                Leases(connection).acquire("bench", name, number, 1)
            taken[name].append(time.perf_counter() - began)
    without, with_ = (statistics.median(each) for each in taken.values())
    print(f"commit without journal {without * 1e3:.2f} ms, with {with_ * 1e3:.2f} ms")
    records = sum(1 for _ in records_after(home / "journal", START, Notices([], [])))
    print(f"records {records}")
    if journal is not None:
        journal.close()


@contextmanager
def _timed(name: str, count: int) -> Iterator[None]:
    began = time.perf_counter()
    yield
    rate = count / (time.perf_counter() - began)
    minutes = TARGET / rate / 60
    print(f"{name:<32}{rate:10,.0f} certificates/s; ten million: {minutes:.0f} min", flush=True)


if __name__ == "__main__":
    main()
