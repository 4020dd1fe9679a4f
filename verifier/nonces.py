"""Nonces for presentations: given out here, bound to an audience, good once and for two minutes.

Each lies in one place: in Redis where there is one, so that every machine knows it, else in a file
that the processes of this machine share. What neither knows is refused (T34): a flush, a restart or
a line that is down costs the holder another try and lets no copy through.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from certsvc.service.metrics import Metrics
from certsvc.service.shared.connection import Shared, SharedUnavailable
from certsvc_sdk.nonces import NonceUse, new_nonce
from certsvc_sdk.policy import Policy

# The age at which a key-binding JWT ends, too (`certsvc_sdk.sdjwt.binding`).
LIFE: Final = 120
# Five hundred a second for their whole life; then the oldest is forgotten, and hence refused.
CAPACITY: Final = 60_000
# A process that holds the file this long is stopped or the disk hangs.
PATIENCE: Final = 2.0

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS nonce (
  place INTEGER PRIMARY KEY AUTOINCREMENT,
  mark BLOB NOT NULL UNIQUE,
  audience BLOB NOT NULL,
  ends INTEGER NOT NULL,
  taken INTEGER NOT NULL
)"""
_ISSUED, _USED = b"issued:", b"used"


class NoncesUnavailable(Exception):  # noqa: N818 - the name says what is wrong
    """No nonce can be given out now."""

    code = "nonces_unavailable"


class LocalNonces:
    """The nonces of this machine, in a file that its processes share. Safe for threads and forks.

    Args:
        path: made on demand; whoever starts the service removes it, for a restart forgets.
        life: seconds from issue to oblivion.
        capacity: nonces remembered at once.
    """

    def __init__(self, path: Path, *, life: int = LIFE, capacity: int = CAPACITY) -> None:
        self._path = path
        self._life = life
        self._capacity = capacity

    def issue(self, nonce: str, *, audience: str, now: int) -> None:
        """Remember a nonce that is given out (`now`: Unix seconds).

        Raises:
            NoncesUnavailable: the file cannot be written.
        """
        self._insert(nonce, _digest(audience), taken=0, now=now)

    def note_taken(self, nonce: str, audience: bytes, *, now: int) -> None:
        """Remember a nonce that was used up elsewhere, with its audience's digest."""
        with suppress(NoncesUnavailable):
            self._insert(nonce, audience, taken=1, now=now)

    def _insert(self, nonce: str, audience: bytes, *, taken: int, now: int) -> None:
        row = (_digest(nonce), audience, now + self._life, taken)
        try:
            with self._file() as file:
                place = file.execute(
                    "INSERT INTO nonce (mark, audience, ends, taken) VALUES (?, ?, ?, ?)", row
                ).lastrowid
                # Every row has the same life: the oldest ones end first, but for a changed clock.
                file.execute(
                    "DELETE FROM nonce WHERE place <= ? OR ends <= ? OR ends > ?",
                    ((place or 0) - self._capacity, now, now + self._life),
                )
        except (sqlite3.Error, OSError) as error:
            raise NoncesUnavailable("the file of nonces cannot be written") from error

    def audience(self, nonce: str) -> bytes | None:
        """Digest of the audience that a nonce was given out for; None: not known here."""
        try:
            with self._file() as file:
                found = file.execute(
                    "SELECT audience FROM nonce WHERE mark = ?", (_digest(nonce),)
                ).fetchone()
        except (sqlite3.Error, OSError):
            return None
        return None if found is None else bytes(found[0])

    def take(self, nonce: str, *, now: int) -> NonceUse:
        """Say what a presented nonce is, and use it up; one statement, atomic."""
        statement = (
            "UPDATE nonce SET taken = taken + 1 WHERE mark = ? AND ends > ? AND ends <= ?"
            " RETURNING taken"
        )
        try:
            with self._file() as file:
                found = file.execute(statement, (_digest(nonce), now, now + self._life)).fetchall()
        except (sqlite3.Error, OSError):
            return NonceUse.UNKNOWN
        if not found:
            return NonceUse.UNKNOWN
        return NonceUse.FRESH if found[0][0] == 1 else NonceUse.USED

    @contextmanager
    def _file(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # One for each use: a connection must not cross a fork.
        opened = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
        with closing(opened) as file:
            # What a power cut takes, the restart would forget as well.
            file.execute("PRAGMA synchronous = OFF")
            file.execute(_TABLE)
            file.execute("BEGIN IMMEDIATE")
            yield file
            file.execute("COMMIT")


class IssuedNonces:
    """The nonces that this service gave out, here or on another machine (`NonceStore`).

    Args:
        local: this machine's.
        shared: the way to Redis; None: there is one machine.
        metrics: counts them.
        make: makes a nonce.
    """

    def __init__(
        self,
        local: LocalNonces,
        shared: Shared | None,
        *,
        metrics: Metrics,
        make: Callable[[], str] = new_nonce,
    ) -> None:
        self._local = local
        self._shared = shared
        self._metrics = metrics
        self._make = make

    def give(self, audience: str, *, now: int) -> str:
        """Give a nonce out for one presentation to `audience` (`now`: Unix seconds).

        Raises:
            NoncesUnavailable: neither place takes it.
        """
        if self._shared is not None:
            nonce = self._make()
            try:
                self._put(self._shared, nonce, audience)
            except SharedUnavailable:
                # It may lie there all the same: that one nobody gets.
                self._metrics.nonces.add("kept_here")
            else:
                self._metrics.nonces.add("issued")
                return nonce
        nonce = self._make()
        self.issue(nonce, audience=audience, now=now)
        self._metrics.nonces.add("issued")
        return nonce

    def issue(self, nonce: str, *, audience: str = "", now: int) -> None:
        """Remember a nonce on this machine alone.

        Raises:
            NoncesUnavailable: the file cannot be written.
        """
        self._local.issue(nonce, audience=audience, now=now)

    def take(self, nonce: str, *, now: int) -> NonceUse:
        """Say what a presented nonce is, and use it up; not known to be fresh is not fresh."""
        use = self._local.take(nonce, now=now)
        if use is NonceUse.UNKNOWN and self._shared is not None:
            use = self._take_shared(self._shared, nonce, now=now)
        self._metrics.nonces.add(use.value)
        return use

    def bound(self, policy: Policy | None) -> Policy | None:
        """The policy, without its nonce where that was given out for another audience.

        Without one the check fails closed (`holder_binding_invalid`).
        """
        if policy is None or not policy.require_holder_binding or not policy.nonce:
            return policy
        found = self._local.audience(policy.nonce)
        if found is None and self._shared is not None:
            found = self._shared_audience(self._shared, policy.nonce)
        if found is None or found == _digest(policy.audience or ""):
            return policy
        return replace(policy, nonce=None)

    @staticmethod
    def _put(shared: Shared, nonce: str, audience: str) -> None:
        key, value = shared.key("nonce", nonce), _ISSUED + _digest(audience)
        if not shared.call(lambda client: client.set(key, value, nx=True, ex=LIFE)):
            raise SharedUnavailable("somebody else put something there")

    def _take_shared(self, shared: Shared, nonce: str, *, now: int) -> NonceUse:
        key = shared.key("nonce", nonce)

        def swap(client: Any) -> Any:  # noqa: ANN401
            # One atomic step; what is not there stays away.
            return client.set(key, _USED, xx=True, get=True, keepttl=True)

        try:
            before = shared.call(swap)
        except SharedUnavailable:
            return NonceUse.UNKNOWN
        if isinstance(before, bytes) and before.startswith(_ISSUED):
            # This machine does not take it again, whatever somebody writes there.
            self._local.note_taken(nonce, before.removeprefix(_ISSUED), now=now)
            return NonceUse.FRESH
        return NonceUse.USED if before == _USED else NonceUse.UNKNOWN

    @staticmethod
    def _shared_audience(shared: Shared, nonce: str) -> bytes | None:
        key = shared.key("nonce", nonce)
        try:
            value = shared.call(lambda client: client.getrange(key, 0, len(_ISSUED) + 32))
        except SharedUnavailable:
            return None
        if not isinstance(value, bytes) or not value.startswith(_ISSUED):
            return None
        return value.removeprefix(_ISSUED)


def _digest(text: str) -> bytes:
    """What is kept of a nonce or audience: its SHA-256."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
