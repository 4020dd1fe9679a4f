"""Server programs of a test run: unprivileged, each in a folder of its own, ended with the run."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

# A line on the pipe asks for a clean end. Where the pipe closes without one, the test run has died,
# even by SIGKILL: then the server dies with it, and its folder goes. Arguments: signal for a clean
# end, folder, command.
GUARD = """exec 3<&0 </dev/null
end=$1 folder=$2; shift 2
"$@" 3<&- & server=$!
(if read -r line <&3; then kill -s "$end" $server
else touch "$folder/orphaned"; kill -s KILL $server $(cat /proc/$server/task/$server/children)
fi) 2>/dev/null & watcher=$!
exec 3<&-
wait $server; code=$?
kill $watcher 2>/dev/null
if [ -e "$folder/orphaned" ]; then rm -rf "$folder"; fi
exit $code"""

START_SECONDS = 60.0


class ServerFailed(Exception):  # noqa: N818 - the name says what is wrong
    """The program did not do what it was asked for; the text holds the end of its log."""


def unprivileged() -> pwd.struct_passwd | None:
    """Who runs the servers; `None`: whoever runs the tests, as that is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerFailed("there is no unprivileged user to run servers as")


def private_folder(name: str) -> Path:
    """A folder that the servers' user owns; pytest's own folders are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix=f"certsvc-{name}-"))
    if (user := unprivileged()) is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


def as_user() -> dict[str, object]:
    """Arguments for `subprocess` to run as the servers' user."""
    user = unprivileged()
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = START_SECONDS) -> None:
    """Ask again and again, since a foreign program rings no bell."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise ServerFailed(f"{what} did not come about in {seconds} s")
        time.sleep(0.01)


class Guarded:
    """One server process under its guard.

    Args:
        command: The program and its arguments.
        folder: Working folder.
        log: Where its output goes.
        end: Signal that ends it when the run is over, such as INT.
    """

    def __init__(self, command: Sequence[str], *, folder: Path, log: Path, end: str) -> None:
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                ["sh", "-c", GUARD, "guard", end, str(folder), *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=folder,
                start_new_session=True,  # ctrl-C at the terminal ends the tests first
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                **as_user(),  # type: ignore[call-overload]
            )

    def ended(self) -> bool:
        """Whether the server has ended by itself or by a signal: nobody is left to guard."""
        return bool(self._guard.poll() is not None)

    def end(self) -> None:
        """Ask the server to end, if it has not yet, and wait for it."""
        assert self._guard.stdin is not None
        try:
            with suppress(BrokenPipeError), self._guard.stdin as pipe:
                pipe.write(b"end\n")
            self._guard.wait(START_SECONDS)
        finally:
            if self._guard.poll() is None:
                os.killpg(self._guard.pid, signal.SIGKILL)
                self._guard.wait()


def children(parent: int) -> list[int]:
    """A process's children (Linux)."""
    return [
        int(each) for each in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    ]


def remove(folder: Path) -> None:
    """Remove a server's folder."""
    shutil.rmtree(folder, ignore_errors=True)
