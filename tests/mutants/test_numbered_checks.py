"""No numbered check can go without a vector failing; `make mutants` deletes all the others."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_every_numbered_check_is_needed() -> None:
    done = subprocess.run(
        [sys.executable, str(HERE), "--numbered", "--jobs", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 survived" in done.stdout
