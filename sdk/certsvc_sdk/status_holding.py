"""The status lists a verifier holds, and when it looks for newer ones.

A list is renewed when a check needs it and its `ttl` has passed; what is fetched replaces the copy
at hand only if it is genuine and does not go back behind it.
"""

import logging
import threading
from typing import NamedTuple

from certsvc_sdk import jws, statuslist, strict
from certsvc_sdk.cache import StatusCache, StoredList, is_older, parse_list
from certsvc_sdk.errors import CertsvcError, FetchFailed, Malformed
from certsvc_sdk.fetch import Fetched, Fetcher
from certsvc_sdk.relay import Relay
from certsvc_sdk.sources import Source, Sources
from certsvc_sdk.statuslist import MAX_LIST_TOKEN
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.trust.urls import under_prefix
from certsvc_sdk.world import CLOCK_TOLERANCE, StatusSnapshot

_LOG = logging.getLogger("certsvc_sdk")

# Token Status List section 13.7: where a list has no `ttl`, ours is taken.
DEFAULT_TTL = 300
# A list of addresses of 200 bytes each.
_MAX_AGGREGATION = 256 * 1024
# Inflated lists are up to 2 MiB; the one held longest leaves.
_MAX_HELD = 256
_STRIPES = 64
# A list that another machine passed on and that is younger spares asking the source this once: no
# newer one can be withheld for longer than this.
NEWS_SECONDS = 10
# Where a list is passed on, for machines that cannot reach its source.
PASSED_ON_SECONDS = 24 * 3600


class Held(NamedTuple):
    """A status list in memory with the entity tag it came with."""

    snapshot: StatusSnapshot
    etag: str | None


class StatusHolding:
    """Status lists in memory and on disk, with their refresh policy. Safe for threads.

    Args:
        cache: the lists on disk.
        fetcher: reads sources.
        refresh_after: seconds after which a list is fetched anew; None: its own `ttl`.
        online: the network may be used.
        relay: what other machines pass on; None: there are none.
    """

    def __init__(
        self,
        cache: StatusCache,
        fetcher: Fetcher,
        *,
        refresh_after: int | None,
        online: bool,
        relay: Relay | None = None,
    ) -> None:
        self.cache = cache
        self._relay = relay
        self._fetcher = fetcher
        self._refresh_after = refresh_after
        self._online = online
        self._held: dict[str, Held] = {}
        self._locks = [threading.Lock() for _ in range(_STRIPES)]

    def at_hand(
        self, uri: str, record: IssuerRecord, now: int, max_age: int | None
    ) -> StatusSnapshot | None:
        """Return the copy in memory unless it is time to look for a newer one; see `current`."""
        held = self._held.get(uri)
        if held is None or not held.snapshot.is_genuine(record, uri):
            return None
        if self._online and self._is_due(held, now, max_age):
            return None
        return held.snapshot

    def current(
        self,
        uri: str,
        record: IssuerRecord,
        sources: Sources,
        now: int,
        *,
        max_age: int | None = None,
        force: bool = False,
    ) -> StatusSnapshot | None:
        """Return the newest genuine copy of a list, fetched anew where it is due.

        Args:
            uri: address under the record's `status_prefix`.
            record: the issuer's record.
            sources: where addresses are read.
            now: Unix seconds.
            max_age: seconds since it was signed after which the caller has no use for it.
            force: fetch whether due or not.
        """
        held = self._genuine(uri, record)
        if not self._online or not (force or held is None or self._is_due(held, now, max_age)):
            return None if held is None else held.snapshot
        lock = self._locks[hash(uri) % _STRIPES]
        # With a copy at hand nobody waits for another thread's fetch.
        if lock.acquire(blocking=force or held is None):
            try:
                held = self._genuine(uri, record)  # another thread may just have brought it
                if force or held is None or self._is_due(held, now, max_age):
                    # Who asks for the source itself gets it.
                    passed = None if force else self._passed_on(uri, record, now, held)
                    held = self._renew(uri, record, sources, now, held, passed)
            finally:
                lock.release()
        return None if held is None else held.snapshot

    def take(self, uri: str, record: IssuerRecord, token: bytes, now: int) -> bool:
        """Take over a list that came another way than from its source; tell if it is genuine.

        A newer one at hand stays. The time it is known from is its own, so it looks no younger.
        """
        with self._locks[hash(uri) % _STRIPES]:
            taken = _read(uri, record, Fetched(token, None), now)
            if taken is None:
                return False
            taken.snapshot.fetched_at = min(now, taken.snapshot.token.iat)
            held = self._newest(uri, record, self._genuine(uri, record))
            if held is None or is_older(held.snapshot.token, than=taken.snapshot.token):
                self._keep(uri, taken, now)
            return True

    def known(self) -> tuple[str, ...]:
        """Return the addresses of all lists in memory and on disk."""
        return tuple(dict.fromkeys((*self._held, *self.cache.uris())))

    def listed(self, record: IssuerRecord, sources: Sources) -> tuple[str, ...]:
        """Return the addresses an issuer's aggregation names (Token Status List section 9).

        Raises:
            FetchFailed: it cannot be read.
        """
        if record.status_aggregation is None:
            return ()
        source = sources.resolve(record.status_aggregation)
        body = self._fetcher.get(source, max_bytes=_MAX_AGGREGATION).body or b""
        try:
            obj = strict.loads_object(body, max_bytes=_MAX_AGGREGATION, what="aggregation")
            uris = strict.array(obj, "status_lists", "aggregation")
        except Malformed as error:
            raise FetchFailed("the list of status lists is malformed") from error
        # It is not signed; what it names is fetched only from under the issuer's prefix.
        return tuple(
            uri for uri in uris if isinstance(uri, str) and under_prefix(uri, record.status_prefix)
        )

    def _genuine(self, uri: str, record: IssuerRecord) -> Held | None:
        held = self._held.get(uri)
        if held is None:
            held = self._stored(uri)
        # Under a newer record its key may be gone: such a list must not outrank a good one.
        if held is None or not held.snapshot.is_genuine(record, uri):
            return None
        self._hold(uri, held)
        return held

    def _stored(self, uri: str) -> Held | None:
        stored = self.cache.load(uri)
        token = None if stored is None else parse_list(stored)
        if stored is None or token is None:
            return None
        return Held(StatusSnapshot(token, stored.fetched_at), stored.etag)

    def _newest(self, uri: str, record: IssuerRecord, held: Held | None) -> Held | None:
        """Return the copy at hand, or a newer one that another process stored meanwhile."""
        stored = self._stored(uri)
        if stored is None or not stored.snapshot.is_genuine(record, uri):
            return held
        if held is None or is_older(held.snapshot.token, than=stored.snapshot.token):
            self._hold(uri, stored)
            return stored
        return held

    def _is_due(self, held: Held, now: int, max_age: int | None) -> bool:
        token, fetched_at = held.snapshot.token, held.snapshot.fetched_at
        # Too old for this caller, or for anybody: a long `ttl` is no reason not to look.
        ended = now >= held.snapshot.expires or (max_age is not None and now - token.iat > max_age)
        if ended and now != fetched_at:
            return True
        after = self._refresh_after
        if after is None:
            after = DEFAULT_TTL if token.ttl is None else token.ttl
        return not 0 <= now - fetched_at < after

    def _passed_on(
        self, uri: str, record: IssuerRecord, now: int, held: Held | None
    ) -> Held | None:
        """Return what another machine passed on, where it is genuine and news to this one."""
        data = None if self._relay is None else self._relay.get(uri, max_bytes=MAX_LIST_TOKEN)
        if data is None:
            return None
        passed = _read(uri, record, Fetched(data, None), now, but=held)
        if passed is None or passed.snapshot.token.iat > now + CLOCK_TOLERANCE:
            return None
        held = self._newest(uri, record, held)
        if held is None or is_older(held.snapshot.token, than=passed.snapshot.token):
            return passed
        return None

    def _renew(
        self,
        uri: str,
        record: IssuerRecord,
        sources: Sources,
        now: int,
        held: Held | None,
        passed: Held | None,
    ) -> Held | None:
        if passed is None or not 0 <= now - passed.snapshot.token.iat < NEWS_SECONDS:
            try:
                source = sources.resolve(uri)
                if not self._fetcher.avoids(source):
                    return self._fetch(uri, record, source, now, held)
            except FetchFailed as error:
                _LOG.warning("a status list was not fetched: %s", error)
        if passed is None:
            return held
        self._keep(uri, passed, now)
        return passed

    def _fetch(
        self, uri: str, record: IssuerRecord, source: Source, now: int, held: Held | None
    ) -> Held | None:
        """Ask the source.

        Raises:
            FetchFailed: it did not answer, or with what is not the issuer's list.
        """
        etag = None if held is None else held.etag
        answer = self._fetcher.get(source, max_bytes=MAX_LIST_TOKEN, etag=etag)
        if answer.body is None:
            return self._seen_current(held, now)
        fetched = _read(uri, record, answer, now)
        if fetched is None:
            self._fetcher.avoid(source)
            raise FetchFailed(f"what is served as a status list is not genuine: {uri}")
        held = self._newest(uri, record, held)
        if held is not None and is_older(fetched.snapshot.token, than=held.snapshot.token):
            _LOG.warning("a status list went back behind the known one: %s", uri)
            self._fetcher.avoid(source)
            return held
        if held is not None and fetched.snapshot.token.compact == held.snapshot.token.compact:
            return self._seen_current(held, now)
        self._keep(uri, fetched, now)
        if self._relay is not None:
            self._relay.put(uri, answer.body, seconds=PASSED_ON_SECONDS)
        return fetched

    def _seen_current(self, held: Held | None, now: int) -> Held | None:
        if held is not None:
            held.snapshot.fetched_at = now
        return held

    def _keep(self, uri: str, held: Held, now: int) -> None:
        self._hold(uri, held)
        compact = held.snapshot.token.compact
        text = jws.attach(compact.signing_input, compact.signature)
        # A list from the future proves a wrong clock or a wrong list, so it moves no floor.
        if held.snapshot.token.iat <= now + CLOCK_TOLERANCE:
            self.cache.raise_floor(held.snapshot.token.iat)
        seen = held.snapshot.fetched_at  # not `now`: what was carried here was current before
        self.cache.store(StoredList(uri=uri, token=text, etag=held.etag, fetched_at=seen))

    def _hold(self, uri: str, held: Held) -> None:
        if self._held.get(uri) is held:
            return
        while len(self._held) >= _MAX_HELD and uri not in self._held:
            self._held.pop(next(iter(self._held)), None)
        self._held[uri] = held


def _read(
    uri: str, record: IssuerRecord, answer: Fetched, now: int, *, but: Held | None = None
) -> Held | None:
    """Return a fetched list where it is genuine and another than the one at hand."""
    if answer.body is None:
        return None
    try:
        token = statuslist.read(answer.body.decode("ascii").strip())
    except (CertsvcError, UnicodeDecodeError):
        return None
    if but is not None and token.compact == but.snapshot.token.compact:
        return None
    snapshot = StatusSnapshot(token, now)
    return Held(snapshot, answer.etag) if snapshot.is_genuine(record, uri) else None
