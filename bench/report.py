"""What a run shows: tables in the terminal, a JSON file, the page and its chart."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bench.goals import Reached
from bench.harness import Result

_BAR = 30
_WIDEST = 1.5
_LIBRARIES = ("cryptography", "PyJWT", "joserfc", "openvc-core", "sd-jwt", "orjson", "granian")


def table(title: str, results: Sequence[Result]) -> str:
    """A group's rows, with bars; `*` marks ours."""
    width = max(len(result.name) for result in results)
    lines = [f"\n{title}"]
    for result in results:
        bar = "█" * max(1, round(_BAR * min(result.ratio, _WIDEST)))
        extra = "".join(f"{name} {value:.2f}; " for name, value in result.extra.items())
        lines.append(
            f"{'*' if result.ours else ' '} {result.name:<{width}} {result.rate:10.0f}/s "
            f"{result.ratio:7.3f} [{result.low:.2f}–{result.high:.2f}]  {bar:<{_BAR}}  "
            f"{extra}{result.note}".rstrip()
        )
    return "\n".join(lines)


def goals_table(reached: Sequence[Reached]) -> str:
    """Goal, figure, met or not."""
    lines = ["\n目标 Goals"]
    for one in reached:
        goal = one.goal
        sign = "≤" if goal.most else "≥"
        aim = "" if goal.aim is None else f"(aim {goal.aim:g})"
        lines.append(
            f"{mark(one)} {goal.number:<4} {one.figure:7.2f}  {sign} {goal.first:<5g}{aim:<12} "
            f"{goal.text}"
        )
    return "\n".join(lines)


def mark(one: Reached) -> str:
    """A sign for missed, met, and the aim reached too."""
    if not one.met:
        return "✗"
    return "★" if one.aimed else "✓"


def machine() -> dict[str, Any]:
    """The class of the machine, and no name of it."""
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def as_json(groups: Mapping[str, Sequence[Result]], reached: Sequence[Reached], *, now: int) -> str:
    """Everything a run found."""
    document = {
        "date": datetime.fromtimestamp(now, UTC).date().isoformat(),
        "machine": machine(),
        "groups": {name: [asdict(result) for result in rows] for name, rows in groups.items()},
        "goals": [
            {
                "number": one.goal.number,
                "text": one.goal.text,
                "figure": one.figure,
                "first": one.goal.first,
                "aim": one.goal.aim,
                "met": one.met,
            }
            for one in reached
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
