"""A breaker: who failed is left alone for a while, and one at a time asks whether it is back."""

import threading
from collections.abc import Callable
from enum import IntEnum
from typing import Final

# A server that restarts is back within seconds; each probe costs nobody's request anything.
OPEN_SECONDS: Final = 2.0


class State(IntEnum):
    """As the metric `redis_breaker_state` shows it."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Closed until a failure, then open; after a pause one probe decides. Safe for threads.

    Args:
        monotonic: seconds that never go back.
        pause: seconds from a failure to the next probe.
        changed: told every new state.
        is_open: begin open, with a probe due at once.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        pause: float = OPEN_SECONDS,
        changed: Callable[[State], None] = lambda _: None,
        is_open: bool = False,
    ) -> None:
        self._monotonic = monotonic
        self._pause = pause
        self._changed = changed
        self._lock = threading.Lock()
        self._until = monotonic()
        self._state = State.OPEN if is_open else State.CLOSED

    @property
    def state(self) -> State:
        """How it stands now."""
        return self._state

    def take_probe(self) -> bool:
        """Whether the caller is the one to ask; it must then say `succeeded` or `failed`."""
        with self._lock:
            if self._state is not State.OPEN or self._monotonic() < self._until:
                return False
            self._become(State.HALF_OPEN)
            return True

    def succeeded(self) -> None:
        """The probe was answered; an earlier request's late answer says nothing."""
        with self._lock:
            if self._state is State.HALF_OPEN:
                self._become(State.CLOSED)

    def failed(self) -> None:
        """A request or the probe failed."""
        with self._lock:
            self._until = self._monotonic() + self._pause
            if self._state is not State.OPEN:
                self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self._state = state
        self._changed(state)
