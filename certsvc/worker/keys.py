"""The worker's look at the keys: which are beyond a limit, and which verifiers can see by now."""

import logging
from collections.abc import Callable
from functools import partial

from certsvc.attempts import Attempts
from certsvc.authority.keys_errors import KeyWorkError
from certsvc.authority.keys_listing import note_listing, records_of
from certsvc.authority.keys_rotation import overdue_keys
from certsvc.authority.world import Authority
from certsvc.service.health import ReadyCheck
from certsvc.service.metrics import Metrics
from certsvc.storage.errors import IssuerUnknown
from keys import State

log = logging.getLogger("certsvc.worker")

#: Limits are days and hundreds of thousands, so minutes are soon enough.
KEYS_SECONDS = 600
OVERDUE = "key_overdue"


class KeysDuty:
    """Warns of keys that should have a successor; a key it warns of goes on signing.

    Args:
        authority: the installation; nothing of it is written but since when keys are listed.
        clock: Unix seconds.
        metrics: says how many keys are overdue.
    """

    name = "keys"
    pause = 5.0

    def __init__(
        self,
        authority: Authority,
        *,
        clock: Callable[[], float],
        metrics: Metrics | None = None,
    ) -> None:
        self._authority = authority
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._next = 0
        self._late: frozenset[str] = frozenset()
        self._attempts = Attempts(clock, failed=partial(self._metrics.task_failures.add, self.name))

    def do(self, fence: int) -> int:
        """Look at the keys when the time has come; see `Duty.do`."""
        now = int(self._clock())
        # A clock that was set back must not put the look off.
        if self._next - KEYS_SECONDS <= now < self._next:
            return 0
        self._next = now + KEYS_SECONDS
        self._attempts.make("limits", partial(self._limits, now))
        self._attempts.make("listings", partial(self._listings, now))
        return 0

    def check(self) -> ReadyCheck:
        """Degraded while a key is overdue: issuing goes on, and somebody must act."""
        return ReadyCheck(OVERDUE, lambda: OVERDUE if self._late else None, needed=False)

    def _limits(self, now: int) -> bool:
        found = overdue_keys(self._authority, now=now)
        for one in found:
            if one.info.kid not in self._late:
                log.warning(
                    "key %s of %s for %s is beyond its limit (%s): certsvc keys plan",
                    one.info.kid,
                    one.info.issuer_id,
                    one.info.purpose,
                    one.reason.value,
                )
        self._late = frozenset(one.info.kid for one in found)
        self._metrics.keys_overdue.put(len(found))
        return bool(found)

    def _listings(self, now: int) -> bool:
        waiting = {
            key.issuer_id
            for key in self._authority.keys.list()
            if key.state is State.PRE_PUBLISHED and key.purpose in {"certificate", "status", "log"}
        }
        for owner in sorted(waiting):
            try:
                records = records_of(self._authority, owner)
            except (IssuerUnknown, KeyWorkError):
                continue  # a key of nobody's: no record could list it
            for record in records:
                note_listing(self._authority, record, now=now)
        return bool(waiting)
