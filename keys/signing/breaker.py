"""A breaker: who failed is left alone for a moment, and one request at a time asks again."""

import threading

from keys.signing.frames import Monotonic

#: A signer that restarts is back within seconds; a dead one costs whoever asks nothing.
PAUSE_SECONDS = 1.0


class Breaker:
    """Closed until a failure, then open; after a pause one request decides. Safe for threads.

    Args:
        monotonic: seconds that never go back.
        pause: seconds from a failure to the next try.
    """

    def __init__(self, monotonic: Monotonic, *, pause: float = PAUSE_SECONDS) -> None:
        self._monotonic = monotonic
        self._pause = pause
        self._lock = threading.Lock()
        self._open = False
        self._until = 0.0
        self._trying = False

    def admits(self) -> bool:
        """Whether a request may go out; whoever is let out says `succeeded` or `failed`."""
        with self._lock:
            if not self._open:
                return True
            if self._trying or self._monotonic() < self._until:
                return False
            self._trying = True
            return True

    def succeeded(self) -> None:
        """A request was answered."""
        with self._lock:
            self._open = self._trying = False

    def failed(self) -> None:
        """A request was not answered."""
        with self._lock:
            self._open, self._trying = True, False
            self._until = self._monotonic() + self._pause
