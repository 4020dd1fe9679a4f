"""The WSGI server both services run on (granian: one process a worker, threads inside it)."""

import os

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

#: Requests one worker process handles side by side; signing and SQLite release the GIL.
BLOCKING_THREADS = 8
#: For requests that mostly wait: for a commit that they share, and for the log.
WAITING_THREADS = 32


def serve(
    factory: str, *, address: str, port: int, workers: int = 1, threads: int = BLOCKING_THREADS
) -> None:
    """Run `factory` (``module:callable`` that returns a WSGI application) until SIGTERM or SIGINT.

    Args:
        factory: Import path of the application factory.
        address: Address to listen on.
        port: TCP port.
        workers: Number of worker processes; 0 is one for each core.
        threads: Requests that one process handles side by side.
    """
    Server(
        factory,
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers or os.cpu_count() or 1,
        blocking_threads=threads,
        factory=True,
        websockets=False,
        # Its only warnings are advice about our choice of threads.
        log_level=LogLevels.error,
        # A worker that dies is replaced; the supervisor sees the process only when all is lost.
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    ).serve()
