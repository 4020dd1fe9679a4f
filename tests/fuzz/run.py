"""`make fuzz`: run.py [--seconds 60] [--folder .fuzz] [--driver atheris|hypothesis] [target …]."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# A script's own folder is not searched under PYTHONSAFEPATH.
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "sdk")]

from fuzzing.running import main  # noqa: E402 — the path comes first

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
