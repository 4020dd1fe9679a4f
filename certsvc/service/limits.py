"""Limits of the HTTP surface: body caps, and a rate limiter (GCRA) for each client (T21, T65)."""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable

# The largest built-in type needs under 16 KiB. The rest is room for mistakes that deserve their own
# answer: a field of 20,000 characters, each escaped into six bytes, is `text_too_long`, not 413.
ISSUER_BODY_BYTES = 256 * 1024
REQUEST_ID_CHARACTERS = 64  # room for a UUID or a trace id; longer ones are replaced
IDEMPOTENCY_KEY_CHARACTERS = 128

BURST_SECONDS = 5  # a client may spend five seconds' worth of requests at once
MAX_TRACKED = 10_000  # clients remembered; an attacker's addresses must not fill the memory


class RateLimiter:
    """Generic cell rate algorithm in one process: an even rate with a bounded burst.

    Args:
        per_second: requests a second for each key; 0 switches the limiter off.
        monotonic: a clock in seconds that never goes back.
        burst_seconds: how much unused rate a key may save up.
    """

    def __init__(
        self,
        per_second: float,
        *,
        monotonic: Callable[[], float],
        burst_seconds: float = BURST_SECONDS,
    ) -> None:
        self._interval = 1 / per_second if per_second > 0 else 0.0
        self._tolerance = max(burst_seconds - self._interval, 0.0)
        self._monotonic = monotonic
        self._arrivals: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: str) -> int:
        """Count one request.

        Args:
            key: the client.

        Returns:
            0 when the request may pass, else the whole seconds to wait (`Retry-After`).
        """
        if not self._interval:
            return 0
        with self._lock:
            now = self._monotonic()
            arrival = max(self._arrivals.get(key, now), now)
            if arrival - now > self._tolerance:
                return max(math.ceil(arrival - now - self._tolerance), 1)
            self._arrivals[key] = arrival + self._interval
            self._arrivals.move_to_end(key)
            while len(self._arrivals) > MAX_TRACKED:
                self._arrivals.popitem(last=False)
            return 0
