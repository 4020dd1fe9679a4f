"""What operators count: every instrument by name, and how they are shown (T68).

Labels hold words of ours (types, codes, routes, issuers), never a person, a token or the identifier
of a certificate. Units are seconds and plain counts. Table: docs/operations.md.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import CollectorRegistry

from certsvc.service.cells import Cells, FileCells, MemoryCells

PREFIX: Final = "certsvc_"
#: Text format 0.0.4, which every collector reads.
MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
#: Upper ends in seconds: from a verification by the direct route to a request that gave up.
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instrument:
    name: str
    help: str
    labels: tuple[str, ...] = ()
    cells: Cells = field(repr=False)

    def _key(self, given: tuple[str, ...], part: str = "") -> str:
        if len(given) != len(self.labels):
            raise TypeError(f"{self.name} has the labels {self.labels}")
        return orjson.dumps((self.name, part, *given)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter(_Instrument):
    """Counts what happened; never goes down."""

    def add(self, *labels: str, amount: float = 1) -> None:
        """Count once, or `amount` times."""
        self.cells.add(self._key(labels), amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge(_Instrument):
    """Says how something is now; of several processes the one that said so last."""

    def put(self, value: float, *labels: str) -> None:
        """Say how it is."""
        self.cells.put(self._key(labels), value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram(_Instrument):
    """Counts how long things took."""

    bounds: tuple[float, ...] = SECONDS

    def observe(self, seconds: float, *labels: str) -> None:
        """Count one that took so long."""
        place = bisect_left(self.bounds, seconds)
        self.cells.add(self._key(labels, f"{place}"), 1)
        self.cells.add(self._key(labels, "sum"), seconds)


@dataclass(frozen=True, slots=True)
class Observed:
    """A number that is looked up when somebody asks, such as the age of a list.

    Attributes:
        name: as in `OBSERVED`.
        value: in the unit that the name ends with.
        labels: values, in the order of `OBSERVED`.
    """

    name: str
    value: float
    labels: tuple[str, ...] = ()


#: Looked up when asked: name → help and labels.
OBSERVED: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "waiting": ("Work in the database that nobody has done yet", ("what",)),
    "waiting_oldest_seconds": ("Age of the oldest piece of work of a kind", ("what",)),
    "status_list_version": ("Version of a status list that readers see", ("issuer", "list")),
    "status_list_age_seconds": ("Seconds since a status list was signed", ("issuer", "list")),
    "status_list_free": ("Free places in an issuer's open status lists", ("issuer",)),
    "log_size": ("Leaves of the transparency log that readers see", ()),
    "lease_held": ("1 while a worker holds the lease to publish", ()),
    "key_age_seconds": ("Seconds since an active key became active", ("issuer", "purpose")),
    "disk_free_bytes": ("Free space where a folder lies", ("folder",)),
    "clock_behind_seconds": ("Seconds that the clock is behind signed data", ()),
    "trust_age_seconds": ("Seconds since trust data was verified as current", ()),
}

Observe = Callable[[], Iterable[Observed]]


class Metrics:
    """All instruments of one service or worker.

    Args:
        cells: where the numbers stand; None: in this process.
    """

    def __init__(self, cells: Cells | None = None) -> None:
        self._cells: Cells = MemoryCells() if cells is None else cells
        self._instruments: dict[str, _Instrument] = {}
        counter, gauge, histogram = self._counter, self._gauge, self._histogram
        self.build = gauge("build_info", "1, with the version", "version")
        # HTTP of both services.
        self.requests = counter("http_requests", "Answers", "method", "route", "status")
        self.request_seconds = histogram("http_request_seconds", "Time of an answer", "route")
        self.limited = counter("rate_limited", "Requests over a client's rate", "where")
        # Issuing.
        self.issued = counter("issued", "Certificates issued", "type")
        self.replays = counter("issue_replays", "Requests answered with an earlier answer")
        self.refused = counter("issue_refused", "Requests to issue that were refused", "code")
        self.issue_seconds = histogram("issue_seconds", "Time of a request to issue")
        self.status_changes = counter("status_changes", "Changes of status", "operation")
        self.codes = counter("typed_codes", "Typed codes that were looked up", "result")
        # Verifying.
        self.verified = counter("verifications", "Verdicts", "outcome", "code")
        self.nonces = counter("nonces", "Nonces of presentations", "what")
        # Database and Redis.
        self.retries = counter("database_retries", "Transactions that were tried again", "reason")
        self.redis_calls = counter("redis_calls", "Commands to Redis", "result")
        self.redis_opened = counter("redis_breaker_opened", "Times that Redis was given up")
        self.redis_state = gauge("redis_breaker_state", "0 closed, 1 half open, 2 open")
        # The worker.
        self.merge_seconds = histogram("log_merge_seconds", "From a leaf's commit to its tile")
        self.merged = counter("log_merged", "Leaves that readers can see")
        self.lists_published = counter("status_lists_published", "Versions of status lists")
        self.publish_seconds = histogram("status_publish_seconds", "Time to publish a list")
        self.task_failures = counter("task_failures", "Tasks of the worker that failed", "task")
        self.keys_overdue = gauge("keys_overdue", "Active keys beyond their age or count")
        self.unusual = counter("unusual_issuing", "Hours unlike a client's own past", "kind")
        self.signatures = counter("signatures", "Signatures a signer released", "issuer", "key")
        self.journal_bytes = counter("journal_bytes", "Bytes written to the journal")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        made = Counter(name=f"{name}_total", help=text, labels=labels, cells=self._cells)
        self._instruments[made.name] = made
        return made

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        made = Gauge(name=name, help=text, labels=labels, cells=self._cells)
        self._instruments[made.name] = made
        return made

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        made = Histogram(name=name, help=text, labels=labels, cells=self._cells)
        self._instruments[made.name] = made
        return made

    def names(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Every name as readers see it, with its help and labels: for the documentation."""
        known = {one.name: (one.help, one.labels) for one in self._instruments.values()}
        return {PREFIX + name: about for name, about in {**known, **OBSERVED}.items()}

    def families(self) -> Iterator[Metric]:
        """Yield what was counted, of all processes together."""
        sums: dict[str, dict[tuple[str, ...], dict[str, tuple[float, float]]]] = {}
        for key, value, moment in self._cells.read():
            name, part, *labels = orjson.loads(key)
            parts = sums.setdefault(name, {}).setdefault(tuple(labels), {})
            before, since = parts.get(part, (0.0, -1.0))
            if not isinstance(self._instruments.get(name), Gauge):
                parts[part] = before + value, moment
            elif moment >= since:
                parts[part] = value, moment
        for name, rows in sums.items():
            if (instrument := self._instruments.get(name)) is not None:
                yield _family(instrument, rows)


def _family(
    instrument: _Instrument, rows: dict[tuple[str, ...], dict[str, tuple[float, float]]]
) -> Metric:
    name, text, labels = PREFIX + instrument.name, instrument.help, instrument.labels
    made: Metric
    if isinstance(instrument, Histogram):
        made = histogram = HistogramMetricFamily(name, text, labels=labels)
        for given, parts in rows.items():
            total, buckets = 0.0, []
            for place, bound in enumerate((*instrument.bounds, float("inf"))):
                total += parts.get(f"{place}", (0.0, 0.0))[0]
                buckets.append(("+Inf" if bound == float("inf") else f"{bound}", total))
            histogram.add_metric(given, buckets, parts.get("sum", (0.0, 0.0))[0])
        return made
    family = CounterMetricFamily if isinstance(instrument, Counter) else GaugeMetricFamily
    made = single = family(name, text, labels=labels)
    for given, parts in rows.items():
        single.add_metric(given, parts[""][0])
    return made


def shared_metrics(folder: Path, *, monotonic: Callable[[], float]) -> Metrics:
    """The metrics of a service of several processes.

    Args:
        folder: the same for all of them, empty when the service starts.
        monotonic: seconds that never go back, the same in all processes.

    Raises:
        OSError: the folder cannot be made.
    """
    return Metrics(FileCells(folder, monotonic=monotonic))


def render(metrics: Metrics, observe: Iterable[Observe] = ()) -> bytes:
    """The page that a collector reads.

    Args:
        metrics: what was counted.
        observe: look up further numbers; one that fails leaves its numbers out.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(metrics, tuple(observe)))
    return generate_latest(registry)


class _Page:
    def __init__(self, metrics: Metrics, observe: tuple[Observe, ...]) -> None:
        self._metrics = metrics
        self._observe = observe

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics.families()
        families: dict[str, GaugeMetricFamily] = {}
        for look in self._observe:
            for one in look():
                text, labels = OBSERVED[one.name]
                if one.name not in families:
                    families[one.name] = GaugeMetricFamily(PREFIX + one.name, text, labels=labels)
                families[one.name].add_metric(one.labels, one.value)
        yield from families.values()
