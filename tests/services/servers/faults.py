"""What can be wrong with a connection: objects with one method for each direction."""

import asyncio
import random  # noqa: TID251 — faults that can be repeated by their seed
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

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
            reset(writer)


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


def reset(writer: asyncio.StreamWriter) -> None:
    """End one side so that its peer reads an error and not an end."""
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is not None and not writer.is_closing():
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
