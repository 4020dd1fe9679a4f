"""The worker: the one process that publishes, re-signs and finishes what a crash left behind.

Any number of workers may run; one at a time holds the lease `publisher` and writes the tree. One
task that fails waits and is tried again, ever more slowly; the others go on.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType

from sqlalchemy.engine import Connection, Engine

from certsvc.attempts import Attempts, log_failure, pause_after
from certsvc.catalogue import Catalogue
from certsvc.custody import open_keys
from certsvc.issuing.service import IssuingService
from certsvc.publishing.status import StatusPublisher
from certsvc.publishing.tree import PublishedTree
from certsvc.publishing.trust import TrustPublisher
from certsvc.service import logs
from certsvc.service.engine import DatabaseUnavailable, make_engine, reading, writing
from certsvc.service.lifeline import end_with_supervisor
from certsvc.service.settings import Settings
from certsvc.storage.leases import Leases
from certsvc.storage.outbox import Item, Outbox
from certsvc.storage.status_lists import ListInfo, StatusLists
from keys import KeyStore

log = logging.getLogger("certsvc.worker")

LEASE = "publisher"
#: Seconds; a worker that died is replaced within the five that a revocation may take to show.
LEASE_TTL = 4
#: Seconds after which an unchanged list is signed anew: half its time to live of 300.
HEARTBEAT = 150
#: Seconds between looks at trust metadata that grows old, and at plans a crash left.
UPKEEP_SECONDS = 20
#: Topics of the outbox that are done once the status lists show them.
STATUS_TOPICS = ("status",)
#: Messages that one transaction clears.
OUTBOX_CHUNK = 1000


class Worker:
    """Does what is due; holds no state that matters.

    Args:
        engine: The issuer's database.
        keys: The key store.
        tree: The published tree.
        issuing: Finishes plans that a crash left.
        public_url: Base address of identifiers.
        holder: This worker's name in leases.
        clock: Unix seconds.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        keys: KeyStore,
        tree: PublishedTree,
        issuing: IssuingService,
        public_url: str,
        holder: str,
        clock: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._tree = tree
        self._trust = TrustPublisher(tree, keys)
        self._status = StatusPublisher(tree, keys, base_url=public_url)
        self._issuing = issuing
        self._holder = holder
        self._clock = clock
        self._fence: int | None = None
        self._next_upkeep = 0
        self._attempts = Attempts(clock)

    def run_once(self) -> int:
        """Do everything that is due; returns how many lists it published.

        Raises:
            DatabaseUnavailable: Nothing can be known; the database still says what is due.
        """
        if not self._take_lease():
            return 0
        now = int(self._clock())
        with reading(self._engine) as connection:
            due = StatusLists(connection).due(refresh_before=now - HEARTBEAT, now=now)
        published = sum(
            self._attempts.make(f"{info.issuer_id}/{info.list_no}", partial(self._publish, info))
            for info in due
        )
        # A clock that was set back must not put the upkeep off.
        if now >= self._next_upkeep or self._next_upkeep > now + UPKEEP_SECONDS:
            self._next_upkeep = now + UPKEEP_SECONDS
            self._attempts.make("trust", self._resign)
            self._attempts.make("sweep", self._sweep)
            self._attempts.make("outbox", self._clear_outbox)
        elif published:
            self._attempts.make("outbox", self._clear_outbox)
        return published

    def _take_lease(self) -> bool:
        """Whether the lease is ours for at least half its length from now on."""
        now = int(self._clock())
        if self._fence is not None:
            with reading(self._engine) as connection:
                leases = Leases(connection)
                if leases.holds(LEASE, self._holder, self._fence, now + LEASE_TTL // 2):
                    return True
        with writing(self._engine) as connection:
            self._fence = Leases(connection).acquire(LEASE, self._holder, now, LEASE_TTL)
        return self._fence is not None

    def _still_ours(self) -> bool:
        """Whether nobody held the lease between `run_once` and now; it is renewed then."""
        fence = self._fence
        return self._take_lease() and self._fence == fence

    def _publish(self, info: ListInfo) -> bool:
        # A worker that slept past its lease must not move a pointer.
        if not self._still_ours():
            return False
        with reading(self._engine) as connection:
            bits, version = StatusLists(connection).snapshot(info.issuer_id, info.list_no)
        now = int(self._clock())
        self._status.publish(info.issuer_id, info.list_no, bits, version, now)
        with writing(self._engine) as connection:
            StatusLists(connection).mark_published(info.issuer_id, info.list_no, version, now=now)
        log.info(
            "status list published",
            extra={"issuer_id": info.issuer_id, "list_no": info.list_no, "version": version},
        )
        return True

    def _resign(self) -> bool:
        if not self._still_ours():
            return False
        with self._tree.exclusive():
            return self._trust.resign(int(self._clock()))

    def _sweep(self) -> bool:
        report = self._issuing.sweep(int(self._clock()))
        if report.finished or report.abandoned or report.left:
            level = logging.WARNING if report.abandoned or report.left else logging.INFO
            counts = (report.finished, report.abandoned, report.left)
            log.log(level, "plans swept: %d finished, %d abandoned, %d left", *counts)
        return True

    def _clear_outbox(self) -> bool:
        """Remove the messages whose change the published lists show; the rest come back."""
        now, full = int(self._clock()), True
        while full:
            with writing(self._engine) as connection:
                outbox = Outbox(connection)
                items = outbox.take(
                    STATUS_TOPICS, holder=self._holder, now=now, ttl=LEASE_TTL, limit=OUTBOX_CHUNK
                )
                shown = _published_versions(connection, {item.issuer_id for item in items})
                outbox.done([i for i in items if _is_shown(i, shown)], holder=self._holder)
                full = len(items) == OUTBOX_CHUNK
        return True

    def release(self) -> None:
        """Give the lease back so that the next worker need not wait."""
        with writing(self._engine) as connection:
            Leases(connection).release(LEASE, self._holder)
        self._fence = None


def _published_versions(connection: Connection, issuers: set[str]) -> dict[tuple[str, int], int]:
    lists = StatusLists(connection)
    return {
        (issuer_id, info.list_no): info.published_version
        for issuer_id in issuers
        for info in lists.all(issuer_id)
    }


def _is_shown(item: Item, shown: dict[tuple[str, int], int]) -> bool:
    message = json.loads(item.payload)
    return bool(shown.get((item.issuer_id, message["list_no"]), 0) >= message["list_version"])


def work(worker: Worker, *, stop: threading.Event) -> None:
    """Run until `stop` is set; while the database is away, look ever more rarely."""
    failures = 0
    while not stop.is_set():
        try:
            worker.run_once()
            failures = 0
        except DatabaseUnavailable as error:
            failures += 1
            log_failure("database", error, failures)
        stop.wait(pause_after(failures))
    try:
        worker.release()
    except DatabaseUnavailable:
        log.warning("the lease could not be given back; it ends by itself")


def make_worker(settings: Settings, engine: Engine, keys: KeyStore, *, name: str) -> Worker:
    """A worker on the settings' database, keys and tree; `name` tells it from other programs."""
    issuing = IssuingService(
        engine=engine, keys=keys, catalogue=Catalogue.builtin(), settings=settings, clock=time.time
    )
    return Worker(
        engine=engine,
        keys=keys,
        tree=PublishedTree(settings.published),
        issuing=issuing,
        public_url=settings.public_url,
        holder=f"{name}-{os.getpid()}-{socket.gethostname()}"[:64],
        clock=time.time,
    )


def run(settings: Settings) -> None:
    """Composition root: one worker until SIGTERM or SIGINT."""
    logs.configure()
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    end_with_supervisor(os.environ)
    engine = make_engine(settings.database_url)
    worker = make_worker(settings, engine, open_keys(settings), name="worker")
    log.info("worker ready")
    work(worker, stop=stop)
    engine.dispose()
