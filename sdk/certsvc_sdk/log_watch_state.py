"""What a watcher of a log remembers between two looks: one file, replaced whole and durably."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from certsvc_sdk import strict
from certsvc_sdk.durable import replace_file
from certsvc_sdk.errors import FetchFailed, LogHistoryInvalid, LogInvalid, LogUntrusted, Malformed
from certsvc_sdk.log.edge import Edge
from certsvc_sdk.log.merkle import EMPTY_ROOT
from certsvc_sdk.log.tiles import TILE_BYTES
from certsvc_sdk.log.view import LogView
from certsvc_sdk.log_cache import Fork
from certsvc_sdk.strict import Json

VERSION: Final = 1
MAX_FORKS: Final = 16

_WHAT = "state of a watcher"
_MAX_STATE = 16 * 1024 * 1024


class Kept(NamedTuple):
    """Size and root of the tree that a watcher has computed itself."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """State of a watcher.

    Attributes:
        origin: name of the log.
        checkpoint: the newest one verified, as a signed note; None before the first look.
        rows: right edge of its tree (`tiles.Edge.rows`).
        seen_at: when the log was last looked at, Unix seconds, or None.
        forks: evidence, kept for ever.
    """

    origin: str
    checkpoint: bytes | None = None
    rows: tuple[bytes, ...] = (b"",)
    seen_at: int | None = None
    forks: tuple[Fork, ...] = ()

    def opened(self, view: LogView) -> Kept:
        """Return what the state stands for.

        Raises:
            LogInvalid: another log's, or its parts do not belong together.
        """
        if self.origin != view.origin:
            raise LogUntrusted("the state is another log's")
        if self.checkpoint is None:
            return Kept(0, EMPTY_ROOT)
        # Witnesses may have been asked for only since.
        tree = replace(view, threshold=0).open(self.checkpoint).checkpoint
        if Edge.of(tree.size, self.rows).root() != tree.root:
            raise LogHistoryInvalid("the state's edge is another tree's")
        return Kept(tree.size, tree.root)

    def with_fork(self, found: bytes, now: int) -> "WatchState":
        """Return the state with one more piece of evidence against the log."""
        kept = b"" if self.checkpoint is None else self.checkpoint
        fork = Fork(self.origin, kept.decode("utf-8"), found.decode("utf-8"), now)
        known = any((one.kept, one.found) == (fork.kept, fork.found) for one in self.forks)
        if known or len(self.forks) >= MAX_FORKS:
            return self
        return replace(self, forks=(*self.forks, fork))

    def save(self, path: Path) -> None:
        """Write the state.

        Raises:
            OSError: it cannot be written; the old one stays.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, strict.dumps(self._to_json()))

    def _to_json(self) -> dict[str, Json]:
        checkpoint = None if self.checkpoint is None else self.checkpoint.decode("utf-8")
        return {
            "v": VERSION,
            "origin": self.origin,
            "checkpoint": checkpoint,
            "rows": [strict.b64u_encode(row) for row in self.rows],
            "seen_at": self.seen_at,
            "forks": [
                {"kept": fork.kept, "found": fork.found, "seen_at": fork.seen_at}
                for fork in self.forks
            ],
        }


def load_state(path: Path, origin: str) -> WatchState:
    """Return the state of a file, a new one where there is none.

    Raises:
        LogInvalid: the file is damaged; it may be the only memory of a fork, so nothing is begun
            anew over it.
        FetchFailed: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return WatchState(origin=origin)
    except (OSError, ValueError) as error:
        raise FetchFailed("the state of the watcher cannot be read") from error
    try:
        return _read(strict.loads_object(data, max_bytes=_MAX_STATE, what=_WHAT))
    except Malformed as error:
        raise LogInvalid(f"the state of the watcher is damaged: {error}") from error


def _read(obj: Mapping[str, Json]) -> WatchState:
    if strict.integer(obj, "v", _WHAT) != VERSION:
        raise Malformed("another version")
    origin = strict.text(obj, "origin", _WHAT)
    rows = [
        strict.b64u_decode(row, what="row")
        for row in strict.array(obj, "rows", _WHAT)
        if isinstance(row, str) and len(row) <= 2 * TILE_BYTES
    ]
    checkpoint = None if obj.get("checkpoint") is None else strict.text(obj, "checkpoint", _WHAT)
    return WatchState(
        origin=origin,
        checkpoint=None if checkpoint is None else checkpoint.encode(),
        rows=tuple(rows),
        seen_at=None if obj.get("seen_at") is None else strict.integer(obj, "seen_at", _WHAT),
        forks=tuple(_fork(one, origin) for one in strict.array(obj, "forks", _WHAT)),
    )


def _fork(value: Json, origin: str) -> Fork:
    if not isinstance(value, dict):
        raise Malformed("a fork is an object")
    return Fork(
        origin,
        strict.text(value, "kept", "fork"),
        strict.text(value, "found", "fork"),
        strict.integer(value, "seen_at", "fork"),
    )
