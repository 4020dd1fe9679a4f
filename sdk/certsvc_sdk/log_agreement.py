"""Whether a log's signed checkpoints agree: the newest one seen, those that wait, the evidence.

Everything is kept by the key that signed it: who merely bears the name of a log can neither take
the place of that log's newest checkpoint nor accuse it.
"""

import logging
import threading
from dataclasses import replace
from enum import Enum
from typing import Final

from certsvc_sdk.errors import FetchFailed, LogInvalid
from certsvc_sdk.log import merkle
from certsvc_sdk.log.checkpoint import Checkpoint
from certsvc_sdk.log.note import Kind, verified
from certsvc_sdk.log.tiles import TileReader
from certsvc_sdk.log.view import LogView, Opened
from certsvc_sdk.log_cache import Fork, LogCache
from certsvc_sdk.log_source import LogSource

_LOG = logging.getLogger("certsvc_sdk")

#: Seconds before checkpoints that could not be compared are tried again.
RETRY_SECONDS: Final = 5


class Agreement(Enum):
    """Whether two signed checkpoints of a log can both be true."""

    YES = "yes"
    NO = "no"  # proof of a fork
    UNTOLD = "untold"  # there is no line to find out
    UNFIT = "unfit"  # the tiles that are served belong to neither: evidence of nothing


class LogAgreement:
    """What was seen of all logs. Safe for threads.

    Args:
        cache: of all logs.
    """

    def __init__(self, cache: LogCache) -> None:
        self._cache = cache
        self._forks = frozenset(cache.forks())
        self._tried: dict[str, int] = {}
        self._lock = threading.RLock()

    def is_accused(self, origin: str) -> bool:
        """Return whether there is evidence against a log of that name, by whatever keys."""
        return any(fork.origin == origin for fork in self._forks)

    def is_forked(self, view: LogView) -> bool:
        """Return whether there is evidence against a log: both checkpoints are signed by it.

        Args:
            view: of all keys that the log ever had.
        """
        against = [fork for fork in self._forks if fork.origin == view.origin]
        return any(_opened(one.kept, view) and _opened(one.found, view) for one in against)

    def stands(self, opened: Opened, view: LogView, source: LogSource | None, now: int) -> bool:
        """Return whether a signed checkpoint may be believed beside what was seen before.

        Args:
            opened: the checkpoint.
            view: the trust in the log.
            source: reads the log; None: there is no line.
            now: Unix seconds.
        """
        signer = _signers(opened, view)[0]
        with self._lock:
            # Another process may have found something.
            self._forks |= frozenset(self._cache.forks())
            if self.is_forked(view):
                return False
            note = opened.note.to_bytes().decode("utf-8")
            answer = self._compare(note, view, source, now)
            if answer is Agreement.NO or not self.settle(view, source, now, again=True):
                return False
            if answer is not Agreement.YES:
                # What is taken without a line is compared as soon as there is one.
                self._cache.keep_pending(signer, [*self._cache.pending(signer), note])
            return answer is not Agreement.UNFIT

    def settle(
        self, view: LogView, source: LogSource | None, now: int, *, again: bool = False
    ) -> bool:
        """Compare what waits for it; return False where that brings a fork to light.

        Args:
            view: the trust in the log.
            source: reads the log; None: there is no line.
            now: Unix seconds.
            again: even if that failed a moment ago.
        """
        with self._lock:
            tried = self._tried.get(view.origin)
            if not again and tried is not None and 0 <= now - tried < RETRY_SECONDS:
                return True
            self._tried.pop(view.origin, None)
            for name in _names(view):
                waiting = self._cache.pending(name)
                answers = {one: self._compare(one, view, source, now) for one in waiting}
                if Agreement.NO in answers.values():
                    return False
                left = [one for one, answer in answers.items() if answer is not Agreement.YES]
                if left != list(waiting):
                    self._cache.keep_pending(name, left)
                if left:
                    self._tried[view.origin] = now
        return True

    def is_settled(self, view: LogView) -> bool:
        """Return whether no checkpoint of a log waits for a comparison."""
        return not any(self._cache.pending(name) for name in _names(view))

    def _compare(self, note: str, view: LogView, source: LogSource | None, now: int) -> Agreement:
        """Compare a checkpoint with the newest one seen, and remember it if it is newer."""
        opened = _opened(note, view)
        if opened is None:
            return Agreement.YES  # a damaged file accuses nobody
        found = opened.checkpoint
        head, kept = self._head(view)
        answer = Agreement.YES if kept is None else agree(kept, found, source)
        if answer is Agreement.NO:
            _LOG.error("two signed checkpoints of the log %s contradict each other", view.origin)
            fork = Fork(view.origin, head, note, now)
            self._forks |= {fork}
            self._cache.keep_fork(fork)
        elif answer is Agreement.YES and (kept is None or found.size > kept.size):
            for name in _signers(opened, view):
                self._cache.keep_head(name, note.encode())
        return answer

    def _head(self, view: LogView) -> tuple[str, Checkpoint | None]:
        """Return the newest checkpoint seen, and what it says."""
        best: tuple[str, Checkpoint | None] = "", None
        for name in _names(view):
            note = (self._cache.head(name) or b"").decode("utf-8", errors="replace")
            opened = _opened(note, view)
            if opened is not None and (best[1] is None or opened.checkpoint.size > best[1].size):
                best = note, opened.checkpoint
        return best


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


def _names(view: LogView) -> list[str]:
    """Return under which names a log's checkpoints are kept: those of its keys."""
    return [key.vkey for key in view.keys if key.kind is Kind.ED25519]


def _signers(opened: Opened, view: LogView) -> list[str]:
    return [key.vkey for key in verified(opened.note, view.keys) if key.kind is Kind.ED25519]


def _opened(note: str, view: LogView) -> Opened | None:
    # The log's signatures are checked again: a damaged file must not accuse it. Whether enough
    # witnesses signed was asked before, and may have been asked for only since.
    try:
        return replace(view, threshold=0).open(note.encode())
    except LogInvalid:
        return None
