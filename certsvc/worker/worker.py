"""Runs duties while the lease is held: all of them once, or each in its thread until the end."""

import logging
import threading
from collections.abc import Callable, Sequence

from certsvc.attempts import log_failure, pause_after
from certsvc.service.engine import DatabaseUnavailable
from certsvc.service.tracing import NO_TRACER, Tracer
from certsvc.worker.duty import Duty
from certsvc.worker.tenure import Tenure

log = logging.getLogger("certsvc.worker")


class Worker:
    """Does what is due; holds no state that matters.

    Args:
        tenure: the lease.
        duties: what is to be done, in this order by `run_once`.
        looked: told of each duty that looked, and of those that wait for the lease.
        tracer: notes each look.
    """

    def __init__(
        self,
        tenure: Tenure,
        duties: Sequence[Duty],
        *,
        looked: Callable[[Duty], object] = lambda _: None,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._tracer = tracer
        self.tenure = tenure
        self.duties = tuple(duties)
        self._looked = looked

    def run_once(self) -> dict[str, int]:
        """Do everything that is due; returns by each duty's name how much it published.

        Raises:
            DatabaseUnavailable: Nothing can be known; the database still says what is due.
        """
        return {duty.name: self.look(duty) for duty in self.duties}

    def look(self, duty: Duty) -> int:
        """Do one duty if the lease is ours.

        Raises:
            DatabaseUnavailable: As `run_once`.
        """
        fence = self.tenure.take()
        if fence is None:
            done = 0
        else:
            with self._tracer.span(f"worker.{duty.name}") as span:
                done = duty.do(fence)
                if done:
                    span.note(worker_done=done)
                else:
                    span.drop()
        self._looked(duty)
        return done

    def release(self) -> None:
        """Give the lease back so that the next worker need not wait.

        Raises:
            DatabaseUnavailable: It ends by itself.
        """
        self.tenure.release()


def repeat(worker: Worker, duty: Duty, *, stop: threading.Event) -> None:
    """Do one duty until `stop` is set; while the database is away, look ever more rarely."""
    failures = 0
    while not stop.is_set():
        try:
            worker.look(duty)
            failures = 0
        except DatabaseUnavailable as error:
            failures += 1
            log_failure(f"{duty.name}: database", error, failures)
        stop.wait(pause_after(failures) if failures else duty.pause)


def work(worker: Worker, *, stop: threading.Event) -> None:
    """Run every duty in its thread until `stop` is set, then give the lease back.

    Raises:
        BaseException: What no duty expected and one met; the others have ended too.
    """
    met: list[BaseException] = []

    def keep(duty: Duty) -> None:
        try:
            repeat(worker, duty, stop=stop)
        except BaseException as error:
            met.append(error)
            stop.set()

    threads = [
        threading.Thread(target=keep, args=(each,), name=each.name) for each in worker.duties
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        worker.release()
    except DatabaseUnavailable:
        log.warning("the lease could not be given back; it ends by itself")
    if met:
        raise met[0]
