"""The pure core gives every vector's verdict, and touches nothing outside itself."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from certsvc_sdk.memory import Memory


def test_verdict(vector: Any, replay: ModuleType) -> None:
    assert replay.judge(vector) == []


@pytest.fixture(scope="module")
def memory() -> Memory:
    """One for all vectors: what one of them leaves behind must not help another."""
    return Memory(10_000)


def test_a_remembered_token_gets_the_same_verdict(
    vector: Any, replay: ModuleType, memory: Memory
) -> None:
    assert replay.judge(vector, memory) == []
    assert replay.judge(vector, memory) == []


def test_no_file_network_or_database_is_touched() -> None:
    # T04, T06: in a process of its own, because an audit hook stays for ever.
    script = Path(__file__).with_name("watched.py")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
