"""How the verifier service stands: for `/readyz` and for the page of metrics."""

from collections.abc import Callable, Iterable
from pathlib import Path

from certsvc.service.health import (
    MEGABYTE,
    ReadyCheck,
    behind,
    clock_check,
    disk_check,
    disk_free,
)
from certsvc.service.metrics import Observe, Observed
from certsvc.service.settings import Settings
from certsvc.service.shared.connection import Shared
from certsvc.service.shared.readiness import redis_checks
from certsvc_sdk.client import Verifier


class Watch:
    """Looks at what the service needs.

    Args:
        settings: the service's.
        verifier: the SDK's.
        clock: Unix seconds.
        shared: the way to Redis; None: there is none.
    """

    def __init__(
        self,
        settings: Settings,
        verifier: Verifier,
        clock: Callable[[], float],
        shared: Shared | None,
    ) -> None:
        self._settings = settings
        self._verifier = verifier
        self._clock = clock
        self._shared = shared

    def checks(self) -> list[ReadyCheck]:
        """What `/readyz` asks."""
        reserve = self._settings.disk_reserve_mb * MEGABYTE
        checks = [
            ReadyCheck("trust", self._trust),
            clock_check(self._clock, self._floor),
            disk_check(self._folders, reserve=reserve),
        ]
        return [*checks, *redis_checks(self._shared)]

    def numbers(self) -> list[Observe]:
        """What the page of metrics looks up."""
        return [disk_free(self._folders), self._ages]

    def _trust(self) -> str | None:
        """Ready once trust data of our own environment is at hand.

        Its age does not count, it stands in every verdict. A demonstration's root in production
        would let anybody's demo department pass (T20).
        """
        trust = self._verifier.trust_state()
        if trust is None:
            return "trust_unavailable"
        return None if trust.environment == self._settings.env.value else "trust_environment"

    def _floor(self) -> int | None:
        trust = self._verifier.trust_state()
        return None if trust is None else trust.clock_floor

    def _folders(self) -> Iterable[Path]:
        return [self._settings.verifier_cache]

    def _ages(self) -> Iterable[Observed]:
        trust = self._verifier.trust_state()
        if trust is not None:
            yield Observed("trust_age_seconds", max(self._clock() - trust.as_of, 0.0))
        yield Observed("clock_behind_seconds", behind(self._clock, self._floor))
