"""A signer in this process, on a socket of its own, and doubles that do not do what they should."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from servers import signer

from keys.filestore import FileKeyStore
from keys.signing import frames
from keys.signing.client import SignerKeyStore
from keys.signing.door import listener

SHORT = 0.3


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "signer" / "signer.sock"


@pytest.fixture
def serving(path: Path, store: FileKeyStore) -> Callable[..., Any]:
    """A signer while the block lasts: `with serving() as server`."""

    def made(*, behind: Any = None, **options: Any) -> Any:
        return signer.serving(path, behind or store, **options)

    return made


@pytest.fixture
def client(path: Path) -> Iterator[SignerKeyStore]:
    """A store that asks the signer, with time-outs that a test can wait for."""
    made = SignerKeyStore(path, seconds=SHORT)
    yield made
    made.close()


@pytest.fixture
def double(path: Path) -> Callable[..., Any]:
    """Something else in the signer's place: `with double(answer)`, a function of a connection."""

    @contextmanager
    def made(attend: Callable[[socket.socket], None]) -> Iterator[list[socket.socket]]:
        taken: list[socket.socket] = []
        with listener(path, wait=0) as listening:

            def serve() -> None:
                while True:
                    try:
                        connection, _ = listening.accept()
                    except OSError:
                        return
                    taken.append(connection)
                    with connection:
                        attend(connection)

            thread = threading.Thread(target=serve)
            thread.start()
            try:
                yield taken
            finally:
                listening.shutdown(socket.SHUT_RDWR)
                thread.join()

    return made


@pytest.fixture
def requests_of() -> Callable[[socket.socket], Iterator[frames.Frame]]:
    """The requests that come over a connection, until it is closed."""

    def read(connection: socket.socket) -> Iterator[frames.Frame]:
        while True:
            try:
                yield frames.receive(
                    connection, longest=1 << 20, seconds=5, monotonic=time.monotonic
                )
            except (frames.Closed, TimeoutError):
                return

    return read
