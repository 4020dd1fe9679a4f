"""Messages between a store and its agent: four bytes of length, then JSON; bytes as base64."""

import base64
import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct(">I")
#: Ten thousand records are about 15 MB.
MAX_FRAME = 64 * 1024 * 1024
_BYTES = "$bytes"


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Sends one message.

    Raises:
        OSError: the other side is gone, or the socket's time-out is over.
    """
    text = json.dumps(message, default=_written).encode()
    connection.sendall(_LENGTH.pack(len(text)) + text)


def receive(connection: socket.socket) -> dict[str, Any]:
    """Waits for one message.

    Raises:
        EOFError: the other side has closed.
        OSError: the socket's time-out is over.
        ValueError: what came is no message.
    """
    (size,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    if size > MAX_FRAME:
        raise ValueError("a frame is too large")
    message = json.loads(_exactly(connection, size), object_hook=_read)
    if not isinstance(message, dict):
        raise ValueError("a frame is no object")
    return message


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts, left = [], size
    while left:
        part = connection.recv(min(left, 1 << 20))
        if not part:
            raise EOFError("the other side has closed")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _written(value: object) -> object:
    if not isinstance(value, bytes):
        raise TypeError(f"no {type(value).__name__} in a message")
    return {_BYTES: base64.b64encode(value).decode("ascii")}


def _read(value: dict[str, Any]) -> bytes | dict[str, Any]:
    return base64.b64decode(value[_BYTES]) if value.keys() == {_BYTES} else value
