"""The fuzz run itself: short here, 30 seconds in CI; what it finds it keeps and tells."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzzing.running import Screen, main, run_atheris
from fuzzing.seeds import VECTORS, vector_texts, write_seeds
from fuzzing.targets import targets

RUN = Path(__file__).with_name("run.py")
IN_CI = os.environ.get("CI") == "true"
# Elsewhere two targets show that the run works; hypothesis draws for all of them in any case.
SHORT = ("--seconds", "3", "token", "frame")
BROKEN = """
import sys
import atheris

def play(data):
    if data.startswith(b"eyJ"):
        raise ValueError("planted")

atheris.Setup(sys.argv[:1] + sys.argv[2:], play)
atheris.Fuzz()
"""


def test_nothing_is_found(tmp_path: Path) -> None:
    options = ("--seconds", "30") if IN_CI else SHORT
    command = [sys.executable, str(RUN), "--folder", str(tmp_path), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("✔") == (len(targets()) if IN_CI else 2)
    assert " runs " in done.stdout
    assert not (tmp_path / "findings").exists() or not list((tmp_path / "findings").iterdir())


def test_without_atheris_hypothesis_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--driver", "hypothesis", "--seconds", "1", "--folder", str(tmp_path), "frame"]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "hypothesis draws the inputs" in told
    assert "✔ frame" in told
    assert (tmp_path / ".gitignore").read_text() == "*\n"


def test_a_finding_is_kept_with_the_command_that_repeats_it(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    driver = tmp_path / "drive.py"
    driver.write_text(BROKEN)
    outcome = run_atheris("token", 5, tmp_path, Screen(), driver)
    assert outcome.found
    assert "ValueError: planted" in outcome.line
    (kept,) = (tmp_path / "findings").iterdir()
    assert f"{driver} token {kept}" in outcome.line
    again = subprocess.run(
        [sys.executable, str(driver), "token", str(kept)], capture_output=True, check=False
    )
    assert again.returncode != 0


def test_an_unknown_target_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["no-such-target"])
    assert "no such target" in capsys.readouterr().err


def test_seeds_hold_the_good_texts_and_the_vectors(tmp_path: Path) -> None:
    count = write_seeds("token", tmp_path)
    assert count == len(list(tmp_path.iterdir()))
    assert VECTORS.is_dir()
    assert list(vector_texts())
