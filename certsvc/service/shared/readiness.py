"""Redis in `/readyz`: a service is better with it, and ready without."""

from certsvc.service.health import ReadyCheck
from certsvc.service.shared.breaker import State
from certsvc.service.shared.connection import Shared

UNAVAILABLE = "redis_unavailable"


def redis_checks(shared: Shared | None) -> list[ReadyCheck]:
    """The check of Redis where there is one."""
    if shared is None:
        return []

    def probe() -> str | None:
        return None if shared.ask() is State.CLOSED else UNAVAILABLE

    return [ReadyCheck("redis", probe, needed=False)]
