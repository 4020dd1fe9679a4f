"""A private Redis server: nothing on disk, ended with the test run."""

import os
import shutil
import signal
import socket
from pathlib import Path

from servers.processes import (
    Guarded,
    ServerFailed,
    free_port,
    private_folder,
    remove,
    wait_until,
)


def program() -> Path | None:
    """The server program."""
    found = shutil.which("redis-server")
    return None if found is None else Path(found)


class Redis:
    """One server on 127.0.0.1; further settings as keyword arguments, `_` for `-`.

    Attributes:
        port: TCP port; the same after a kill and a new start.
    """

    def __init__(self, path: Path, **settings: str) -> None:
        self._path = path
        self._settings = {name.replace("_", "-"): value for name, value in settings.items()}
        self.folder = private_folder("redis")
        self.log = self.folder / "log"
        self.port = free_port()
        self._server: Guarded | None = None

    @property
    def url(self) -> str:
        """Address for `CERTSVC_REDIS_URL`."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def running(self) -> bool:
        """Whether the process is there, paused or not."""
        return self._server is not None and not self._server.ended()

    def start(self) -> None:
        """Start the server, empty, and wait until it answers; nothing to do if it runs."""
        if self.running:
            self.resume()
            return
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "pidfile": str(self.folder / "pid"),
            "dir": str(self.folder),
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self._server = server = Guarded(
            [str(self._path), *options], folder=self.folder, log=self.log, end="TERM"
        )
        wait_until(lambda: server.ended() or self._accepts(), "Redis's start")
        if server.ended():
            raise ServerFailed(self.log.read_text(errors="replace")[-2000:])

    def _accepts(self) -> bool:
        try:
            return self.answers(seconds=5)
        except OSError:
            return False

    def answers(self, *, seconds: float) -> bool:
        """Whether a command is answered in time."""
        try:
            return self.command("PING", seconds=seconds) == "+PONG"
        except TimeoutError:
            return False

    def command(self, *words: str, seconds: float = 5) -> str:
        """Send one command without a client library and return the first line of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            request = f"*{len(words)}\r\n"
            request += "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
            connection.sendall(request.encode())
            with connection.makefile("rb") as answer:
                return answer.readline().decode().strip()

    def flush(self) -> None:
        """Forget everything."""
        assert self.command("FLUSHALL") == "+OK"

    def kill(self) -> None:
        """SIGKILL; whatever it held is gone."""
        server = self._server
        assert server is not None
        os.kill(self._pid(), signal.SIGKILL)
        wait_until(server.ended, "Redis's end")
        server.end()
        self._server = None

    def pause(self) -> None:
        """Let it hang: connections open, nothing answers."""
        os.kill(self._pid(), signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        os.kill(self._pid(), signal.SIGCONT)

    def _pid(self) -> int:
        return int((self.folder / "pid").read_text())

    def end(self) -> None:
        """Stop the server, paused or not, and forget its folder."""
        if self._server is not None:
            if self.running:
                self.resume()
            self._server.end()
            self._server = None
        remove(self.folder)
