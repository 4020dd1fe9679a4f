"""Discipline of secret files: who may own them, how they are read, created and replaced."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keys.envelope import RandomBytes
from keys.errors import (
    FileMalformed,
    ForeignOwner,
    KeyClash,
    KeysError,
    KeyUnknown,
    PermissionsLoose,
    StoreUnavailable,
    SymlinkRefused,
)

# A key file is about 1 KiB; more is not ours.
MAX_FILE = 64 * 1024
TEMPORARY = ".tmp"
Stamp = tuple[int, int, int, int]


@contextmanager
def medium(what: Path) -> Iterator[None]:
    """Turns what the operating system says into this package's words."""
    try:
        yield
    except KeysError:
        raise
    except FileNotFoundError as error:
        raise KeyUnknown(f"no file {what.name}") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise SymlinkRefused(f"{what.name} is a symbolic link") from error
        raise StoreUnavailable(f"{what.name}: {error.strerror}") from error


def check_entry(info: os.stat_result, path: Path, *, directory: bool) -> None:
    """Refuses what another user owns or may read, and what is no plain file or directory.

    Raises:
        SymlinkRefused: a link, device, pipe or socket; or file and directory mixed up.
        ForeignOwner: owned by another user.
        PermissionsLoose: any right for group or others.
    """
    right_kind = stat.S_ISDIR(info.st_mode) if directory else stat.S_ISREG(info.st_mode)
    if not right_kind:
        raise SymlinkRefused(f"{path.name} is not a plain {'directory' if directory else 'file'}")
    if info.st_uid != os.geteuid():
        raise ForeignOwner(f"{path.name} belongs to user {info.st_uid}")
    if info.st_mode & 0o077:
        raise PermissionsLoose(f"{path.name} has mode {stat.S_IMODE(info.st_mode):04o}")


def check_directory(path: Path) -> None:
    """Refuses a directory that is not ours alone.

    Raises:
        KeysError: see `check_entry`; KeyUnknown when there is none.
    """
    with medium(path):
        check_entry(path.lstat(), path, directory=True)


def make_directory(path: Path) -> None:
    """Makes the directory 0700 (parents by the umask), or checks the one that is there.

    Raises:
        KeysError: see `check_entry`; StoreUnavailable when it cannot be made.
    """
    with medium(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            pass
        else:
            _sync_directory(path.parent)
    check_directory(path)


def stamp(path: Path) -> Stamp:
    """What changes whenever the file is replaced or touched; one system call.

    Raises:
        KeyUnknown: there is no such file.
    """
    with medium(path):
        return _stamp_of(path.lstat())


def read(path: Path) -> tuple[bytes, Stamp]:
    """The content and the stamp of the very file that was read.

    Raises:
        KeysError: see `check_entry`; KeyUnknown when there is none; FileMalformed over 64 KiB.
    """
    with medium(path):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            info = os.fstat(file.fileno())
            check_entry(info, path, directory=False)
            data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise FileMalformed(f"{path.name} is too large")
    return data, _stamp_of(info)


def create(path: Path, data: bytes, *, rng: RandomBytes) -> None:
    """Writes a new file; a crash leaves either all of it or nothing.

    Raises:
        KeyClash: the file exists.
        StoreUnavailable: the medium failed.
    """
    with medium(path):
        temporary = _write_temporary(path, data, rng)
        try:
            os.link(temporary, path)
        except FileExistsError as error:
            raise KeyClash(f"{path.name} exists") from error
        finally:
            temporary.unlink()
        _sync_directory(path.parent)


def replace(path: Path, data: bytes, *, rng: RandomBytes) -> None:
    """Replaces the file at once; readers see the old or the new one.

    Raises:
        StoreUnavailable: the medium failed.
    """
    with medium(path):
        temporary = _write_temporary(path, data, rng)
        temporary.replace(path)
        _sync_directory(path.parent)


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """One mutation at a time, over threads and processes; sweeps what a crash left.

    Raises:
        KeysError: the lock file is not ours, or the medium failed.
    """
    path = directory / "lock"
    with medium(path):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(path, flags, 0o600)
        try:
            check_entry(os.fstat(handle), path, directory=False)
            fcntl.flock(handle, fcntl.LOCK_EX)
            for left in directory.rglob(f".*{TEMPORARY}"):
                left.unlink()
            yield
        finally:
            os.close(handle)


def _stamp_of(info: os.stat_result) -> Stamp:
    return info.st_ino, info.st_mtime_ns, info.st_ctime_ns, info.st_size


def _write_temporary(path: Path, data: bytes, rng: RandomBytes) -> Path:
    temporary = path.parent / f".{path.name}.{rng(8).hex()}{TEMPORARY}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink()
        raise
    return temporary


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
