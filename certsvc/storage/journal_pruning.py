"""Removes files of the journal that a kept backup makes needless."""

import fcntl
from contextlib import suppress
from pathlib import Path

from certsvc.storage.journal_reading import last_seq, newest, segments


def prune(folder: Path, *, seq: int) -> list[Path]:
    """Remove the files whose records a backup holds, all of them.

    What a living process may still append to stays, and so does the newest file: the start-up
    fence learns from it how far the journal reached.

    Args:
        folder: the journal.
        seq: number of the last transaction in the backup.

    Returns:
        What was removed.

    Raises:
        OSError: the folder cannot be read or written.
    """
    ends = {path: last_seq(path) for path in segments(folder)}
    last = newest(folder)
    kept = "" if last is None else last.place.rpartition(":")[0]
    removed = []
    for path, end in ends.items():
        if end is not None and end <= seq and path.name != kept and _remove(path, end):
            removed.append(path)
    return removed


def _remove(path: Path, end: int) -> bool:
    with suppress(BlockingIOError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Asked again: it may have grown before its process ended.
        if last_seq(path) == end:
            path.unlink()
            return True
    return False
