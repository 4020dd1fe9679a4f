"""Rates by degradation and version: run.py [--seeds 1] [--all-versions] [--show] [group …]."""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# A script's own folder is not searched under PYTHONSAFEPATH.
sys.path[:0] = [str(HERE), str(ROOT), str(ROOT / "sdk")]

from degrading import chart  # noqa: E402 — the path comes first
from degrading.rates import Rates, large, measure, picture, small  # noqa: E402 — the path first
from degrading.suite import PARAMETERS, TWELVE, VERSIONS, cases  # noqa: E402

FEW = (15, 18, 20, 23)


def main() -> None:
    """Print the rates; with `--save`, write the pictures too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", help="degradations, `photo`, `resolution`; none: all")
    parser.add_argument("--seeds", type=int, default=1, help="of the committed ones; 20 are all")
    parser.add_argument("--processes", type=int)
    parser.add_argument("--missed", action="store_true", help="name each picture not read")
    parser.add_argument("--write", action="store_true", help="renew the pictures of docs/")
    parser.add_argument("--save", type=Path, help="folder for the pictures, which are not read")
    options = parser.parse_args()
    versions = VERSIONS if options.seeds > 1 else FEW
    chosen = list(cases(options.seeds, versions, options.groups or None))
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
        for case in chosen:
            name = f"{case.group}-{case.level}-v{case.version}-{case.seed}.jpg"
            (options.save / name).write_bytes(picture(case)[1])
        return
    rates = measure(chosen, processes=options.processes)
    table(rates, options.groups or (*TWELVE, "photo", "resolution"))
    if options.write:
        chart.write(rates, ROOT / "docs")
    if options.missed:
        for case in rates.missed:
            print("missed", case.group, case.level, case.version, case.seed)


def table(rates: Rates, groups: list[str]) -> None:
    """One line a level, one column a version."""
    print(f"{'':14}{'':8}" + "".join(f"{f'v{v}':>6}" for v in VERSIONS) + f"{'≤18':>8}{'≥19':>7}")
    for group in groups:
        known = PARAMETERS[group] if group in PARAMETERS else PARAMETERS["degradations"][group]
        for level in known:
            line(f"{group:14}{level:8}", rates, [group], level)
        line(f"{group:14}{'all':8}", rates, [group], None)
    line(f"{'the twelve':22}", rates, list(TWELVE), None)


def line(title: str, rates: Rates, groups: list[str], level: str | None) -> None:
    """The rates of some groups at a level."""
    cells = []
    for versions in (*([v] for v in VERSIONS), small(), large()):
        count = rates.total(groups=groups, level=level, versions=versions)
        cells.append(f"{100 * count.rate:.0f}" if count.of else "–")
    print(title + "".join(f"{cell:>6}" for cell in cells[:-2]) + f"{cells[-2]:>8}{cells[-1]:>7}")


if __name__ == "__main__":
    main()
