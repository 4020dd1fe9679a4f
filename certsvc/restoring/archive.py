"""A backup's file: frames that hold rows and files of a moment, and a manifest at the end.

One format for every kind of database. Each frame is chained to those before it and the manifest
names the SHA-256 of every part, so a changed, missing or added bit is found anywhere.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from certsvc.restoring.errors import BackupDamaged
from certsvc.storage.errors import StorageError
from certsvc.storage.frames import Blobs, FrameWriter, pack, read_frames, unpack_json

KIND = b"certsvc-backup 1\n"
SUFFIX = ".backup"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table."""

    table: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file: `area` says which folder it belongs to."""

    area: str
    path: str
    mode: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup says of itself.

    Attributes:
        made_at: Unix seconds.
        program: version of the program.
        dialect: kind of database that it was read from.
        revision: schema of the rows.
        position: epoch, number and token of the last journaled transaction in it.
        settings: what must be the same again, and what is good to know.
        published: what the tree showed right before: size of the log, versions of the lists.
        counts: rows of each table.
        parts: SHA-256 of each table and file, hex.
    """

    made_at: int
    program: str
    dialect: str
    revision: str
    position: Mapping[str, Any]
    settings: Mapping[str, str]
    published: Mapping[str, Any]
    counts: Mapping[str, int]
    parts: Mapping[str, str]


@dataclass(slots=True)
class _Parts:
    """Digests of parts while they are written or read."""

    digests: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> None:
        self.digests.setdefault(name, sha256()).update(content)

    def hex(self) -> dict[str, str]:
        return {name: digest.hexdigest() for name, digest in sorted(self.digests.items())}


class ArchiveWriter:
    """Writes a backup's file; it is whole once `finish` returned.

    Args:
        path: must not exist.
        file_id: 16 random bytes.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: Path, *, file_id: bytes) -> None:
        self._writer = FrameWriter(path, kind=KIND, file_id=file_id)
        self._parts = _Parts()

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._writer.size

    def rows(self, rows: Rows) -> None:
        """Add rows of a table.

        Raises:
            OSError: the disk is full or does not obey.
        """
        self._parts.counts.setdefault(rows.table, 0)
        self._parts.counts[rows.table] += len(rows.rows)
        body = {"table": rows.table, "columns": rows.columns, "rows": rows.rows}
        self._add(f"table:{rows.table}", body)

    def file(self, stored: StoredFile) -> None:
        """Add a file.

        Raises:
            OSError: as `rows`.
        """
        body = {"area": stored.area, "path": stored.path, "mode": stored.mode, "data": stored.data}
        self._add(f"file:{stored.area}/{stored.path}", body)

    def finish(self, **about: Any) -> None:  # noqa: ANN401 - members of Manifest
        """Write the manifest and wait until the disk has everything.

        Raises:
            OSError: as `rows`.
        """
        body = {"version": VERSION, **about, "counts": self._parts.counts}
        self._writer.append(pack({"end": {**body, "parts": self._parts.hex()}}), durable=False)
        self._writer.close(durable=True)

    def abandon(self) -> None:
        """Remove what was written."""
        self._writer.close()
        self._writer.path.unlink(missing_ok=True)

    def _add(self, name: str, body: object) -> None:
        content = pack(body)
        self._parts.add(name, content)
        self._writer.append(content, durable=False)


def read_archive(path: Path, *, decode: bool = True) -> Iterator[Rows | StoredFile | Manifest]:
    """Read a backup; the manifest comes last, and only if everything before it is as it says.

    Args:
        path: the backup.
        decode: False leaves the rows as they stand in the file, for who only counts them.

    Raises:
        BackupDamaged: it is not whole, or a bit was changed.
        OSError: it cannot be read.
    """
    parts, manifest = _Parts(), None
    try:
        for frame in read_frames(path, kind=KIND):
            if manifest is not None:
                raise BackupDamaged(f"{path.name}: byte {frame.offset}: something stands behind")
            body = unpack_json(frame.content)
            if "end" in body:
                manifest = _manifest(path, body["end"], parts)
                continue
            yield _part(frame.content, body, parts, decode=decode)
    except StorageError as error:
        raise BackupDamaged(str(error)) from error
    except (KeyError, TypeError, ValueError) as error:
        raise BackupDamaged(f"{path.name}: not what a backup holds") from error
    if manifest is None:
        raise BackupDamaged(f"{path.name}: the end is missing")
    yield manifest


def check(path: Path, *, progress: Callable[[int], object] = int) -> Manifest:
    """Read a whole backup; every changed bit is found.

    Args:
        path: the backup.
        progress: takes the rows read since the last call.

    Raises:
        BackupDamaged: it is not whole, or a bit was changed.
        OSError: it cannot be read.
    """
    for part in read_archive(path, decode=False):
        if isinstance(part, Manifest):
            return part
        progress(len(part.rows) if isinstance(part, Rows) else 0)
    raise BackupDamaged(f"{path.name}: the end is missing")


def _part(
    content: bytes, body: dict[str, Any], parts: _Parts, *, decode: bool
) -> Rows | StoredFile:
    blobs = Blobs(content)
    if "table" in body:
        name = body["table"]
        parts.add(f"table:{name}", content)
        parts.counts[name] = parts.counts.get(name, 0) + len(body["rows"])
        if not decode:
            return Rows(name, body["columns"], body["rows"])
        rows = [
            tuple(blobs.fill(value) if type(value) is dict else value for value in row)
            for row in body["rows"]
        ]
        return Rows(name, body["columns"], rows)
    parts.add(f"file:{body['area']}/{body['path']}", content)
    return StoredFile(body["area"], body["path"], body["mode"], blobs.fill(body["data"]))


def _manifest(path: Path, body: dict[str, Any], parts: _Parts) -> Manifest:
    if body.pop("version") != VERSION:
        raise BackupDamaged(f"{path.name}: written by a newer program")
    manifest = Manifest(**body)
    if manifest.parts != parts.hex() or manifest.counts != parts.counts:
        raise BackupDamaged(f"{path.name}: a part is missing or was added")
    return manifest
