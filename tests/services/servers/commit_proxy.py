"""A relay to PostgreSQL that breaks a connection at the COMMIT of what it has written."""

import asyncio
from collections import deque
from typing import Literal

from servers.fault_proxy import FaultProxy
from servers.faults import Broken, Fault, Link

# ReadyForQuery, outside any transaction (PostgreSQL, "Message Formats").
READY = b"Z\x00\x00\x00\x05I"

#: `lost`: the server never hears of it. `kept`: the server commits, nobody is told.
#: `late`: the client hears nothing, and the server commits when `release` is called.
Cut = Literal["lost", "kept", "late"]


class CommitCuts(Fault):
    """Says of each COMMIT to come what becomes of it; transactions that only read are left alone.

    Attributes:
        cuts: The next commits' fates; `None` lets one through.
        holding: Whether a late commit waits for `released`.
        released: Lets the late commits reach the server.
    """

    def __init__(self) -> None:
        self.cuts: deque[Cut | None] = deque()
        self.holding = False
        self.released = asyncio.Event()

    async def to_server(self, link: Link, data: bytes) -> bytes:
        """See `Fault`."""
        if b"BEGIN" in data:
            link.memory["reads"] = b"READ ONLY" in data
        if b"COMMIT\0" not in data or link.memory.get("reads") or not self.cuts:
            return data  # "READ COMMITTED" is no COMMIT
        cut = self.cuts.popleft()
        if cut is None:
            return data
        if cut != "lost":
            await self._commit(link, data, late=cut == "late")
        raise Broken

    async def _commit(self, link: Link, data: bytes, *, late: bool) -> None:
        link.memory["heard"] = asyncio.Event()
        if late:
            self.holding = True
            link.client.close()
            await self.released.wait()
        link.server.write(data)
        await link.memory["heard"].wait()

    async def to_client(self, link: Link, data: bytes) -> bytes:
        """See `Fault`."""
        heard: asyncio.Event | None = link.memory.get("heard")
        if heard is None:
            return data
        if READY in data or not data:
            heard.set()
            # What ends the link is the other direction, which has been waiting for this.
            await asyncio.Event().wait()
        return b""


class CommitProxy(FaultProxy):
    """Listens on a port of 127.0.0.1 and relays to a PostgreSQL server.

    Args:
        port: The server's port.
    """

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._commits = CommitCuts()
        self.become(self._commits)

    def cut(self, *cuts: Cut | None) -> None:
        """Say what becomes of the next commits, one by one; `None` lets one through."""
        self._commits.cuts.extend(cuts)

    @property
    def pending(self) -> int:
        """Commits still to come that `cut` spoke of."""
        return len(self._commits.cuts)

    @property
    def holding(self) -> bool:
        """Whether a late commit waits for `release`."""
        return self._commits.holding

    def release(self) -> None:
        """Let the late commits reach the server."""
        self.call(self._commits.released.set)
