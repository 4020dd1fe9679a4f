"""The worker: the one process that publishes, re-signs and finishes what a crash left behind.

Any number of workers may run; one at a time holds the lease `publisher` and writes the tree.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType

from sqlalchemy.engine import Engine

from certsvc.catalogue import Catalogue
from certsvc.issuing.errors import IssuingError
from certsvc.issuing.service import IssuingService
from certsvc.publishing.errors import PublishingError
from certsvc.publishing.status import StatusPublisher
from certsvc.publishing.tree import PublishedTree
from certsvc.publishing.trust import TrustPublisher
from certsvc.service import logs
from certsvc.service.engine import DatabaseUnavailable, make_engine, reading, writing
from certsvc.service.settings import Settings
from certsvc.storage.leases import Leases
from certsvc.storage.outbox import Outbox
from certsvc.storage.status_lists import ListInfo, StatusLists
from certsvc_sdk.errors import CertsvcError
from keys import KeyStore, open_store
from keys.errors import KeysError

log = logging.getLogger("certsvc.worker")

LEASE = "publisher"
#: Seconds; a worker that died is replaced after this long.
LEASE_TTL = 10
#: Seconds between looks at the database: the larger part of revoke-to-visible.
POLL_SECONDS = 0.25
#: Seconds after which an unchanged list is signed anew: half its time to live of 300.
HEARTBEAT = 150
#: Seconds between looks at trust metadata that grows old, and at plans a crash left.
UPKEEP_SECONDS = 20
#: Longest pause after failures in a row, in seconds.
MAX_PAUSE = 15.0
#: Topics of the outbox that are done once the status lists show them.
STATUS_TOPICS = ("status",)

FAILURES = (
    KeysError,
    PublishingError,
    IssuingError,
    CertsvcError,
    DatabaseUnavailable,
    OSError,
)


class Worker:
    """Does what is due; holds no state that matters.

    Args:
        engine: The issuer's database.
        keys: The key store.
        tree: The published tree.
        issuing: Finishes plans that a crash left.
        holder: This worker's name in leases.
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
    ) -> None:
        self._engine = engine
        self._trust = TrustPublisher(tree, keys)
        self._status = StatusPublisher(tree, keys, base_url=public_url)
        self._issuing = issuing
        self._holder = holder
        self._next_upkeep = 0

    def run_once(self, now: int) -> int:
        """Do everything that is due at `now` (Unix seconds); returns how many lists it published.

        Raises:
            KeysError, PublishingError, CertsvcError, DatabaseUnavailable, OSError: Something
                failed; the database still says what is due.
        """
        with writing(self._engine) as connection:
            fence = Leases(connection).acquire(LEASE, self._holder, now, LEASE_TTL)
        if fence is None:
            return 0
        published = self._publish_lists(fence, now)
        if now >= self._next_upkeep:
            self._trust.resign(now)
            self._issuing.sweep(now)
            self._next_upkeep = now + UPKEEP_SECONDS
        return published

    def _publish_lists(self, fence: int, now: int) -> int:
        with reading(self._engine) as connection:
            due = StatusLists(connection).due(refresh_before=now - HEARTBEAT)
        for info in due:
            self._publish(info, fence, now)
        if due:
            self._clear_outbox(now)
        return len(due)

    def _publish(self, info: ListInfo, fence: int, now: int) -> None:
        with reading(self._engine) as connection:
            # A worker that slept past its lease must not move a pointer.
            if not Leases(connection).holds(LEASE, self._holder, fence, now):
                return
            bits, version = StatusLists(connection).snapshot(info.issuer_id, info.list_no)
        self._status.publish(info.issuer_id, info.list_no, bits, version, now)
        with writing(self._engine) as connection:
            StatusLists(connection).mark_published(info.issuer_id, info.list_no, version, now=now)
        log.info("status list published", extra={"list_no": info.list_no, "version": version})

    def _clear_outbox(self, now: int) -> None:
        """Messages whose change the published lists show by now are done."""
        with writing(self._engine) as connection:
            outbox = Outbox(connection)
            items = outbox.take(
                STATUS_TOPICS, holder=self._holder, now=now, ttl=LEASE_TTL, limit=1000
            )
            outbox.done(items, holder=self._holder)

    def release(self) -> None:
        """Give the lease back so that the next worker need not wait."""
        with writing(self._engine) as connection:
            Leases(connection).release(LEASE, self._holder)


def work(worker: Worker, *, clock: Callable[[], float], stop: threading.Event) -> None:
    """Run until `stop` is set; failures are logged by code and tried again, ever more slowly."""
    failures = 0
    while not stop.is_set():
        try:
            worker.run_once(int(clock()))
            failures = 0
        except FAILURES as error:
            failures += 1
            log.error(
                "publishing failed",
                extra={"code": getattr(error, "code", type(error).__name__), "failures": failures},
            )
        stop.wait(min(MAX_PAUSE, POLL_SECONDS * 2**failures))
    try:
        worker.release()
    except DatabaseUnavailable:
        log.warning("the lease could not be given back; it ends by itself")


def run(settings: Settings) -> None:
    """Composition root: one worker until SIGTERM or SIGINT."""
    logs.configure()
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    engine = make_engine(settings.database_url)
    keys = open_store(settings.keys_url, passphrase=settings.keys_passphrase())
    worker = Worker(
        engine=engine,
        keys=keys,
        tree=PublishedTree(settings.published),
        issuing=IssuingService(
            engine=engine,
            keys=keys,
            catalogue=Catalogue.builtin(),
            settings=settings,
            clock=time.time,
        ),
        public_url=settings.public_url,
        holder=f"{socket.gethostname()}-{os.getpid()}"[:64],
    )
    log.info("worker ready")
    work(worker, clock=time.time, stop=stop)
    engine.dispose()
