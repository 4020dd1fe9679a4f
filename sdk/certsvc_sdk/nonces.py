"""Nonces of presentations: given out by the verifier, good once and for a short time.

RFC 9901 section 7.3, step 5.6: a presentation is of this transaction and of no earlier one. The
signature, the audience and the age of a key-binding JWT cannot tell a copy made within its two
minutes; only a memory of the nonces can.
"""

import secrets
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Final, Protocol

from certsvc_sdk.errors import PresentationExpired, PresentationReplayed
from certsvc_sdk.strict import b64u_encode

# RFC 9901 section 9.5 asks for freshness; 128 bits repeat and are guessed never.
NONCE_BYTES: Final = 16
# From showing the request until the holder has unlocked the telephone and chosen.
NONCE_LIFE: Final = 300
# A hall with a hundred windows gives out some thousands in a life; one takes about 200 bytes.
MAX_NONCES: Final = 10_000


class NonceUse(StrEnum):
    """What a store says of a nonce that is presented."""

    #: Given out here, still alive, presented for the first time.
    FRESH = "fresh"
    #: Presented before.
    USED = "used"
    #: Never given out, or so long ago that it is forgotten.
    UNKNOWN = "unknown"


class NonceStore(Protocol):
    """Where nonces are kept; shared by all processes that check presentations of one verifier.

    In Redis: `issue` is `SET nonce:<n> issued NX EX <life>`, `take` is
    `SET nonce:<n> used XX GET KEEPTTL`, one atomic step: `issued` is FRESH, `used` is USED, nil is
    UNKNOWN. `GETDEL` does as well, with UNKNOWN for USED. A store that cannot be asked answers
    UNKNOWN: what is not known to be fresh is refused.
    """

    def issue(self, nonce: str, *, now: int) -> None:
        """Remember a nonce that is given out (`now`: Unix seconds)."""
        ...

    def take(self, nonce: str, *, now: int) -> NonceUse:
        """Say what a presented nonce is, and use it up; atomic (`now`: Unix seconds)."""
        ...


class ProcessNonces:
    """Nonces in the memory of this process: for one process, gone with it. Safe for threads.

    Several processes behind one address need a store they share: a nonce issued by one is UNKNOWN
    to the others. When full, the oldest is forgotten, and hence refused.

    Args:
        life: seconds from issue to oblivion.
        capacity: nonces remembered at once.
    """

    def __init__(self, *, life: int = NONCE_LIFE, capacity: int = MAX_NONCES) -> None:
        self._life = life
        self._capacity = max(1, capacity)
        self._lock = threading.Lock()
        # Nonce → end of its life and whether it was used; in order of issue.
        self._known: dict[str, tuple[int, bool]] = {}

    def issue(self, nonce: str, *, now: int) -> None:
        """Remember a nonce that is given out; one that is known stays as it is."""
        with self._lock:
            if nonce in self._known:
                return
            if len(self._known) >= self._capacity:
                del self._known[next(iter(self._known))]
            self._known[nonce] = (now + self._life, False)

    def take(self, nonce: str, *, now: int) -> NonceUse:
        """Say what a presented nonce is, and use it up."""
        with self._lock:
            end, used = self._known.get(nonce, (now, False))
            if now >= end:
                self._known.pop(nonce, None)
                return NonceUse.UNKNOWN
            self._known[nonce] = (end, True)
            return NonceUse.USED if used else NonceUse.FRESH


def new_nonce(rng: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Return a nonce nobody can foresee, 22 characters of base64url."""
    return b64u_encode(rng(NONCE_BYTES))


class NonceCheck:
    """Uses nonces up, each at most once in one check: a verdict may be worked out twice.

    Args:
        store: the verifier's store.
        now: Unix seconds.
    """

    __slots__ = ("_now", "_seen", "_store")

    def __init__(self, store: NonceStore, *, now: int) -> None:
        self._store = store
        self._now = now
        self._seen: dict[str, NonceUse] = {}

    def __call__(self, nonce: str) -> None:
        """Use a nonce up.

        Raises:
            PresentationReplayed: it was used before.
            PresentationExpired: it is not, or no longer, one that was given out.
        """
        use = self._seen.get(nonce)
        if use is None:
            use = self._seen[nonce] = self._store.take(nonce, now=self._now)
        if use is NonceUse.USED:
            raise PresentationReplayed("the nonce of this presentation was used before")
        if use is not NonceUse.FRESH:
            raise PresentationExpired("the nonce of this presentation is not known any more")
