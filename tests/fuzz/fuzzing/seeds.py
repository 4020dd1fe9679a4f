"""First inputs: every valid text, every vector of the repository, and plain choices."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fuzzing import world

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
# `Draws.one_in(8)` is the first choice of each target; the last of eight takes the rest as it is,
# and integers are read from the end of the input.
_AS_IT_IS = b"\x07"
_TEXT = re.compile(r"eyJ[A-Za-z0-9_.~=-]{20,}|https://[^/]+/v#[0-9]+|[0-9]{60,}")
_LONGEST = 8000
# More would take the time of a short run.
_VECTORS = 100
# Choices for the structured half of a target: lengths of pseudo-random input.
_LENGTHS = (16, 64, 256, 1024)


def texts(name: str) -> Iterator[bytes]:
    """Whole inputs of a target, good ones first."""
    own: dict[str, list[str]] = {
        "token": [*world.tokens().values()],
        "frame": [*world.codes().values()],
        "list": [world.list_token()],
        "record": [world.record_bytes().decode()],
    }
    for text in own.get(name, []):
        yield text.encode()
    if name in ("token", "frame", "list"):
        yield from vector_texts()


def vector_texts(folder: Path = VECTORS) -> Iterator[bytes]:
    """Tokens and codes from the JSON files of the vectors, whatever shape the files have.

    One from each of so many files, evenly chosen: most differ where the fuzzer looks anyway.
    """
    paths = sorted(folder.rglob("*.json"))
    for path in paths[:: len(paths) // _VECTORS + 1]:
        for text in _strings(json.loads(path.read_bytes())):
            if _TEXT.fullmatch(text) and len(text) <= _LONGEST:
                yield text.encode()
                break


def write_seeds(name: str, corpus: Path) -> int:
    """Write the first inputs of a target into its corpus; return how many there are."""
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = {text + _AS_IT_IS for text in texts(name)}
    seeds |= {hashlib.shake_128(f"{name} {size}".encode()).digest(size) for size in _LENGTHS}
    for seed in seeds:
        (corpus / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    return len(seeds)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
