"""The place of a certificate in the transparency log, for answers: waited for, but not for long.

One thread of a process at a time watches the published tree for all that wait, and the database is
not asked: tiles name every leaf. A merge that stands still is not waited for at all, so a dead
worker costs nobody his answer.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from threading import Condition

from sqlalchemy.engine import Engine

from certsvc.publishing.errors import LogUnpublished, PublishingError
from certsvc.publishing.log_reader import LogReader, Stamp
from certsvc.service.engine import DatabaseUnavailable, reading
from certsvc.storage.errors import StorageError
from certsvc.storage.log import LogEntries, LogHeads
from keys.errors import KeysError

_log = logging.getLogger("certsvc.log")

#: Seconds between looks at the published checkpoint while somebody waits.
POLL_SECONDS = 0.005
#: An entry that waits longer than this, in seconds, tells that the merge stands still (R06).
STILL_SECONDS = 5
#: How long the answer to that question is believed, in seconds.
HEALTH_SECONDS = 0.5
#: Newest leaves whose places are known: as many as one move of the checkpoint adds.
NEWEST = 16_384


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
        # Places of the newest leaves in their order, and how many leaves were looked at.
        self._places: dict[bytes, int] = {}
        self._size = 0
        self._leading = False
        self._seen: Stamp | None = None
        self._still: tuple[float, bool] | None = None

    def now(self, issuer_id: str, certificate_id: str) -> Place | None:
        """The place as it stands; None: nobody has told the log of the certificate yet."""
        with reading(self._engine, single=True) as connection:
            entry = LogEntries(connection).get(issuer_id, certificate_id)
        return None if entry is None else self._place(entry.leaf_hash, entry.log_index)

    def soon(
        self, issuer_id: str, certificate_id: str, leaf_hash: bytes | None = None
    ) -> Place | None:
        """The place once readers see it, or as it stands after the longest wait.

        Never raises: what was issued is answered, with its place or without.

        Args:
            issuer_id: whose certificate.
            certificate_id: its opaque id.
            leaf_hash: of the issue, where it was logged just now; None: the database tells.
        """
        try:
            if leaf_hash is None:
                place = self.now(issuer_id, certificate_id)
                if place is None or place.proof is not None:
                    return place
                leaf_hash = place.leaf_hash
            if self._wait and not self._stands_still():
                index = self._merged_soon(leaf_hash)
                if index is not None:
                    return self._place(leaf_hash, index)
            return self.now(issuer_id, certificate_id)
        except (DatabaseUnavailable, StorageError) as error:
            _log.warning("no place in the log", extra={"code": error.code})
            return None

    def _place(self, leaf_hash: bytes, index: int | None) -> Place:
        proof = None
        try:
            if index is not None:
                proof = self._reader.proof(index, leaf_hash)
        except LogUnpublished:
            pass
        except (PublishingError, KeysError, OSError) as error:
            # The certificate is issued; its proof can be asked for when the tree is whole again.
            _log.error("no proof", extra={"code": getattr(error, "code", "os_error")})
        return Place(self._reader.origin, leaf_hash, None if proof is None else index, proof)

    def _stands_still(self) -> bool:
        moment, known = self._monotonic(), self._still
        if known is not None and 0 <= moment - known[0] < HEALTH_SECONDS:
            return known[1]
        if known is not None:
            # One asks; the others go by the former answer meanwhile.
            self._still = moment, known[1]
        self._still = moment, merge_stands_still(self._engine, self._reader, self._clock)
        return self._still[1]

    def _merged_soon(self, leaf_hash: bytes) -> int | None:
        deadline = self._monotonic() + self._wait
        with self._changed:
            while (index := self._places.get(leaf_hash)) is None:
                left = deadline - self._monotonic()
                if left <= 0:
                    return None
                if self._leading:
                    self._changed.wait(left)
                elif not self._lead(leaf_hash, deadline):
                    return None
            return index

    def _lead(self, leaf_hash: bytes, deadline: float) -> bool:
        """Look for everybody until the own leaf is there; then somebody else goes on.

        Returns:
            False where nobody can look, so that waiting would be in vain.
        """
        self._leading = True
        try:
            while leaf_hash not in self._places and self._monotonic() < deadline:
                stamp = self._reader.stamp()
                if stamp is not None and stamp != self._seen:
                    self._look()
                    self._seen = stamp
                else:
                    self._changed.wait(POLL_SECONDS)
        except (PublishingError, KeysError) as error:
            _log.warning("the published log cannot be read", extra={"code": error.code})
            return False
        finally:
            self._leading = False
            self._changed.notify_all()
        return True

    def _look(self) -> None:
        published = self._reader.checkpoint().size
        if published < self._size:
            # The tree was put back.
            self._places, self._size = {}, 0
        first = max(self._size, published - NEWEST)
        self._size, hashes = self._reader.newest(first)
        self._places |= {one: first + number for number, one in enumerate(hashes)}
        surplus = len(self._places) - NEWEST
        for one in list(islice(self._places, max(surplus, 0))):
            del self._places[one]
        self._changed.notify_all()


def merge_stands_still(engine: Engine, reader: LogReader, clock: Callable[[], float]) -> bool:
    """Whether readers have waited too long for an entry, or see no log at all."""
    with reading(engine) as connection:
        head = LogHeads(connection).get(reader.origin)
        since = None if head is None else LogEntries(connection).waiting_since(head)
    if head is None or head.published_at is None:
        return True
    return since is not None and clock() - since > STILL_SECONDS
