"""Where the numbers of metrics stand: in memory, or in files that all processes of a service read.

Each process writes its own file, so nobody waits for another's lock; who is asked reads them all.
What a dead process counted stays counted.
"""

import os
import struct
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

from prometheus_client.mmap_dict import MmapedDict

#: A number, and when it was put (seconds of a clock that all processes share; 0 for sums).
Cell = tuple[str, float, float]


# Room for two thousand numbers; all of ours with every label there is are fewer.
FILE_BYTES: Final = 256 * 1024


class Cells(Protocol):
    """Named numbers."""

    def add(self, key: str, amount: float) -> None:
        """Add to a number, which begins at 0."""
        ...

    def put(self, key: str, value: float) -> None:
        """Replace a number."""
        ...

    def read(self) -> Iterator[Cell]:
        """Yield the numbers of every process."""
        ...


class MemoryCells:
    """The numbers of one process. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, float] = {}

    def add(self, key: str, amount: float) -> None:
        """Add to a number, which begins at 0."""
        with self._lock:
            self._values[key] = self._values.get(key, 0.0) + amount

    def put(self, key: str, value: float) -> None:
        """Replace a number."""
        with self._lock:
            self._values[key] = value

    def read(self) -> Iterator[Cell]:
        """Yield the numbers."""
        with self._lock:
            values = tuple(self._values.items())
        for key, value in values:
            yield key, value, 0.0


class FileCells:
    """The numbers of all processes that name the same folder. Safe for threads and forks.

    Args:
        folder: made on demand; whoever starts the processes empties it before (`clear`).
        monotonic: seconds that never go back, the same in all processes.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path, *, monotonic: Callable[[], float]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._pid = 0
        self._files: list[MmapedDict] = []
        self._memory = MemoryCells()
        weakref.finalize(self, _close, self._files)

    @staticmethod
    def clear(folder: Path) -> None:
        """Forget what an earlier run of the service counted.

        Raises:
            OSError: a file cannot be removed.
        """
        for path in folder.glob("*.db"):
            path.unlink(missing_ok=True)

    def add(self, key: str, amount: float) -> None:
        """Add to a number, which begins at 0."""
        with self._lock:
            file = self._own()
            if file is None:
                self._memory.add(key, amount)
            else:
                file.write_value(key, file.read_value(key)[0] + amount, 0.0)

    def put(self, key: str, value: float) -> None:
        """Replace a number."""
        with self._lock:
            file = self._own()
            if file is None:
                self._memory.put(key, value)
            else:
                file.write_value(key, value, self._monotonic())

    def read(self) -> Iterator[Cell]:
        """Yield the numbers of every process; a file that is being made is passed over."""
        for path in sorted(self._folder.glob("*.db")):
            try:
                cells = list(MmapedDict.read_all_values_from_file(str(path)))
            except (OSError, ValueError, RuntimeError, struct.error):
                continue
            for key, value, moment, _ in cells:
                yield key, value, moment
        yield from self._memory.read()

    def _own(self) -> MmapedDict | None:
        """This process's file; None where the disk has no room for it: memory must do."""
        pid = os.getpid()
        if self._pid != pid:
            # After a fork the parent's file stays the parent's.
            self._pid = pid
            path = self._folder / f"{pid}.db"
            try:
                _reserve(path)
                self._files.append(MmapedDict(str(path)))
            except OSError:
                self._files.clear()
        return self._files[-1] if self._files else None


def _reserve(path: Path) -> None:
    # Writing to mapped memory that a full disk cannot hold would end the process (SIGBUS).
    with path.open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, FILE_BYTES)


def _close(files: list[MmapedDict]) -> None:
    for file in files:
        file.close()
