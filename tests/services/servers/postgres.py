"""A private PostgreSQL cluster: made in a temporary folder, ended with the test run."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
from servers.processes import (
    Guarded,
    ServerFailed,
    as_user,
    children,
    free_port,
    private_folder,
    remove,
    wait_until,
)

USER = "certsvc"
# Small enough for a test machine, durable like production: fsync and synchronous_commit stay on.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "log_line_prefix": "%m [%p] ",
    "deadlock_timeout": "200ms",
    "timezone": "UTC",
}


def programs() -> Path | None:
    """Folder of the server programs: on the path, or where Debian keeps them."""
    on_path = shutil.which("initdb")
    if on_path is not None and shutil.which("postgres") is not None:
        return Path(on_path).parent
    found = [each.parent for each in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    return max(found, key=lambda each: float(each.parent.name), default=None)


class Postgres:
    """One cluster with its server.

    Attributes:
        folder: Holds the data, the socket and the log.
        port: TCP port on 127.0.0.1.
    """

    def __init__(self, bin_folder: Path) -> None:
        self._bin = bin_folder
        self.folder = private_folder("postgres")
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.port = 0
        self._server: Guarded | None = None
        self._run("initdb", "-D", str(self.data), "-U", USER, "-A", "trust", "-E", "UTF8", "-N")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            **as_user(),  # type: ignore[call-overload]
        )
        if done.returncode:
            raise ServerFailed(f"{program}: {done.stderr[-2000:]}")

    def start(self) -> None:
        """Start the server, again on the port it had before, and wait until it answers."""
        # After a kill the orphans of the old server hold its memory for a moment.
        for _attempt in range(5):
            if self.port == 0:
                self.port = free_port()
            self._server = Guarded(self._command(), folder=self.folder, log=self.log, end="INT")
            if self._answers():
                return
            self._server.end()
            self._forget_lost_port()
        raise ServerFailed(self.log.read_text(errors="replace")[-2000:])

    def _forget_lost_port(self) -> None:
        # Before its first start nobody knows the port, so another one is as good.
        if not (self.folder / "started").exists():
            self.port = 0

    def _command(self) -> list[str]:
        settings = {
            **SETTINGS,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(self._bin / "postgres"), "-D", str(self.data), *options]

    def _answers(self) -> bool:
        server = self._server
        assert server is not None

        def settled() -> bool:
            return server.ended() or self._accepts()

        wait_until(settled, "PostgreSQL's start")
        if server.ended():
            return False
        (self.folder / "started").touch()
        return True

    def _accepts(self) -> bool:
        try:
            psycopg.connect(self.dsn("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop as an administrator does: sessions end, the data is clean (SIGINT)."""
        if self._server is not None:
            self._server.end()
            self._server = None

    def crash(self) -> None:
        """Stop at once without a clean end (SIGQUIT, "immediate"); the next start recovers."""
        self._signal_all(signal.SIGQUIT)

    def kill(self) -> None:
        """SIGKILL to the server and all its sessions, as if the machine had lost its memory."""
        self._signal_all(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """The main process, from which all sessions descend."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def _signal_all(self, number: int) -> None:
        server = self._server
        assert server is not None
        postmaster = self.pid
        sessions = children(postmaster) if number == signal.SIGKILL else []
        for process in (postmaster, *sessions):
            _send(process, number)
        wait_until(server.ended, "PostgreSQL's end")
        server.end()
        self._server = None

    def pause(self) -> None:
        """Let every process of the server stand still: connections hang."""
        self._each(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._each(signal.SIGCONT)

    def _each(self, number: int) -> None:
        for process in (self.pid, *children(self.pid)):
            _send(process, number)

    def end(self) -> None:
        """Stop the server and forget the data."""
        self.stop()
        remove(self.folder)

    def dsn(self, database: str) -> str:
        """Address of a database for libpq."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement outside any transaction."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return [] if cursor.description is None else cursor.fetchall()

    def new_database(self, template: str = "template0") -> str:
        """Make a database as a copy of another.

        Returns:
            Its address; the name is in it alone.
        """
        name = f"t{secrets.token_hex(6)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.dsn(name)

    def drop(self, dsn: str) -> None:
        """Drop a database, even while sessions of a test still use it."""
        name = dsn.rsplit("/", 1)[1]
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def migrated(self, migrate: Callable[[str], object]) -> str:
        """Make a template by running the migrations once.

        Args:
            migrate: Takes an address and makes the tables.

        Returns:
            Name of the template.
        """
        dsn = self.new_database()
        migrate(dsn)
        return dsn.rsplit("/", 1)[1]


def _send(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
