"""`/healthz`: the process answers. `/readyz`: it can do its work, with reasons when not."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, jsonify

ALIVE, READY = "/healthz", "/readyz"
PROBES = frozenset({ALIVE, READY})

_log = logging.getLogger("certsvc.health")


@dataclass(frozen=True, slots=True)
class ReadyCheck:
    """One thing the service needs. `probe` returns None, or why it is missing (a code)."""

    name: str
    probe: Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class NotReady:
    """A check that did not pass."""

    check: str
    reason: str


def evaluate(checks: Sequence[ReadyCheck]) -> tuple[NotReady, ...]:
    """Run all checks; one that raises counts as failed, with its class's code as the reason."""
    failed = []
    for check in checks:
        try:
            reason = check.probe()
        except Exception as error:  # every failure of a probe means "not ready", and is logged
            reason = str(getattr(error, "code", None) or "failed")
            _log.warning("readiness check raised", exc_info=error, extra={"reasons": [check.name]})
        if reason is not None:
            failed.append(NotReady(check.name, reason))
    return tuple(failed)


def health_blueprint(checks: Sequence[ReadyCheck]) -> Blueprint:
    """Both routes."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get(ALIVE)
    def healthz() -> Response:
        return jsonify({"status": "ok"})

    @blueprint.get(READY)
    def readyz() -> Response:
        failed = evaluate(checks)
        response = jsonify(
            {
                "status": "not_ready" if failed else "ready",
                "checks": [check.name for check in checks],
                "reasons": [{"check": item.check, "reason": item.reason} for item in failed],
            }
        )
        response.status_code = 503 if failed else 200
        return response

    return blueprint
