"""Every bench runs for one tiny round, so that none rots; how fast anything is is not asked."""

import functools
import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench import chart, goals, page, report
from bench.harness import QUICK, Effort, Result, Row, calls, measure
from bench.world import DISCLOSURES, HOUSEHOLD_DISCLOSURES, World, make_world

Measured = Callable[[str], list[Result]]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    # Real services ask the real clock.
    with make_world(int(time.time())) as made:  # noqa: TID251
        yield made


@pytest.fixture(scope="module")
def measured(world: World) -> Callable[[str], list[Result]]:
    """Function from a group to its rows, measured once."""
    return functools.cache(lambda name: command.GROUPS[name](world, QUICK))


@pytest.mark.parametrize("name", command.GROUPS)
def test_a_group_yields_sane_rows(name: str, measured: Measured) -> None:
    results = measured(name)
    names = [row.name for row in results]
    assert len(set(names)) == len(names)
    assert {row.base for row in results} <= set(names)
    assert any(row.ours for row in results)
    for row in results:
        assert row.rate > 0
        assert row.low <= row.ratio <= row.high
        assert row.ratio == 1 or row.name != row.base
    assert names[0] in report.table(name, results)


def test_the_tokens_are_what_they_are_called(world: World) -> None:
    for alg in ("ES256", "Ed25519"):
        assert world.token("thirteen", alg).count("~") == DISCLOSURES + 1
        assert world.token("household", alg).count("~") == HOUSEHOLD_DISCLOSURES + 1
        assert 2_000 < len(world.draft("flat", alg).payload_json.encode()) <= 2_100


def result(name: str, ratio: float, **more: Any) -> Result:
    return Result(name=name, rate=100, ratio=ratio, low=ratio, high=ratio, base="raw", **more)


def test_goals_are_judged_from_what_was_measured() -> None:
    rows = [
        result("ES256 flat: certsvc", 0.84),
        result("ES256 flat: joserfc", 0.70),
        result("import certsvc_sdk: Verifier, Policy", 2.5),
        result("one flat: certsvc", 0.3, extra={"cpu / raw": 5.6, "× peer": 1.1}),
        result("raw ES256 verify, all cores", 1.0, extra={"cpu µs": 90.0}),
    ]
    judged = goals.judge({row.name: row for row in rows})
    found = {one.goal.text: (round(one.figure, 2), report.mark(one)) for one in judged}
    assert found == {
        "ES256 flat, to raw": (0.84, "✓"),
        "ES256 flat, to joserfc": (1.2, "✗"),
        "import, to `import jwt`": (0.4, "★"),
        "one token: server CPU, in raw verifies": (5.6, "✗"),
        "one token: requests/s, to fastify + jose": (1.1, "★"),
        "one token: requests/s, to ACA-Py as measured elsewhere": (0.3, "✗"),
    }
    assert "✗ P1" in report.goals_table(judged)


def test_every_goal_names_rows_that_are_measured(measured: Measured) -> None:
    rows = {row.name: row for name in command.GROUPS for row in measured(name)}
    measured_ones = {one.goal.text for one in goals.judge(rows)}
    # One needs Node, some a PostgreSQL of their own.
    missing = {goal.text for goal in goals.every_goal()} - measured_ones
    assert {text for text in missing if "fastify" not in text and "PostgreSQL" not in text} == set()


def test_page_chart_and_file(tmp_path: Path) -> None:
    groups = {"flat": [result("raw", 1.0), result("a < b: certsvc", 0.5, ours=True, note="x")]}
    page.write(groups, [], now=1_800_000_000, connections=16, folder=tmp_path)
    text = (tmp_path / page.PAGE).read_text(encoding="utf-8")
    assert "| **a < b: certsvc** | 0.500 | raw | x |" in text
    assert "2027-01-15" in text
    drawn = ET.fromstring((tmp_path / page.CHART).read_text(encoding="utf-8"))  # noqa: S314
    assert "a < b: certsvc" in [one.text for one in drawn.iter(f"{SVG}text")]
    found = json.loads(report.as_json(groups, [], now=1_800_000_000))
    assert found["groups"]["flat"][1]["ratio"] == 0.5
    assert chart.draw({}).startswith("<svg")


def test_a_row_is_compared_with_its_base_of_the_same_round() -> None:
    speeds = iter([1.0, 1.0, 2.0, 4.0, 1.0, 2.0])

    def run(_count: int) -> float:
        return next(speeds)

    rows = [Row(name=name, base="raw", run=run) for name in ("raw", "slow")]
    # The first slice of each only finds out how often to repeat.
    one, other = measure("test", rows, Effort(rounds=2, seconds=1.0))
    assert (one.ratio, other.ratio) == (1.0, 1.25)


def test_calls_counts_calls() -> None:
    seen: list[int] = []
    assert calls(lambda: seen.append(1))(7) >= 0
    assert len(seen) == 7


@pytest.mark.parametrize("arguments", [["nothing"], ["--write", "--quick"], ["--write", "flat"]])
def test_wrong_arguments_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert "usage: python -m bench" in capsys.readouterr().err


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command.main(["flat", "--quick", "--json", str(tmp_path / "found.json")])
    assert "ES256 flat: certsvc" in capsys.readouterr().out
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["goals"][0]["number"] == "P1"
