"""What passes over the signer's socket: a header of 16 bytes, a head in JSON, a body of bytes.

Header, big-endian: `CS`, version:1, kind:1, number:4, length of the head:4, length of the body:4.
An answer carries its request's number. Nothing is read beyond its cap or its deadline.
"""

import json
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

MAGIC = b"CS"
VERSION = 1
_HEADER = struct.Struct(">2sBBIII")
#: A head is names and a context; a data key's context is a place in a table.
MAX_HEAD = 16 * 1024
#: A status list of 8 million places signs about 3 MB.
MAX_REQUEST = 8 * 1024 * 1024
#: Ten thousand issuers with four keys each are about 20 MB.
MAX_ANSWER = 32 * 1024 * 1024
_PART = 1 << 18

Monotonic = Callable[[], float]
Head = Mapping[str, str | None]


class Kind(IntEnum):
    """What a frame is."""

    REQUEST = 0
    ANSWER = 1
    REFUSAL = 2


class FrameInvalid(Exception):  # noqa: N818 - the name says what is wrong
    """What came is no frame of this version; nothing more is read from that connection."""


class Closed(Exception):  # noqa: N818 - the name says what is wrong
    """The other side has closed the connection, or it broke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message.

    Attributes:
        kind: request, answer or refusal.
        number: of the request on its connection.
        head: named texts.
        body: what is signed, sealed or told; never logged.
    """

    kind: Kind
    number: int
    head: Head
    body: bytes = b""


def send(connection: socket.socket, frame: Frame, *, seconds: float) -> None:
    """Sends a frame.

    Raises:
        Closed: the other side is gone.
        TimeoutError: it takes nothing for so long.
    """
    head = json.dumps(dict(frame.head), separators=(",", ":")).encode()
    header = _HEADER.pack(MAGIC, VERSION, frame.kind, frame.number, len(head), len(frame.body))
    connection.settimeout(seconds)
    try:
        # A small frame leaves at once; a large body is not copied for it.
        if len(frame.body) < _PART:
            connection.sendall(header + head + frame.body)
        else:
            connection.sendall(header + head)
            connection.sendall(frame.body)
    except TimeoutError:
        raise
    except OSError as error:
        raise Closed(error.strerror or "the connection broke") from error


def receive(
    connection: socket.socket,
    *,
    longest: int,
    seconds: float,
    monotonic: Monotonic,
    idle: float | None = None,
) -> Frame:
    """Waits for a frame.

    Args:
        connection: a connected socket.
        longest: bytes that its body may have.
        seconds: that it may take from its first byte on.
        monotonic: seconds that never go back.
        idle: seconds until its first byte; None: they are part of `seconds`.

    Raises:
        Closed: the other side has closed.
        TimeoutError: it took too long.
        FrameInvalid: it is no frame, or too large.
    """
    first = b""
    if idle is not None:
        connection.settimeout(idle)
        first = _some(connection, _HEADER.size)
    deadline = monotonic() + seconds

    def exactly(size: int, had: bytes = b"") -> bytes:
        parts = bytearray(had)
        while len(parts) < size:
            left = deadline - monotonic()
            if left <= 0:
                raise TimeoutError("the frame takes too long")
            connection.settimeout(left)
            parts += _some(connection, min(size - len(parts), _PART))
        return bytes(parts)

    magic, version, kind, number, head, body = _HEADER.unpack(exactly(_HEADER.size, first))
    if (magic, version) != (MAGIC, VERSION):
        raise FrameInvalid("not a frame of this version")
    if kind not in Kind.__members__.values():
        raise FrameInvalid("no such kind of frame")
    if head > MAX_HEAD or body > longest:
        raise FrameInvalid("the frame is too large")
    return Frame(kind=Kind(kind), number=number, head=read_head(exactly(head)), body=exactly(body))


def read_head(data: bytes) -> dict[str, str | None]:
    """The named texts of a head.

    Raises:
        FrameInvalid: not a JSON object of texts and nulls, or a name twice.
    """
    try:
        value = json.loads(data.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise FrameInvalid("the head is no JSON") from error
    if not isinstance(value, dict):
        raise FrameInvalid("the head is no object")
    if not all(item is None or isinstance(item, str) for item in value.values()):
        raise FrameInvalid("the head holds something else than texts")
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _some(connection: socket.socket, size: int) -> bytes:
    try:
        part = connection.recv(size)
    except TimeoutError:
        raise
    except OSError as error:
        raise Closed(error.strerror or "the connection broke") from error
    if not part:
        raise Closed("the other side has closed")
    return part
