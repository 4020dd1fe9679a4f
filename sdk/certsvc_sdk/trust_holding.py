"""The trust data a verifier holds, and when it looks for newer.

Looking is lazy: a check asks for what it needs, and only data past its refresh time is fetched
anew. A failed fetch leaves the copy at hand, with its age, and is not repeated for a while.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from certsvc_sdk.errors import CertsvcError, TrustUnavailable
from certsvc_sdk.fetch import RETRY_SECONDS
from certsvc_sdk.trust.about import Environment
from certsvc_sdk.trust.offline import DICTIONARY_FOLDER, CachedTrust
from certsvc_sdk.trust.record import IssuerRecord, issuer_target
from certsvc_sdk.trust.repository import TrustRepository
from certsvc_sdk.world import CLOCK_TOLERANCE

_LOG = logging.getLogger("certsvc_sdk")
# Issuers whose records could not be fetched a moment ago; more would be an attack on memory.
_MAX_RETRIES = 1024


class HeldTrust(NamedTuple):
    """One state of the trust data as verifications of one second see it (`world.TrustView`)."""

    view: CachedTrust
    as_of: int
    expires: int
    refresh_due: int
    env: Environment
    fetch_record: Callable[[str], IssuerRecord | None]

    def record(self, iss: str) -> IssuerRecord | None:
        """Return an issuer's record; one never fetched is fetched if there is a line.

        Raises:
            TrustUnavailable: never fetched, and not to be had now.
        """
        try:
            return self.view.record(iss)
        except TrustUnavailable:
            return self.fetch_record(iss)

    def dictionary(self, number: int) -> bytes | None:
        """Return a QR dictionary, None where none of that number is listed and at hand."""
        try:
            return self.view.target(f"{DICTIONARY_FOLDER}{number}.bin")
        except TrustUnavailable:
            return None


class TrustHolding:
    """The trust repository with its refresh policy."""

    def __init__(
        self,
        repository: TrustRepository,
        *,
        refresh_after: int,
        online: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._repository = repository
        self._refresh_after = refresh_after
        self._online = online
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._retry_at: dict[str, float] = {}
        self._held: tuple[CachedTrust, int, int, HeldTrust] | None = None

    def current(self, now: int, *, floor: int = 0) -> HeldTrust | None:
        """Return the trust data, refreshed where it is due.

        Args:
            now: Unix seconds.
            floor: latest time that signed data prove; a clock behind it must not stamp new data.
        """
        view = self.cached()
        held = self._held
        if held is not None and held[0] is view and held[1] == now and held[2] == floor:
            return held[3]
        # Only what is signed forbids to fetch: a clock that was ahead is corrected by fetching.
        proven = max(floor, 0 if view is None else min(view.signed_at, view.as_of))
        may_fetch = now >= proven - CLOCK_TOLERANCE
        if self._is_due(view, now) and may_fetch and self._may_try(""):
            self.refresh(now, wait=view is None, only_if_due=True)
            view = self.cached()
        if view is None:
            return None

        def fetch_record(iss: str) -> IssuerRecord | None:
            return self._fetch_record(iss, now, may_fetch=may_fetch)

        due = view.as_of + self._refresh_after
        trust = HeldTrust(view, view.as_of, view.expires, due, view.env, fetch_record)
        # What is due was just tried; a second is soon enough to try again.
        self._held = view, now, floor, trust
        return trust

    def cached(self) -> CachedTrust | None:
        """Return what the cache answers, however old."""
        try:
            return self._repository.view()
        except TrustUnavailable:
            return None

    def refresh(
        self, now: int, *, wait: bool = True, whole: bool = False, only_if_due: bool = False
    ) -> bool:
        """Fetch the trust data anew; False where that failed or another thread is at it.

        Args:
            now: Unix seconds.
            wait: wait for another thread that is at it.
            whole: with every issuer's record.
            only_if_due: do nothing if the other thread brought what was wanted.
        """
        if not self._online or not self._lock.acquire(blocking=wait):
            return False
        try:
            if only_if_due and not (self._is_due(self.cached(), now) and self._may_try("")):
                return False
            if whole:
                self._repository.prefetch(now)
            else:
                self._repository.refresh(now)
        except CertsvcError as error:
            _LOG.warning("trust data was not refreshed: %s", error)
            self._put_off("")
            return False
        finally:
            self._lock.release()
        self._retry_at.clear()
        return True

    def look_again(self, now: int) -> bool:
        """Fetch the trust data anew unless that failed a moment ago; True if it is new now."""
        return self._may_try("") and self.refresh(now, wait=False)

    def export(self) -> tuple[CachedTrust, dict[str, bytes]]:
        """Return what the cache answers, and the same as files of a published tree.

        Raises:
            TrustUnavailable: never fetched, or damaged.
        """
        with self._lock:
            return self._repository.view(), self._repository.export()

    def take(self, files: Mapping[str, bytes], *, verified_at: int, now: int) -> CachedTrust:
        """Take over what another verifier exported; see `TrustRepository.take`.

        Raises:
            TrustUnavailable, TrustInvalid: as there.
        """
        with self._lock:
            view = self._repository.take(files, verified_at=verified_at, now=now)
        self._retry_at.clear()
        return view

    def _fetch_record(self, iss: str, now: int, *, may_fetch: bool) -> IssuerRecord | None:
        path = issuer_target(iss)
        with self._lock:
            if not may_fetch or not self._may_try(path):
                # Another thread may just have brought it.
                return self._repository.record(iss)
            try:
                return self._repository.record(iss, now=now)
            except CertsvcError as error:
                _LOG.warning("an issuer's record was not fetched: %s", error)
                self._put_off(path)
                raise TrustUnavailable("the issuer's record cannot be fetched now") from error

    def _is_due(self, view: CachedTrust | None, now: int) -> bool:
        # Seen in the future: by a clock that was ahead, so nobody knows when.
        return view is None or not -CLOCK_TOLERANCE <= now - view.as_of < self._refresh_after

    def _may_try(self, what: str) -> bool:
        return self._online and self._monotonic() >= self._retry_at.get(what, 0.0)

    def _put_off(self, what: str) -> None:
        if len(self._retry_at) >= _MAX_RETRIES:
            self._retry_at.clear()
        self._retry_at[what] = self._monotonic() + RETRY_SECONDS
