"""P9: QR codes made, rendered and read; their bytes beside the information floor."""

import statistics
import zlib
from collections.abc import Iterator
from itertools import cycle, islice

from bench import qr_floor, qr_heldout
from bench.harness import Effort, Result, Row, calls, measure
from bench.qr_sizes import HOST, KINDS, Kind, tokens
from bench.world import World
from certsvc.face.qr import qr_symbol, svg
from certsvc_sdk.qr import dictionaries, frame, text

#: Names of the rows that carry sizes.
LICENCE, HOUSEHOLD = "licence", "household"
NAMES = (LICENCE, HOUSEHOLD)
_SAMPLES = 30
# Licences of a quick run, and one of how many samples it takes for the floor.
_QUICK_LICENCES, _QUICK_EVERY = 5, 60


def coded(_: World, effort: Effort) -> list[Result]:
    """Rows of both types; a row's call is one sample after another."""
    rows = [row for name, kind in zip(NAMES, KINDS, strict=True) for row in _rows(name, kind)]
    results = measure("qr", rows, effort)
    for result in results:
        result.extra["ms"] = 1000 / result.rate
    by_name = {result.name: result for result in results}
    for name, kind in zip(NAMES, KINDS, strict=True):
        sizes = qr_floor.floors(kind, every=_QUICK_EVERY if effort.quick else 1)
        extra = by_name[made(name)].extra
        extra["bytes"] = statistics.median(one.body for one in sizes)
        extra["body / floor"] = qr_floor.median_ratio(sizes)
    parts = range(1 if effort.quick else qr_heldout.PARTS)
    licences = _QUICK_LICENCES if effort.quick else None
    kept = min(qr_heldout.fared(part, licences=licences).kept for part in parts)
    by_name[made(LICENCE)].extra["gain kept"] = kept
    return results


def made(name: str) -> str:
    """Name of the row that goes the whole way from token to drawing."""
    return f"{name}: code made and rendered"


def _rows(name: str, kind: Kind) -> Iterator[Row]:
    preset = dictionaries.load(kind.dictionary)
    samples = [(token, seed) for token, seed, _ in islice(tokens(kind), _SAMPLES)]
    bodies = cycle([frame.pack(*sample, dictionary=kind.dictionary) for sample in samples])
    pairs = cycle(samples)

    def deflate() -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, 0, preset)
        packer.compress(next(pairs)[0].encode())
        packer.flush()

    def pack() -> bytes:
        return frame.pack(*next(pairs), dictionary=kind.dictionary)

    def render() -> None:
        svg(qr_symbol(*text.to_parts(pack(), HOST)))

    base = f"{name}: token deflated by zlib"
    yield Row(name=base, run=calls(deflate), base=base)
    yield Row(name=f"{name}: frame packed", run=calls(pack), base=base, ours=True)
    read = calls(lambda: frame.unpack(next(bodies)))
    yield Row(name=f"{name}: frame read", run=read, base=base, ours=True)
    note = "pack, symbol, SVG"
    yield Row(name=made(name), run=calls(render), base=base, note=note, ours=True)
