"""A relay to PostgreSQL that breaks a connection at the COMMIT of what it has written."""

import select
import socket
import threading
from collections import deque
from typing import Literal

# ReadyForQuery, outside any transaction (PostgreSQL, "Message Formats").
READY = b"Z\x00\x00\x00\x05I"

#: `lost`: the server never hears of it. `kept`: the server commits, nobody is told.
#: `late`: the client hears nothing, and the server commits when `release` is called.
Cut = Literal["lost", "kept", "late"]


class CommitProxy:
    """Listens on a port of 127.0.0.1 and relays to another.

    Args:
        port: The server's port.

    Attributes:
        port: The relay's own port.
        holding: Whether a late commit waits for `release`.
    """

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._cuts: deque[Cut | None] = deque()
        self._lock = threading.Lock()
        self._released = threading.Event()
        self.holding = False
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self, *cuts: Cut | None) -> None:
        """Say what becomes of the next commits, one by one; `None` lets one through."""
        with self._lock:
            self._cuts.extend(cuts)

    @property
    def pending(self) -> int:
        """Commits still to come that `cut` spoke of."""
        return len(self._cuts)

    def release(self) -> None:
        """Let the late commits reach the server."""
        self._released.set()

    def end(self) -> None:
        """Close everything."""
        self._ended.set()
        self._released.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _address = self._listener.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self._relay, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _relay(self, client: socket.socket) -> None:
        reads = False
        with client, socket.create_connection(("127.0.0.1", self._server_port)) as server:
            while not self._ended.is_set():
                for source in select.select([client, server], [], [], 0.05)[0]:
                    data = _receive(source)
                    if source is client and b"BEGIN" in data:
                        reads = b"READ ONLY" in data
                    cut = self._next_cut(data) if source is client and not reads else None
                    if not data or cut is not None:
                        self._break(cut, data, client, server)
                        return
                    (server if source is client else client).sendall(data)

    def _next_cut(self, data: bytes) -> Cut | None:
        if b"COMMIT\0" not in data:  # not "READ COMMITTED"
            return None
        with self._lock:
            return self._cuts.popleft() if self._cuts else None

    def _break(
        self, cut: Cut | None, data: bytes, client: socket.socket, server: socket.socket
    ) -> None:
        if cut in ("kept", "late"):
            if cut == "late":
                self.holding = True
                client.close()
                self._released.wait()
            server.sendall(data)
            answer = b""
            while READY not in answer and (more := _receive(server)):
                answer += more


def _receive(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""
