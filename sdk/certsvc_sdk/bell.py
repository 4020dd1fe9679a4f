"""How processes that share a cache folder tell each other that something in it changed.

Asking the file system costs a check as much as hashing its claims, and lets go of the interpreter
each time. So whoever writes rings a bell: a counter in eight bytes of memory that all share.
"""

import mmap
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_BYTES = 8
# Who writes without ringing (an operator who empties the folder) is noticed as late as this.
LOOK_SECONDS = 1.0


class Bell:
    """The shared counter of a folder, and what this reader heard of it last.

    Where the folder cannot be written, or is not there yet, every look is due. The file may be
    deleted at any time; emptied in place it would end the processes that share it (SIGBUS).

    Args:
        path: the counter's file; made on demand, in a folder that exists.
        monotonic: clock in seconds that never goes back.
    """

    __slots__ = ("_heard", "_map", "_monotonic", "_path", "_until")

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._map: mmap.mmap | None = None
        self._heard = b""
        self._until = 0.0

    def is_due(self) -> bool:
        """Tell whether the folder's files may have changed since this was asked the last time."""
        now = self._monotonic()
        shared = self._map
        # Heard before the look: what is rung during it is heard next time.
        heard = b"" if shared is None else shared[:_BYTES]
        if heard and heard == self._heard and now < self._until:
            return False
        if shared is None and now >= self._until:
            self._attach()
        self._heard, self._until = heard, now + LOOK_SECONDS
        return True

    def ring(self) -> None:
        """Tell all readers that something changed; call it after writing, under the folder's lock.

        Never raises: a bell that cannot be rung leaves readers to their own looks.
        """
        if self._map is None:
            self._attach()
        if self._map is not None:
            count = int.from_bytes(self._map[:_BYTES], "little") + 1
            self._map[:_BYTES] = (count % 2 ** (8 * _BYTES)).to_bytes(_BYTES, "little")

    def _attach(self) -> None:
        with suppress(OSError, ValueError):
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if os.fstat(file).st_size < _BYTES:
                    os.ftruncate(file, _BYTES)
                self._map = mmap.mmap(file, _BYTES)
            finally:
                os.close(file)
