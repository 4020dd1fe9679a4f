"""A few presses, each a process of its own, shared by all threads of this one.

How many print at once, how many wait, how many of these are one client's, and how long one may
take are all bounded, so that faces cannot take the service from those who want a certificate.
"""

import os
import select
import subprocess
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from certsvc.face.errors import TypesettingFailed
from certsvc.face.job import framed, read_answer, read_frame
from certsvc.printing.errors import PressBusy, PressTimeout, PressUnavailable

# A face takes a twentieth of a second, its first one and a half: fonts and catalogue are read.
SECONDS: Final = 10.0
START_SECONDS: Final = 30.0
# Beyond these the caller is told to come back; one client leaves room for the others.
MAX_WAITING: Final = 16
MAX_OF_A_CLIENT: Final = 8
# The typesetter remembers what it has set; a new process has forgotten it.
MAX_JOBS: Final = 300
_COMMAND: Final = (sys.executable, "-m", "certsvc.face.press")


def press_command(font_folders: Sequence[str] = ()) -> tuple[str, ...]:
    """What starts a press, with folders of further fonts."""
    return (*_COMMAND, *font_folders)


# Nothing of the service's settings and secrets reaches a press.
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")


class Presses:
    """Prints jobs. Safe for threads.

    Args:
        count: processes, started when they are needed.
        monotonic: seconds that never go back.
        seconds: longest time for one face; a press that takes longer is ended.
        command: starts a press, for tests.
    """

    def __init__(
        self,
        count: int,
        *,
        monotonic: Callable[[], float],
        seconds: float = SECONDS,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        self.count = count
        self._monotonic = monotonic
        self._seconds = seconds
        self._command = command
        self._free = threading.Condition()
        self._idle: list[_Press] = []
        self._busy = 0
        self._waiting: Counter[str] = Counter()
        self._all: set[_Press] = set()
        weakref.finalize(self, _end_all, self._all)

    def print(self, job: bytes, *, client: str, patient: bool = False) -> bytes:
        """The PDF of a job.

        Args:
            job: of `certsvc.face.job`.
            client: whose it is.
            patient: wait for a press behind everybody else, however many they are.

        Raises:
            FaceError: it cannot be printed.
            PressBusy: too many wait, or the wait was too long.
            PressTimeout: it took too long.
            PressUnavailable: the press does not start, or it ended in the middle.
        """
        with self._turn(client, patient=patient):
            press = self._take()
            try:
                answer = press.answer(job, self._monotonic() + self._limit(press))
            except BaseException:
                self._drop(press)
                raise
            if press.jobs < MAX_JOBS:
                self._idle.append(press)
            else:
                self._drop(press)
        return read_answer(answer)

    def close(self) -> None:
        """End every press; a later job starts a new one."""
        self._idle.clear()
        _end_all(self._all)

    @contextmanager
    def _turn(self, client: str, *, patient: bool) -> Iterator[None]:
        with self._free:
            mine, all_waiting = self._waiting[client], self._waiting.total()
            full = all_waiting >= MAX_WAITING or mine >= MAX_OF_A_CLIENT
            if self._busy >= self.count and full and not patient:
                raise PressBusy("too many faces wait already")
            self._waiting[client] += 1
            try:
                until = START_SECONDS + self._seconds * (1 if not patient else MAX_WAITING)
                if not self._free.wait_for(lambda: self._busy < self.count, until):
                    raise PressBusy("the presses are busy")
                self._busy += 1
            finally:
                self._waiting[client] -= 1
                self._waiting += Counter()
        try:
            yield
        finally:
            with self._free:
                self._busy -= 1
                self._free.notify()

    def _limit(self, press: "_Press") -> float:
        return self._seconds if press.jobs else START_SECONDS + self._seconds

    def _take(self) -> "_Press":
        while self._idle:
            press = self._idle.pop()
            if press.lives():
                return press
            self._drop(press)
        press = _Press(self._command, self._monotonic)
        self._all.add(press)
        return press

    def _drop(self, press: "_Press") -> None:
        self._all.discard(press)
        press.end()


class _Press:
    """One process. Used by one thread at a time."""

    def __init__(self, command: Sequence[str], monotonic: Callable[[], float]) -> None:
        self.jobs = 0
        self._monotonic = monotonic
        self._until = 0.0
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                # One thread: the layout of one page gains nothing from more.
                env={**environment, "PYTHONSAFEPATH": "1", "RAYON_NUM_THREADS": "1"},
                start_new_session=True,
            )
        except OSError as error:
            raise PressUnavailable("no press can be started") from error

    def lives(self) -> bool:
        return self._process.poll() is None

    def answer(self, job: bytes, until: float) -> bytes:
        """Hand a job in and read what comes of it, before `until` on the clock."""
        self._until = until
        self.jobs += 1
        try:
            self._write(framed(job))
            answer = read_frame(self._read)
        except (OSError, TypesettingFailed) as error:
            raise PressUnavailable("the press ended in the middle") from error
        if answer is None:
            raise PressUnavailable("the press ended in the middle")
        return answer

    def end(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _write(self, data: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - it is a pipe
        os.set_blocking(stdin.fileno(), False)
        rest = memoryview(data)
        while rest:
            self._await(stdin.fileno(), select.POLLOUT)
            rest = rest[stdin.write(rest) or 0 :]

    def _read(self, length: int) -> bytes:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it is a pipe
        parts, missing = [], length
        while missing:
            self._await(stdout.fileno(), select.POLLIN)
            part = stdout.read(missing)
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _await(self, descriptor: int, event: int) -> None:
        left = self._until - self._monotonic()
        poll = select.poll()
        poll.register(descriptor, event)
        if left <= 0 or not poll.poll(left * 1000):
            raise PressTimeout("the press took too long")


def _end_all(presses: set[_Press]) -> None:
    while presses:
        presses.pop().end()
