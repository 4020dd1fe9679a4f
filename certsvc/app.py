"""Composition root of the issuer service: settings in, application out."""

import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask, request

from certsvc.api.approvals import approvals_blueprint
from certsvc.api.auth import authoriser
from certsvc.api.certificates import certificates_blueprint
from certsvc.api.code_limits import CodeLimits, Rate
from certsvc.api.codes import codes_blueprint
from certsvc.api.errors import RECOVERY_NEEDED, RETRY_SECONDS, problem_table
from certsvc.api.faces import faces_blueprint
from certsvc.api.home import home_blueprint
from certsvc.api.known_clients import KnownClients
from certsvc.api.numbers import house_checks, numbers
from certsvc.api.published import published_blueprint
from certsvc.api.qr import qr_blueprint
from certsvc.api.readiness import readiness, trust_check
from certsvc.api.types import types_blueprint
from certsvc.catalogue import Catalogue
from certsvc.custody import open_keys
from certsvc.issuing.metered import MeteredIssuing
from certsvc.printing.opening import open_desk
from certsvc.publishing.tree import PublishedTree
from certsvc.restoring.errors import RecoveryNeeded
from certsvc.restoring.fence import Gate, fence_of
from certsvc.restoring.recording import attach_journal
from certsvc.service import logs
from certsvc.service.cells import FileCells
from certsvc.service.contract import contract_blueprint
from certsvc.service.engine import make_engine
from certsvc.service.exposition import metrics_blueprint
from certsvc.service.health import ReadyCheck, health_blueprint
from certsvc.service.http import HttpOptions, new_app
from certsvc.service.limits import (
    ISSUER_BODY_BYTES,
    Budget,
    CountedLimiter,
    Limiter,
    RateLimiter,
)
from certsvc.service.metrics import Metrics, shared_metrics
from certsvc.service.networks import read_networks
from certsvc.service.problems import Problem
from certsvc.service.retries import Retries
from certsvc.service.settings import Settings, SettingsInvalid, variable
from certsvc.service.shared.connection import Shared, open_shared
from certsvc.service.shared.limiter import SharedLimiter
from certsvc.service.tracing import Tracer, open_tracer, trace_transactions
from certsvc.transparency import open_log
from certsvc_sdk import __version__

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], float] = time.time,
    rng: Callable[[int], bytes] = secrets.token_bytes,
    metrics: Metrics | None = None,
    tracer: Tracer | None = None,
) -> Flask:
    """The issuer service as a WSGI application.

    Args:
        settings: None reads the environment and configures logging, as the WSGI server needs it.
        clock: Unix time in seconds.
        rng: source of random bytes.
        metrics: what all processes of the service count in; None: this one alone, but for the
            WSGI server's processes.
        tracer: notes requests and steps; None: as the settings and the environment say.

    Raises:
        SettingsInvalid: a setting is wrong, or the key store does not open with it.
        DatabaseUnavailable: the database's address cannot be used.
        RecoveryNeeded: more is known outside than the database knows.
    """
    if settings is None:
        logs.configure()
        settings = Settings.from_env(os.environ)
        metrics = shared_metrics(metrics_folder(settings), monotonic=time.monotonic)
    metrics = metrics or Metrics()
    metrics.build.put(1, __version__)
    tracer = tracer or open_tracer(settings, os.environ, service="certsvc-issuer")
    shared = open_shared(settings.redis, environment=settings.env, metrics=metrics, tracer=tracer)
    keys = open_keys(settings)
    engine = make_engine(settings.database_url)
    trace_transactions(engine, tracer)
    gate = Gate(fence_of(settings, engine))
    gate.at_start()
    attach_journal(settings, engine, clock_ns=time.time_ns, rng=rng)
    catalogue = Catalogue.builtin()
    _check_types(settings, catalogue)
    service = MeteredIssuing(
        metrics=metrics,
        engine=engine,
        keys=keys,
        catalogue=catalogue,
        settings=settings,
        clock=clock,
        rng=rng,
        retries=Retries(sleep=time.sleep, noted=metrics.retries.add),
        tracer=tracer,
    )
    options = HttpOptions(
        max_body=ISSUER_BODY_BYTES,
        monotonic=time.monotonic,
        new_request_id=lambda: rng(16).hex(),
        metrics=metrics,
        tracer=tracer,
    )
    limiter = _limiter(settings, shared, metrics)
    authorise = authoriser(KnownClients(engine, monotonic=time.monotonic), limiter)
    log = open_log(settings, engine, keys, limiter, clock=clock, monotonic=time.monotonic)
    desk = open_desk(
        settings,
        catalogue=catalogue,
        exports=service.exports,
        keys=keys,
        clock=clock,
        monotonic=time.monotonic,
    )
    app = new_app("certsvc", options, problem_table())
    app.before_request(_guard(gate))
    for blueprint in (
        certificates_blueprint(service, authorise, log.answers),
        approvals_blueprint(service.second_person, authorise),
        qr_blueprint(service, authorise),
        codes_blueprint(service.codes, authorise, _code_limits(settings, shared, metrics), metrics),
        faces_blueprint(
            service, desk, authorise, _faces_limiter(settings, metrics), monotonic=time.monotonic
        ),
        types_blueprint(catalogue, authorise, public_url=settings.public_url),
        published_blueprint(PublishedTree(settings.published)),
        log.blueprint,
        home_blueprint(),
        contract_blueprint(),
        health_blueprint(
            [
                *readiness(engine, keys, log.reader, clock=clock),
                trust_check(PublishedTree(settings.published), clock),
                ReadyCheck("recovery", gate.probe),
                *house_checks(settings, engine, shared, clock),
            ]
        ),
        metrics_blueprint(
            metrics,
            allowed=read_networks(settings.metrics_allow),
            observe=numbers(settings, engine, keys, clock),
        ),
    ):
        app.register_blueprint(blueprint)
    return app


def _check_types(settings: Settings, catalogue: Catalogue) -> None:
    """Refuse a rule for a type that does not exist: misspelt, it would protect nothing."""
    unknown = settings.second_person_types - set(catalogue.names())
    if unknown:
        names = ", ".join(sorted(unknown))
        raise SettingsInvalid(f"{variable('second_person')}: no certificate type {names}")


def metrics_folder(settings: Settings) -> Path:
    """Where each of the service's processes counts."""
    return settings.home / "metrics"


def _limiter(settings: Settings, shared: Shared | None, metrics: Metrics) -> Limiter:
    rate = settings.rate_per_second
    local = RateLimiter(rate, monotonic=time.monotonic)
    limiter: Limiter = local
    if shared is not None:
        limiter = SharedLimiter(shared, rate, local=local, kind="issuer")
    return CountedLimiter(limiter, lambda: metrics.limited.add("issuer"))


def _faces_limiter(settings: Settings, metrics: Metrics) -> Limiter:
    # All server processes count together.
    shared = settings.home / "limits" / "faces"
    limiter = RateLimiter(settings.faces_per_second, monotonic=time.monotonic, shared=shared)
    return CountedLimiter(limiter, lambda: metrics.limited.add("faces"))


def forget_last_run(settings: Settings) -> None:
    """Remove what the processes of a run share, before the first of them starts."""
    FileCells.clear(metrics_folder(settings))
    # Counts by a clock that may have begun anew since.
    shutil.rmtree(code_rates_folder(settings), ignore_errors=True)


def code_rates_folder(settings: Settings) -> Path:
    """Where the service's processes count look-ups of typed codes together."""
    return settings.home / "code-rates"


def _code_limits(settings: Settings, shared: Shared | None, metrics: Metrics) -> CodeLimits:
    def make(name: str, rate: Rate) -> Budget:
        seconds = rate.saved_seconds
        local = RateLimiter(
            rate.per_second,
            monotonic=time.monotonic,
            burst_seconds=seconds,
            shared=code_rates_folder(settings) / name,
        )
        if shared is None:
            return local
        return SharedLimiter(shared, rate.per_second, local=local, kind=name, burst_seconds=seconds)

    try:
        return CodeLimits(make, over=lambda: metrics.limited.add("codes"))
    except OSError as error:
        message = f"{variable('home')}: the folder cannot be written ({error.strerror})"
        raise SettingsInvalid(message) from error


def _guard(gate: Gate) -> Callable[[], None]:
    """Let nothing be written before the fence was passed: at start the database may be away."""

    def guard() -> None:
        if request.method in _READING:
            return
        try:
            gate.require()
        except RecoveryNeeded as error:
            raise Problem(RECOVERY_NEEDED, headers={"Retry-After": RETRY_SECONDS}) from error

    return guard
