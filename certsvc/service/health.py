"""`/healthz`: the process answers. `/readyz`: it can do its work, with reasons when not."""

import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, jsonify

from certsvc.service.exposition import PATH as METRICS
from certsvc.service.metrics import Observed

ALIVE, READY = "/healthz", "/readyz"
#: What is asked every few seconds; answers that all is well are not worth a line.
PROBES = frozenset({ALIVE, READY, METRICS})
DISK_LOW = "disk_low"
CLOCK_UNTRUSTED = "clock_untrusted"
# Clocks in one country differ by seconds (`certsvc_sdk.world.CLOCK_TOLERANCE`).
CLOCK_TOLERANCE = 300
MEGABYTE = 1024 * 1024

_log = logging.getLogger("certsvc.health")


@dataclass(frozen=True, slots=True)
class ReadyCheck:
    """One thing the service needs, or is better with.

    Attributes:
        name: what it is called in the answer.
        probe: returns None, or why it is missing (a code).
        needed: without it the service is not ready; else it works, and the answer says so.
    """

    name: str
    probe: Callable[[], str | None]
    needed: bool = True


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
    needed = [check for check in checks if check.needed]
    better = [check for check in checks if not check.needed]

    @blueprint.get(ALIVE)
    def healthz() -> Response:
        return jsonify({"status": "ok"})

    @blueprint.get(READY)
    def readyz() -> Response:
        failed, missed = evaluate(needed), evaluate(better)
        answer = {
            "status": "not_ready" if failed else "ready",
            "checks": [check.name for check in checks],
            "reasons": _shown(failed),
        }
        if missed:
            answer["degraded"] = _shown(missed)
        response = jsonify(answer)
        response.status_code = 503 if failed else 200
        return response

    return blueprint


def _shown(failed: Iterable[NotReady]) -> list[dict[str, str]]:
    return [{"check": item.check, "reason": item.reason} for item in failed]


def disk_check(folders: Callable[[], Iterable[Path]], *, reserve: int) -> ReadyCheck:
    """Not ready where a folder's disk has less than `reserve` bytes; 0 switches it off."""

    def probe() -> str | None:
        low = reserve and any(free < reserve for _, free in free_bytes(folders()))
        return DISK_LOW if low else None

    return ReadyCheck("disk", probe)


def free_bytes(folders: Iterable[Path]) -> list[tuple[Path, int]]:
    """What this process may still write where the folders lie; one that is missing is left out."""
    found = []
    for folder in folders:
        try:
            found.append((folder, shutil.disk_usage(folder).free))
        except FileNotFoundError:
            continue
    return found


def disk_free(folders: Callable[[], Iterable[Path]]) -> Callable[[], Iterable[Observed]]:
    """The same as numbers; a folder is called by its last name, of two the fuller one shows."""

    def observe() -> Iterable[Observed]:
        least: dict[str, int] = {}
        for folder, free in free_bytes(folders()):
            name = folder.name or "/"
            least[name] = min(free, least.get(name, free))
        return [Observed("disk_free_bytes", free, (name,)) for name, free in least.items()]

    return observe


def clock_check(clock: Callable[[], float], floor: Callable[[], int | None]) -> ReadyCheck:
    """Not ready while the clock is behind what signed data proves (R13).

    Args:
        clock: Unix seconds.
        floor: the latest time that signed data proves, or None.
    """

    def probe() -> str | None:
        return CLOCK_UNTRUSTED if behind(clock, floor) > CLOCK_TOLERANCE else None

    return ReadyCheck("clock", probe)


def behind(clock: Callable[[], float], floor: Callable[[], int | None]) -> float:
    """Seconds that the clock is behind what signed data proves; 0: it is not."""
    return max((floor() or 0) - clock(), 0.0)
