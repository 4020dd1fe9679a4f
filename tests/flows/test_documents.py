"""Generated pages are what the generator writes, and no link of any page is broken."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_generated_pages_are_up_to_date(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    done = subprocess.run(
        [sys.executable, copy / "docs" / "generate.py"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.read_text("utf-8") == (copy / page.relative_to(ROOT)).read_text("utf-8"), page


def test_no_page_names_a_machine_or_an_index() -> None:
    words = [
        "/" + "work/",
        "/" + "root/",
        "py" + "pi.org",
        "npm" + "js.",
        "files.python" + "hosted",
    ]
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "Makefile"]:
        text = page.read_text(encoding="utf-8")
        assert not [word for word in words if word in text], page
