"""Licences whose business no dictionary knows: `python -m bench.qr_heldout [--licences N]`.

Each fifth of the standard phrases is left out of the dictionary's sources in turn, the dictionary
built anew, and every sample licence given a scope of as many phrases from that fifth alone. What
remains of the dictionary's gain is compared with the dictionary that does know them.
"""

import argparse
import hashlib
import importlib.util
import json
import re
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from types import ModuleType

from bench.qr_sizes import HOST, KINDS, tokens
from certsvc.face.errors import SymbolTooLarge
from certsvc.face.qr import symbol_size
from certsvc_sdk.qr import DICTIONARY_LICENCE, DICTIONARY_NONE, frame, text
from certsvc_sdk.strict import b64u_decode, b64u_encode

PARTS = 5
#: No symbol up to version 23-M.
NONE = "none"
_BUILDER = Path(__file__).parents[1] / "sdk" / "dictionaries" / "build.py"
# Number of the dictionary built anew; none of the built-in ones.
_REBUILT = 255
# What stands between the phrases of a scope, kept as it is.
_BETWEEN = re.compile(r"(（(?:依法|除依法)[^）]*）|；|。|(?:一般|许可)项目[:：])")


@dataclass(frozen=True, kw_only=True)
class Fared:
    """One fifth.

    Attributes:
        phrases: how many were left out and used.
        kept: part of the dictionary's gain that remains, over all licences.
        least: the same for the licence that keeps least.
        plain: median bytes without a dictionary.
        known: median bytes with the dictionary that knows the phrases.
        heldout: bytes of each licence with the one that does not, ascending.
    """

    phrases: int
    kept: float
    least: float
    plain: float
    known: float
    heldout: Sequence[int]

    @property
    def p95(self) -> int:
        """95th percentile of the bytes."""
        return self.heldout[round(0.95 * (len(self.heldout) - 1))]

    @property
    def beyond(self) -> int:
        """Licences that fit no symbol up to version 23-M."""
        return sum(version(size) == NONE for size in self.heldout)


def builder() -> ModuleType:
    """The script that builds the dictionaries."""
    spec = importlib.util.spec_from_file_location("bench_dictionaries", _BUILDER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fared(part: int, *, licences: int | None = None) -> Fared:
    """Leave out one fifth of the phrases.

    Args:
        part: 0-4; a phrase's hash says to which it belongs.
        licences: how many of the samples to measure; None: all.
    """
    build = builder()
    left_out = {phrase for phrase in build.scope_phrases() if _hash(phrase) % PARTS == part}
    dictionary: str = build.licence(left_out)
    # A shorter phrase may stand inside a longer one that was kept; then it is known after all.
    unknown = sorted((one for one in left_out if one not in dictionary), key=_hash)
    preset = dictionary.encode()
    plain, known, heldout = list[int](), list[int](), list[int]()
    for token in islice(rephrased(unknown), licences):
        plain.append(len(frame.pack(token, None, dictionary=DICTIONARY_NONE)))
        known.append(len(frame.pack(token, None, dictionary=DICTIONARY_LICENCE)))
        heldout.append(len(frame.pack(token, None, dictionary=_REBUILT, later=lambda _: preset)))
    gains = [(p - h) / (p - k) for p, k, h in zip(plain, known, heldout, strict=True)]
    return Fared(
        phrases=len(unknown),
        kept=(sum(plain) - sum(heldout)) / (sum(plain) - sum(known)),
        least=min(gains),
        plain=statistics.median(plain),
        known=statistics.median(known),
        heldout=sorted(heldout),
    )


def rephrased(phrases: Sequence[str]) -> Iterator[str]:
    """Yield each sample licence with every phrase of its scope put in another's place.

    Args:
        phrases: dealt out in turn; a licence takes as many as it had.
    """
    dealt = cycle(phrases)
    for token, _, _ in tokens(KINDS[0]):
        head, payload, signature = token.removesuffix("~").split(".")
        claims = b64u_decode(payload).decode()
        scope = json.loads(claims)["business_scope"]
        pieces = _BETWEEN.split(scope)
        for place in range(0, len(pieces), 2):
            if pieces[place]:
                pieces[place] = next(dealt)
        changed = claims.replace(scope, "".join(pieces))
        yield ".".join((head, b64u_encode(changed.encode()), signature)) + "~"


def version(size: int) -> str:
    """Symbol of a body of so many bytes."""
    try:
        return "{}-{}".format(*symbol_size(*text.to_parts(bytes(size), HOST)))
    except SymbolTooLarge:
        return NONE


def _hash(phrase: str) -> int:
    return int.from_bytes(hashlib.sha256(phrase.encode()).digest(), "big")


def main() -> None:
    """Print a row for each fifth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--licences", type=int, help="how many samples to measure; all of them")
    licences = parser.parse_args().licences
    sys.stdout.write(
        "| fifth | phrases | no dictionary | known | held out, median / p95 / max | gain kept "
        f"| least | p95 | beyond 23-M |\n|{'---|' * 9}\n"
    )
    for part in range(PARTS):
        found = fared(part, licences=licences)
        sizes = f"{statistics.median(found.heldout):.0f} / {found.p95} / {found.heldout[-1]}"
        sys.stdout.write(
            f"| {part + 1} | {found.phrases} | {found.plain:.0f} | {found.known:.0f} | {sizes} "
            f"| {found.kept:.1%} | {found.least:.1%} | {version(found.p95)} | {found.beyond} |\n"
        )


if __name__ == "__main__":
    main()
