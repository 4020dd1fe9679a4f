"""Workers that are killed (SIGKILL), each right after a numbered step of the log's merge.

Usage: log_drill.py HOME DATABASE_URL; a line `NOW STEP` on standard input is one worker's life,
answered by a line with the signal that ended it.
"""

import os
import signal
import sys
from pathlib import Path

from certsvc.service.engine import make_engine
from certsvc.service.settings import Settings
from certsvc.worker import make_worker
from keys.filestore import FileKeyStore

HOME, DATABASE_URL = sys.argv[1:]


def live(now: float, last: int) -> None:
    def step(number: int) -> None:
        if number == last:
            os.kill(os.getpid(), signal.SIGKILL)

    worker = make_worker(
        Settings(home=Path(HOME), database_url=DATABASE_URL),
        make_engine(DATABASE_URL),
        FileKeyStore(Path(HOME) / "keys", passphrase=b"test only", scrypt_n=2),
        name="drill",
        clock=lambda: now,
        log_step=step,
    )
    (duty,) = (each for each in worker.duties if each.name == "log")
    worker.look(duty)


for line in sys.stdin:
    moment, number = line.split()
    child = os.fork()
    if child == 0:
        live(float(moment), int(number))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else "lived", flush=True)
