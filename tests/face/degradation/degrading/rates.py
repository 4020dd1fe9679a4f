"""Makes the pictures, reads them, and counts."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import Final

from degrading.camera import taken
from degrading.paper import printed
from degrading.suite import SPLIT, TWELVE, VERSIONS, Case
from degrading.symbols import symbol

from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.image import read_codes

#: What tries to read a file: its texts.
Reader = Callable[[bytes], Sequence[str]]
_BATCH: Final = 8


def picture(case: Case) -> tuple[str, bytes]:
    """The text that is printed and the JPEG file of its picture."""
    chance = case.chance
    values = case.values(chance)
    text, code = symbol(case.version, chance)
    return text, taken(printed(code, values, chance), code.side, values, chance)


def sdk(data: bytes) -> Sequence[str]:
    """Read with the SDK, as a verifier does."""
    try:
        return [code.text for code in read_codes(data) if not code.is_broken]
    except CertsvcError:
        return []


def is_read(case: Case, reader: Reader = sdk) -> bool:
    """Whether exactly the printed text comes back."""
    text, data = picture(case)
    return list(reader(data)) == [text]


@dataclass(slots=True)
class Count:
    """How many were read of how many."""

    read: int = 0
    of: int = 0

    @property
    def rate(self) -> float:
        """Share that was read."""
        return self.read / self.of if self.of else 1.0

    def add(self, hit: bool) -> None:
        """One more picture."""
        self.read += hit
        self.of += 1


@dataclass(slots=True)
class Rates:
    """Counts by group, level and version."""

    counts: dict[tuple[str, str, int], Count] = field(default_factory=dict)
    missed: list[Case] = field(default_factory=list)

    def add(self, case: Case, hit: bool) -> None:
        """One more picture."""
        self.counts.setdefault((case.group, case.level, case.version), Count()).add(hit)
        if not hit:
            self.missed.append(case)

    def total(
        self,
        *,
        groups: Sequence[str] = TWELVE,
        level: str | None = None,
        versions: Iterable[int] = VERSIONS,
    ) -> Count:
        """The sum of some of them."""
        total, wanted = Count(), set(versions)
        for (group, name, version), count in self.counts.items():
            if group in groups and version in wanted and level in (None, name):
                total.read += count.read
                total.of += count.of
        return total


def small(versions: Sequence[int] = VERSIONS) -> list[int]:
    """Versions up to the split."""
    return [version for version in versions if version <= SPLIT]


def large(versions: Sequence[int] = VERSIONS) -> list[int]:
    """Versions above the split."""
    return [version for version in versions if version > SPLIT]


def measure(cases: Sequence[Case], *, reader: Reader = sdk, processes: int | None = None) -> Rates:
    """Make and read every picture, by default on all processors."""
    rates, work = Rates(), partial(is_read, reader=reader)
    workers = processes or os.cpu_count() or 1
    if workers == 1:
        for case in cases:
            rates.add(case, work(case))
        return rates
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for case, hit in zip(cases, pool.map(work, cases, chunksize=_BATCH), strict=True):
            rates.add(case, hit)
    return rates
