"""Composition root of the worker: what it is made of, and the program."""

import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType

from sqlalchemy.engine import Engine

from certsvc.authority.ca import heart_beat
from certsvc.authority.world import Authority
from certsvc.catalogue import Catalogue
from certsvc.custody import open_keys
from certsvc.issuing.service import IssuingService
from certsvc.publishing.log import LogPublisher, Step, no_step
from certsvc.publishing.log_signing import log_origin
from certsvc.publishing.status import Checkpoint, StatusPublisher, no_checkpoint
from certsvc.publishing.tree import PublishedTree
from certsvc.publishing.trust import TrustPublisher
from certsvc.restoring.fence import fence_of
from certsvc.restoring.recording import attach_journal
from certsvc.service import logs
from certsvc.service.engine import make_engine
from certsvc.service.lifeline import end_with_supervisor
from certsvc.service.metrics import Metrics
from certsvc.service.settings import Settings
from certsvc.service.tracing import NO_TRACER, Tracer, open_tracer, trace_transactions
from certsvc.worker.duty import Duty
from certsvc.worker.keys import KeysDuty
from certsvc.worker.log import LogDuty
from certsvc.worker.status import StatusDuty
from certsvc.worker.telling import Pulse, telling, worker_app
from certsvc.worker.tenure import Tenure
from certsvc.worker.unusual import UnusualDuty
from certsvc.worker.upkeep import UpkeepDuty
from certsvc.worker.worker import Worker, work
from certsvc_sdk import __version__
from keys import KeyStore

log = logging.getLogger("certsvc.worker")


def make_worker(
    settings: Settings,
    engine: Engine,
    keys: KeyStore,
    *,
    name: str,
    clock: Callable[[], float] = time.time,
    catalogue: Catalogue | None = None,
    checkpoint: Checkpoint = no_checkpoint,
    log_step: Step = no_step,
    admit: Callable[[], object] = int,
    metrics: Metrics | None = None,
    looked: Callable[[Duty], object] = lambda _: None,
    tracer: Tracer = NO_TRACER,
) -> Worker:
    """A worker on the settings' database, keys and tree.

    Args:
        settings: of the issuer.
        engine: the issuer's database.
        keys: the key store.
        name: tells it from other programs.
        clock: Unix seconds.
        catalogue: the certificate types; None: the built-in ones.
        checkpoint: called with the number of each step of a publication, for tests.
        log_step: the same for the transparency log.
        admit: asked whenever the lease comes to this worker.
        metrics: counts what it does.
        looked: told of each duty that looked.
        tracer: notes each look.
    """
    tree = PublishedTree(settings.published)
    catalogue = catalogue or Catalogue.builtin()
    issuing = IssuingService(
        engine=engine, keys=keys, catalogue=catalogue, settings=settings, clock=clock
    )
    holder = f"{name}-{os.getpid()}-{socket.gethostname()}"[:64]
    tenure = Tenure(engine, holder=holder, clock=clock, admit=admit)
    lists = StatusPublisher(tree, keys, base_url=settings.public_url, checkpoint=checkpoint)
    trust = TrustPublisher(tree, keys)
    origin = log_origin(settings.public_url)
    return Worker(
        tenure,
        [
            StatusDuty(engine, lists, tenure, clock=clock, checkpoint=checkpoint, metrics=metrics),
            LogDuty(
                engine,
                LogPublisher(tree, keys, origin=origin, step=log_step),
                tenure,
                begin=partial(issuing.begin_log, origin),
                origin=origin,
                clock=clock,
                step=log_step,
                metrics=metrics,
            ),
            UpkeepDuty(
                engine,
                tree,
                trust,
                issuing,
                tenure,
                clock=clock,
                renew_lists=partial(heart_beat, settings.authorities, keys, tree),
                metrics=metrics,
            ),
            KeysDuty(
                Authority(settings=settings, keys=keys, engine=engine, tree=tree, trust=trust),
                clock=clock,
                metrics=metrics,
            ),
            UnusualDuty(engine, clock=clock, metrics=metrics),
        ],
        looked=looked,
        tracer=tracer,
    )


def run(settings: Settings) -> None:
    """One worker until SIGTERM or SIGINT."""
    logs.configure()
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    end_with_supervisor(os.environ)
    tracer = open_tracer(settings, os.environ, service="certsvc-worker")
    engine = make_engine(settings.database_url)
    trace_transactions(engine, tracer)
    fence = fence_of(settings, engine)
    fence.require()
    attach_journal(settings, engine, clock_ns=time.time_ns, rng=secrets.token_bytes)
    metrics, pulse = Metrics(), Pulse(time.monotonic)
    metrics.build.put(1, __version__)
    worker = make_worker(
        settings,
        engine,
        open_keys(settings),
        name="worker",
        admit=fence.still_level,
        metrics=metrics,
        looked=pulse.beat,
        tracer=tracer,
    )
    app = worker_app(
        settings,
        metrics,
        [
            *(pulse.check(duty) for duty in worker.duties),
            *(duty.check() for duty in worker.duties if isinstance(duty, KeysDuty)),
        ],
        monotonic=time.monotonic,
        new_request_id=lambda: secrets.token_hex(16),
    )
    with telling(settings, app):
        log.info("worker ready")
        work(worker, stop=stop)
    engine.dispose()
