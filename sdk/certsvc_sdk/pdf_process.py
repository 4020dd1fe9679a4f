"""PDFs are read in processes that can be ended (extra `image`).

PDFium cannot be interrupted while it decodes a stream, and a file of 2 KB may hold a stream of
gigabytes. So a process reads PDFs (`pdf_reading`), under limits of time and memory that the system
keeps; it is started with the first PDF and waits for further ones. Where the system knows no such
limits and no `fork` (Windows), PDFs are read in this process, under the budget of `file_limits`
alone: it is looked at between PDFium's steps only, so a hostile file may take minutes and
gigabytes there.
"""

import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, cast

from certsvc_sdk.contents import Contents
from certsvc_sdk.errors import FileTooLarge, ImageUnreadable
from certsvc_sdk.file_limits import READING_SECONDS, Budget
from certsvc_sdk.pdf_frames import MARK_BYTES, MAX_ANSWER, framed, read_answer, read_frame

# Side by side: one hostile file does not hold up everybody.
PROCESSES: Final = 2
# Processor time is bounded below; this ends a file that waits, on a machine under load too.
SECONDS: Final = 3 * READING_SECONDS
# Longer than a hostile file takes.
WAIT_SECONDS: Final = SECONDS
_PIECE: Final = 64 * 1024
# Without it some Pythons do not start; nothing else of the environment is handed on.
_KEPT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_START: Final = (
    "import sys; sys.path[:] = sys.argv[1:]; from certsvc_sdk.pdf_reading import main; main()"
)


class _Gone(Exception):  # noqa: N818 - told to nobody
    """The process ended, or was ended, between two files."""


class PdfReaders:
    """Processes that read PDFs. Safe for threads and forks.

    Args:
        command: starts one, for tests; None for ours.
        monotonic: seconds that never go back.
        random_bytes: gives so many random bytes.
        seconds: longest time for one file.
        wait: longest time to wait for a free process.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        random_bytes: Callable[[int], bytes] = os.urandom,
        seconds: float = SECONDS,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._command = command
        self._monotonic = monotonic
        self._random_bytes = random_bytes
        self._seconds = seconds
        self._wait = wait
        self._all: set[_Reader] = set()
        self._forked()
        weakref.finalize(self, _end_all, self._all)
        if hasattr(os, "register_at_fork"):
            mine = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _renew(mine()))

    def read(self, data: bytes) -> Contents:
        """Read a PDF.

        Raises:
            FileTooLarge: it is above a limit: pages, attachments, codes, time, memory.
            ImageUnreadable: it is damaged or encrypted, or ended the process that read it; or no
                process can be started, or all are busy for a minute.
        """
        if not self._free.acquire(timeout=self._wait):
            raise ImageUnreadable("too many PDFs are being read; try again")
        try:
            return read_answer(self._answer(data))
        finally:
            self._free.release()

    def close(self) -> None:
        """End every process; a later file starts a new one."""
        self._idle.clear()
        _end_all(self._all)

    def processes(self) -> list[int]:
        """Return the ids of the processes that wait for files."""
        return [reader.number for reader in self._idle]

    def _answer(self, data: bytes) -> bytes:
        with suppress(IndexError, _Gone):
            # One that somebody ended since its last file is no fault of this file.
            return self._ask(self._idle.pop(), data)
        try:
            return self._ask(self._start(), data)
        except _Gone as error:
            raise ImageUnreadable("the process that reads PDFs does not start") from error

    def _start(self) -> "_Reader":
        try:
            reader = _Reader(self._command or _command(), self._monotonic)
        except OSError as error:
            raise ImageUnreadable("no process can be started that reads PDFs") from error
        self._all.add(reader)
        return reader

    def _ask(self, reader: "_Reader", data: bytes) -> bytes:
        try:
            mark = self._random_bytes(MARK_BYTES)
            answer = reader.answer(mark, data, self._monotonic() + self._seconds)
        except BaseException:
            self._all.discard(reader)
            reader.end()
            raise
        self._idle.append(reader)
        return answer

    def _forked(self) -> None:
        """Have no process: those of the process that this one was forked from are not ours."""
        for reader in self._all:
            reader.forget()
        self._all.clear()
        self._idle: list[_Reader] = []
        self._free = threading.BoundedSemaphore(PROCESSES)


class _Reader:
    """One process. Used by one thread at a time."""

    def __init__(self, command: Sequence[str], monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._until = 0.0
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            # A group of its own: it is ended with its forks, and by no Ctrl-C at a terminal.
            start_new_session=True,
        )
        # Both were asked for above.
        self._pipes = cast(
            "tuple[IO[bytes], IO[bytes]]", (self._process.stdin, self._process.stdout)
        )
        self.number = self._process.pid
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)

    def answer(self, mark: bytes, data: bytes, until: float) -> bytes:
        """Return the answer to a file that is marked so.

        Raises:
            FileTooLarge: there is none at that time.
            ImageUnreadable: it is no frame.
            _Gone: the process has ended, or answers something else.
        """
        self._until = until
        try:
            self._send(framed(mark, data))
            found = read_frame(self._read, MAX_ANSWER)
        except (BrokenPipeError, ConnectionResetError, ValueError) as error:
            raise _Gone from error
        if found is None or found[0] != mark:
            raise _Gone
        return found[1]

    def end(self) -> None:
        """End it and its forks."""
        # Its number is its own until `wait` has taken its end.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.number, signal.SIGKILL)
        self._close()
        self._process.wait()

    def forget(self) -> None:
        """Let go of a process that another one started."""
        self._close()
        self._process.returncode = 0

    def _close(self) -> None:
        for pipe in self._pipes:
            pipe.close()

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._await(self._pipes[0].fileno(), select.POLLOUT)
            rest = rest[os.write(self._pipes[0].fileno(), rest[:_PIECE]) :]

    def _read(self, count: int) -> bytes:
        self._await(self._pipes[1].fileno(), select.POLLIN)
        return os.read(self._pipes[1].fileno(), min(count, _PIECE))

    def _await(self, pipe: int, event: int) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        if not poll.poll(max(0.0, self._until - self._monotonic()) * 1000):
            raise FileTooLarge("the PDF takes too long to be read")


def _renew(readers: PdfReaders | None) -> None:
    if readers is not None:
        readers._forked()


def _end_all(readers: set[_Reader]) -> None:
    while readers:
        readers.pop().end()


def _command() -> tuple[str, ...]:
    """Return what starts a process: only what this one imports from, nothing of the site."""
    own = str(Path(__file__).resolve().parent.parent)
    others = [os.path.abspath(path) for path in sys.path if path]
    return (sys.executable, "-I", "-S", "-B", "-c", _START, own, *others)


def can_start() -> bool:
    """Return whether this system has what the process needs."""
    return hasattr(os, "fork") and sys.platform not in {"win32", "emscripten", "wasi"}


def read_here(data: bytes) -> Contents:
    """Read a PDF in this process, where there is no other way; errors as `PdfReaders.read`."""
    # Imported here: the library takes memory and time that the parent of a process need not.
    from certsvc_sdk.pdf_contents import read_pdf

    return read_pdf(data, Budget())
