"""Every target for its share of the time, side by side; exit 1 on a finding.

The folder keeps the corpus, so that later runs start where earlier ones ended, and an input for
each finding. Where atheris has no wheel hypothesis draws instead, without coverage to guide it.
"""

import argparse
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from fuzzing.seeds import write_seeds
from fuzzing.targets import targets

ROOT = Path(__file__).resolve().parents[3]
DRIVER = ROOT / "tests" / "fuzz" / "drive.py"

# A token at its cap and the choices around it; longer inputs teach the fuzzer nothing.
_LONGEST = 8192
# No input takes a hundredth of it; a hang is a finding.
_HANG_SECONDS = 20
_MEMORY_MIB = 1024
_STATUS = re.compile(r"#(\d+)\s+[A-Z]\S*\s+cov: (\d+) ft: (\d+) corp: (\d+)/\S+")
_FOUND = re.compile(r"Test unit written to (\S+)")
# libFuzzer's words for what ended a run, and our own.
_CAUSE = re.compile(r"^(?:fuzzing\.|[\w.]*Error|[\w.]*Exception|==\d+== ERROR|SUMMARY).*", re.M)


class Outcome(NamedTuple):
    """What a target's run came to."""

    target: str
    line: str
    found: bool


class Screen:
    """One line at a time, from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        with self._lock:
            print(text, flush=True)


def run_atheris(
    name: str, seconds: int, folder: Path, screen: Screen, driver: Path = DRIVER
) -> Outcome:
    """Run one target in a process of its own; its progress becomes one line every few seconds."""
    corpus, crashes = folder / "corpus" / name, folder / "findings"
    write_seeds(name, corpus)
    crashes.mkdir(parents=True, exist_ok=True)
    arguments = (
        f"-max_total_time={seconds}", f"-max_len={_LONGEST}", f"-timeout={_HANG_SECONDS}",
        f"-rss_limit_mb={_MEMORY_MIB}", "-detect_leaks=0", "-print_final_stats=0",
        f"-artifact_prefix={crashes}/{name}-", str(corpus),
    )  # fmt: skip
    with subprocess.Popen(
        [sys.executable, str(driver), name, *arguments],
        env=_environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        status, tail = _follow(name, process, screen)
    if process.returncode == 0:
        return Outcome(name, status, False)
    report = _report((str(driver), name), tail, process.returncode)
    return Outcome(name, f"{status}\n{report}", True)


def _follow(name: str, process: subprocess.Popen[str], screen: Screen) -> tuple[str, str]:
    """Read libFuzzer's lines; return the last status and the last lines."""
    assert process.stdout is not None
    tail: list[str] = []
    begun, said, status = time.monotonic(), 0.0, ""
    for line in process.stdout:
        tail = [*tail[-400:], line]
        found = _STATUS.match(line)
        if found is None:
            continue
        elapsed = time.monotonic() - begun
        runs, coverage, features, size = map(int, found.groups())
        status = (
            f"{name:8} {runs:9,} runs {runs / max(elapsed, 0.1):7,.0f}/s  "
            f"coverage {coverage:5} features {features:6}  corpus {size:5}"
        )
        if elapsed - said >= 5:
            said = elapsed
            screen.say(f"  {elapsed:5.0f} s  {status}")
    return status, "".join(tail)


def run_hypothesis(name: str, seconds: int) -> Outcome:
    """Draw by hypothesis until the time is over; a failure is shrunk and told."""
    from fuzzing.strategies import explore

    begun, runs = time.monotonic(), 0
    target = targets()[name]()
    while time.monotonic() - begun < seconds:
        try:
            runs += explore(target, examples=200)
        except Exception as error:
            return Outcome(name, f"{name:8} {runs:9,} runs\n  finding: {error}", True)
    rate = runs / max(time.monotonic() - begun, 0.1)
    return Outcome(name, f"{name:8} {runs:9,} runs {rate:7,.0f}/s  (hypothesis)", False)


def main(arguments: list[str]) -> int:
    """Run all targets; return the exit code."""
    options = _options(arguments)
    names = options.target or list(targets())
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    # What lies here is found again by the next run and belongs into no commit.
    (folder / ".gitignore").write_text("*\n")
    cores = os.cpu_count() or 1
    by_atheris = options.driver == "atheris"
    if not by_atheris:
        print("hypothesis draws the inputs, without coverage to guide it")
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed (wheels: CPython on glibc Linux x86_64)")
    at_a_time = min(cores, len(names)) if by_atheris else 1
    share = max(1, options.seconds * at_a_time // len(names))
    print(f"{len(names)} targets, {share} s each, {at_a_time} at a time")
    screen = Screen()
    # hypothesis is not made for threads; one target after the other then.
    with ThreadPoolExecutor(cores if by_atheris else 1) as pool:
        futures = [
            pool.submit(run_atheris, name, share, folder, screen)
            if by_atheris
            else pool.submit(run_hypothesis, name, share)
            for name in names
        ]
        outcomes = [future.result() for future in futures]
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    for outcome in outcomes:
        print(f"{'✘' if outcome.found else '✔'} {outcome.line or outcome.target}")
    return int(any(outcome.found for outcome in outcomes))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fuzz the credential core.")
    has_atheris = importlib.util.find_spec("atheris") is not None
    parser.add_argument("--seconds", type=int, default=60, help="of all targets together")
    parser.add_argument("--folder", default=str(ROOT / ".fuzz"), help="corpus and findings")
    parser.add_argument(
        "--driver",
        choices=("atheris", "hypothesis"),
        default="atheris" if has_atheris else "hypothesis",
    )
    parser.add_argument("target", nargs="*", help=f"of {', '.join(targets())}; default: all")
    options = parser.parse_args(arguments)
    unknown = set(options.target) - set(targets())
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    return options


def _environment(folder: Path) -> dict[str, str]:
    # libFuzzer ends the process without a farewell, so temporary files are removed from here.
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    # Measuring coverage twice, by us and by the fuzzer, would take most of the time.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    return kept | {"PYTHONPATH": str(ROOT / "sdk"), "TMPDIR": str(folder / "tmp")}


def _report(driver: tuple[str, str], output: str, code: int) -> str:
    causes = _CAUSE.findall(output)
    lines = [f"  finding: {causes[0][:600]}" if causes else f"  ended with {code}: {output[-600:]}"]
    for path in _FOUND.findall(output):
        command = (sys.executable, *driver, path)
        lines.append(f"  reproduce: {shlex.join(command)}")
    return "\n".join(lines)
