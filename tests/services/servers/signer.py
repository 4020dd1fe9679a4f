"""Signers of a test: one in a thread before any store, one as the real process."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from servers.processes import wait_until

from certsvc.cli.processes import Supervisor
from certsvc.service.settings import Settings
from keys.errors import KeysError
from keys.signing.client import SignerKeyStore
from keys.signing.desk import Desk
from keys.signing.door import listener
from keys.signing.rights import EVERYTHING, Grants, Rights
from keys.signing.server import Limits, SignerServer


@contextmanager
def serving(
    path: Path,
    store: Any,
    *,
    users: Mapping[int, Grants] | None = None,
    limits: Limits | None = None,
    group: int | None = None,
) -> Iterator[SignerServer]:
    """A signer in a thread while the block lasts."""
    rights = Rights(users=users or {os.geteuid(): EVERYTHING})
    with listener(path, wait=0, group=group) as listening:
        server = SignerServer(listening, Desk(store, rights), rights, limits=limits)
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join()


class SignerProcess:
    """`certsvc signer` on the key store of an installation.

    Args:
        settings: of the installation.
        write: takes its log lines.
        arguments: further ones of the command.
    """

    def __init__(self, settings: Settings, write: Callable[[str], object], *arguments: str) -> None:
        self._settings = settings
        self._write = write
        self._arguments = arguments
        self._supervisor: Supervisor | None = None

    @property
    def uri(self) -> str:
        """What those who ask it have for a key store."""
        return f"signer:{self._settings.signer_socket}"

    @property
    def pid(self) -> int:
        assert self._supervisor is not None
        return self._supervisor.children[0].process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._supervisor = Supervisor(self._settings.to_env(), self._write)
        self._supervisor.start("signer", "certsvc", "signer", *self._arguments)
        wait_until(self.answers, "an answer of the signer")

    def answers(self) -> bool:
        store = SignerKeyStore(self._settings.signer_socket)
        try:
            store.list("none")
        except KeysError:
            return False
        finally:
            store.close()
        return True

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.end()

    def end(self) -> None:
        """SIGTERM; returns once it has ended."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None
