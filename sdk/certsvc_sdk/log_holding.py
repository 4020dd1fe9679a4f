"""The transparency logs a verifier holds: proofs, histories, and that no log ever goes back.

Every checkpoint that a proof brings is compared with the newest one seen of that log. Two that
contradict each other are kept as evidence, and nothing more is believed of that log.
"""

import logging
import threading
from dataclasses import replace
from enum import Enum
from typing import NamedTuple

from certsvc_sdk.errors import CertsvcError, FetchFailed, LogInvalid
from certsvc_sdk.log import leaf, merkle
from certsvc_sdk.log.checkpoint import Checkpoint
from certsvc_sdk.log.history import Life, read_history
from certsvc_sdk.log.tiles import TileReader
from certsvc_sdk.log.view import LogView, Opened, Proven
from certsvc_sdk.log_cache import Fork, LogCache
from certsvc_sdk.log_source import LogSource
from certsvc_sdk.log_trust import Witnesses, view_of
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.world import MERGE_SECONDS

_LOG = logging.getLogger("certsvc_sdk")

# Places of certificates that were proven; the one held longest leaves.
_MAX_HELD = 4096


class Agreement(Enum):
    """Whether two signed checkpoints of a log can both be true."""

    YES = "yes"
    NO = "no"  # proof of a fork
    UNTOLD = "untold"  # there is no line to find out
    UNFIT = "unfit"  # the tiles that are served belong to neither: evidence of nothing


class Asked(NamedTuple):
    """One question about a certificate: its leaf's hash, and the trust in the log."""

    leaf_hash: bytes
    view: LogView


class LogHolding:
    """Proofs in memory and on disk. Safe for threads.

    Args:
        cache: of all logs.
        witnesses: who must have seen a checkpoint; None: nobody.
    """

    def __init__(self, cache: LogCache, *, witnesses: Witnesses | None = None) -> None:
        self.cache = cache
        self._witnesses = witnesses
        self._held: dict[bytes, tuple[IssuerRecord, int]] = {}
        self._forked = {fork.origin for fork in cache.forks()}
        self._lock = threading.RLock()

    def index(
        self,
        signing_input: bytes,
        record: IssuerRecord,
        source: LogSource | None,
        now: int,
        *,
        given: str | None = None,
    ) -> int | None:
        """Return the proven place of a certificate in its issuer's log, None without a proof.

        Args:
            signing_input: `header.payload` of the token.
            record: the issuer's record.
            source: reads the issuer's log; None: there is no line.
            now: Unix seconds.
            given: text of a proof that came with the certificate.
        """
        asked = self._asked(signing_input, record)
        if asked is None:
            return None
        held = self._held.get(asked.leaf_hash)
        if held is not None and held[0] is record:
            return held[1]
        index = self._given(asked, given, source, now)
        if index is None:
            index = self._stored(asked)
        if index is None and source is not None:
            index = self._fetched(asked, source, now)
        if index is not None:
            self._hold(asked.leaf_hash, record, index)
        return index

    def life(
        self,
        signing_input: bytes,
        record: IssuerRecord,
        source: LogSource | None,
        now: int,
        at: int,
        *,
        fresh: bool,
    ) -> Life | None:
        """Return what is proven of a certificate's life, None without a proof; as `World.life`."""
        asked = self._asked(signing_input, record)
        if asked is None:
            return None
        kept = self.cache.history(asked.leaf_hash)
        life = None if kept is None else _life(kept, asked)
        reaches = life is not None and at + MERGE_SECONDS <= life.as_of
        if source is None or (reaches and not fresh):
            return life
        try:
            data = source.history(asked.leaf_hash)
            newer = read_history(data).prove(asked.view, asked.leaf_hash)
        except CertsvcError as error:
            _LOG.warning("a certificate's history was not fetched: %s", error)
            return life
        # What was signed later is not undone by serving what was signed before.
        if life is not None and newer.as_of < life.as_of:
            return life
        if not self._stands(newer.opened, asked.view, source, now):
            return None
        self.cache.keep_history(asked.leaf_hash, data)
        return newer

    def _asked(self, signing_input: bytes, record: IssuerRecord) -> Asked | None:
        view = view_of(record, self._witnesses)
        if view is None or view.origin in self._forked:
            return None
        try:
            return Asked(leaf.issued_of(signing_input).hash, view)
        except LogInvalid:
            return None

    def _given(
        self, asked: Asked, text: str | None, source: LogSource | None, now: int
    ) -> int | None:
        proven = None if text is None else _proven(text, asked)
        if text is None or proven is None:
            return None
        if not self._stands(proven.opened, asked.view, source, now):
            return None
        self.cache.keep_proof(asked.leaf_hash, text)
        return proven.index

    def _stored(self, asked: Asked) -> int | None:
        text = self.cache.proof(asked.leaf_hash)
        proven = None if text is None else _proven(text, asked)
        if proven is not None:
            return proven.index
        kept = self.cache.history(asked.leaf_hash)
        life = None if kept is None else _life(kept, asked)
        return None if life is None else life.index

    def _fetched(self, asked: Asked, source: LogSource, now: int) -> int | None:
        try:
            text = source.proof(asked.leaf_hash)
        except CertsvcError as error:
            _LOG.warning("a log proof was not fetched: %s", error)
            return None
        return self._given(asked, text, source, now)

    def _stands(self, opened: Opened, view: LogView, source: LogSource | None, now: int) -> bool:
        """Tell whether a signed checkpoint may be believed beside what was seen before."""
        origin = view.origin
        with self._lock:
            if origin in self._forked:
                return False
            note = opened.note.to_bytes()
            waiting = [text.encode() for text in self.cache.pending(origin)]
            answers = {
                one: self._compare(one, view, source) for one in dict.fromkeys([note, *waiting])
            }
            for one, answer in answers.items():
                if answer is Agreement.NO:
                    self._note_fork(origin, one, now)
                    return False
            # What was taken without a line is compared as soon as there is one.
            left = [one for one, answer in answers.items() if answer is not Agreement.YES]
            if left != waiting:
                self.cache.keep_pending(origin, [one.decode("utf-8") for one in left])
            return answers[note] is not Agreement.UNFIT

    def _compare(self, note: bytes, view: LogView, source: LogSource | None) -> Agreement:
        """Compare a checkpoint with the newest one seen, and remember it if it is newer."""
        # The log's signatures are checked again: a damaged file must not accuse it. Whether enough
        # witnesses signed was asked before, and may have been asked for only since.
        view = replace(view, threshold=0)
        found, kept = _opened(note, view), _opened(self.cache.head(view.origin), view)
        if found is None:
            return Agreement.YES  # it says nothing
        answer = Agreement.YES if kept is None else agree(kept, found, source)
        if answer is Agreement.YES and (kept is None or found.size > kept.size):
            self.cache.keep_head(view.origin, note)
        return answer

    def _note_fork(self, origin: str, note: bytes, now: int) -> None:
        kept = self.cache.head(origin) or b""
        _LOG.error("two signed checkpoints of the log %s contradict each other", origin)
        self._forked.add(origin)
        self._held.clear()
        self.cache.keep_fork(Fork(origin, kept.decode("utf-8"), note.decode("utf-8"), now))

    def _hold(self, leaf_hash: bytes, record: IssuerRecord, index: int) -> None:
        while len(self._held) >= _MAX_HELD and leaf_hash not in self._held:
            self._held.pop(next(iter(self._held)), None)
        self._held[leaf_hash] = (record, index)


def agree(one: Checkpoint, other: Checkpoint, source: LogSource | None) -> Agreement:
    """Tell whether two signed checkpoints of a log can both be true.

    Args:
        one: a checkpoint.
        other: another one.
        source: reads the log's tiles; None: there is no line.
    """
    old, new = sorted((one, other), key=lambda tree: tree.size)
    if old.size == new.size:
        return Agreement.YES if old.root == new.root else Agreement.NO
    if old.size == 0:
        return Agreement.YES
    if source is None:
        return Agreement.UNTOLD
    try:
        roots = merkle.trace(old.size, new.size, TileReader(new.size, source.tile))
    except FetchFailed as error:
        _LOG.warning("two checkpoints were not compared: %s", error)
        return Agreement.UNTOLD
    except LogInvalid as error:
        _LOG.warning("a log serves malformed tiles: %s", error)
        return Agreement.UNFIT
    if roots is None or roots[1] != new.root:
        return Agreement.UNFIT
    return Agreement.YES if roots[0] == old.root else Agreement.NO


def _proven(text: str, asked: Asked) -> Proven | None:
    try:
        return asked.view.prove(text, asked.leaf_hash)
    except LogInvalid as error:
        _LOG.warning("a log proof is not believed: %s", error)
        return None


def _life(data: bytes, asked: Asked) -> Life | None:
    try:
        return read_history(data).prove(asked.view, asked.leaf_hash)
    except LogInvalid as error:
        _LOG.warning("a certificate's history is not believed: %s", error)
        return None


def _opened(note: bytes | None, view: LogView) -> Checkpoint | None:
    try:
        return None if note is None else view.open(note).checkpoint
    except LogInvalid:
        return None
