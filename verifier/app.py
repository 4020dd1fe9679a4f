"""Composition root of the verifier service: settings in, application out."""

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask, request

from certsvc.service import logs
from certsvc.service.contract import contract_blueprint
from certsvc.service.direct import ADMITTED, answer_directly
from certsvc.service.health import ReadyCheck, health_blueprint
from certsvc.service.http import HttpOptions, new_app
from certsvc.service.limits import RateLimiter
from certsvc.service.problems import RATE_LIMITED, Problem
from certsvc.service.settings import Settings, SettingsInvalid, variable
from certsvc_sdk.client import Verifier
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.policy import Policies
from verifier.api import api_blueprint, direct_route
from verifier.checking import DecoderGate
from verifier.desk import desk_blueprint
from verifier.inputs import REQUEST_BYTES
from verifier.labels import load_labels
from verifier.problems import problem_table

# Seconds: a new right or key shows within half a minute, a revocation within a few seconds.
TRUST_REFRESH = 30
STATUS_REFRESH = 2


def create_app(settings: Settings, *, clock: Callable[[], float] = time.time) -> Flask:
    """The verifier service as a WSGI application.

    Args:
        settings: see `certsvc.service.settings`.
        clock: Unix time in seconds.

    Returns:
        The application, with the trust data not yet loaded (`/readyz` says when it is).

    Raises:
        SettingsInvalid: the pinned trust root or the file of policies cannot be used.
    """
    checker = _verifier(settings, clock)
    policies = _policies(settings)
    options = HttpOptions(
        max_body=REQUEST_BYTES,
        monotonic=time.monotonic,
        new_request_id=lambda: secrets.token_hex(16),
    )
    app = new_app("verifier", options, problem_table())
    limiter = _limiter(settings)
    _limit_rate(app, limiter)

    @app.teardown_request
    def close(_: BaseException | None) -> None:
        request.close()  # large uploads lie in temporary files

    gate = DecoderGate()
    labels = load_labels()
    app.register_blueprint(api_blueprint(checker, gate, labels, policies))
    app.register_blueprint(desk_blueprint(checker, gate, labels, policies))
    app.register_blueprint(contract_blueprint())
    app.register_blueprint(health_blueprint([_trust_check(checker, settings)]))
    route = direct_route(checker, gate, labels, policies, lambda client: not limiter.wait(client))
    answer_directly(app, route, options)
    return app


def served_app() -> Flask:
    """What the WSGI server runs in each worker: settings and logs of the environment.

    Raises:
        SettingsInvalid: a setting is wrong.
    """
    logs.configure()
    return create_app(Settings.from_env(os.environ))


def _verifier(settings: Settings, clock: Callable[[], float]) -> Verifier:
    try:
        return Verifier.from_root(
            settings.trust_root,
            url=settings.trust_url,
            cache_dir=settings.verifier_cache,
            clock=clock,
            trust_refresh=TRUST_REFRESH,
            status_refresh=STATUS_REFRESH,
            profiles=("gm",) if settings.gm_profile else (),
        )
    except CertsvcError as error:
        fields = ("trust_root", "trust_url", "verifier_cache", "gm_profile")
        names = " or ".join(variable(name) for name in fields)
        raise SettingsInvalid(f"{names}: {error}") from error


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


def _trust_check(checker: Verifier, settings: Settings) -> ReadyCheck:
    """Ready once trust data of our own environment is at hand.

    Its age does not count, it stands in every verdict. A demonstration's root in production would
    let anybody's demo department pass (T20).
    """

    def probe() -> str | None:
        trust = checker.trust_state()
        if trust is None:
            return "trust_unavailable"
        return None if trust.environment == settings.env.value else "trust_environment"

    return ReadyCheck("trust", probe)


def rate_file(settings: Settings) -> Path:
    """Where the workers count each client's requests together."""
    return settings.verifier_cache / "rate"


def _limiter(settings: Settings) -> RateLimiter:
    shared = rate_file(settings)
    try:
        return RateLimiter(settings.rate_per_second, monotonic=time.monotonic, shared=shared)
    except OSError as error:
        message = f"{variable('verifier_cache')}: the folder cannot be written ({error.strerror})"
        raise SettingsInvalid(message) from error


def _limit_rate(app: Flask, limiter: RateLimiter) -> None:
    @app.before_request
    def limit() -> None:
        if request.method == "POST" and not request.environ.get(ADMITTED):
            seconds = limiter.wait(request.remote_addr or "")
            if seconds:
                raise Problem(RATE_LIMITED, headers={"Retry-After": str(seconds)})
