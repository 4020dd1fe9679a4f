"""The trust list of a country of 2,000 issuers: what a verifier fetches, reads and refreshes.

Processor time, as everything of one thread; beside it the clock on the wall, which waits for the
disk and for whoever else uses the machine.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.forest import BASE, Forest, country, offices
from bench.harness import Effort, Result, Row, Slice, calls, measure
from bench.world import World
from certsvc_sdk.fetch import Fetcher, tuf_fetcher
from certsvc_sdk.trust.repository import TrustRepository

ISSUERS = 2_000
SIGNATURE = "one Ed25519 signature checked"
REFRESH = f"refresh, one of {ISSUERS:,} issuers known"
REFRESH_ALL = f"refresh, all {ISSUERS:,} issuers known"


def refreshed(world: World, effort: Effort) -> list[Result]:
    """Rows over one repository in 512 hash bins, read from the disk."""
    with TemporaryDirectory(prefix="certsvc-bench-") as folder:
        nation = _Nation(Path(folder), world, 60 if effort.quick else ISSUERS)
        rows = [
            Row(name=SIGNATURE, base=SIGNATURE, run=_signature(world)),
            _row("empty cache to one record", nation.from_nothing, "root to record, and written"),
            _row(REFRESH, nation.again(REFRESH, nation.one), "a newer snapshot each time"),
            _row(REFRESH_ALL, nation.again(REFRESH_ALL, nation.all), "a newer snapshot each time"),
            _row("open the cache, look up one", calls(nation.look_up), "as a process begins"),
        ]
        found = measure("trust", rows, effort)
        for one in found[1:]:
            one.extra["ms"] = 1000 / one.rate
            waited = nation.waited.get(one.name)
            if waited is not None:
                one.extra["wall ms"] = 1000 * statistics.median(waited)
    return found


class _Nation:
    """A published country, and two caches of it: of one issuer, and of all."""

    def __init__(self, folder: Path, world: World, issuers: int) -> None:
        self._folder = folder
        self.forest = Forest(folder / "tree", world.now)
        country(self.forest, world.record, issuers=issuers)
        self._made = 0
        self.waited: dict[str, list[float]] = {}
        self._iss = f"{BASE}i/{next(offices('330000', 1))}"
        self.one, self.all = self.open("one"), self.open("all")
        self.one.record(self._iss, now=world.now)
        self.all.prefetch(world.now)

    def open(self, name: str) -> TrustRepository:
        """A repository with the cache of that name."""
        below = (self._folder / "tree" / "trust").as_uri()
        return TrustRepository(
            self.forest.pinned,
            self._folder / name / "metadata",
            self._folder / name / "targets",
            f"{below}/metadata/",
            f"{below}/targets/",
            tuf_fetcher(Fetcher()),
        )

    def from_nothing(self, count: int) -> float:
        """Seconds of that many first refreshes."""
        took = 0.0
        for _ in range(count):
            self._made += 1
            repository = self.open(f"fresh-{self._made}")
            began = time.process_time()
            repository.record(self._iss, now=self.forest.now)
            took += time.process_time() - began
        return took

    def again(self, name: str, repository: TrustRepository) -> Slice:
        """Seconds of that many refreshes, each after a publication, which is not counted."""
        waited = self.waited.setdefault(name, [])

        def run(count: int) -> float:
            took = 0.0
            for _ in range(count):
                self.forest.publish(self.forest.now + 1)
                began, at = time.process_time(), time.perf_counter()
                repository.refresh(self.forest.now)
                took += time.process_time() - began
                waited.append(time.perf_counter() - at)
            return took

        return run

    def look_up(self) -> None:
        """What a new process does."""
        assert self.open("one").record(self._iss) is not None


def _signature(world: World) -> Slice:
    key, signer = world.public("Ed25519"), world.signers["Ed25519"]
    signature = signer.sign(b"x")
    return calls(lambda: key.verify(b"x", signature))


def _row(name: str, run: Callable[[int], float], note: str) -> Row:
    return Row(name=name, base=SIGNATURE, run=run, note=note, ours=True)
