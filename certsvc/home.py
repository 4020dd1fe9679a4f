"""The data folder: who is at work in it, and files that are written whole and durably."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certsvc_sdk.durable import replace_file

#: Locked by set-up and reset alone, shared by what runs; ends with the process that holds it.
LOCK = ".lock"


class HomeInUse(Exception):  # noqa: N818 - the name says what is wrong
    """Another program is at work in the data folder."""

    code = "home_in_use"


@contextmanager
def at_work(home: Path, *, alone: bool, wait: bool) -> Iterator[None]:
    """Be at work in the data folder, which is made where it is missing.

    Args:
        home: the folder.
        alone: nobody else may be at work in it.
        wait: wait for the others to end.

    Raises:
        HomeInUse: others are at work and `wait` is false.
        OSError: the folder cannot be made or written.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / LOCK).open("ab") as file:
        how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        try:
            fcntl.flock(file, how if wait else how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeInUse(str(home)) from error
        yield


def write_private(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a whole file durably; nobody sees a part of it, or others' eyes see it at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, data, mode=mode)
