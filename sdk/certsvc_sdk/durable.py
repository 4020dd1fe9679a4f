"""Files that are replaced whole: a reader, or a power cut, finds the old one or the new one."""

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

#: Temporary files begin so; what a crash leaves behind is told apart by it.
TEMPORARY_PREFIX = ".new-"


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


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable (on systems whose folders can be opened)."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
