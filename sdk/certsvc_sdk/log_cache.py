"""What a verifier keeps of transparency logs: their newest checkpoints, proofs, and evidence.

Nothing is believed for lying here: proofs and histories are checked again after they are read. A
folder that cannot be written costs persistence, never an answer.
"""

import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from certsvc_sdk import strict
from certsvc_sdk.durable import replace_file
from certsvc_sdk.errors import Malformed
from certsvc_sdk.log.history import MAX_HISTORY
from certsvc_sdk.log.note import MAX_NOTE
from certsvc_sdk.log.proof import MAX_TEXT
from certsvc_sdk.strict import Json

_LOG = logging.getLogger("certsvc_sdk")

#: Checkpoints kept until they can be compared with the newest one.
MAX_PENDING: Final = 32
#: Of one log. One pair proves a fork; some more show how far it went.
MAX_FORKS: Final = 16
# Proofs kept for offline use: 4 kB each.
_MAX_PROOFS = 4096
# Looking how many there are costs a listing of the folder.
_PRUNE_EVERY = 256


@dataclass(frozen=True, slots=True)
class Fork:
    """Evidence: two checkpoints that a log signed and that cannot both be true.

    Attributes:
        origin: name of the log.
        kept: signed note seen first.
        found: signed note that contradicts it.
        seen_at: when the second was seen, Unix seconds.
    """

    origin: str
    kept: str
    found: str
    seen_at: int


class LogCache:
    """The cache folder of transparency logs. Safe for threads.

    Args:
        folder: made on demand.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._stored = 0

    def head(self, vkey: str) -> bytes | None:
        """Return the newest checkpoint seen that a log's key signed, as a signed note."""
        return self._read(f"head-{_name(vkey)}", MAX_NOTE)

    def keep_head(self, vkey: str, note: bytes) -> None:
        """Remember the newest checkpoint that a key signed."""
        self._write(f"head-{_name(vkey)}", note)

    def pending(self, vkey: str) -> tuple[str, ...]:
        """Return checkpoints by a key that were taken while there was no line to compare them."""
        return tuple(self._list(f"pending-{_name(vkey)}", MAX_PENDING))

    def keep_pending(self, vkey: str, notes: Sequence[str]) -> None:
        """Remember which checkpoints wait for a comparison, the newest last."""
        newest = [*dict.fromkeys(notes)][-MAX_PENDING:]
        self._write(f"pending-{_name(vkey)}", strict.dumps({"notes": newest}))

    def forks(self) -> tuple[Fork, ...]:
        """Return the evidence against all logs; nothing here ever takes it away."""
        found: list[Fork] = []
        for path in sorted(self._folder.glob("fork-*.json")):
            with suppress(OSError, Malformed):
                obj = _own(_bytes(path, _room(2)), 2)
                found.append(
                    Fork(
                        origin=strict.text(obj, "origin", "fork"),
                        kept=strict.text(obj, "kept", "fork"),
                        found=strict.text(obj, "found", "fork"),
                        seen_at=strict.integer(obj, "seen_at", "fork"),
                    )
                )
        return tuple(found)

    def keep_fork(self, fork: Fork) -> None:
        """Keep evidence against a log, for ever."""
        name = _name(fork.kept + fork.found)
        if sum(one.origin == fork.origin for one in self.forks()) < MAX_FORKS:
            obj = {
                "origin": fork.origin,
                "kept": fork.kept,
                "found": fork.found,
                "seen_at": fork.seen_at,
            }
            self._write(f"fork-{name}.json", strict.dumps(obj))

    def proof(self, leaf_hash: bytes) -> str | None:
        """Return the proof kept for a leaf."""
        data = self._read(f"proofs/{leaf_hash.hex()}", MAX_TEXT)
        return None if data is None else data.decode("utf-8", errors="replace")

    def keep_proof(self, leaf_hash: bytes, text: str) -> None:
        """Keep a proof that was checked."""
        self._write(f"proofs/{leaf_hash.hex()}", text.encode())
        self._prune("proofs")

    def history(self, leaf_hash: bytes) -> bytes | None:
        """Return the history kept for the certificate whose issue has that leaf hash."""
        return self._read(f"histories/{leaf_hash.hex()}", MAX_HISTORY)

    def keep_history(self, leaf_hash: bytes, data: bytes) -> None:
        """Keep a history that was checked."""
        self._write(f"histories/{leaf_hash.hex()}", data)
        self._prune("histories")

    def _list(self, name: str, most: int) -> list[str]:
        data = self._read(name, _room(most))
        if data is None:
            return []
        try:
            obj = _own(data, most)
            return [one for one in strict.array(obj, "notes", "cache") if isinstance(one, str)]
        except Malformed:
            return []

    def _read(self, name: str, limit: int) -> bytes | None:
        try:
            return _bytes(self._folder / name, limit)
        except (OSError, Malformed):
            return None

    def _write(self, name: str, data: bytes) -> None:
        path = self._folder / name
        self._guarded(lambda: replace_file(path, data), path.parent)

    def _prune(self, name: str) -> None:
        self._stored += 1
        if self._stored % _PRUNE_EVERY == 0:
            folder = self._folder / name
            self._guarded(lambda: _forget_oldest(folder), folder)

    def _guarded(self, action: Callable[[], None], folder: Path) -> None:
        try:
            with self._lock:
                folder.mkdir(parents=True, exist_ok=True)
                action()
        except OSError as error:
            _LOG.warning("the cache cannot keep log data: %s", error.strerror)


def _forget_oldest(folder: Path) -> None:
    paths = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
    for path in paths[: max(0, len(paths) - _MAX_PROOFS)]:
        path.unlink(missing_ok=True)


def _bytes(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Malformed("a cache file is too long")
    return data


def _room(notes: int) -> int:
    """Return the length of JSON that holds so many notes; a quotation mark takes two bytes."""
    return (2 * notes + 1) * MAX_NOTE


def _own(data: bytes, notes: int) -> dict[str, Json]:
    # Notes are strangers' text: their commas must not make what was kept unreadable.
    room = _room(notes)
    return strict.loads_object(data, max_bytes=room, what="cache", max_members=room)


def _name(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
