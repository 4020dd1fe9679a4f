"""Limits of the HTTP surface: body caps, and a rate limiter (GCRA) for each client (T21, T65)."""

import fcntl
import math
import mmap
import os
import struct
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

# The largest built-in type needs under 16 KiB. The rest is room for mistakes that deserve their own
# answer: a field of 20,000 characters, each escaped into six bytes, is `text_too_long`, not 413.
ISSUER_BODY_BYTES = 256 * 1024
REQUEST_ID_CHARACTERS = 64  # room for a UUID or a trace id; longer ones are replaced
IDEMPOTENCY_KEY_CHARACTERS = 128

BURST_SECONDS = 5  # a client may spend five seconds' worth of requests at once
BUCKETS = 2048  # with 8 clients each; an attacker's addresses must not fill the memory
CLIENTS_IN_BUCKET = 8

# Mark of a client, and when its next request is due by the even rate; all zero: a free place.
_PLACE = struct.Struct("=Qd")
_BUCKET_BYTES = CLIENTS_IN_BUCKET * _PLACE.size


class Limiter(Protocol):
    """Counts requests of clients."""

    def wait(self, key: str) -> int:
        """Count one request; 0 when it may pass, else the whole seconds to wait."""
        ...


class Budget(Limiter, Protocol):
    """Counts first and may take it back: whoever asks many things at once gains nothing."""

    def give_back(self, key: str) -> None:
        """Uncount one request that was let pass."""
        ...


class CountedLimiter:
    """A limiter that tells whoever counts of each request over its rate.

    Args:
        limiter: decides.
        over: told of each such request.
    """

    def __init__(self, limiter: Limiter, over: Callable[[], object]) -> None:
        self._limiter = limiter
        self._over = over

    def wait(self, key: str) -> int:
        """As the limiter's."""
        seconds = self._limiter.wait(key)
        if seconds:
            self._over()
        return seconds


class RateLimiter:
    """Generic cell rate algorithm: an even rate with a bounded burst.

    Args:
        per_second: requests a second for each key; 0 switches the limiter off.
        monotonic: a clock in seconds that never goes back, the same in all processes.
        burst_seconds: how much unused rate a key may save up.
        shared: file through which all processes that name it count together; None: this process.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(
        self,
        per_second: float,
        *,
        monotonic: Callable[[], float],
        burst_seconds: float = BURST_SECONDS,
        shared: Path | None = None,
    ) -> None:
        self._interval = 1 / per_second if per_second > 0 else 0.0
        self._tolerance = max(burst_seconds - self._interval, 0.0)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        size = BUCKETS * _BUCKET_BYTES
        self._file: int | None = None
        if shared is not None and self._interval:
            shared.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(shared, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            weakref.finalize(self, os.close, self._file)
            os.ftruncate(self._file, size)
        self._places = mmap.mmap(-1 if self._file is None else self._file, size)

    def wait(self, key: str) -> int:
        """Count one request.

        Args:
            key: the client.

        Returns:
            0 when the request may pass, else the whole seconds to wait (`Retry-After`).
        """
        if not self._interval:
            return 0
        with self._locked():
            return self._count(_mark(key))

    def give_back(self, key: str) -> None:
        """Uncount one request that was let pass."""
        mark = _mark(key)
        with self._locked():
            place, due = self._find(mark)
            if due:
                _PLACE.pack_into(self._places, place, mark, due - self._interval)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock:
            if self._file is None:
                yield
                return
            # The kernel gives it back where a process dies in between.
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _count(self, mark: int) -> int:
        now = self._monotonic()
        place, due = self._find(mark)
        arrival = max(due, now)
        if arrival - now > self._tolerance:
            return max(math.ceil(arrival - now - self._tolerance), 1)
        _PLACE.pack_into(self._places, place, mark, arrival + self._interval)
        return 0

    def _find(self, mark: int) -> tuple[int, float]:
        """The place of a client and when it is due; for a new one, that of who is due first."""
        start = mark % BUCKETS * _BUCKET_BYTES
        bucket = self._places[start : start + _BUCKET_BYTES]
        first, soonest = 0, math.inf
        for number, (known, due) in enumerate(_PLACE.iter_unpack(bucket)):
            if known == mark:
                return start + number * _PLACE.size, due
            if due < soonest:
                first, soonest = number, due
        return start + first * _PLACE.size, 0.0


def _mark(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) or 1
