"""The callers' end of the signer's socket: few connections a process, time-outs, a breaker."""

import os
import socket
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keys.errors import StoreUnavailable, error_of
from keys.signing import frames
from keys.signing.breaker import Breaker
from keys.signing.door import connect
from keys.signing.frames import Closed, Frame, FrameInvalid, Kind, Monotonic
from keys.signing.messages import OPERATION

#: As long as anybody waits for a signature (T55).
SECONDS = 2.0
#: Requests that one process sends side by side: as many as a service has threads. Others wait.
CONNECTIONS = 32
_NUMBERS = 1 << 32


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    requests: int = 0


class _Here:
    """What belongs to one process; after a fork the child gets its own."""

    def __init__(self, connections: int, monotonic: Monotonic) -> None:
        self.breaker = Breaker(monotonic)
        self.turns = threading.BoundedSemaphore(connections)
        self.idle: list[_Connection] = []

    def hang_up(self) -> None:
        """Close what nobody uses."""
        while self.idle:
            self.idle.pop().socket.close()


class Line:
    """Asks the signer, from any thread of any process.

    Args:
        path: of its socket.
        seconds: until an answer must be there.
        connections: open at the same time in one process.
        monotonic: seconds that never go back.
    """

    def __init__(
        self,
        path: Path,
        *,
        seconds: float = SECONDS,
        connections: int = CONNECTIONS,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._path = path
        self._seconds = seconds
        self._connections = connections
        self._monotonic = monotonic
        self._by_process: dict[int, _Here] = {}
        weakref.finalize(self, _hang_up, self._by_process)

    def ask(self, operation: str, texts: Mapping[str, str | None], body: bytes = b"") -> bytes:
        """One operation of the signer.

        Args:
            operation: see `keys.signing.messages.TAKES`.
            texts: what it takes.
            body: what is signed, sealed, opened or hashed.

        Returns:
            The answer's body.

        Raises:
            StoreUnavailable: the signer does not answer, or did not a moment ago.
            KeysError: it refused.
        """
        if len(body) > frames.MAX_REQUEST:
            raise StoreUnavailable("more than the signer takes at once")
        here, deadline = self._here(), self._monotonic() + self._seconds
        if not here.turns.acquire(timeout=self._seconds):
            raise StoreUnavailable("the signer is busy with other requests")
        try:
            if not here.breaker.admits():
                raise StoreUnavailable("the signer did not answer a moment ago")
            answer = self._asked(here, {**texts, OPERATION: operation}, body, deadline)
        finally:
            here.turns.release()
        if answer.kind is Kind.REFUSAL:
            raise error_of(answer.head.get("code") or "", answer.head.get("text") or "")
        return answer.body

    def close(self) -> None:
        """Hang up; the next request connects again."""
        self._here().hang_up()

    def _here(self) -> _Here:
        pid = os.getpid()
        here = self._by_process.get(pid)
        if here is None:
            # Forked: two processes on one connection would read each other's answers.
            for other in [each for each in self._by_process if each != pid]:
                if (inherited := self._by_process.pop(other, None)) is not None:
                    inherited.hang_up()
            made = _Here(self._connections, self._monotonic)
            here = self._by_process.setdefault(pid, made)
        return here

    def _asked(self, here: _Here, head: frames.Head, body: bytes, deadline: float) -> Frame:
        try:
            try:
                answer = self._by_known(here, head, body, deadline)
                if answer is None:
                    answer = self._exchange(here, self._connected(deadline), head, body, deadline)
            except TimeoutError as error:
                raise StoreUnavailable("the signer does not answer in time") from error
            except (Closed, FrameInvalid) as error:
                raise StoreUnavailable(f"the signer does not answer: {error}") from error
            except OSError as error:
                raise StoreUnavailable(f"no signer answers: {error.strerror}") from error
        except BaseException:
            here.breaker.failed()
            raise
        here.breaker.succeeded()
        return answer

    def _by_known(
        self, here: _Here, head: frames.Head, body: bytes, deadline: float
    ) -> Frame | None:
        """The answer over a connection that is open; None: the signer has closed it since."""
        try:
            known = here.idle.pop()
        except IndexError:
            return None
        try:
            return self._exchange(here, known, head, body, deadline)
        except Closed:
            # It has started anew, so the others are dead as well. Asking twice does no harm: a
            # signature that nobody receives is none.
            here.hang_up()
            return None

    def _connected(self, deadline: float) -> _Connection:
        return _Connection(connect(self._path, seconds=max(0.001, deadline - self._monotonic())))

    def _exchange(
        self, here: _Here, used: _Connection, head: frames.Head, body: bytes, deadline: float
    ) -> Frame:
        used.requests = (used.requests + 1) % _NUMBERS
        asked = Frame(kind=Kind.REQUEST, number=used.requests, head=head, body=body)
        try:
            frames.send(used.socket, asked, seconds=max(0.001, deadline - self._monotonic()))
            answer = frames.receive(
                used.socket,
                longest=frames.MAX_ANSWER,
                seconds=deadline - self._monotonic(),
                monotonic=self._monotonic,
            )
            if answer.number != asked.number or answer.kind is Kind.REQUEST:
                raise FrameInvalid("an answer to another question")
        except BaseException:
            # Whatever comes late on this connection would be taken for the next answer.
            used.socket.close()
            raise
        here.idle.append(used)
        return answer


def _hang_up(by_process: dict[int, _Here]) -> None:
    for here in by_process.values():
        here.hang_up()
