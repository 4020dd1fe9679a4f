"""The store's end of its agent: one for each process, time-outs, a breaker, no second PIN."""

import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from keys import disk, errors
from keys.pkcs11 import frames
from keys.pkcs11.address import TokenAddress, read_address

COMMAND = (sys.executable, "-P", "-m", "keys.pkcs11.agent")
#: Seconds for the agent's own start, and for the making of a key pair.
START_SECONDS = 10.0
SLOW = {"generate": 10.0}
#: Seconds that an idle agent is given to log out.
END_SECONDS = 1.0
#: Pause of the breaker after a failure; it doubles while failures follow one another.
PAUSE_SECONDS = 1.0
PAUSE_MAX = 15.0
_PIN_REFUSED = (errors.PinWrong, errors.PinLocked)
_TOKEN_GONE = (errors.StoreUnavailable, errors.TokenUnknown, errors.TokenAmbiguous)


@dataclass(slots=True)
class _Agent:
    """A running agent, of one process."""

    process: subprocess.Popen[bytes]
    connection: socket.socket
    requests: int = 0


@dataclass(slots=True)
class _Here:
    """What belongs to one process; after a fork the child gets its own."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    agent: _Agent | None = None
    until: float = 0.0
    pause: float = PAUSE_SECONDS
    why: str = ""
    # What the PIN's file looked like when the token refused it; None: not refused.
    refused: tuple[object, errors.KeysError] | None = None


class Link:
    """Calls of one store to its token, from any thread of any process.

    Args:
        uri: the token.
        command: how to start an agent.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        uri: str,
        *,
        command: Sequence[str] = COMMAND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address: TokenAddress = read_address(uri)
        self._uri = uri
        self._command = tuple(command)
        self._clock = clock
        # Serial number of the token, and what its own key makes of a fixed text.
        self._seen: list[str | None] = [None, None]
        self._by_process: dict[int, _Here] = {}
        self._finalizer = weakref.finalize(self, _end_all, self._by_process)

    def call(self, operation: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Asks the token; never waits longer than the address says.

        Raises:
            StoreUnavailable: the token or its library failed, hangs, or did so a moment ago.
            PinWrong, PinLocked: the token refused the PIN; asked again only once the PIN's file
                has changed, because tokens lock.
            KeysError: what the operation raises.
        """
        seconds = max(self.address.timeout, SLOW.get(operation, 0.0))
        here = self._here()
        with self._alone(here, seconds):
            self._check(here)
            try:
                answer = self._exchange(here, operation, arguments, seconds)
            except (OSError, EOFError, ValueError) as error:
                gone = isinstance(error, EOFError)
                self._trip(here, f"{type(error).__name__} while the token was asked", dead=gone)
                raise errors.StoreUnavailable(f"the token does not answer: {here.why}") from error
            return self._result(here, answer)

    def close(self) -> None:
        """Ends the agent; the next call starts another."""
        here = self._by_process.get(os.getpid())
        if here is not None:
            _end(here, END_SECONDS)

    def _here(self) -> _Here:
        pid = os.getpid()
        here = self._by_process.get(pid)
        if here is None:
            # Forked: the parent's agent stays with the parent.
            for other in [each for each in self._by_process if each != pid]:
                if (inherited := self._by_process.pop(other, None)) is not None:
                    _abandon(inherited)
            here = self._by_process.setdefault(pid, _Here())
        return here

    @contextmanager
    def _alone(self, here: _Here, seconds: float) -> Iterator[None]:
        if not here.lock.acquire(timeout=seconds):
            raise errors.StoreUnavailable("the token is busy with others' requests")
        try:
            yield
        finally:
            here.lock.release()

    def _check(self, here: _Here) -> None:
        if here.refused is not None:
            stamp, error = here.refused
            if stamp is None or stamp == self._pin_stamp():
                raise type(error)(str(error))
            here.refused = None
        if self._clock() < here.until:
            raise errors.StoreUnavailable(f"the token is left alone for a moment: {here.why}")

    def _exchange(
        self, here: _Here, operation: str, arguments: dict[str, object], seconds: float
    ) -> dict[str, Any]:
        agent = here.agent
        if agent is None or agent.process.poll() is not None:
            _end(here)
            agent = self._start(here)
        agent.requests += 1
        request = {"id": agent.requests, "do": operation, "with": arguments}
        deadline = self._clock() + seconds
        agent.connection.settimeout(seconds)
        frames.send(agent.connection, request)
        agent.connection.settimeout(max(deadline - self._clock(), 0.001))
        answer = frames.receive(agent.connection)
        if answer.get("id") != agent.requests:
            raise ValueError("an answer to another question")
        return answer

    def _result(self, here: _Here, answer: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        self._seen = list(answer.get("seen") or self._seen)
        code = answer.get("code")
        if code is None:
            here.pause = PAUSE_SECONDS
            return answer["value"]
        error = errors.error_of(code, str(answer.get("text")))
        if isinstance(error, _PIN_REFUSED):
            here.refused = (self._pin_stamp(), error)
        if isinstance(error, _TOKEN_GONE):
            self._trip(here, str(error))
        raise error

    def _trip(self, here: _Here, why: str, *, dead: bool = False) -> None:
        """Ends the agent, whatever it hangs in, and lets the token alone for a moment."""
        _end(here, END_SECONDS if dead else 0.0)  # time to write down what it died of
        here.why = why
        here.until = self._clock() + here.pause
        here.pause = min(2 * here.pause, PAUSE_MAX)

    def _start(self, here: _Here) -> _Agent:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(  # noqa: S603 - our own interpreter
                    self._command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError:
                ours.close()
                raise
        agent = here.agent = _Agent(process, ours)
        ours.settimeout(START_SECONDS)
        frames.send(ours, {"uri": self._uri, "seen": self._seen})
        greeting = frames.receive(ours)
        if "code" in greeting:
            _end(here)
            raise errors.error_of(greeting["code"], str(greeting.get("text")))
        return agent

    def _pin_stamp(self) -> object:
        """Changes with the PIN's file; None where the PIN cannot change while we run."""
        if self.address.pin_file is None:
            return None
        try:
            return disk.stamp(self.address.pin_file)
        except errors.KeysError:
            return "none"


def _end_all(by_process: dict[int, _Here]) -> None:
    for pid, here in list(by_process.items()):
        if pid == os.getpid():
            _end(here, END_SECONDS)
        else:
            _abandon(here)


def _end(here: _Here, seconds: float = 0.0) -> None:
    agent, here.agent = here.agent, None
    if agent is None:
        return
    agent.connection.close()
    try:
        agent.process.wait(seconds)
    except subprocess.TimeoutExpired:
        # It may hang in the token's library, where nothing else reaches it.
        agent.process.kill()
        agent.process.wait()


def _abandon(here: _Here) -> None:
    """Leaves another process's agent alone: only our copy of its socket goes."""
    agent, here.agent = here.agent, None
    if agent is not None:
        agent.connection.close()
        agent.process.returncode = 0  # it is nobody's child here
