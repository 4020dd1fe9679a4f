"""`certsvc drill compromise`: everybody sees what they must see, and nothing else is touched."""

import json
import subprocess
import sys
import time
from pathlib import Path

from certsvc import bootstrap
from certsvc.cli.demo import demo_settings
from certsvc.cli.drill_story import COLUMNS, EXPECTED, ROWS, Told
from certsvc.home import at_work
from certsvc_sdk.codes import CODES, Outcome

PAGE = Path(__file__).parents[2] / "docs" / "compromise.md"


def drill(*options):
    return subprocess.run(
        [sys.executable, "-m", "certsvc", "drill", "compromise", *options],
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_in_a_new_world():
    done = drill()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "honest certificates stay valid" in done.stdout
    for zh, en in [*ROWS.values(), *COLUMNS.values()]:
        assert zh in done.stdout
        assert en in done.stdout


def files_of(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_in_a_copy(tmp_path):
    home = tmp_path / "var"
    settings = demo_settings(home)
    bootstrap.initialise(settings, now=int(time.time()), report=str)
    before = files_of(home)
    done = drill("--like", str(home), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["wrong"] == []
    assert 0 < told["seconds"] <= told["promised_seconds"] == 3600
    for row, codes in EXPECTED.items():
        said = [told["seen"][row][column] or "" for column in COLUMNS]
        assert tuple(said) == codes, row
    assert files_of(home) == before
    with at_work(home, alone=False, wait=False):
        done = drill("--like", str(home))
    assert done.returncode == 1
    assert "stop the services first" in done.stderr


def test_in_what_is_no_world(tmp_path):
    (tmp_path / "letter.txt").write_text("hello", encoding="utf-8")
    done = drill("--like", str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_what_differs_is_wrong():
    told = Told(seen={(row, column): code for row, codes in EXPECTED.items()
                      for column, code in zip(COLUMNS, codes, strict=True) if code})  # fmt: skip
    assert told.wrong == []
    told.seen["forged", "online"] = "valid"
    del told.seen["honest", "online"]
    assert told.wrong == [("honest", "online"), ("forged", "online")]


def test_nobody_calls_a_forgery_valid_once_he_can_know():
    after = [list(COLUMNS).index(name) for name in ("online", "stale", "proven", "paper")]
    for row in ("forged", "backdated", "stolen-login"):
        assert all(CODES[EXPECTED[row][at]].outcome is not Outcome.VALID for at in after)
    for code in EXPECTED["honest"]:
        assert CODES[code].outcome is not Outcome.INVALID


def test_the_page_shows_the_same_table():
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    shown = [line.strip("|").split("|")[1:] for line in lines[1 : 1 + len(ROWS)]]
    assert [tuple(code_of(cell) for cell in row) for row in shown] == list(EXPECTED.values())


def code_of(cell):
    return cell.split("`")[1] if "`" in cell else ("valid" if "valid" in cell else "")
