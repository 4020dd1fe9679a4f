"""Composition root of the issuer service: settings in, application out."""

import os
import secrets
import time
from collections.abc import Callable

from flask import Flask

from certsvc.api.auth import authoriser
from certsvc.api.certificates import certificates_blueprint
from certsvc.api.errors import problem_table
from certsvc.api.home import home_blueprint
from certsvc.api.published import published_blueprint
from certsvc.api.qr import qr_blueprint
from certsvc.api.readiness import readiness
from certsvc.api.types import types_blueprint
from certsvc.catalogue import Catalogue
from certsvc.custody import open_keys
from certsvc.issuing.service import IssuingService
from certsvc.publishing.tree import PublishedTree
from certsvc.service import logs
from certsvc.service.contract import contract_blueprint
from certsvc.service.engine import make_engine
from certsvc.service.health import health_blueprint
from certsvc.service.http import HttpOptions, new_app
from certsvc.service.limits import ISSUER_BODY_BYTES, RateLimiter
from certsvc.service.settings import Settings


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], float] = time.time,
    rng: Callable[[int], bytes] = secrets.token_bytes,
) -> Flask:
    """The issuer service as a WSGI application.

    Args:
        settings: None reads the environment and configures logging, as the WSGI server needs it.
        clock: Unix time in seconds.
        rng: source of random bytes.

    Raises:
        SettingsInvalid: a setting is wrong, or the key store does not open with it.
        DatabaseUnavailable: the database's address cannot be used.
    """
    if settings is None:
        logs.configure()
        settings = Settings.from_env(os.environ)
    keys = open_keys(settings)
    engine = make_engine(settings.database_url)
    catalogue = Catalogue.builtin()
    service = IssuingService(
        engine=engine,
        keys=keys,
        catalogue=catalogue,
        settings=settings,
        clock=clock,
        rng=rng,
    )
    options = HttpOptions(
        max_body=ISSUER_BODY_BYTES,
        monotonic=time.monotonic,
        new_request_id=lambda: rng(16).hex(),
    )
    authorise = authoriser(engine, RateLimiter(settings.rate_per_second, monotonic=time.monotonic))
    app = new_app("certsvc", options, problem_table())
    for blueprint in (
        certificates_blueprint(service, authorise),
        qr_blueprint(service, authorise),
        types_blueprint(catalogue, authorise, public_url=settings.public_url),
        published_blueprint(PublishedTree(settings.published)),
        home_blueprint(),
        contract_blueprint(),
        health_blueprint(readiness(engine, keys)),
    ):
        app.register_blueprint(blueprint)
    return app
