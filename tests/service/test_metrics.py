"""Counting in one process and in several, on full disks and in damaged folders."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from certsvc.service import cells
from certsvc.service.cells import FileCells
from certsvc.service.metrics import Metrics, Observed, render, shared_metrics


def numbers(metrics: Metrics) -> dict[tuple[str, ...], float]:
    page = render(metrics).decode()
    return {
        (one.name.removeprefix("certsvc_"), *one.labels.values()): one.value
        for family in text_string_to_metric_families(page)
        for one in family.samples
    }


def count(folder: Path, number: int) -> None:
    metrics = shared_metrics(folder, monotonic=time.monotonic)
    for _ in range(100):
        metrics.issued.add("business-licence")
        metrics.issue_seconds.observe(0.3)
    metrics.redis_state.put(number)


def test_processes_are_summed_also_dead_ones(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    context = multiprocessing.get_context("fork")
    metrics = shared_metrics(folder, monotonic=time.monotonic)
    metrics.issued.add("business-licence")
    for number in (2, 1):
        process = context.Process(target=count, args=(folder, number))
        process.start()
        process.join()
        assert process.exitcode == 0
    found = numbers(metrics)
    assert found["issued_total", "business-licence"] == 201
    assert found["issue_seconds_count",] == 200
    assert found["issue_seconds_bucket", "0.25"] == 0
    assert found["issue_seconds_bucket", "0.5"] == 200
    assert found["issue_seconds_bucket", "+Inf"] == 200
    assert found["issue_seconds_sum",] == pytest.approx(60)
    assert found["redis_breaker_state",] == 1  # what was said last
    FileCells.clear(folder)
    assert numbers(shared_metrics(folder, monotonic=time.monotonic)) == {}


def test_a_forked_process_counts_in_a_file_of_its_own(tmp_path: Path) -> None:
    metrics = shared_metrics(tmp_path, monotonic=time.monotonic)
    metrics.replays.add()
    context = multiprocessing.get_context("fork")
    process = context.Process(target=metrics.replays.add)
    process.start()
    process.join()
    metrics.replays.add()
    assert numbers(metrics)["issue_replays_total",] == 3
    assert len(list(tmp_path.glob("*.db"))) == 2


def test_damaged_files_are_passed_over(tmp_path: Path) -> None:
    metrics = shared_metrics(tmp_path, monotonic=time.monotonic)
    metrics.replays.add()
    for name, data in {"1": b"", "2": b"\xff" * 100, "3": b"\x40\0\0\0" + b"x" * 8}.items():
        (tmp_path / f"{name}.db").write_bytes(data)
    assert numbers(metrics)["issue_replays_total",] == 1


def test_without_room_it_counts_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(cells.os, "posix_fallocate", full)
    metrics = shared_metrics(tmp_path, monotonic=time.monotonic)
    metrics.replays.add()
    metrics.redis_state.put(2)
    assert numbers(metrics) == {("issue_replays_total",): 1, ("redis_breaker_state",): 2}


def test_a_name_with_the_wrong_labels_is_a_mistake() -> None:
    metrics = Metrics()
    with pytest.raises(TypeError, match="issued_total"):
        metrics.issued.add()
    with pytest.raises(KeyError):
        render(metrics, [lambda: [Observed("nonsense", 1)]])


def test_labels_are_escaped() -> None:
    metrics = Metrics()
    metrics.issued.add('a"b\\c\nd')
    assert numbers(metrics)["issued_total", 'a"b\\c\nd'] == 1
