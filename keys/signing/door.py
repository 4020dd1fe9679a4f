"""The signer's socket as a file: who may make it, who may reach it, what is refused in its place.

Paths are walked through the folder's handle: what was checked is what is used, and a path may be
longer than the 107 bytes of a Unix address.
"""

import fcntl
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from keys.disk import medium
from keys.errors import ForeignOwner, PermissionsLoose, StoreUnavailable, SymlinkRefused
from keys.signing.frames import Monotonic
from keys.signing.peer import peer_of

#: Connections that may wait to be taken while a signer starts anew.
BACKLOG = 256
#: How long a new signer waits for the one before it to finish what it is doing.
WAIT_SECONDS = 15.0
_LOOK_SECONDS = 0.05
_FIRST_PASSED = 3


@contextmanager
def listener(
    path: Path,
    *,
    group: int | None = None,
    wait: float = WAIT_SECONDS,
    monotonic: Monotonic = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[socket.socket]:
    """Listens at a path; what a dead signer left there is put away, the socket goes at the end.

    Args:
        path: of the socket; its folder is made 0700, or 0710 for a group.
        group: users of this group may connect too; the socket is 0600 else 0660.
        wait: seconds that another signer is given to end.
        monotonic: seconds that never go back.
        sleep: waits so many seconds.

    Raises:
        StoreUnavailable: another signer serves there, or the medium failed.
        SymlinkRefused: something else than a socket stands there.
        ForeignOwner, PermissionsLoose: the folder is not ours alone.
    """
    with ExitStack() as stack:
        with medium(path):
            folder = stack.enter_context(_our_folder(path.parent, group))
            stack.callback(os.close, _locked(folder, path, wait, monotonic, sleep))
            _put_away(folder, path.name)
            # Nobody else can take the place before we go: the lock is ours until then.
            stack.callback(_put_away, folder, path.name)
            listening = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            listening.bind(_through(folder, path.name))
            if group is not None:
                os.chown(path.name, -1, group, dir_fd=folder, follow_symlinks=False)
            os.chmod(path.name, 0o600 if group is None else 0o660, dir_fd=folder)
            listening.listen(BACKLOG)
        yield listening


def inherited(environ: Mapping[str, str]) -> socket.socket | None:
    """The listening socket that a service manager has passed on; None: there is none.

    It stays open while one signer ends and the next one starts, so that callers just wait.

    Args:
        environ: variables such as `os.environ` (sd_listen_fds(3)).

    Raises:
        StoreUnavailable: what was passed on is no Unix socket that listens.
    """
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    try:
        if environ.get("LISTEN_FDS") != "1":
            raise StoreUnavailable("the service manager passed on more than one socket")
        passed = socket.socket(fileno=_FIRST_PASSED)
    except OSError as error:
        raise StoreUnavailable("the service manager passed on no socket") from error
    if (passed.family, passed.type) != (socket.AF_UNIX, socket.SOCK_STREAM) or not (
        passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    ):
        passed.close()
        raise StoreUnavailable("the service manager passed on another kind of socket")
    os.set_inheritable(_FIRST_PASSED, False)
    return passed


def connect(path: Path, *, seconds: float) -> socket.socket:
    """Connects to the signer at a path.

    Raises:
        SymlinkRefused: no socket stands there.
        ForeignOwner: whoever listens is not whose folder it is.
        PermissionsLoose: others may put something else into the folder.
        OSError: nobody answers.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        house = os.fstat(folder)
        if house.st_mode & 0o022:
            raise PermissionsLoose(f"{path.parent.name} can be written by others")
        door = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISSOCK(door.st_mode):
            raise SymlinkRefused(f"{path.name} is not a socket")
        # A service manager, which is root, may listen on behalf of the signer.
        owners = {0, house.st_uid} if house.st_uid else {0, door.st_uid}
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(seconds)
            made.connect(_through(folder, path.name))
            if not {door.st_uid, peer_of(made).uid} <= owners:
                raise ForeignOwner(f"{path.name} belongs to another user than its folder")
        except BaseException:
            made.close()
            raise
        return made
    finally:
        os.close(folder)


def _through(folder: int, name: str) -> str:
    return f"/proc/self/fd/{folder}/{name}"


@contextmanager
def _our_folder(path: Path, group: int | None) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        info = os.fstat(folder)
        if info.st_uid != os.geteuid():
            raise ForeignOwner(f"{path.name} belongs to user {info.st_uid}")
        if group is not None:
            os.fchown(folder, -1, group)
            os.fchmod(folder, 0o710)
        elif info.st_mode & 0o077:
            raise PermissionsLoose(f"{path.name} has mode {stat.S_IMODE(info.st_mode):04o}")
        yield folder
    finally:
        os.close(folder)


def _locked(
    folder: int,
    path: Path,
    wait: float,
    monotonic: Monotonic,
    sleep: Callable[[float], object],
) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(f".{path.name}.lock", flags, 0o600, dir_fd=folder)
    deadline = monotonic() + wait
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError as error:
            if monotonic() >= deadline:
                os.close(lock)
                raise StoreUnavailable(f"another signer serves {path}") from error
        sleep(_LOOK_SECONDS)


def _put_away(folder: int, name: str) -> None:
    try:
        left = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(left.st_mode):
        raise SymlinkRefused(f"{name} is not a socket")
    os.unlink(name, dir_fd=folder)
