"""How the worker stands, told on a port of its own: `/healthz`, `/readyz` and `/metrics`."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from flask import Flask

from certsvc.service.exposition import metrics_blueprint
from certsvc.service.health import ReadyCheck, health_blueprint
from certsvc.service.http import HttpOptions, new_app
from certsvc.service.metrics import Metrics
from certsvc.service.networks import read_networks
from certsvc.service.settings import Settings, variable
from certsvc.worker.duty import Duty

log = logging.getLogger("certsvc.worker")

#: A duty that has not looked for so long hangs, or fails again and again.
SILENT_SECONDS = 60.0


class Pulse:
    """When each duty looked last. Safe for threads.

    Args:
        monotonic: seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._looked: dict[str, float] = {}

    def beat(self, duty: Duty) -> None:
        """The duty looked, and nothing kept it from looking."""
        self._looked[duty.name] = self._monotonic()

    def check(self, duty: Duty) -> ReadyCheck:
        """Not ready while the duty is silent; one that waits for the lease looks all the same."""

        def probe() -> str | None:
            silent = self._monotonic() - self._looked.get(duty.name, self._began)
            return "silent" if silent > SILENT_SECONDS else None

        return ReadyCheck(duty.name, probe)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """The application writes its own line."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def worker_app(
    settings: Settings,
    metrics: Metrics,
    checks: list[ReadyCheck],
    *,
    monotonic: Callable[[], float],
    new_request_id: Callable[[], str],
) -> Flask:
    """The worker's three routes.

    Args:
        settings: of the worker.
        metrics: what it counts.
        checks: what it needs.
        monotonic: seconds that never go back.
        new_request_id: as for the services.
    """
    options = HttpOptions(
        max_body=0, monotonic=monotonic, new_request_id=new_request_id, metrics=metrics
    )
    app = new_app("certsvc", options, {})
    app.register_blueprint(health_blueprint(checks))
    app.register_blueprint(
        metrics_blueprint(metrics, allowed=read_networks(settings.metrics_allow))
    )
    return app


@contextmanager
def telling(settings: Settings, app: Flask) -> Iterator[int | None]:
    """Answer on the worker's port; the work goes on without where it cannot be had.

    Yields:
        The port, None where nobody listens.
    """
    if not settings.worker_port:
        yield None
        return
    try:
        server = make_server(
            settings.worker_bind, settings.worker_port, app, _Server, handler_class=_Quiet
        )
    except OSError as error:
        # Another worker on this machine has it: that one may be asked, this one works as well.
        log.warning("%s cannot be used: %s", variable("worker_port"), error.strerror)
        yield None
        return
    thread = threading.Thread(target=server.serve_forever, name="telling", daemon=True)
    thread.start()
    try:
        yield settings.worker_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
