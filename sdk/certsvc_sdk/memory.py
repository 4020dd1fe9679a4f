"""Certificates that were verified a moment ago: what their text decides once and for all.

How a token reads, that a key signed it and what it discloses cannot change. All else can, and is
asked at each check: clock, trust data, state and period of the key, rights, status, log, policy.
Strangers fill nothing: what is kept here, an office of the trust data has signed.
"""

import threading
from typing import Final, NamedTuple

from certsvc_sdk import strict
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.sdjwt import Presented
from certsvc_sdk.strict import Json

# Seconds; a matter at a counter takes minutes, and nobody's certificate is kept without need.
LIFE: Final = 300
# A QR symbol carries under 3 KB; longer tokens are rare and would take much memory.
_MAX_LENGTH: Final = 8 * 1024


class Known(NamedTuple):
    """A token that was authentic.

    Attributes:
        first: what it presented when it was verified.
        claims: the claims of it as JSON.
        payload: the issuer-signed claims as they stand; nobody changes them.
        key: the key that verified the signature.
        ends: Unix seconds at which it is forgotten.
    """

    first: Presented
    claims: bytes
    payload: dict[str, Json]
    key: PublicKey
    ends: int

    def presented(self) -> Presented:
        """Return what the token presents, in objects that whoever gets them may change."""
        return self.first._replace(claims=strict.loads_own(self.claims))


class Memory:
    """A bounded number of tokens; the one that came first leaves first. Safe for threads.

    It belongs to one verifier: what is disclosed depends on the profiles that are switched on.

    Args:
        size: largest number of tokens, each of some 20 KB.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()

    def recall(self, token: str, now: int) -> Known | None:
        """Return what is known of a token, None where nothing is (`now`: Unix seconds)."""
        known = self._known.get(token)
        # A clock that was set back must not make a life longer.
        return known if known is not None and 0 < known.ends - now <= LIFE else None

    def keep(
        self, presented: Presented, payload: dict[str, Json], key: PublicKey, now: int
    ) -> None:
        """Remember a token whose signature and disclosures were found good.

        Args:
            presented: what it presents.
            payload: its payload as it stands.
            key: the key that verified it.
            now: Unix seconds.
        """
        parsed = presented.parsed
        # A presentation that is bound to a verifier is good once.
        if len(parsed.token) > _MAX_LENGTH or parsed.kb_jwt is not None:
            return
        known = Known(presented, strict.dumps(presented.claims), payload, key, now + LIFE)
        with self._lock:
            self._known.pop(parsed.token, None)
            self._make_room(now)
            self._known[parsed.token] = known

    def _make_room(self, now: int) -> None:
        while self._known:
            token, known = next(iter(self._known.items()))
            if len(self._known) < self._size and known.ends > now:
                break
            del self._known[token]
