"""One change at a time among the processes of a machine."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from keys import disk
from keys.errors import StoreBusy
from keys.pkcs11.address import TokenAddress

WAIT_SECONDS = 30.0
_PAUSE = 0.01


@contextmanager
def exclusive(
    address: TokenAddress,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[None]:
    """Holds the machine's lock for changes of the token.

    It lies on the PIN's file, which only those can open who may change the token anyway; where
    the PIN comes from the environment, on the token's library. A crash lets it go.

    Raises:
        StoreBusy: somebody has held it for half a minute.
        KeysError: the file cannot be opened.
    """
    path = address.pin_file or address.module
    with disk.medium(path):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            end = clock() + WAIT_SECONDS
            while not _locked(handle):
                if clock() > end:
                    raise StoreBusy("another process has been changing the token for too long")
                sleep(_PAUSE)
            yield
        finally:
            os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
