"""Slices in turn, and the medians of their ratios.

Every round runs each row for some milliseconds, so that a machine whose speed drifts drifts for
all of them.
"""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

#: Runs the work `n` times and returns the seconds of processor time it took.
Slice = Callable[[int], float]

_WIDTH = 24
# Doubling from one call, a slice is long enough to trust once it lasts a fifth of its time.
_ENOUGH = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much to measure.

    Attributes:
        rounds: rounds, each with one slice of every row.
        seconds: length of a slice.
        quick: sizes are cut down: shows that a bench works, not how fast anything is.
    """

    rounds: int = 21
    seconds: float = 0.03
    quick: bool = False


QUICK = Effort(rounds=1, seconds=0.001, quick=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing to measure.

    Attributes:
        name: unique within a run.
        run: the work.
        base: name of the row its ratio is taken to; its own for a primitive.
        note: what a peer leaves out, or what is counted.
        ours: whether it is this project's.
    """

    name: str
    run: Slice
    base: str
    note: str = ""
    ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a row showed: calls a second and the ratio to its base, medians over the rounds."""

    name: str
    rate: float
    ratio: float
    low: float
    high: float
    base: str
    note: str = ""
    ours: bool = False
    extra: dict[str, float] = field(default_factory=dict)


def calls(work: Callable[[], object]) -> Slice:
    """The slice of a callable, in processor time of this thread."""

    def run(count: int) -> float:
        began = time.thread_time()
        for _ in range(count):
            work()
        return time.thread_time() - began

    return run


def measure(title: str, rows: Sequence[Row], effort: Effort) -> list[Result]:
    """Measure all rows, round by round.

    Args:
        title: shown before the progress bar.
        rows: the rows; every base is one of them.
        effort: how much.
    """
    counts = {row.name: _count(row, effort.seconds) for row in rows}
    rates: dict[str, list[float]] = {row.name: [] for row in rows}
    bar = Bar(title, effort.rounds)
    gc.collect()
    for number in range(effort.rounds):
        # Each round begins elsewhere: no row always stands in the shadow of the same other.
        first = number % len(rows)
        for row in (*rows[first:], *rows[:first]):
            took = row.run(counts[row.name])
            rates[row.name].append(counts[row.name] / max(took, 1e-9))
        bar.step()
    bar.end()
    return [_result(row, rates) for row in rows]


def _result(row: Row, rates: dict[str, list[float]]) -> Result:
    ratios = sorted(own / base for own, base in zip(rates[row.name], rates[row.base], strict=True))
    return Result(
        name=row.name,
        rate=statistics.median(rates[row.name]),
        ratio=statistics.median(ratios),
        low=ratios[len(ratios) // 4],
        high=ratios[(3 * len(ratios)) // 4],
        base=row.base,
        note=row.note,
        ours=row.ours,
    )


def _count(row: Row, seconds: float) -> int:
    count = 1
    while True:
        took = row.run(count)
        if took >= seconds / _ENOUGH or count >= 1_000_000:
            return max(1, round(count * seconds / max(took, 1e-9)))
        count *= 4


class Bar:
    """A progress bar on stderr, silent where nobody watches."""

    def __init__(self, title: str, steps: int) -> None:
        self._title = title
        self._steps = steps
        self._done = 0
        self._shown = sys.stderr.isatty()
        self._draw()

    def step(self) -> None:
        """One step is done."""
        self._done += 1
        self._draw()

    def end(self) -> None:
        """Take the bar away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _draw(self) -> None:
        if self._shown:
            full = _WIDTH * self._done // max(self._steps, 1)
            line = f"\r{'█' * full}{'·' * (_WIDTH - full)} {self._title}"
            print(line, end="", file=sys.stderr, flush=True)
