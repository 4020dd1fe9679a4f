"""A relay to a TCP server that can hold up, bend and break what passes through it.

Its fault (`servers.faults`) may be changed while connections are open, and holds from the next
piece of data on. `None` lets everything through.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from servers.faults import Broken, Fault, Link, reset

PIECE = 65536


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
            reset(client)
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
