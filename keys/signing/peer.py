"""Who is at the other end of a Unix socket, as the kernel says."""

import socket
import struct
from dataclasses import dataclass

_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """A process when it connected, or when it began to listen (unix(7), SO_PEERCRED)."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    """The other end of a connected socket.

    Raises:
        OSError: the socket is not connected.
    """
    size = _CREDENTIALS.size
    return Peer(
        *_CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    )
