"""A child ends with its supervisor, even one that was killed: no orphan holds a port.

The supervisor keeps the other end of its children's standard input and writes nothing; the
operating system closes it when the supervisor is gone, however that came about.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping

#: Set to 1 by the supervisor; a service started by hand keeps its standard input to itself.
VARIABLE = "CERTSVC_SUPERVISED"
STDIN = 0


def _terminate() -> None:
    # The supervisor gave us a group of our own: server processes of ours end with us.
    os.killpg(os.getpgrp(), signal.SIGTERM)


def end_with_supervisor(
    environ: Mapping[str, str],
    *,
    descriptor: int = STDIN,
    end: Callable[[], object] = _terminate,
) -> threading.Thread | None:
    """Watch for the supervisor's end in the background, where there is a supervisor.

    Args:
        environ: variables such as `os.environ`.
        descriptor: what the supervisor holds the other end of.
        end: what to do then; SIGTERM to this process group by default.

    Returns:
        The watching thread, None without a supervisor.
    """
    if environ.get(VARIABLE) != "1":
        return None

    def watch() -> None:
        while os.read(descriptor, 1):
            pass
        end()

    thread = threading.Thread(target=watch, name="lifeline", daemon=True)
    thread.start()
    return thread
