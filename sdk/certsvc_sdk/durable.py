"""Files that are replaced whole: a reader, or a power cut, finds the old one or the new one."""

import errno
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

#: Temporary files begin so; what a crash leaves behind is told apart by it.
TEMPORARY_PREFIX = ".new-"
# Fewer files are not worth the threads.
_FEW = 8
_AT_ONCE = 16


def replace_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file: temporary file beside it, fsync, rename, fsync of the folder.

    Args:
        path: the file; its folder exists.
        data: the whole content.
        mode: permission bits of the new file.

    Raises:
        OSError: it cannot be written; the old file stays.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY_PREFIX)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if sys.platform != "win32":
                os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    sync_folder(path.parent)


def replace_files(files: Mapping[Path, bytes], *, mode: int = 0o600) -> None:
    """Replace many files durably; each is seen whole or not at all, in no certain order.

    Contents are written before the first is waited for, so the disk can take them together.

    Args:
        files: content by path; the folders exist. All are open at once.
        mode: permission bits of the new files.

    Raises:
        OSError: one cannot be written; some files may be new and some old.
    """
    temporary: dict[Path, Path] = {}
    try:
        with ExitStack() as stack:
            opened = []
            for path, data in files.items():
                descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY_PREFIX)
                temporary[path] = Path(name)
                file = stack.enter_context(os.fdopen(descriptor, "wb", buffering=0))
                if sys.platform != "win32":
                    os.fchmod(descriptor, mode)
                if file.write(data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
                opened.append(descriptor)
            _sync_all(opened)
        for path in files:
            temporary[path].replace(path)
            del temporary[path]
    finally:
        for left in temporary.values():
            with suppress(OSError):
                left.unlink()
    for folder in {path.parent for path in files}:
        sync_folder(folder)


def sweep_folder(folder: Path) -> None:
    """Remove what a crash left half written; only while nobody else can be writing there."""
    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            path.unlink()


def _sync_all(descriptors: Sequence[int]) -> None:
    """Wait for all at once: a disk takes many together nearly as fast as one."""
    if len(descriptors) < _FEW:
        for descriptor in descriptors:
            os.fsync(descriptor)
        return
    # Loaded here: who only imports the SDK writes no files.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(os.fsync, descriptors))


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable (on systems whose folders can be opened)."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
