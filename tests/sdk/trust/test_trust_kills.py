"""The cache outlives kill -9 at each step of its writing and at any moment between."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
# 200 with CERTSVC_FAULTS=large.
KILLS = "200" if os.environ.get("CERTSVC_FAULTS") == "large" else "60"


def test_a_verifier_killed_while_it_writes(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("cache_drill.py")),
            str(tmp_path),
            KILLS,
            "7",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "sdk")])},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert sum(found["killed"].values()) == int(KILLS)
    # Two roles, two records, lists, floor, tombstones: each file is a step or two.
    assert found["steps"] > 15
    assert found["left"] == []
