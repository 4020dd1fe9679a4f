"""Install the system programs that some tests use, where that is possible, and say what is not.

With `CI=true` a program that stays missing is a failure; elsewhere its tests are skipped.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

#: Program → Debian package.
PROGRAMS = {
    "chromium": "chromium",
    "curl": "curl",
    "faketime": "faketime",
    "openssl": "openssl",
    "postgres": "postgresql",
    "redis-server": "redis-server",
    "softhsm2-util": "softhsm2",
}
# Debian keeps PostgreSQL's server programs off the path, one folder a version.
FOLDERS = {"postgres": Path("/usr/lib/postgresql")}


def missing() -> list[str]:
    """Programs that are neither on the path nor in their own folder."""
    return [program for program in PROGRAMS if not _present(program)]


def _present(program: str) -> bool:
    if shutil.which(program) is not None:
        return True
    folder = FOLDERS.get(program)
    return folder is not None and any(folder.glob(f"*/bin/{program}"))


def install(programs: list[str]) -> None:
    """Try apt, as root or through sudo without a question; failures show in `missing`."""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") is None or (prefix and shutil.which("sudo") is None):
        return
    packages = [PROGRAMS[program] for program in programs]
    print(f"安装系统软件包 / installing system packages: {', '.join(packages)}", flush=True)
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends"]):
        arguments = [*prefix, "apt-get", *command, *(packages if "install" in command else [])]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(arguments, env=environment, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            return


def main() -> int:
    """Exit 1 only where CI lacks a program."""
    if absent := missing():
        install(absent)
    if absent := missing():
        print(
            f"缺少系统程序，相关测试将跳过 / missing, their tests are skipped: {', '.join(absent)}"
        )
        return int(os.environ.get("CI") == "true")
    return 0


if __name__ == "__main__":
    sys.exit(main())
