"""Tasks that may fail one by one: each rests after a failure, ever longer, and the others go on."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from certsvc.issuing.errors import IssuingError
from certsvc.publishing.errors import PublishingError
from certsvc.service.engine import DatabaseUnavailable
from certsvc.storage.errors import StorageError
from certsvc_sdk.errors import CertsvcError
from keys.errors import KeysError

log = logging.getLogger("certsvc.worker")

#: Seconds between looks at the database: the larger part of revoke-to-visible.
POLL_SECONDS = 0.25
#: Longest pause after failures in a row, in seconds.
MAX_PAUSE = 15.0

#: What is expected to fail at times: logged by its code; anything else is logged with its trace.
FAILURES = (KeysError, PublishingError, IssuingError, StorageError, CertsvcError, OSError)


def pause_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(MAX_PAUSE, POLL_SECONDS * 2.0 ** min(failures, 16))


@dataclass(frozen=True, slots=True)
class Pause:
    """A task that failed so many times in a row, and when it may be tried again."""

    failures: int
    since: float
    until: float


class Attempts:
    """Makes tasks, and remembers which of them rest after a failure.

    Args:
        clock: Unix seconds.
        failed: told of each failure.
    """

    def __init__(
        self, clock: Callable[[], float], *, failed: Callable[[], object] = lambda: None
    ) -> None:
        self._clock = clock
        self._failed = failed
        self._pauses: dict[str, Pause] = {}

    def make(self, task: str, do: Callable[[], bool]) -> bool:
        """Do one task unless it rests after a failure; no failure of it stops the others.

        Returns:
            What `do` returned, False where it failed or rests.

        Raises:
            DatabaseUnavailable: No other task would fare better.
        """
        now = self._clock()
        pause = self._pauses.get(task, Pause(0, now, now))
        if pause.since <= now < pause.until:
            return False
        try:
            done = do()
        except DatabaseUnavailable:
            raise
        except Exception as error:
            failures = pause.failures + 1
            self._pauses[task] = Pause(failures, now, now + pause_after(failures))
            log_failure(task, error, failures)
            self._failed()
            return False
        self._pauses.pop(task, None)
        return done


def log_failure(task: str, error: Exception, failures: int) -> None:
    """Log a failure by its code; one that nobody expected, with its trace."""
    log.error(
        "failed: %s",
        task,
        exc_info=None if isinstance(error, (DatabaseUnavailable, *FAILURES)) else error,
        extra={"code": getattr(error, "code", type(error).__name__), "failures": failures},
    )
