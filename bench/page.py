"""docs/performance.md and its chart, written anew by every full run: ratios, never bare times."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import chart, report
from bench.goals import Reached
from bench.harness import Result

DOCS = Path(__file__).parents[1] / "docs"
PAGE, CHART = "performance.md", "performance.svg"

_HEAD = """# 性能 / Performance

`make bench` 写出本页与图。所有数字都是同一次运行里的比值：每轮依次各跑一小段，取各轮比值的中位数。
机器快慢不定（±20%），因此不写绝对时间。

`make bench` writes this page and its chart. Every figure is a ratio within one run: each round runs
a slice of every row in turn, and the median of the rounds' ratios is shown. Rates of shared
machines swing by 20% and more, so no bare time is quoted.

- raw: the signature check (or the signature) alone, by `cryptography`, on parsed inputs.
- Rows of one core count processor time; threads, batches and HTTP count the clock on the wall.
- Peers get the identical token and a parsed key; the notes say what they leave out.
- HTTP: our service with rate limit, log and one process a core, against fastify with jose in a
  cluster of as many; {connections} keep-alive connections; the load comes from the same cores.
  Each token is another one than those before it; rows `again` send one token over and over.
- ACA-Py is not run here: its 334 requests/s were measured elsewhere, at 11,000 raw checks a second
  on one core, and both sides are put in proportion to their raw check.

![chart](performance.svg)
"""


def write(
    groups: Mapping[str, Sequence[Result]],
    reached: Sequence[Reached],
    *,
    now: int,
    connections: int,
    folder: Path = DOCS,
) -> None:
    """Write page and chart."""
    (folder / CHART).write_text(chart.draw(groups), encoding="utf-8")
    text = "\n".join(_lines(groups, reached, now=now, connections=connections))
    (folder / PAGE).write_text(text + "\n", encoding="utf-8")


def _lines(
    groups: Mapping[str, Sequence[Result]],
    reached: Sequence[Reached],
    *,
    now: int,
    connections: int,
) -> list[str]:
    facts = report.machine()
    libraries = ", ".join(f"{name} {version}" for name, version in facts["libraries"].items())
    date = datetime.fromtimestamp(now, UTC).date().isoformat()
    lines = [
        _HEAD.format(connections=connections),
        f"{date}; {facts['cores']} cores, {facts['architecture']}, Python {facts['python']}; "
        f"{libraries}.",
        "",
        *_speed(groups),
        "## 目标 Goals",
        "",
        "| | 比较 Compared | 结果 Figure | 目标 Goal | 力求 Aim | |",
        "|---|---|---|---|---|---|",
    ]
    for one in reached:
        goal, sign = one.goal, "≤" if one.goal.most else "≥"
        aim = "" if goal.aim is None else f"{goal.aim:g}"
        lines.append(
            f"| {goal.number} | {goal.text} | {one.figure:.2f} | {sign} {goal.first:g} | {aim} "
            f"| {report.mark(one)} |"
        )
    for name, rows in groups.items():
        lines += _section(name, rows)
    return lines


def _speed(groups: Mapping[str, Sequence[Result]]) -> list[str]:
    """How fast the primitive is here: without it a ratio to it says little."""
    rates = {row.name: row.rate for rows in groups.values() for row in rows}
    verify, sign = rates.get("ES256 raw verify (flat)"), rates.get("ES256 raw sign")
    if verify is None or sign is None:
        return []
    return [
        f"本次运行中，一核每秒 ES256 验签约 {verify:,.0f} 次、签名约 {sign:,.0f} 次；",
        "目标定于约 11,000 次与 29,000 次的机器。",
        f"In this run one core made about {verify:,.0f} raw ES256 checks and {sign:,.0f}",
        "signatures a second; the goals were set where it makes about 11,000 and 29,000.",
        "",
    ]


def _section(name: str, rows: Sequence[Result]) -> list[str]:
    extras = list(dict.fromkeys(key for row in rows for key in row.extra if "µs" not in key))
    head = ["", f"## {name}", "", "| | 比值 Ratio | 对 To |", "|---|---|---|"]
    if extras:
        head[3] = head[3] + "".join(f" {key} |" for key in extras)
        head[4] = head[4] + "---|" * len(extras)
    head[3], head[4] = head[3] + " |", head[4] + "---|"
    lines = head
    for row in rows:
        if row.name == row.base:
            continue
        shown = f"**{row.name}**" if row.ours else row.name
        values = "".join(f" {row.extra[key]:.2f} |" if key in row.extra else " |" for key in extras)
        lines.append(f"| {shown} | {row.ratio:.3f} | {row.base} |{values} {row.note} |")
    return lines
