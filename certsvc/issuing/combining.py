"""Group commit: requests that arrive while another's commit runs share the next one.

A commit costs a disk's write-through; without sharing it would bound a process to some dozens of
certificates a second. Who comes alone runs at once. Only behind a group that had company the next
one waits for those who are just coming: they were answered together and ask again together.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition

from certsvc.issuing.jobs import Job, Outcome

# Enough to make the commit's share small, few enough that nobody waits long for the others.
MAX_TOGETHER = 20
# A group waits in turns of so many seconds, as long as each brings somebody, and so many at most.
TURN = 0.005
TURNS = 6

Run = Callable[[Sequence[Job]], Sequence[Outcome]]
RunAlone = Callable[[Job], Outcome]


@dataclass(slots=True, eq=False)
class _Entry:
    job: Job
    outcome: Outcome | None = None
    # The run that it shared ended in an exception: it goes alone.
    spoilt: bool = False

    @property
    def settled(self) -> bool:
        return self.spoilt or self.outcome is not None


class Combiner:
    """Runs jobs of many threads together; one thread at a time runs them for all.

    Args:
        run: Runs several jobs; an exception concerns all of them.
        run_alone: Runs a job whose shared run failed, so that one cannot spoil the others.
        turn: Seconds; see `TURN`.
    """

    def __init__(self, run: Run, run_alone: RunAlone, *, turn: float = TURN) -> None:
        self._turn = turn
        self._run = run
        self._run_alone = run_alone
        self._waiting: deque[_Entry] = deque()
        self._changed = Condition()
        self._busy = False
        # Size of the last group.
        self._last = 1

    def submit(self, job: Job) -> Outcome:
        """Run a job, alone or together with others.

        Raises:
            Exception: Whatever the job raises when it runs alone.
        """
        entry = _Entry(job)
        with self._changed:
            self._waiting.append(entry)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: entry.settled or not self._busy)
                if entry.outcome is not None:
                    return entry.outcome
                if entry.spoilt:
                    break
                self._busy = True
                if self._last > 1:
                    self._gather()
                several = min(MAX_TOGETHER, len(self._waiting))
                together = [self._waiting.popleft() for _ in range(several)]
                self._last = several
            self._lead(together)
        return self._run_alone(job)

    def _gather(self) -> None:
        """Wait for company, with the lock, which waiting gives back."""
        for _ in range(TURNS):
            here = len(self._waiting)
            if here >= MAX_TOGETHER:
                return
            self._changed.wait(self._turn)
            if len(self._waiting) == here:
                return

    def _lead(self, together: Sequence[_Entry]) -> None:
        outcomes: Sequence[Outcome | None] = [None] * len(together)
        try:
            outcomes = self._run([entry.job for entry in together])
        except Exception:
            # Alone it is the job's own exception; of several, each finds out for itself.
            if len(together) == 1:
                raise
        finally:
            with self._changed:
                for entry, outcome in zip(together, outcomes, strict=True):
                    entry.outcome, entry.spoilt = outcome, outcome is None
                self._busy = False
                self._changed.notify_all()
