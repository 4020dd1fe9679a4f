"""A nursery of processes of a world, each killed (SIGKILL) at the moment it was told.

Usage: python -m drills.nursery HOME DATABASE_URL. A line of JSON on standard input is one life:
`{"now", "act", "arguments", "die": ["step", n] | ["commit", n, moment] | null}`; its answer is a
line `{"ended": signal or 0, "told": what it acknowledged or null}`.

The moments of a writing transaction: `open`, all is written and COMMIT is next; `journaled`, the
journal has the record and the database not yet; `kept`, the database has it and nobody knows.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.default import DefaultDialect

from certsvc.service.settings import Settings
from drills.world import Life, catalogue, life

OPEN, JOURNALED, KEPT = MOMENTS = ("open", "journaled", "kept")


class Death:
    """Comes at a numbered step, or at a moment of a numbered writing transaction."""

    def __init__(self, die: list[Any] | None) -> None:
        self._die = die
        self._commits = 0
        self._writes = False
        self.armed = False

    def step(self, number: int) -> None:
        self._meet("step", number)

    def watch_commits(self) -> None:
        """Of every engine that this process makes from now on."""
        commit = DefaultDialect.do_commit

        def do_commit(dialect: DefaultDialect, connection: Any) -> None:
            writes, self._writes = self._writes, False
            if writes:
                self._meet("commit", self._commits, JOURNALED)
            commit(dialect, connection)
            if writes:
                self._meet("commit", self._commits, KEPT)

        DefaultDialect.do_commit = do_commit  # type: ignore[assignment]
        # Listeners of the class come before those of an engine, such as the journal's.
        sa.event.listen(Engine, "commit", self._commit)

    def _commit(self, connection: Connection) -> None:
        self._writes = bool(connection.get_execution_options().get("certsvc_writes"))
        if self._writes and self.armed:
            self._commits += 1
            self._meet("commit", self._commits, OPEN)

    def _meet(self, *moment: Any) -> None:
        if self.armed and self._die == list(moment):
            os.kill(os.getpid(), signal.SIGKILL)


def issue(one: Life, death: Death, number: int, key: str) -> Any:
    made = one.service(checkpoint=death.step).issue(one.caller, one.request(number), key)
    return made.certificate_id


def supersede(one: Life, death: Death, former: str, number: int, key: str) -> Any:
    service = one.service(checkpoint=death.step)
    return service.supersede(one.caller, former, one.successor(number), key).certificate_id


def change(one: Life, death: Death, certificate: str, operation: str, key: str) -> Any:
    service = one.service(checkpoint=death.step)
    view = service.change_status(one.caller, certificate, operation, idempotency_key=key)
    return view.state


def sweep(one: Life, death: Death) -> Any:
    del death
    return one.service().sweep(int(one.clock())).finished


def publish(one: Life, death: Death) -> Any:
    worker = one.worker("victim", checkpoint=death.step)
    return worker.look(_duty(worker, "status"))


def merge(one: Life, death: Death) -> Any:
    worker = one.worker("victim", log_step=death.step)
    return worker.look(_duty(worker, "log"))


def _duty(worker: Any, name: str) -> Any:
    return next(each for each in worker.duties if each.name == name)


def recover(one: Life, death: Death, *, accept_loss: bool) -> Any:
    return one.recover(step=death.step, accept_loss=accept_loss).replayed


ACTS: dict[str, Callable[..., Any]] = {
    each.__name__: each for each in (issue, supersede, change, sweep, publish, merge, recover)
}


def live(settings: Settings, order: dict[str, Any], tell: int) -> None:
    death = Death(order["die"])
    death.watch_commits()
    act = ACTS[order["act"]]
    with life(settings, order["now"], fenced=act is not recover) as one:
        death.armed = True
        told = act(one, death, **order["arguments"])
    os.write(tell, json.dumps(told).encode())


def main() -> None:
    home, url = sys.argv[1:]
    settings = Settings(home=Path(home), database_url=url)
    catalogue()
    for line in sys.stdin:
        hear, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(hear)
            live(settings, json.loads(line), tell)
            os._exit(0)
        os.close(tell)
        with os.fdopen(hear, "rb") as answer:
            told = answer.read()
        _, status = os.waitpid(child, 0)
        ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)
        print(json.dumps({"ended": ended, "told": json.loads(told or b"null")}), flush=True)


if __name__ == "__main__":
    main()
