"""Processes hear of each other's changes without asking the file system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from certsvc_sdk.bell import LOOK_SECONDS, Bell


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_look_is_due_once_and_again_after_a_ring(tmp_path: Path, clock: Clock) -> None:
    bell = Bell(tmp_path / "bell", monotonic=clock)
    assert [bell.is_due() for _ in range(4)] == [True, True, False, False]  # the first attaches
    bell.ring()
    assert [bell.is_due() for _ in range(2)] == [True, False]


def test_another_process_is_heard(tmp_path: Path, clock: Clock) -> None:
    bell = Bell(tmp_path / "bell", monotonic=clock)
    while bell.is_due():
        pass
    ring = "import sys; from pathlib import Path; from certsvc_sdk.bell import Bell; "
    ring += "Bell(Path(sys.argv[1])).ring()"
    subprocess.run([sys.executable, "-c", ring, str(tmp_path / "bell")], check=True)
    assert [bell.is_due() for _ in range(2)] == [True, False]


def test_a_look_is_due_each_second_whoever_rings(tmp_path: Path, clock: Clock) -> None:
    bell = Bell(tmp_path / "bell", monotonic=clock)
    while bell.is_due():
        pass
    clock.now += LOOK_SECONDS
    assert [bell.is_due() for _ in range(2)] == [True, False]


def test_without_its_folder_every_look_is_due(tmp_path: Path, clock: Clock) -> None:
    bell = Bell(tmp_path / "later" / "bell", monotonic=clock)
    bell.ring()
    assert [bell.is_due() for _ in range(3)] == [True] * 3
    (tmp_path / "later").mkdir()
    clock.now += LOOK_SECONDS
    assert [bell.is_due() for _ in range(3)] == [True, True, False]


def test_a_ring_is_not_lost_to_the_end_of_the_count(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "bell").write_bytes(b"\xff" * 8)
    bell = Bell(tmp_path / "bell", monotonic=clock)
    while bell.is_due():
        pass
    bell.ring()
    assert bell.is_due()
    assert (tmp_path / "bell").read_bytes() == bytes(8)


def test_a_damaged_file_costs_nothing_but_looks(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "bell").mkdir()
    bell = Bell(tmp_path / "bell", monotonic=clock)
    bell.ring()
    assert [bell.is_due() for _ in range(3)] == [True] * 3


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        Bell(tmp_path / str(number)).ring()
    assert len(os.listdir("/proc/self/fd")) <= before + 20  # a mapping keeps at most its own
