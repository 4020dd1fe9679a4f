"""The socket's file: whose it is, what may stand in its place, who holds it."""

import os
import socket
import stat
import subprocess
import sys

import pytest

from keys.errors import (
    ForeignOwner,
    PermissionsLoose,
    StoreUnavailable,
    SymlinkRefused,
)
from keys.signing.door import connect, inherited, listener

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user: run as root")


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_socket_and_folder_are_ours_alone_and_the_socket_goes(path):
    with listener(path):
        assert (mode(path), mode(path.parent)) == (0o600, 0o700)
        connect(path, seconds=1).close()
    assert not path.exists()
    with pytest.raises(FileNotFoundError):
        connect(path, seconds=1)


def test_a_group_may_be_let_in(path):
    with listener(path, group=os.getgid()):
        assert (mode(path), mode(path.parent)) == (0o660, 0o710)
        connect(path, seconds=1).close()


def test_a_path_may_be_longer_than_an_address(tmp_path):
    path = tmp_path.joinpath(*["long" * 20] * 3) / "signer.sock"
    with listener(path):
        connect(path, seconds=1).close()


def test_a_dead_signers_socket_is_put_away(path):
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(ConnectionRefusedError):
        connect(path, seconds=1)
    with listener(path):
        connect(path, seconds=1).close()


def test_a_living_signer_is_not_pushed_aside(path):
    waited = []
    with listener(path):
        with pytest.raises(StoreUnavailable, match="another signer"), listener(path, wait=0):
            pass
        moments = iter([0.0, 1.0, 2.0, 3.0])
        with (
            pytest.raises(StoreUnavailable),
            listener(path, wait=2.5, monotonic=lambda: next(moments), sleep=waited.append),
        ):
            pass
        connect(path, seconds=1).close()
    assert len(waited) == 2


@pytest.mark.parametrize("what", ["file", "link", "dangling", "folder"])
def test_nothing_else_is_removed_nor_connected_to(path, what, tmp_path):
    path.parent.mkdir(mode=0o700)
    other = tmp_path / "other"
    if what == "file":
        path.write_text("precious")
    elif what == "folder":
        path.mkdir()
    else:
        if what == "link":
            other.write_text("precious")
        path.symlink_to(other)
    with pytest.raises(SymlinkRefused), listener(path, wait=0):
        pass
    with pytest.raises(SymlinkRefused):
        connect(path, seconds=1)
    assert path.lstat()
    assert what != "link" or other.read_text() == "precious"


def test_a_link_to_the_folder_is_refused(path, tmp_path):
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    path.parent.symlink_to(real)
    with pytest.raises(StoreUnavailable), listener(path, wait=0):
        pass
    with pytest.raises(NotADirectoryError):
        connect(path, seconds=1)


def test_a_folder_that_others_reach_is_refused(path):
    path.parent.mkdir()
    path.parent.chmod(0o750)
    with pytest.raises(PermissionsLoose), listener(path, wait=0):
        pass
    path.parent.chmod(0o700)
    with listener(path):
        path.parent.chmod(0o770)
        with pytest.raises(PermissionsLoose):
            connect(path, seconds=1)


@needs_root
def test_a_foreign_folder_is_refused(path):
    path.parent.mkdir(mode=0o700)
    os.chown(path.parent, 65534, -1)
    with pytest.raises(ForeignOwner), listener(path, wait=0):
        pass


@needs_root
def test_an_impostor_in_the_folder_is_not_spoken_to(path):
    """Root listens in a folder of nobody's: fine. Somebody else in it: not."""
    with listener(path):
        os.chown(path.parent, 65534, -1)
        connect(path, seconds=1).close()
        os.chown(path, 1234, -1)
        with pytest.raises(ForeignOwner):
            connect(path, seconds=1)


PASSED = """
import os, socket, sys
from keys.errors import StoreUnavailable
from keys.signing.door import inherited
kind, count = sys.argv[1], sys.argv[2]
if kind == "none":
    os.close(3) if os.path.exists("/proc/self/fd/3") else None
else:
    made = socket.socket(*{"udp": (socket.AF_INET, socket.SOCK_DGRAM)}.get(kind, (socket.AF_UNIX,)))
    if kind == "listening":
        made.bind("")
        made.listen()
    if made.fileno() != 3:
        os.dup2(made.fileno(), 3)
try:
    got = inherited({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count})
    print("taken", got.fileno(), os.get_inheritable(3))
    got.detach()
except StoreUnavailable as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("kind", "count", "told"),
    [
        ("listening", "1", "taken 3 False"),
        ("listening", "2", "more than one socket"),
        ("silent", "1", "another kind of socket"),
        ("udp", "1", "another kind of socket"),
        ("none", "1", "no socket"),
    ],
)
def test_a_service_managers_socket_is_taken(kind, count, told):
    run = [sys.executable, "-c", PASSED, kind, count]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert told in done.stdout


def test_another_process_s_socket_is_not_ours():
    assert inherited({}) is None
    assert inherited({"LISTEN_PID": "1", "LISTEN_FDS": "1"}) is None
