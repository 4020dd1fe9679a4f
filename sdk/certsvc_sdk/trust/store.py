"""The trust cache on disk: immutable files named by SHA-256, and one `state.json` naming them.

A reader sees one generation whole or the next one whole, whichever process writes: files never
change once written, the state is replaced atomically, and writers take turns by a lock. Nothing
here is believed for lying here: `offline.py` verifies every signature again.
"""

import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from certsvc_sdk.bell import Bell
from certsvc_sdk.durable import replace_file, replace_files, sweep_folder
from certsvc_sdk.errors import Malformed, TrustUnavailable
from certsvc_sdk.strict import Json, dumps, loads_object

if sys.platform != "win32":
    import fcntl

STATE_VERSION = 1
STATE_FILE = "state.json"
LOCK_FILE = "lock"
# Hashes of a nation's roles and records: 100,000 entries of 160 bytes.
MAX_STATE = 16 * 1024 * 1024
_MAX_TARGETS = 100_000
# The largest file a repository may serve (`UpdaterConfig.targets_max_length`).
MAX_FILE = 5_000_000

# Seconds that two processes' sights of the same generation are apart at most, by one right clock.
_SAME_CLOCK = 300

# Files open at once while many are written.
_AT_ONCE = 128

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Kind(StrEnum):
    """The two kinds of cached files; each has its folder."""

    METADATA = "metadata"
    TARGET = "target"


Read = Callable[[Kind, str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One verified generation of the repository; every digest is lower-case hex SHA-256.

    Attributes:
        verified_at: Unix seconds at which it was verified against the live repository.
        root_version: version of the newest root.
        timestamp_version: version of the timestamp.
        roots: digest by version, of the roots after the pinned one.
        metadata: digest by role name, of timestamp, snapshot, targets and delegated roles.
        targets: digest by target path.
    """

    verified_at: int
    root_version: int
    timestamp_version: int
    roots: Mapping[int, str]
    metadata: Mapping[str, str]
    targets: Mapping[str, str]

    @property
    def generation(self) -> tuple[int, int]:
        """Orders states; a rotated root may set timestamps back (TUF 5.3.11), so it comes first."""
        return self.root_version, self.timestamp_version

    @property
    def digests(self) -> frozenset[str]:
        """Every file this state names."""
        return frozenset((*self.roots.values(), *self.metadata.values(), *self.targets.values()))

    def to_json(self) -> dict[str, Json]:
        """The JSON object inside `state.json`."""
        return {
            "version": STATE_VERSION,
            "verified_at": self.verified_at,
            "root_version": self.root_version,
            "timestamp_version": self.timestamp_version,
            "roots": {str(version): digest for version, digest in self.roots.items()},
            "metadata": dict(self.metadata),
            "targets": dict(self.targets),
        }


class TrustStore:
    """The cache folders. Several processes may share them.

    Attributes:
        bell: rung whenever the state is replaced.

    Args:
        metadata_dir: holds `state.json`, the lock, the bell and `<sha256>.json` metadata files.
        target_dir: holds `<sha256>` target files.
    """

    def __init__(self, metadata_dir: Path, target_dir: Path) -> None:
        self._metadata_dir = metadata_dir
        self.bell = Bell(metadata_dir / "bell")
        self._target_dir = target_dir

    def stamp(self) -> tuple[int, int, int] | None:
        """Changes whenever the state is replaced; None: there is no state."""
        try:
            found = os.stat(self._metadata_dir / STATE_FILE)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def load(self) -> State:
        """The current state.

        Raises:
            TrustUnavailable: never fetched, unreadable, truncated or altered.
        """
        data = _read_file(self._metadata_dir / STATE_FILE, MAX_STATE)
        try:
            return _parse_state(data)
        except (Malformed, ValueError, TypeError, KeyError, AttributeError) as error:
            raise TrustUnavailable("the cached trust state is damaged") from error

    def read(self, kind: Kind, digest: str) -> bytes:
        """A cached file.

        Raises:
            TrustUnavailable: missing, unreadable, or not of that digest any more.
        """
        data = _read_file(self._path(kind, digest), MAX_FILE)
        if hashlib.sha256(data).hexdigest() != digest:
            raise TrustUnavailable("a cached trust file is damaged")
        return data

    def commit(
        self,
        state: State,
        files: Mapping[tuple[Kind, str], bytes],
        *,
        is_sound: Callable[[State], bool],
        live: bool = False,
    ) -> State:
        """Make a verified generation the current one, unless a newer one stands there already.

        Args:
            state: what was verified.
            files: bytes by kind and digest; files that are cached already may be left out.
            is_sound: whether what stands there verifies; if not, it gives way whatever its number.
            live: it was seen in the live repository just now, by a clock that nothing signed
                contradicts: an earlier sight that lies far ahead was that of a wrong clock.

        Returns:
            What is current now: `state`, or the newer one of another process, or for equal
            generations what the two know together.

        Raises:
            OSError: the cache cannot be written.
        """
        self._metadata_dir.mkdir(parents=True, exist_ok=True)
        self._target_dir.mkdir(parents=True, exist_ok=True)
        with _locked(self._metadata_dir / LOCK_FILE):
            try:
                before: State | None = self.load()
            except TrustUnavailable:
                before = None
            if before is not None and not is_sound(before):
                before = None
            merged = state if before is None else _merge(before, state, live=live)
            if merged is before:
                return before
            self._put({self._path(kind, digest): data for (kind, digest), data in files.items()})
            replace_file(self._metadata_dir / STATE_FILE, _state_bytes(merged))
            self.bell.ring()
            # One generation back stays: another process may be reading it at this moment.
            kept = merged.digests if before is None else merged.digests | before.digests
            self._sweep(kept)
            return merged

    def _path(self, kind: Kind, digest: str) -> Path:
        if kind is Kind.METADATA:
            return self._metadata_dir / f"{digest}.json"
        return self._target_dir / digest

    def _put(self, files: Mapping[Path, bytes]) -> None:
        new = {path: data for path, data in files.items() if not _holds(path, data)}
        paths = list(new)
        for start in range(0, len(paths), _AT_ONCE):
            replace_files({path: new[path] for path in paths[start : start + _AT_ONCE]})

    def _sweep(self, kept: frozenset[str]) -> None:
        if sys.platform == "win32":  # no lock there, so another writer's files cannot be told apart
            return
        for folder in (self._metadata_dir, self._target_dir):
            for path in folder.iterdir():
                digest = path.name.removesuffix(".json")
                if _DIGEST.fullmatch(digest) and digest not in kept:
                    path.unlink(missing_ok=True)
            sweep_folder(folder)


def _holds(path: Path, data: bytes) -> bool:
    with suppress(OSError):
        return path.read_bytes() == data
    return False


def _merge(before: State, state: State, *, live: bool) -> State:
    if before.generation > state.generation:
        return before
    if (
        before.generation < state.generation
        or before.metadata["snapshot"] != (state.metadata["snapshot"])
    ):
        return state
    ahead = live and before.verified_at > state.verified_at + _SAME_CLOCK
    return replace(
        state,
        verified_at=state.verified_at if ahead else max(before.verified_at, state.verified_at),
        roots={**before.roots, **state.roots},
        metadata={**before.metadata, **state.metadata},
        targets={**before.targets, **state.targets},
    )


def _state_bytes(state: State) -> bytes:
    body = state.to_json()
    digest = hashlib.sha256(dumps(body)).hexdigest()
    return dumps({"sha256": digest, "state": body})


def _parse_state(data: bytes) -> State:
    # The digest finds truncation and bit rot; the types below are checked by their conversions.
    document: dict[str, Any] = dict(
        loads_object(data, max_bytes=MAX_STATE, what="trust state", max_members=_MAX_TARGETS)
    )
    body = document["state"]
    if hashlib.sha256(dumps(body)).hexdigest() != document["sha256"]:
        raise ValueError("digest differs")
    if body["version"] != STATE_VERSION:
        raise ValueError("another version")
    return State(
        verified_at=int(body["verified_at"]),
        root_version=int(body["root_version"]),
        timestamp_version=int(body["timestamp_version"]),
        roots=dict(sorted((int(version), _digest(d)) for version, d in body["roots"].items())),
        metadata={str(role): _digest(d) for role, d in body["metadata"].items()},
        targets={str(path): _digest(d) for path, d in body["targets"].items()},
    )


def _digest(value: object) -> str:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise ValueError("no digest")
    return value


def _read_file(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise TrustUnavailable("no usable trust data is cached") from error
    if len(data) > limit:
        raise TrustUnavailable("a cached trust file is damaged")
    return data


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the writers' lock; the system frees it when a process dies."""
    with path.open("ab") as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
