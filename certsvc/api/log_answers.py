"""The place of a certificate in the transparency log, for answers: waited for, but not for long.

One thread of a process at a time looks for all that wait; a merge that stands still is not waited
for at all, so a dead worker costs nobody his answer.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition

from sqlalchemy.engine import Engine

from certsvc.publishing.errors import LogUnpublished, PublishingError
from certsvc.publishing.log_reader import LogReader, Stamp
from certsvc.service.engine import DatabaseUnavailable, reading
from certsvc.storage.errors import StorageError
from certsvc.storage.log import ISSUE, Entry, LogEntries, LogHeads
from keys.errors import KeysError

_log = logging.getLogger("certsvc.log")

#: Seconds between looks at the published checkpoint while somebody waits.
POLL_SECONDS = 0.005
#: An entry that waits longer than this, in seconds, tells that the merge stands still (R06).
STILL_SECONDS = 5
#: How long the answer to that question is believed, in seconds.
HEALTH_SECONDS = 0.5

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a certificate's issue stands in the log; index and proof are None until it is merged.

    Attributes:
        origin: name of the log.
        leaf_hash: 32 bytes.
        index: place, from 0.
        proof: text of c2sp.org/tlog-proof.
    """

    origin: str
    leaf_hash: bytes
    index: int | None
    proof: str | None


class LogAnswers:
    """Finds places of certificates, for the threads of one process.

    Args:
        engine: the issuer's database.
        reader: makes proofs.
        wait: seconds to wait for a merge at most; 0 waits for none.
        monotonic: clock in seconds that never goes back.
        clock: Unix seconds.
    """

    def __init__(
        self,
        engine: Engine,
        reader: LogReader,
        *,
        wait: float,
        monotonic: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._wait = wait
        self._monotonic = monotonic
        self._clock = clock
        self._changed = Condition()
        self._waiting: dict[Key, int] = {}
        # None: the log was never told, which nobody need wait for.
        self._merged: dict[Key, Entry | None] = {}
        self._leading = False
        self._seen: Stamp | None = None
        self._still: tuple[float, bool] | None = None

    def now(self, issuer_id: str, certificate_id: str) -> Place | None:
        """The place as it stands; None: nobody has told the log of the certificate yet."""
        with reading(self._engine, single=True) as connection:
            entry = LogEntries(connection).get(issuer_id, certificate_id)
        return None if entry is None else self._place(entry)

    def soon(self, issuer_id: str, certificate_id: str) -> Place | None:
        """The place once readers see it, or as it stands after the longest wait.

        Never raises: what was issued is answered, with its place or without.
        """
        try:
            if self._wait and not self._stands_still():
                merged = self._merged_soon((issuer_id, certificate_id, ISSUE))
                if merged is not None:
                    return self._place(merged)
            return self.now(issuer_id, certificate_id)
        except (DatabaseUnavailable, StorageError, PublishingError, KeysError) as error:
            _log.warning("no place in the log", extra={"code": error.code})
            return None

    def _place(self, entry: Entry) -> Place:
        proof = None
        try:
            if entry.log_index is not None:
                proof = self._reader.proof(entry.log_index, entry.leaf_hash)
        except LogUnpublished:
            pass
        except (PublishingError, KeysError, OSError) as error:
            # The certificate is issued; its proof can be asked for when the tree is whole again.
            _log.error("no proof", extra={"code": getattr(error, "code", "os_error")})
        index = None if proof is None else entry.log_index
        return Place(self._reader.origin, entry.leaf_hash, index, proof)

    def _stands_still(self) -> bool:
        moment, known = self._monotonic(), self._still
        if known is not None and 0 <= moment - known[0] < HEALTH_SECONDS:
            return known[1]
        if known is not None:
            # One asks; the others go by the former answer meanwhile.
            self._still = moment, known[1]
        self._still = moment, merge_stands_still(self._engine, self._reader, self._clock)
        return self._still[1]

    def _merged_soon(self, key: Key) -> Entry | None:
        deadline = self._monotonic() + self._wait
        with self._changed:
            self._waiting[key] = self._waiting.get(key, 0) + 1
            self._seen = None
            try:
                while key not in self._merged:
                    left = deadline - self._monotonic()
                    if left <= 0:
                        return None
                    if self._leading:
                        self._changed.wait(left)
                    else:
                        self._lead(key, deadline)
                return self._merged[key]
            finally:
                self._waiting[key] -= 1
                if not self._waiting[key]:
                    del self._waiting[key]
                    self._merged.pop(key, None)

    def _lead(self, key: Key, deadline: float) -> None:
        """Look for everybody until the own entry is there; then somebody else goes on."""
        self._leading = True
        try:
            while key not in self._merged and self._monotonic() < deadline:
                stamp = self._reader.stamp()
                if stamp is not None and stamp != self._seen:
                    self._seen = stamp
                    self._look([one for one in self._waiting if one not in self._merged])
                else:
                    self._changed.wait(POLL_SECONDS)
        finally:
            self._leading = False
            self._changed.notify_all()

    def _look(self, keys: Sequence[Key]) -> None:
        size = self._reader.checkpoint().size
        with reading(self._engine) as connection:
            found = LogEntries(connection).places(keys)
        for key in keys:
            entry = found.get(key)
            if entry is None or (entry.log_index is not None and entry.log_index < size):
                self._merged[key] = entry
        self._changed.notify_all()


def merge_stands_still(engine: Engine, reader: LogReader, clock: Callable[[], float]) -> bool:
    """Whether readers have waited too long for an entry, or see no log at all."""
    with reading(engine) as connection:
        head = LogHeads(connection).get(reader.origin)
        since = None if head is None else LogEntries(connection).waiting_since(head)
    if head is None or head.published_at is None:
        return True
    return since is not None and clock() - since > STILL_SECONDS
