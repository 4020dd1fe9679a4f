"""Combine the coverage data of a test run and hold each room to its floor (percent of lines)."""

import sys
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {"sdk/certsvc_sdk": 95.0, "keys": 95.0, "certsvc": 90.0, "verifier": 90.0}


def main() -> int:
    """Print one line a room; exit 1 when a room is below its floor."""
    data = coverage.Coverage(
        data_file=str(ROOT / ".coverage"), config_file=str(ROOT / "pyproject.toml")
    )
    if list(ROOT.glob(".coverage.*")):
        data.combine(keep=False)
    data.load()
    failed = False
    for room, floor in FLOORS.items():
        statements, missing = 0, []
        for path in sorted((ROOT / room).rglob("*.py")):
            _, lines, _, absent, _ = data.analysis2(str(path))
            statements += len(lines)
            if absent:
                missing.append((len(absent), path.relative_to(ROOT), absent[:12]))
        lost = sum(count for count, _, _ in missing)
        percent = 100.0 * (statements - lost) / max(1, statements)
        failed |= percent < floor
        mark = "✔" if percent >= floor else "✘"
        print(f"{mark} {room:<16} {percent:6.2f} % of {statements} lines (floor {floor:.0f} %)")
        if percent < floor:
            for count, path, lines in sorted(missing, reverse=True)[:10]:
                print(f"    {count:4} {path}: {', '.join(map(str, lines))} …")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
