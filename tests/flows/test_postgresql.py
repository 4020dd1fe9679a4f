"""The whole story on PostgreSQL, and a data folder that meets somebody else's database."""

import subprocess
import sys
from pathlib import Path

import pytest

from certsvc import bootstrap
from certsvc.service.settings import Settings, SettingsInvalid

NOW = 1_798_761_600


def test_the_demo_tells_its_story_on_postgresql(postgres_server, postgres_empty, tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "certsvc", "demo"),
            *("--keep", str(tmp_path / "var"), "--database", postgres_empty),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    states = postgres_server.execute(
        "SELECT state FROM certificate", database=postgres_empty.rsplit("/", 1)[1]
    )
    assert {"revoked", "superseded", "valid"} <= {state for (state,) in states}
    assert not list((tmp_path / "var").glob("*.db"))


def test_a_database_of_another_folder_is_refused(postgres_empty, tmp_path):
    def initialise(folder: Path) -> None:
        values = {"CERTSVC_HOME": str(folder), "CERTSVC_DATABASE_URL": postgres_empty}
        bootstrap.initialise(Settings.from_env(values), now=NOW, report=lambda _line: None)

    initialise(tmp_path / "one")
    (tmp_path / "one" / "root.json").unlink()
    initialise(tmp_path / "one")  # broken off before its end: goes on where it stopped
    with pytest.raises(SettingsInvalid, match="another data folder"):
        initialise(tmp_path / "two")
