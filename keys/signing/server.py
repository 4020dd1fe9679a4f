"""The signer process: takes connections, reads requests, lets the desk answer them."""

import logging
import os
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from keys.signing import frames
from keys.signing.desk import Desk
from keys.signing.frames import Closed, FrameInvalid, Monotonic
from keys.signing.peer import Peer, peer_of
from keys.signing.rights import Rights

log = logging.getLogger("keys.signing")

Counts = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one caller may take of the process.

    Attributes:
        connections: open at the same time; one more is closed unheard.
        seconds: for a request from its first byte on, and for taking an answer.
        idle: seconds without a request after which a connection is closed.
        report: seconds between two lines that say how much was signed.
        finish: seconds given to requests under way when the process ends.
    """

    connections: int = 512
    seconds: float = 2.0
    idle: float = 300.0
    report: float = 60.0
    finish: float = 5.0


class SignerServer:
    """Serves a listening socket: a thread a connection, one request at a time on each.

    Args:
        listening: a Unix socket that listens.
        desk: answers.
        rights: who may connect.
        limits: see there.
        monotonic: seconds that never go back.
        tell: given what was signed since the last report, by issuer and key id; must not fail.
    """

    def __init__(
        self,
        listening: socket.socket,
        desk: Desk,
        rights: Rights,
        *,
        limits: Limits | None = None,
        monotonic: Monotonic = time.monotonic,
        tell: Callable[[Counts], object] = len,
    ) -> None:
        self._tell = tell
        self._listening = listening
        self._desk = desk
        self._rights = rights
        self._limits = limits or Limits()
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._told: Counter[tuple[str, str]] = Counter()
        self._bell, self._ring = os.pipe()

    def stop(self) -> None:
        """Let `serve` end; may be called from a signal handler and from any thread."""
        with suppress(OSError):  # it has ended already
            os.write(self._ring, b"\0")

    def serve(self) -> None:
        """Answer until `stop`; requests under way are finished, the process may end then."""
        self._listening.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._listening, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            due = self._monotonic() + self._limits.report
            stopped = False
            while not stopped:
                left = max(0.0, due - self._monotonic())
                for key, _ in selector.select(left):
                    if key.fileobj is self._listening:
                        self._take()
                    else:
                        stopped = True
                if self._monotonic() >= due:
                    self._report()
                    due = self._monotonic() + self._limits.report
        self._finish()

    def _take(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except OSError:
            return  # gone again, or no descriptor is free: others end, and it comes back
        try:
            peer = peer_of(connection)
            if not self._rights.knows(peer.uid):
                log.warning("refused: connection of user %d, process %d", peer.uid, peer.pid)
            elif len(self._open) >= self._limits.connections:
                log.warning("refused: one connection too many, of process %d", peer.pid)
            else:
                self._begin(connection, peer)
                return
        except (OSError, RuntimeError) as error:  # no thread can be started
            log.error("connection lost", exc_info=error)
        connection.close()

    def _begin(self, connection: socket.socket, peer: Peer) -> None:
        thread = threading.Thread(target=self._attend, args=(connection, peer), daemon=True)
        with self._lock:
            self._open[connection] = thread
        try:
            thread.start()
        except RuntimeError:
            self._forget(connection)
            raise

    def _attend(self, connection: socket.socket, peer: Peer) -> None:
        limits = self._limits
        try:
            while True:
                request = frames.receive(
                    connection,
                    longest=frames.MAX_REQUEST,
                    seconds=limits.seconds,
                    monotonic=self._monotonic,
                    idle=limits.idle,
                )
                answer = self._desk.answer(request, peer)
                frames.send(connection, answer, seconds=limits.seconds)
        except Closed:
            pass
        except TimeoutError:
            log.info("connection of process %d closed: nothing came", peer.pid)
        except FrameInvalid as error:
            log.warning("refused: %s, of user %d, process %d", error, peer.uid, peer.pid)
        finally:
            self._forget(connection)
            connection.close()

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.pop(connection, None)

    def _report(self) -> None:
        signed = self._desk.counted()
        fresh = signed - self._told
        self._tell(fresh)
        for (issuer_id, kid), count in sorted(fresh.items()):
            log.info(
                "signed: %d times with key %s, %d in all", count, kid, signed[issuer_id, kid],
                extra={"issuer_id": issuer_id},
            )  # fmt: skip
        self._told = signed

    def _finish(self) -> None:
        # Whoever connects now waits for the next signer, or learns that there is none.
        self._listening.close()
        deadline = self._monotonic() + self._limits.finish
        with self._lock:
            under_way = dict(self._open)
        for connection in under_way:
            _hang_up(connection)
        for thread in under_way.values():
            thread.join(max(0.0, deadline - self._monotonic()))
        self._report()
        ring, self._ring = self._ring, -1
        os.close(ring)
        os.close(self._bell)


def _hang_up(connection: socket.socket) -> None:
    """No further request is read; an answer under way still goes out."""
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        return  # it is gone already
