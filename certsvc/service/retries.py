"""Transactions that are run again: bounded, and always from their first read on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine

from certsvc.service.database_errors import REPEATABLE
from certsvc.service.engine import reading, writing

T = TypeVar("T")

# Short at first for a deadlock, long enough in sum for a database that is started again.
PAUSES = (0.02, 0.1, 0.5, 1.0)


def _nothing(_code: str) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often, and after which pauses, work on a database is done again.

    Work may be done again because it reads before it writes: what an attempt in doubt has left
    is found by its Idempotency-Key, its plan number or its row, and never assumed.

    Attributes:
        sleep: Waits some seconds; `time.sleep` at the composition roots.
        pauses: Seconds before the second attempt, the third and so on; empty: no second one.
        noted: Told the code of each failure after which the work is done again.
    """

    sleep: Callable[[float], object]
    pauses: tuple[float, ...] = PAUSES
    noted: Callable[[str], object] = _nothing

    def run(self, work: Callable[[], T]) -> T:
        """Do work that opens its own transactions.

        Raises:
            DatabaseUnavailable: The last attempt's; the other attempts' are forgotten.
        """
        for pause in self.pauses:
            try:
                return work()
            except REPEATABLE as error:
                self.noted(error.code)
                self.sleep(pause)
        return work()

    def read(self, engine: Engine, work: Callable[[Connection], T], *, single: bool = False) -> T:
        """Read in one transaction.

        Args:
            engine: The database.
            work: Reads.
            single: It runs one statement only.

        Raises:
            DatabaseUnavailable: The database failed, or the connections to it, again and again.
        """

        def once() -> T:
            with reading(engine, single=single) as connection:
                return work(connection)

        return self.run(once)

    def write(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        """Write in one transaction.

        Args:
            engine: The database.
            work: Reads what an earlier attempt may have left, then writes; called once an attempt.

        Raises:
            CommitInDoubt: The last attempt may have been kept: only the client's next request,
                with the same Idempotency-Key, can tell.
            DatabaseUnavailable: Nothing is kept.
        """

        def once() -> T:
            with writing(engine) as connection:
                return work(connection)

        return self.run(once)


#: For work whose caller sends it again by itself, such as a duty of the worker.
ONCE = Retries(sleep=lambda _seconds: None, pauses=())
