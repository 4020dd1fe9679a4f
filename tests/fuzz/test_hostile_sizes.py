"""Hostile sizes: whatever fits into the caps costs little, by counting and never by a clock."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzzing import hostile, world
from fuzzing.measuring import (
    actions,
    check_list,
    check_record,
    check_text,
    counted_inflation,
    depth_of,
    traced_peak,
)
from hypothesis import HealthCheck, given, settings, target
from hypothesis import strategies as st

from certsvc_sdk.statuslist import MAX_LIST_BYTES, MAX_LIST_TOKEN

MIB = 1024 * 1024
# The promise: no token of 60 KiB and no list of 2 MiB makes the process allocate more.
MOST_MEMORY = 20 * MIB
# Sixteen levels of claims, a few calls each; a walk without a bound would need thousands.
MOST_CALLS = 120
FRAME_CAP = 64 * 1024
MEASURE = Path(__file__).with_name("measure.py")
CAPS = {"token": FRAME_CAP, "code": FRAME_CAP, "list": MAX_LIST_BYTES, "record": 0}
KINDS = tuple(CAPS)
# What a list may cost grows with its token.
SMALL_LIST = 256 * 1024
MARGIN = MIB


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_is_inflated_than_the_cap_and_one_byte(kind: str) -> None:
    cap = CAPS[kind] + 1
    reached = 0
    check_text(world.tokens()["clear"])  # the good list of that world is inflated once
    for name, action in actions(kind).items():
        with counted_inflation() as counts:
            action()
        assert sum(counts) <= cap, f"{name}: {counts}"
        reached = max(reached, sum(counts))
    assert reached == (cap if kind in ("code", "list") else 0)


def test_inflation_is_counted_at_all() -> None:
    with counted_inflation() as counts:
        assert check_text(world.codes()["household"]) == "valid"
        assert check_list(world.list_token()) == "valid"
    assert len(counts) >= 2
    assert min(counts) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_calls_never_nest_deeper_than_claims_may(kind: str) -> None:
    for name, action in actions(kind).items():
        assert depth_of(action) <= MOST_CALLS, name


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_stack_changes_no_answer(kind: str) -> None:
    usual = {name: action() for name, action in actions(kind).items()}
    assert measured("stack", kind) == usual


@pytest.mark.parametrize("kind", KINDS)
def test_python_allocates_little(kind: str) -> None:
    peaks = {name: traced_peak(action) for name, action in actions(kind).items()}
    assert not {name: size for name, size in peaks.items() if size > MOST_MEMORY}
    assert max(peaks.values()) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a child's size is told otherwise")
@pytest.mark.parametrize("kind", KINDS)
def test_the_process_grows_little(kind: str) -> None:
    grown = measured("memory", kind)
    assert not {name: size for name, size in grown.items() if size > MOST_MEMORY}
    assert grown


def measured(what: str, kind: str) -> dict[str, object]:
    command = [sys.executable, str(MEASURE), what, kind]
    # Large blocks go back to the system at once, so that nothing hides in memory used before.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    environment = {**kept, "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


PIECES = st.lists(
    st.sampled_from(
        (b"[", b"]", b"{", b"}", b'"', b",", b":", b"0", b"1.5", b"null", b" ", b"\\", b"a",
         b'"a"', b'"":', b'"a":0', b"\\u4e00", "证".encode(), "😀".encode(), b'"_sd":[', b'"...":')
    ),
    min_size=1,
    max_size=6,
).map(b"".join)  # fmt: skip
SEARCH = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@SEARCH
@given(unit=PIECES, before=PIECES, after=PIECES)
def test_no_repeated_text_is_dear_in_a_token(unit: bytes, before: bytes, after: bytes) -> None:
    text = hostile.fill(unit, 44_000, b'{"x":' + before, after + b"}")
    token = f"{world.tokens()['clear'].partition('.')[0]}.{world.b64u(text)}.{'A' * 86}~"
    peak = traced_peak(lambda: check_text(token))
    target(peak)
    assert peak <= MOST_MEMORY


@SEARCH
@given(unit=PIECES, before=PIECES, after=PIECES)
def test_no_repeated_text_is_dear_in_a_record(unit: bytes, before: bytes, after: bytes) -> None:
    text = hostile.fill(unit, hostile.RECORD_BYTES, b'{"x":' + before, after + b"}")
    peak = traced_peak(lambda: check_record(text))
    target(peak)
    assert peak <= MOST_MEMORY


@SEARCH
@given(unit=PIECES, before=PIECES, after=PIECES)
def test_no_repeated_text_is_dear_in_a_list(unit: bytes, before: bytes, after: bytes) -> None:
    text = hostile.fill(unit, SMALL_LIST, b'{"x":' + before, after + b"}")
    header = world.list_token().partition(".")[0]
    token = f"{header}.{world.b64u(text)}.{'A' * 86}"
    peak = traced_peak(lambda: check_list(token))
    target(peak)
    assert peak <= MARGIN + MOST_MEMORY * len(token) // MAX_LIST_TOKEN
