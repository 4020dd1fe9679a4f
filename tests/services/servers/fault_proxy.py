"""A relay to a TCP server that can hold up, bend and break what passes through it.

A fault is an object with two methods, one for each direction; it may be changed while connections
are open, and holds from the next piece of data on. `None` lets everything through.
"""

import asyncio
import random  # noqa: TID251 — faults that can be repeated by their seed
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

PIECE = 65536
# SO_LINGER with no time to linger: the peer reads ECONNRESET, not an end.
RESET = struct.pack("ii", 1, 0)


class Broken(Exception):  # noqa: N818 - the name says what is wrong
    """The connection ends here, for both sides."""


@dataclass(eq=False)
class Link:
    """One client's connection through the relay.

    Attributes:
        client: Where answers go.
        server: Where requests go.
        up: Bytes that came from the client.
        down: Bytes that came from the server.
        memory: What a fault wants to know of this connection again.
    """

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    up: int = 0
    down: int = 0
    memory: dict[str, Any] = field(default_factory=dict)

    def end(self) -> None:
        """Reset both sides."""
        for writer in (self.client, self.server):
            _reset(writer)


class Fault:
    """Lets everything through; others change one direction or both.

    What is returned goes on to the other side; nothing does where it is empty.
    """

    async def to_server(self, link: Link, data: bytes) -> bytes:
        """What the server gets in place of `data`; empty data: the client has ended."""
        del link
        return data

    async def to_client(self, link: Link, data: bytes) -> bytes:
        """What the client gets in place of `data`."""
        del link
        return data


@dataclass
class Delay(Fault):
    """Every piece of an answer comes so many seconds later."""

    seconds: float

    async def to_client(self, link: Link, data: bytes) -> bytes:
        """See `Fault`."""
        await asyncio.sleep(self.seconds)
        return await super().to_client(link, data)


class Hang(Fault):
    """Connections open, and nothing passes in either direction any more."""

    async def to_server(self, link: Link, data: bytes) -> bytes:
        """See `Fault`."""
        if data:
            await asyncio.Event().wait()
        return await super().to_server(link, data)

    async def to_client(self, link: Link, data: bytes) -> bytes:
        """See `Fault`."""
        await asyncio.Event().wait()
        return await super().to_client(link, data)


class BlackHole(Fault):
    """Requests vanish: the server hears nothing, the client no answer."""

    async def to_server(self, link: Link, data: bytes) -> bytes:
        """See `Fault`."""
        del link, data
        return b""


class Reset(Fault):
    """The connection is reset as soon as somebody says something."""

    async def to_server(self, link: Link, data: bytes) -> bytes:
        """See `Fault`."""
        del link, data
        raise Broken

    async def to_client(self, link: Link, data: bytes) -> bytes:
        """See `Fault`."""
        return await self.to_server(link, data)


@dataclass
class CutAfter(Fault):
    """So many bytes of answers pass on each connection, then it is reset."""

    size: int

    async def to_client(self, link: Link, data: bytes) -> bytes:
        """See `Fault`."""
        left = self.size - (link.down - len(data))
        if len(data) < left:
            return await super().to_client(link, data)
        link.client.write(data[: max(left, 0)])
        await link.client.drain()
        raise Broken


@dataclass
class Nonsense(Fault):
    """Every answer is replaced by other bytes."""

    answer: bytes

    async def to_client(self, link: Link, data: bytes) -> bytes:
        """See `Fault`."""
        await super().to_client(link, data)
        return self.answer


@dataclass
class LoseAnswers(Fault):
    """The server does what it was asked, and a share of clients is not told (R25).

    Args:
        share: Of connections whose answer is lost, 0 to 1.
        seed: The same seed loses the same ones.
        lost: How many were.
    """

    share: float
    seed: int = 1
    lost: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    async def to_client(self, link: Link, data: bytes) -> bytes:
        """See `Fault`."""
        kind = link.memory.get("kind")
        if kind is None:
            unlucky = self._random.random() < self.share
            kind = self._random.choice(["reset", "half", "503"]) if unlucky else "well"
            link.memory["kind"] = kind
            self.lost += unlucky
        if not data or kind == "well":
            return data
        if kind != "reset":
            half = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
            link.client.write(half if kind == "503" else data[: len(data) // 2])
            await link.client.drain()
            if kind == "503":
                link.client.close()
        raise Broken


class FaultProxy:
    """Listens on a port of 127.0.0.1 and relays to another.

    Args:
        port: The server's port.

    Attributes:
        port: The relay's own port.
        accepted: How many connections were made to it.
    """

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._fault: Fault | None = None
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = 0
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(listener.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._begin, sock=listener)
        )
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy")
        self._thread.start()

    def become(self, fault: Fault | None, *, fresh: bool = False) -> None:
        """Behave like this from now on.

        Args:
            fault: What is wrong; None: nothing is.
            fresh: Reset the connections that are open, so that nobody goes on with an old one.
        """

        async def change() -> None:
            self._fault = fault
            if fresh:
                await self._reset_all()

        self._do(change())

    @property
    def open(self) -> int:
        """How many connections are open through it."""
        return len(self._links)

    def call(self, action: Callable[[], object]) -> None:
        """Do something in the relay's own thread, such as setting an event of its loop."""

        async def act() -> None:
            action()

        self._do(act())

    def end(self) -> None:
        """Close everything."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _close(self) -> None:
        self._server.close()
        await self._reset_all()

    async def _reset_all(self) -> None:
        for link in tuple(self._links):
            link.end()
        ended = tuple(self._tasks)
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = self._loop.create_task(self._relay(reader, client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _relay(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            from_server, server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            _reset(client)
            return
        link = Link(client, server)
        self._links.add(link)
        pumps = [
            self._loop.create_task(self._pump(link, from_client, server, "to_server")),
            self._loop.create_task(self._pump(link, from_server, client, "to_client")),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._links.discard(link)
            for writer in (client, server):
                writer.close()

    async def _pump(
        self, link: Link, source: asyncio.StreamReader, target: asyncio.StreamWriter, way: str
    ) -> None:
        upwards = way == "to_server"
        with suppress(OSError):
            while True:
                data = await source.read(PIECE)
                link.up += len(data) * upwards
                link.down += len(data) * (not upwards)
                fault = self._fault or Fault()
                method: Callable[[Link, bytes], Awaitable[bytes]] = getattr(fault, way)
                try:
                    passed = await method(link, data)
                except Broken:
                    link.end()
                    return
                if passed:
                    target.write(passed)
                    await target.drain()
                if not data:
                    return


def _reset(writer: asyncio.StreamWriter) -> None:
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is not None and not writer.is_closing():
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
