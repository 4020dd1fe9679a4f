"""The information floor of a QR frame: `python -m bench.qr_floor`.

It is what PPMd makes of the text, primed with the same dictionary, and the signature.

PPMd predicts each byte from those before it and needs no code tables, so it comes far nearer to
what a text holds than DEFLATE can; no browser reads it, though.
"""

import statistics
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import pyppmd

from bench.qr_sizes import KINDS, Kind, spread, tokens
from certsvc_sdk.qr import dictionaries, frame

# What packs these texts smallest; longer contexts gain nothing.
_ORDER = 8
_MEMORY = 16 << 20
_SIGNATURE = 64
_HEAD, _TAIL = 3, _SIGNATURE + 2


@dataclass(frozen=True, slots=True)
class Measured:
    """Bytes of one token's frame, and its floor."""

    body: int
    floor: int

    @property
    def ratio(self) -> float:
        """The frame's bytes to the floor's."""
        return self.body / self.floor


def floors(kind: Kind, *, every: int = 1) -> list[Measured]:
    """Frame and floor of each sample, or of every n-th one.

    Args:
        kind: type of certificate.
        every: take one of so many samples.
    """
    preset = dictionaries.load(kind.dictionary)
    measured = []
    for token, seed, _ in islice(tokens(kind), 0, None, every):
        body = frame.pack(token, seed, dictionary=kind.dictionary)
        stream = _stream(body, preset, seeded=seed is not None)
        measured.append(Measured(len(body), _packed(preset, stream) + _SIGNATURE))
    return measured


def median_ratio(measured: Iterable[Measured]) -> float:
    """The median over the samples."""
    return statistics.median(one.ratio for one in measured)


def _stream(body: bytes, preset: bytes, *, seeded: bool) -> bytes:
    start = _HEAD + (frame.SEED_BYTES if seeded else 0)
    return zlib.decompressobj(-zlib.MAX_WBITS, preset).decompress(body[start:-_TAIL])


def _packed(preset: bytes, stream: bytes) -> int:
    """Bytes that the stream takes behind its dictionary."""
    return _ppmd(preset + stream) - _primed(preset)


@lru_cache(maxsize=4)
def _primed(preset: bytes) -> int:
    return _ppmd(preset)


def _ppmd(data: bytes) -> int:
    encoder = pyppmd.Ppmd7Encoder(_ORDER, _MEMORY)
    return len(encoder.encode(data)) + len(encoder.flush())


def main() -> None:
    """Print a table row for each type."""
    sys.stdout.write(
        "| | body, median / p95 / max | floor | ratio, median / p95 / max |\n|---|---|---|---|\n"
    )
    for kind in KINDS:
        measured = floors(kind)
        ratios = sorted(one.ratio for one in measured)
        p95 = ratios[round(0.95 * (len(ratios) - 1))]
        sys.stdout.write(
            f"| {kind.title} | {spread([one.body for one in measured])} "
            f"| {spread([one.floor for one in measured])} "
            f"| {statistics.median(ratios):.3f} / {p95:.3f} / {ratios[-1]:.3f} |\n"
        )


if __name__ == "__main__":
    main()
