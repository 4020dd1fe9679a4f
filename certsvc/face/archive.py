"""A ZIP archive that is written as it goes: no file, no seeking, one member in memory at a time."""

import time
import zipfile
from typing import IO, cast

# Below 1980 a ZIP has no dates, above 2107 neither (APPNOTE 4.4.6).
_FIRST, _LAST = 315_532_800, 4_354_819_198
# PDFs are compressed already; a stored member without its length cannot be read as a stream.
_LEVEL = 1
_PLAIN_FILE = 0o100644 << 16


class Archive:
    """Gives the bytes of an archive as its members come."""

    def __init__(self) -> None:
        self._out = _Collected()
        # What cannot seek needs no more than `write` and `flush` (zipfile's own wrapper counts).
        out = cast("IO[bytes]", self._out)
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)

    def add(self, name: str, data: bytes, *, at: int) -> bytes:
        """Add a member.

        Args:
            name: of `certsvc.face.filenames`.
            data: its content.
            at: its time, Unix seconds; written as UTC.

        Returns:
            The archive's next bytes.
        """
        moment = time.gmtime(min(max(at, _FIRST), _LAST))
        member = zipfile.ZipInfo(name, date_time=moment[:6])
        member.compress_type = zipfile.ZIP_DEFLATED
        member.external_attr = _PLAIN_FILE
        self._zip.writestr(member, data)
        return self._out.take()

    def close(self) -> bytes:
        """The archive's last bytes: its directory. Without them no program opens it."""
        self._zip.close()
        return self._out.take()


class _Collected:
    """A stream that cannot seek; what was written waits to be taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        return

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
