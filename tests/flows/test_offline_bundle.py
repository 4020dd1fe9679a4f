"""docs/offline-bundle.md with real services: made with a line, used without one."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from certsvc.cli.run import issue_shown, issuer_url
from certsvc_sdk import Verifier

PAGE = (Path(__file__).parents[2] / "docs" / "offline-bundle.md").read_text(encoding="utf-8")
SHELL = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)
PYTHON = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)


def typed(command, folder, *, alone=False):
    # Without a line: no address answers, whatever the program might try.
    cut = ["unshare", "--net", "--map-root-user"] if alone and shutil.which("unshare") else []
    program = [sys.executable, "-m", "certsvc_sdk.cli", *command.split()[1:]]
    for argv in ([*cut, *program], program):
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120)
        if "unshare failed" not in done.stderr and "Operation not permitted" not in done.stderr:
            break
    return done


def test_every_command_of_the_page(world, tmp_path):
    text = issue_shown(world.settings)[0].qr_text
    online, offline = tmp_path / "online", tmp_path / "offline"
    for folder in (online, offline):
        folder.mkdir()
        shutil.copy(world.settings.trust_root, folder / "root.json")
    commands = [line for line in SHELL[1].splitlines() if not line.startswith("#")]
    assert [line.split()[1:3] for line in commands[:3]] == [
        ["bundle", "make"], ["bundle", "show"], ["bundle", "use"],
    ]  # fmt: skip
    make, show, use, verify = (
        line.replace("https://certs.example/", issuer_url(world.settings)) for line in commands
    )
    made = typed(make, online)
    assert made.returncode == 0, made.stderr
    maker = made.stdout.split()[-1]
    assert typed(show, online).returncode == 0
    shutil.copy(online / "offline.zip", offline)
    used = typed(use.replace("MAKER", maker), offline, alone=True)
    assert used.returncode == 0, used.stderr
    checked = typed(verify.replace("TEXT", text), offline, alone=True)
    assert checked.returncode == 0, checked.stderr + checked.stdout
    assert checked.stdout.startswith("✓ 有效 Valid")
    # A day later nothing is known any more.
    late = Verifier.from_root(
        offline / "root.json",
        cache_dir=offline / "cache",
        offline=True,
        clock=lambda: time.time() + 25 * 3600,
    )
    verdict = late.check(text)
    assert (verdict.outcome, verdict.code) == ("UNKNOWN", "trust_stale")


def test_the_python_example(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(world.settings.trust_root, "root.json")
    code = PYTHON[1].replace("https://certs.example/", issuer_url(world.settings))
    names = {}
    exec(code, names)  # noqa: S102
    assert names["used"].complete
    assert names["used"].issuers == 2
