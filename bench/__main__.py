"""`python -m bench`: every group, or those named, in one run.

A full run with `--write` renews docs/performance.md and its chart.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import (
    face,
    goals,
    imports,
    issue,
    issuer,
    log,
    office,
    page,
    qr,
    reading,
    report,
    service,
    status,
    stores,
    threads,
    tree,
    trust,
    verify,
)
from bench.harness import QUICK, Effort, Result
from bench.world import World, make_world

GROUPS: Mapping[str, Callable[[World, Effort], list[Result]]] = {
    "flat": verify.flat,
    "disclosed": verify.disclosed,
    "issue": issue.issued,
    "office": office.one_by_one,
    "http": issuer.issued_over_http,
    "threads": threads.threaded,
    "batch": threads.batched,
    "service": service.served,
    "import": imports.imported,
    "status": status.published,
    "stores": stores.signed,
    "log": log.logged,
    "tree": tree.grown,
    "trust": trust.refreshed,
    "qr": qr.coded,
    "face": face.printed,
    "reading": reading.scanned,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    options = _options(arguments)
    effort = QUICK if options.quick else Effort(rounds=options.rounds)
    now = int(time.time())
    found: dict[str, list[Result]] = {}
    with make_world(now) as world:
        for name in options.groups or GROUPS:
            found[name] = GROUPS[name](world, effort)
            print(report.table(name, found[name]), flush=True)
    reached = goals.judge({row.name: row for rows in found.values() for row in rows})
    print(report.goals_table(reached))
    if options.json is not None:
        options.json.write_text(report.as_json(found, reached, now=now), encoding="utf-8")
    if options.write:
        page.write(found, reached, now=now, connections=service.CONNECTIONS)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    # No `choices`: they refuse an empty list of positionals.
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; none: all")
    parser.add_argument("--quick", action="store_true", help="one tiny round: does it work?")
    parser.add_argument("--rounds", type=int, default=Effort().rounds)
    parser.add_argument("--json", type=Path, help="write everything found to this file")
    parser.add_argument("--write", action="store_true", help="renew docs/performance.md")
    options = parser.parse_args(arguments)
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"unknown group: {', '.join(sorted(unknown))}")
    if options.write and (options.quick or options.groups):
        parser.error("--write takes a full run")
    return options


if __name__ == "__main__":
    main()
