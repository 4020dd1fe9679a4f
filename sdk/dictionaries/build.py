"""Build the preset DEFLATE dictionaries of the QR frame from their plain-text sources.

A published dictionary never changes, so this script is run for a new id only; `--check` proves
that the committed files come from the committed sources:

    python sdk/dictionaries/build.py [--check]

DEFLATE pays for distance, so the most frequent text stands last.
"""

import argparse
import hashlib
import itertools
import re
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE / "sources"
TARGET = HERE.parent / "certsvc_sdk" / "qr" / "dictionaries"

# DEFLATE reaches back 32 KiB, and the stream itself takes its place in that window.
MAX_BYTES = 30 * 1024

_CHOICE = re.compile(r"<([^<>]+)>")


def lines(name: str) -> list[str]:
    """Return the lines of a source without its comments."""
    text = (SOURCES / f"{name}.txt").read_text("utf-8")
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def words(name: str) -> str:
    """Return the words of a source without what separates them."""
    return "".join("".join(lines(name)).split())


def provinces() -> list[str]:
    """Return the first word of each line of cities.txt, special regions left out."""
    names = [line.split()[0] for line in lines("cities")]
    return [name for name in names if not name.endswith("特别行政区")]


def choices(group: str) -> list[str]:
    """Return what stands for `<a|b>` or `<@name>`."""
    if group == "@province":
        return provinces()
    return lines(group[1:]) if group.startswith("@") else group.split("|")


def skeleton(name: str) -> str:
    """Return a skeleton with its choices multiplied out."""
    return "".join("".join(expand(line)) for line in lines(name)).replace("↵", "\n")


def expand(line: str) -> Iterator[str]:
    """Yield a skeleton line once for each combination of its choices."""
    parts = _CHOICE.split(line)
    groups = [choices(part) if at % 2 else [part] for at, part in enumerate(parts)]
    return ("".join(combination) for combination in itertools.product(*groups))


def scope_phrases() -> list[str]:
    """Return each item of business once, as a licence lists it."""
    return list(dict.fromkeys(phrase for line in lines("scope") for phrase in line.split("；")))


def licence(without: Collection[str] = ()) -> str:
    """Dictionary 1: business licences.

    Args:
        without: items of business to leave out, to see how those fare that no dictionary knows.
    """
    kept = ("；".join(p for p in line.split("；") if p not in without) for line in lines("scope"))
    scope = "；".join(("", *filter(None, kept), ""))
    lists = ("licence-values", "firms", "authorities", "characters")
    return "".join((words("cities"), words("districts"), scope, *map(words, lists))) + skeleton(
        "licence-skeleton"
    )


def household() -> str:
    """Dictionary 2: household register extracts."""
    lists = ("cities", "districts", "firms", "household-values", "characters")
    return "".join(map(words, lists)) + skeleton("household-skeleton")


DICTIONARIES: dict[str, Callable[[], str]] = {
    "1-business-licence.bin": licence,
    "2-household-register.bin": household,
}


def main() -> int:
    """Write the files, or compare them with `--check`; print size and SHA-256 of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    failed = False
    for file, make in DICTIONARIES.items():
        data = make().encode("utf-8")
        path = TARGET / file
        if len(data) > MAX_BYTES:
            sys.exit(f"{file}: {len(data)} bytes are more than {MAX_BYTES}")
        if not check:
            path.write_bytes(data)
        elif not path.is_file() or path.read_bytes() != data:
            failed = True
        sys.stdout.write(f"{file} {len(data)} {hashlib.sha256(data).hexdigest()}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
