"""Delete each check of the reading side in turn; a vector must fail every time.

python tests/mutants [--numbered] [--jobs N] [--only TEXT]
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence

from hunt import Result, forget_sdk, hunt, load_vectors, reach
from targets import all_mutants, excuse, excused, files, unchanged

BAR = 40


def main() -> int:
    """Hunt; exit 1 where a mutant survives that nobody excused."""
    parser = argparse.ArgumentParser(prog="tests/mutants", description=__doc__)
    parser.add_argument("--numbered", action="store_true", help="only the numbered checks")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="mutants whose name holds this text")
    options = parser.parse_args()
    patterns = excused()
    chosen = [
        mutant
        for mutant in all_mutants()
        if options.only in mutant.name and (mutant.kind == "found" or not options.numbered)
    ]
    # Those of writers and of other parts need not be tried: no text that arrives gets there.
    tried = [one for one in chosen if (excuse(one.name, patterns) or "").find("[unreached]") < 0]
    begun = time.monotonic()
    vectors = load_vectors()
    lines = None
    if not options.numbered:
        lines = reach(vectors, {str(path): module for module, path in files().items()})
    forget_sdk()
    (sound,) = hunt([unchanged()], vectors, None, 1)
    if sound.killer is not None:
        print(f"the hunt itself is broken: {sound}")
        return 2
    results = []
    for result in hunt(tried, vectors, lines, options.jobs):
        results.append(result)
        _progress(len(results), len(tried), result)
    seconds = time.monotonic() - begun
    return _report(results, patterns, len(chosen) - len(tried), seconds, len(vectors))


def _progress(done: int, total: int, result: Result) -> None:
    if not sys.stderr.isatty():
        return
    filled = BAR * done // max(total, 1)
    bar = "█" * filled + "·" * (BAR - filled)
    print(f"\r{bar} {done}/{total} {result.mutant[:60]:60}", end="", file=sys.stderr, flush=True)


def _report(
    results: Sequence[Result], patterns: dict[str, str], left_out: int, seconds: float, vectors: int
) -> int:
    rows: dict[str, list[int]] = {}
    bad: list[Result] = []
    for result in sorted(results, key=lambda one: one.mutant):
        row = rows.setdefault(result.mutant.split(":")[0], [0, 0, 0])
        if result.killer is not None:
            row[0] += 1
        elif excuse(result.mutant, patterns) is not None:
            row[1] += 1
        else:
            row[2] += 1
            bad.append(result)
    print(f"\n{'module':44}{'killed':>8}{'excused':>9}{'survived':>10}")
    for module, (killed, excused_ones, survived) in rows.items():
        print(f"{module:44}{killed:8}{excused_ones:9}{survived:10}")
    killed = sum(row[0] for row in rows.values())
    print(
        f"{len(results)} mutants against {vectors} vectors in {seconds:.0f} s: {killed} killed, "
        f"{len(results) - killed - len(bad)} excused, {len(bad)} survived; "
        f"{left_out} of writers not tried"
    )
    for result in bad:
        print(f"SURVIVED {result.mutant}")
    needless = [one.mutant for one in results if one.killer and excuse(one.mutant, patterns)]
    for name in needless:
        print(f"killed, though excused: {name}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
