"""The process that reads PDFs for the one that started it, each in a fork of its own.

It takes files from standard input and ends with it. It has no environment, the lowest claims on
the machine, and no secrets; a fork that reads a file may start nothing, write no file, and take
only so much memory and time. What one file breaks is gone with its fork.
"""

import gc
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from certsvc_sdk.errors import CertsvcError, FileTooLarge, ImageUnreadable
from certsvc_sdk.file_limits import MAX_FILE_BYTES, READING_SECONDS, Budget
from certsvc_sdk.pdf_contents import read_pdf
from certsvc_sdk.pdf_frames import answered, framed, read_frame, refused

# Below requests that read no PDF.
NICENESS: Final = 5
# Beyond what the process has at its start: a page of 40 million pixels takes half of it.
MEMORY_BYTES: Final = 1024**3
# Files at once: the library reads the system's fonts when a PDF brings none of its own.
_OPEN_FILES: Final = 32
# The budget ends a file between two steps; this ends it within one.
_GRACE_SECONDS: Final = 2

_BROKEN: Final = 3


def serve(source: int, sink: int) -> None:
    """Answer each file until there are no more.

    Args:
        source: gives files in frames (a descriptor).
        sink: takes an answer for each.
    """
    while (frame := read_frame(lambda count: os.read(source, count), MAX_FILE_BYTES)) is not None:
        mark, data = frame
        worker = os.fork()
        if worker == 0:
            os._exit(_work(source, sink, mark, data))
        code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        if code != 0:
            _write(sink, framed(mark, refused(_loss(code))))


def _work(source: int, sink: int, mark: bytes, data: bytes) -> int:
    """Answer one file; return the exit status of the process that did."""
    try:
        # Further files are none of its business.
        os.close(source)
        confine()
        _write(sink, framed(mark, answer(data)))
    # Whatever it is, it must not go on as a second `serve`.
    except BaseException:
        return _BROKEN
    return 0


def answer(data: bytes) -> bytes:
    """Read a file; return the answer's bytes."""
    try:
        return answered(read_pdf(data, Budget()))
    except MemoryError:
        return refused(FileTooLarge("the PDF takes too much memory to be read"))
    except CertsvcError as error:
        return refused(error)


def confine() -> None:
    """Take from this process, for good, what reading a file does not need."""
    seconds = int(READING_SECONDS) + _GRACE_SECONDS
    _limit(resource.RLIMIT_CPU, seconds, seconds + 1)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_NPROC, 0)
    # Elsewhere than on Linux a process does not know its size, and the limit is not kept.
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY_BYTES)


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    """Lower a limit; one that is lower already stays."""
    ceiling = resource.getrlimit(what)[1]
    wanted = soft if hard is None else hard
    hard = wanted if ceiling == resource.RLIM_INFINITY else min(wanted, ceiling)
    resource.setrlimit(what, (min(soft, hard), hard))


def _loss(code: int) -> CertsvcError:
    if code == -signal.SIGXCPU:
        return FileTooLarge("the PDF takes too long to be read")
    return ImageUnreadable("the PDF cannot be read to its end")


def _write(sink: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(sink, rest) :]


def main() -> None:
    """Run as `pdf_process` starts it."""
    os.nice(NICENESS)
    # What a library prints must not stand between the frames.
    source, sink, nothing = os.dup(0), os.dup(1), os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, sys.stdin.fileno())
    os.dup2(nothing, sys.stdout.fileno())
    # Forks share what is there, as long as nobody touches it.
    gc.freeze()
    serve(source, sink)
