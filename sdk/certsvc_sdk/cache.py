"""What a verifier keeps between runs: status lists, what was ever revoked, a floor of time.

Nothing is believed for lying here: a list's signature is checked again after it is read. A damaged
file is as good as none. Several processes may share the folder; writers take turns by a lock. A
folder that cannot be written costs persistence, never an answer.
"""

import hashlib
import logging
import os
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from certsvc_sdk import statuslist, strict
from certsvc_sdk.bell import Bell
from certsvc_sdk.durable import replace_file, sweep_folder
from certsvc_sdk.errors import CertsvcError, Malformed
from certsvc_sdk.statuslist import MAX_LIST_TOKEN, StatusListToken

if sys.platform != "win32":
    import fcntl

_LOG = logging.getLogger("certsvc_sdk")

# The token as JSON text, its address and entity tag.
_MAX_FILE = MAX_LIST_TOKEN + 16 * 1024
# One line is 87 bytes; a window that saw 700,000 revoked certificates must look at its cache.
_MAX_TOMBSTONES = 64 * 1024 * 1024
_TOMBSTONE = re.compile(rb"([0-9a-f]{64}) ([0-9]{1,8})")
# Ten digits until the year 2286, a space and a digest: a flipped bit must not move time for ever.
_MAX_CLOCK = 32
_CLOCK = re.compile(rb"([0-9]{1,12}) ([0-9a-f]{16})")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredList:
    """A status list as it lies in the cache.

    Attributes:
        uri: its address as certificates name it.
        token: the JWS text.
        etag: entity tag of the answer, or None.
        fetched_at: Unix seconds.
    """

    uri: str
    token: str
    etag: str | None
    fetched_at: int


def is_older(token: StatusListToken, than: StatusListToken) -> bool:
    """Return whether a list goes back behind another: by version, for equal ones by `iat`."""
    if token.version is None or than.version is None or token.version == than.version:
        return token.iat < than.iat
    return token.version < than.version


class StatusCache:
    """The cache folder of status data. Safe for threads.

    Attributes:
        clock_floor: latest time proven by signed data, Unix seconds; 0 where nothing was seen.

    Args:
        folder: made on demand.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tombstones = folder / "revoked"
        self._lock = threading.RLock()
        self._revoked: set[tuple[str, int]] = set()
        self._revoked_stamp: tuple[int, int] | None = None
        self._bell = Bell(folder / "bell")
        self._swept = False
        self.clock_floor = self._read_floor()

    def load(self, uri: str) -> StoredList | None:
        """Return the stored list of an address, or None; its signature is not checked yet."""
        stored = self._read_list(self._list_path(uri))
        return stored if stored is not None and stored.uri == uri else None

    def uris(self) -> tuple[str, ...]:
        """Return the addresses of all stored lists."""
        found = (self._read_list(path) for path in sorted(self._folder.glob("list-*.json")))
        return tuple(stored.uri for stored in found if stored is not None)

    def store(self, stored: StoredList) -> None:
        """Keep a list whose signature was checked."""
        data = strict.dumps(
            {
                "uri": stored.uri,
                "etag": stored.etag,
                "fetched_at": stored.fetched_at,
                "token": stored.token,
            }
        )
        self._write("status list", lambda: replace_file(self._list_path(stored.uri), data))

    def raise_floor(self, moment: int) -> None:
        """Note that it is `moment` (Unix seconds) or later."""
        if moment <= self.clock_floor:
            return
        with self._lock:
            self.clock_floor = max(moment, self.clock_floor)
            self._write("clock floor", self._write_floor)

    def is_revoked(self, uri: str, index: int) -> bool:
        """Return whether this entry was ever seen revoked, by any process of this folder."""
        with self._lock:
            if self._bell.is_due():
                self._read_tombstones()
            return (_name(uri), index) in self._revoked

    def note_revoked(self, uri: str, index: int) -> None:
        """Keep for ever that an entry was seen revoked."""
        name = _name(uri)
        with self._lock:
            if (name, index) not in self._revoked:
                self._revoked.add((name, index))
                self._write("revocation", lambda: self._append_tombstone(name, index))

    def _list_path(self, uri: str) -> Path:
        return self._folder / f"list-{_name(uri)}.json"

    def _read_list(self, path: Path) -> StoredList | None:
        try:
            obj = strict.loads_object(_read(path, _MAX_FILE), max_bytes=_MAX_FILE, what="cache")
            etag = obj.get("etag")
            return StoredList(
                uri=strict.text(obj, "uri", "cache"),
                token=strict.text(obj, "token", "cache"),
                etag=etag if isinstance(etag, str) else None,
                fetched_at=strict.integer(obj, "fetched_at", "cache"),
            )
        except (OSError, Malformed):
            return None

    def _append_tombstone(self, name: str, index: int) -> None:
        with self._tombstones.open("ab") as file:
            # The first line feed ends whatever a crash left half written.
            file.write(f"\n{name} {index}\n".encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        self._bell.ring()

    def _write_floor(self) -> None:
        # Another process may have seen more.
        self.clock_floor = max(self.clock_floor, self._read_floor())
        digits = b"%d" % self.clock_floor
        replace_file(self._folder / "clock", digits + b" " + _check(digits))

    def _read_floor(self) -> int:
        with suppress(OSError, Malformed):
            found = _CLOCK.fullmatch(_read(self._folder / "clock", _MAX_CLOCK))
            if found is not None and _check(found[1]) == found[2]:
                return int(found[1])
        return 0

    def _read_tombstones(self) -> None:
        try:
            found = os.stat(self._tombstones)
            stamp = (found.st_size, found.st_mtime_ns)
            if stamp == self._revoked_stamp:
                return
            data = _read(self._tombstones, _MAX_TOMBSTONES)
        except (OSError, Malformed):
            return
        self._revoked_stamp = stamp
        for line in data.split(b"\n"):
            if match := _TOMBSTONE.fullmatch(line):
                self._revoked.add((match[1].decode("ascii"), int(match[2])))

    def _write(self, what: str, action: Callable[[], None]) -> None:
        """Run a write under the folder's lock; a failed one is logged and no more."""
        try:
            with self._lock:
                self._folder.mkdir(parents=True, exist_ok=True)
                with (self._folder / "lock").open("ab") as file:
                    if sys.platform != "win32":
                        fcntl.flock(file, fcntl.LOCK_EX)
                        if not self._swept:
                            self._swept = True
                            sweep_folder(self._folder)
                    action()
        except OSError as error:
            _LOG.warning("the cache cannot keep a %s: %s", what, error.strerror)


def parse_list(stored: StoredList) -> StatusListToken | None:
    """Return a stored list taken apart, or None where it is damaged."""
    try:
        return statuslist.read(stored.token)
    except CertsvcError:
        return None


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Malformed("a cache file is too long")
    return data


def _check(digits: bytes) -> bytes:
    return hashlib.sha256(digits).hexdigest()[:16].encode("ascii")


@lru_cache(maxsize=512)  # the same few lists over and over
def _name(uri: str) -> str:
    return hashlib.sha256(uri.encode("utf-8", "surrogatepass")).hexdigest()
