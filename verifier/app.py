"""Composition root of the verifier service: settings in, application out."""

import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from flask import Flask, request

from certsvc.service import logs
from certsvc.service.cells import FileCells
from certsvc.service.contract import contract_blueprint
from certsvc.service.direct import ADMITTED, answer_directly
from certsvc.service.exposition import metrics_blueprint
from certsvc.service.health import health_blueprint
from certsvc.service.http import HttpOptions, new_app
from certsvc.service.limits import Limiter, RateLimiter
from certsvc.service.metrics import Metrics, shared_metrics
from certsvc.service.networks import read_networks
from certsvc.service.problems import RATE_LIMITED, Problem
from certsvc.service.settings import Settings, SettingsInvalid, variable
from certsvc.service.shared.connection import Shared, open_shared
from certsvc.service.shared.limiter import SharedLimiter
from certsvc.service.shared.objects import SharedObjects
from certsvc.service.tracing import Tracer, open_tracer
from certsvc_sdk import __version__
from certsvc_sdk.client import Verifier
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.policy import Policies
from certsvc_sdk.resolver import Resolver
from verifier.api import api_blueprint, direct_route
from verifier.checking import DecoderGate
from verifier.desk import desk_blueprint
from verifier.dictionaries import dictionaries_blueprint
from verifier.inputs import REQUEST_BYTES
from verifier.labels import load_labels
from verifier.nonces import IssuedNonces, LocalNonces
from verifier.nonces_api import nonces_blueprint
from verifier.problems import problem_table
from verifier.resolving import code_rates_file, open_resolver
from verifier.service_checker import ServiceChecker
from verifier.watch import Watch

# Seconds: a new right or key shows within half a minute, a revocation within a few seconds.
TRUST_REFRESH = 30
STATUS_REFRESH = 2
# Certificates that come again within minutes (a form in several steps) need no second signature
# check; 10 MB a process at most.
REMEMBERED = 512


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], float] = time.time,
    metrics: Metrics | None = None,
    tracer: Tracer | None = None,
    resolver: Resolver | None = None,
) -> Flask:
    """The verifier service as a WSGI application.

    Args:
        settings: see `certsvc.service.settings`.
        clock: Unix time in seconds.
        metrics: what all processes of the service count in; None: this one alone.
        tracer: notes requests; None: as the settings and the environment say.
        resolver: looks typed codes up; None: whom the settings name.

    Returns:
        The application, with the trust data not yet loaded (`/readyz` says when it is).

    Raises:
        SettingsInvalid: the pinned trust root or the file of policies cannot be used.
    """
    metrics = metrics or Metrics()
    metrics.build.put(1, __version__)
    tracer = tracer or open_tracer(settings, os.environ, service="certsvc-verifier")
    shared = open_shared(settings.redis, environment=settings.env, metrics=metrics, tracer=tracer)
    nonces = IssuedNonces(LocalNonces(nonce_file(settings)), shared, metrics=metrics)
    verifier = _verifier(settings, clock, nonces, shared, resolver or _resolver(settings, shared))
    checker = ServiceChecker(verifier, nonces, metrics=metrics)
    policies = _policies(settings)
    options = HttpOptions(
        max_body=REQUEST_BYTES,
        monotonic=time.monotonic,
        new_request_id=lambda: secrets.token_hex(16),
        metrics=metrics,
        tracer=tracer,
    )
    app = new_app("verifier", options, problem_table())
    limiter = _limiter(settings, shared)
    _limit_rate(app, limiter, metrics)

    @app.teardown_request
    def close(_: BaseException | None) -> None:
        request.close()  # large uploads lie in temporary files

    gate = DecoderGate()
    labels = load_labels()
    watch = Watch(settings, verifier, clock, shared)
    for blueprint in (
        api_blueprint(checker, gate, labels, policies),
        nonces_blueprint(nonces, clock),
        desk_blueprint(checker, gate, labels, policies),
        dictionaries_blueprint(verifier),
        contract_blueprint(),
        health_blueprint(watch.checks()),
        metrics_blueprint(
            metrics, allowed=read_networks(settings.metrics_allow), observe=watch.numbers()
        ),
    ):
        app.register_blueprint(blueprint)
    route = direct_route(checker, gate, labels, policies, lambda client: not limiter.wait(client))
    answer_directly(app, route, options)
    return app


def served_app() -> Flask:
    """What the WSGI server runs in each worker: settings and logs of the environment.

    Raises:
        SettingsInvalid: a setting is wrong.
    """
    logs.configure()
    settings = Settings.from_env(os.environ)
    try:
        metrics = shared_metrics(metrics_folder(settings), monotonic=time.monotonic)
    except OSError as error:
        raise _unwritable(error) from error
    return create_app(settings, metrics=metrics)


def forget_last_run(settings: Settings) -> None:
    """Remove what the processes of a run share, before the first of them starts."""
    with suppress(OSError):  # counts by a clock that may have begun anew since
        rate_file(settings).unlink()
    with suppress(OSError):
        code_rates_file(settings).unlink()
    with suppress(OSError):
        nonce_file(settings).unlink()
    with suppress(OSError):
        FileCells.clear(metrics_folder(settings))


def _verifier(
    settings: Settings,
    clock: Callable[[], float],
    nonces: IssuedNonces,
    shared: Shared | None,
    resolver: Resolver | None,
) -> Verifier:
    try:
        return Verifier.from_root(
            settings.trust_root,
            url=settings.trust_url,
            cache_dir=settings.verifier_cache,
            clock=clock,
            trust_refresh=TRUST_REFRESH,
            status_refresh=STATUS_REFRESH,
            nonces=nonces,
            profiles=("gm",) if settings.gm_profile else (),
            remember=REMEMBERED,
            relay=None if shared is None else SharedObjects(shared),
            resolver=resolver,
        )
    except CertsvcError as error:
        fields = ("trust_root", "trust_url", "verifier_cache", "gm_profile")
        names = " or ".join(variable(name) for name in fields)
        raise SettingsInvalid(f"{names}: {error}") from error


def _resolver(settings: Settings, shared: Shared | None) -> Resolver | None:
    try:
        return open_resolver(settings, shared)
    except OSError as error:
        raise _unwritable(error) from error


def _policies(settings: Settings) -> Policies:
    """The policies that a request may name; a service without the file keeps none."""
    try:
        data = settings.policies.read_bytes()
    except FileNotFoundError:
        return Policies({})
    except OSError as error:
        message = f"{variable('policies')}: the file cannot be read ({error.strerror})"
        raise SettingsInvalid(message) from error
    try:
        return Policies.from_bytes(data)
    except CertsvcError as error:
        raise SettingsInvalid(f"{variable('policies')}: {error}") from error


def rate_file(settings: Settings) -> Path:
    """Where the workers count each client's requests together."""
    return settings.verifier_cache / "rate"


def nonce_file(settings: Settings) -> Path:
    """Where the workers keep the nonces that were given out."""
    return settings.verifier_cache / "nonces.db"


def metrics_folder(settings: Settings) -> Path:
    """Where each worker counts."""
    return settings.verifier_cache / "metrics"


def _limiter(settings: Settings, shared: Shared | None) -> Limiter:
    rate, file = settings.rate_per_second, rate_file(settings)
    try:
        local = RateLimiter(rate, monotonic=time.monotonic, shared=file)
    except OSError as error:
        raise _unwritable(error) from error
    if shared is None:
        return local
    return SharedLimiter(shared, rate, local=local, kind="verifier")


def _unwritable(error: OSError) -> SettingsInvalid:
    name = variable("verifier_cache")
    return SettingsInvalid(f"{name}: the folder cannot be written ({error.strerror})")


def _limit_rate(app: Flask, limiter: Limiter, metrics: Metrics) -> None:
    @app.before_request
    def limit() -> None:
        if request.method == "POST" and not request.environ.get(ADMITTED):
            seconds = limiter.wait(request.remote_addr or "")
            if seconds:
                metrics.limited.add("verifier")
                raise Problem(RATE_LIMITED, headers={"Retry-After": str(seconds)})
