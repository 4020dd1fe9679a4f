# ruff: noqa: N818 — names say what is wrong, codes are derived from them
"""Files of frames: appended to, chained by SHA-256, and no changed bit stays unseen.

A file is a line that names its kind, 16 random bytes, and frames: length, chain hash, content,
length once more. The chain hash is SHA-256 over the hash before and the content, the first one
over the head of the file. The second length lets a reader find the last frame without the others.

Content is JSON and, behind it, the raw bytes that JSON cannot hold: `{"$": n}` in the JSON stands
for the next n of them.
"""

import fcntl
import os
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from certsvc.storage.errors import StorageError

ID_BYTES = 16
# A transaction of a bulk load is some megabytes; a length beyond this is a damaged one.
MAX_FRAME = 1 << 30

_HEAD = struct.Struct(">I32s")
_TAIL = struct.Struct(">I")
_JSON = struct.Struct(">I")
_OVERHEAD = _HEAD.size + _TAIL.size


class FramesDamaged(StorageError):
    """A file of frames was changed, or is not one; the message names file and place."""

    code = "frames_damaged"

    def __init__(self, path: Path, offset: int, why: str) -> None:
        super().__init__(f"{path.name}: byte {offset}: {why}")
        self.offset = offset


class FramesTorn(FramesDamaged):
    """The file ends within its last frame: its writer was stopped there."""

    code = "frames_torn"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: where it begins, and its content."""

    offset: int
    content: bytes

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.offset + _OVERHEAD + len(self.content)


def pack(obj: object) -> bytes:
    """Write a content: JSON values, and bytes anywhere in them."""
    blobs: list[bytes] = []

    def blob(value: object) -> object:
        data = bytes(getattr(value, "obj", value))  # type: ignore[call-overload]  # psycopg wraps bytes
        blobs.append(data)
        return {"$": len(data)}

    # A driver names parameters by a kind of string of its own.
    text = orjson.dumps(obj, default=blob, option=orjson.OPT_NON_STR_KEYS)
    return b"".join((_JSON.pack(len(text)), text, *blobs))


def unpack_json(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """Read the JSON of a content alone; bytes in it stay `{"$": n}`."""
    end = _JSON.size + _JSON.unpack_from(content)[0]
    return orjson.loads(content[_JSON.size : end])


class Blobs:
    """Gives the raw bytes of a content back, in the order in which they were written."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._next = _JSON.size + _JSON.unpack_from(content)[0]

    def fill(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """The value, or the bytes that it stands for."""
        if isinstance(value, dict):
            start = self._next
            self._next = start + value["$"]
            return self._content[start : self._next]
        return value


class FrameWriter:
    """Appends frames to a new file; each is durable when `append` returns.

    Args:
        path: must not exist.
        kind: line that names the kind of file, with its line end.
        file_id: 16 random bytes.

    Raises:
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path, *, kind: bytes, file_id: bytes) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        head = kind + file_id
        self._chain = sha256(head).digest()
        self.size = 0
        try:
            # Who prunes leaves alone what a living process may still append to.
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)
            self._write(head)
        except BaseException:
            self.close()
            path.unlink(missing_ok=True)
            raise

    def append(self, content: bytes, *, durable: bool = True) -> None:
        """Append a frame, or leave the file as it was.

        Args:
            content: as `pack` made it.
            durable: wait until the disk has it.

        Raises:
            OSError: the disk is full or does not obey; the file ends where it ended before, or
                in a torn frame if even that fails.
        """
        if len(content) > MAX_FRAME:
            raise OSError(f"a frame of {len(content)} bytes is too large")
        chain = sha256(self._chain + content).digest()
        size = len(content)
        frame = b"".join((_HEAD.pack(size, chain), content, _TAIL.pack(size)))
        try:
            self._write(frame)
            if durable:
                os.fdatasync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            os.lseek(self._descriptor, self.size, os.SEEK_SET)
            raise
        self.size += len(frame)
        self._chain = chain

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        if not self.size:
            self.size = len(data)

    def close(self, *, durable: bool = False) -> None:
        """Close the file; `durable` waits until the disk has all of it."""
        try:
            if durable:
                os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)


def read_frames(path: Path, *, kind: bytes) -> Iterator[Frame]:
    """Read all frames in order.

    Raises:
        FramesTorn: the last one is not whole.
        FramesDamaged: something was changed.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(len(kind) + ID_BYTES)
        if not head.startswith(kind) or len(head) != len(kind) + ID_BYTES:
            torn = size < len(kind) + ID_BYTES and kind.startswith(head[: len(kind)])
            raise (FramesTorn if torn else FramesDamaged)(path, 0, "the head is not whole")
        chain, offset = sha256(head).digest(), len(head)
        while offset < size:
            content, chain = _read_one(file, path, offset, size, chain)
            yield Frame(offset, content)
            offset += _OVERHEAD + len(content)


def _read_one(
    file: BinaryIO, path: Path, offset: int, size: int, chain: bytes
) -> tuple[bytes, bytes]:
    file.seek(offset)
    head = file.read(_HEAD.size)
    length, expected = _HEAD.unpack(head) if len(head) == _HEAD.size else (MAX_FRAME + 1, b"")
    if offset + _OVERHEAD + length > size:
        # The writer was stopped here, unless a whole frame ends the file: then a bit is wrong.
        torn = _last_start(file, size) is None
        why = "the last record is not whole" if torn else "a record's length was changed"
        raise (FramesTorn if torn else FramesDamaged)(path, offset, why)
    content = file.read(length)
    tail = file.read(_TAIL.size)
    found = sha256(chain + content).digest()
    if found != expected or tail != _TAIL.pack(length):
        raise FramesDamaged(path, offset, "a record was changed")
    return content, found


def last_frame(path: Path, *, kind: bytes) -> Frame | None:
    """Find the last whole frame without reading the ones before, where the end is whole.

    Returns:
        None: the file holds none.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = _last_start(file, size)
        if start is not None and start > len(kind) + ID_BYTES:
            file.seek(start - _TAIL.size)
            before = _last_start(file, start)
            if before is not None:
                file.seek(before)
                chain = _HEAD.unpack(file.read(_HEAD.size))[1]
                with suppress(FramesDamaged):
                    return Frame(start, _read_one(file, path, start, size, chain)[0])
    found: deque[Frame] = deque(maxlen=1)
    with suppress(FramesDamaged):
        found.extend(read_frames(path, kind=kind))
    return found[0] if found else None


def _last_start(file: BinaryIO, size: int) -> int | None:
    """Where a frame begins that ends at `size`, by its two lengths; None: there is none."""
    if size < _OVERHEAD:
        return None
    file.seek(size - _TAIL.size)
    length = _TAIL.unpack(file.read(_TAIL.size))[0]
    start = size - _OVERHEAD - int(length)
    if start < 0:
        return None
    file.seek(start)
    return start if _HEAD.unpack(file.read(_HEAD.size))[0] == length else None
