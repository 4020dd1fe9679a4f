"""The published tree: a folder of static files, each replaced whole, durably and atomically."""

import fcntl
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath

from certsvc.publishing.errors import PathUnsafe, PublisherFenced, TreeUnreadable
from certsvc_sdk.durable import replace_file, replace_files, sync_folder

# No leading dot: `.`, `..` and half-written files cannot be named, by writers or by readers.
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
# RFC 8615 gives this one name a dot.
_WELL_KNOWN = ".well-known"
_PUBLIC = 0o644
# Their dots keep them from readers.
_LOCK = ".lock"
_FENCE = ".fence"
# A status list of 8 million entries, twice over.
MAX_FILE = 16 * 1024 * 1024
# Files written together, far below what a process may have open.
MAX_OPEN = 128


class PublishedTree:
    """Files under one root. A reader sees an old file or a new one, never a part of one.

    Args:
        root: the folder; made with the first file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def exclusive(self, fence: int | None = None) -> Iterator[None]:
        """Keep other writers out while a file is compared and replaced; not re-entrant.

        A lease can run out in the middle; this ends with the block, or with the process.

        Args:
            fence: the publisher's fencing number, kept from now on as the lowest that may write;
                None for what a person does by hand.

        Raises:
            PublisherFenced: a publisher with a higher number has written here.
            TreeUnreadable: the number on record is damaged.
            OSError: the folder cannot be written.
        """
        _make_folder(self.root)
        with (self.root / _LOCK).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if fence is not None:
                self._pass_fence(fence)
            yield

    def fence(self) -> int:
        """The highest fencing number that has written here; 0 where none has.

        Raises:
            TreeUnreadable: the number on record is damaged.
        """
        try:
            return int((self.root / _FENCE).read_bytes())
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            raise TreeUnreadable("the fencing number on record cannot be read") from error

    def _pass_fence(self, fence: int) -> None:
        highest = self.fence()
        if fence < highest:
            raise PublisherFenced(f"publisher {fence} comes after publisher {highest}")
        if fence > highest:
            # Durable before the first file: whoever was overtaken stays out after a power cut too.
            replace_file(self.root / _FENCE, b"%d\n" % fence)

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place; after return it survives a power cut.

        Args:
            path: plain names joined by `/`, below the root.
            data: the whole content.

        Raises:
            PathUnsafe: see `path`, or a link leads out of the tree.
            OSError: the disk is full or does not obey; the old file then still stands.
        """
        target = self._resolve(path)
        self._make_inside(target.parent)
        replace_file(target, data, mode=_PUBLIC)

    def write_many(self, files: Mapping[str, bytes]) -> None:
        """Put many files in place, in no certain order; after return all survive a power cut.

        Raises:
            PathUnsafe, OSError: as `write`; some files may be in place then.
        """
        targets = {self._resolve(path): data for path, data in files.items()}
        for folder in {target.parent for target in targets}:
            self._make_inside(folder)
        waiting = iter(targets.items())
        while some := dict(islice(waiting, MAX_OPEN)):
            replace_files(some, mode=_PUBLIC)

    def write_if_changed(self, path: str, data: bytes) -> bool:
        """As `write`, but an equal file stays as it is.

        Returns:
            Whether something was written.
        """
        if self.read(path) == data:
            return False
        self.write(path, data)
        return True

    def read(self, path: str) -> bytes | None:
        """A file's content, or None where there is none.

        Raises:
            PathUnsafe: as `write`.
            TreeUnreadable: it is there and cannot be read, or is impossibly large.
        """
        target = self._resolve(path)
        try:
            with target.open("rb") as file:
                data = file.read(MAX_FILE + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise TreeUnreadable(f"{path} cannot be read") from error
        if len(data) > MAX_FILE:
            raise TreeUnreadable(f"{path} is impossibly large")
        return data

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is no fault.

        Raises:
            PathUnsafe: as `write`.
            OSError: it cannot be removed.
        """
        self._resolve(path).unlink(missing_ok=True)

    def exists(self, path: str) -> bool:
        """Whether a file stands there.

        Raises:
            PathUnsafe: as `write`.
        """
        return self._resolve(path).is_file()

    def names(self, folder: str) -> tuple[str, ...]:
        """Names of the files in a folder, sorted; half-written ones are left out.

        Raises:
            PathUnsafe: as `write`.
        """
        place = self._resolve(folder)
        if not place.is_dir():
            return ()
        found = (entry.name for entry in place.iterdir() if entry.is_file())
        return tuple(sorted(name for name in found if _SEGMENT.fullmatch(name)))

    def _make_inside(self, folder: Path) -> None:
        _make_folder(folder)
        if not folder.resolve().is_relative_to(self.root.resolve()):
            raise PathUnsafe(f"{folder.name!r} leads out of the published tree")

    def _resolve(self, path: str) -> Path:
        first, *others = path.split("/")
        plain = first == _WELL_KNOWN or _SEGMENT.fullmatch(first)
        if not plain or not all(_SEGMENT.fullmatch(name) for name in others):
            raise PathUnsafe(f"{path[:100]!r} is no path of the published tree")
        return self.root / PurePosixPath(path)


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, each durably."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)
