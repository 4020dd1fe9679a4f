"""P9: the certificate's face as PDF, set by a warm typesetter."""

import json
import time
from collections.abc import Iterator
from itertools import cycle, islice

from bench.harness import Effort, Result, Row, Slice, measure
from bench.qr_sizes import BASE, FIRST_IAT, HOST, KINDS, SAMPLES, Kind, tokens
from bench.world import World
from certsvc.catalogue import Catalogue
from certsvc.face.document import Printed, Typesetter
from certsvc.face.qr import qr_symbol
from certsvc_sdk import typedcode
from certsvc_sdk.qr import frame, text

_SAMPLES = 12
_TYPES = ("business-licence", "household-register")
#: Names of the rows, one a type.
NAMES = ("licence: face as PDF", "household: face as PDF")


def printed(_: World, effort: Effort) -> list[Result]:
    """Rows of both types; a row's call is one sample after another."""
    typesetter = Typesetter()
    rows = [
        Row(
            name=name,
            run=_set(typesetter, list(islice(faces(kind, title), _SAMPLES))),
            base=name,
            ours=True,
        )
        for name, kind, title in zip(NAMES, KINDS, _TYPES, strict=True)
    ]
    results = measure("face", rows, effort)
    for result in results:
        result.extra["ms"] = 1000 / result.rate
    return results


def _set(typesetter: Typesetter, chosen: list[Printed]) -> Slice:
    """Documents in processor time of all threads: the typesetter has its own."""
    turn = cycle(chosen)
    typesetter.render(next(turn))

    def run(count: int) -> float:
        began = time.process_time()
        for _ in range(count):
            typesetter.render(next(turn))
        return time.process_time() - began

    return run


def faces(kind: Kind, title: str) -> Iterator[Printed]:
    """Every sample of a type, as it would be printed."""
    certificate_type = Catalogue.builtin().get(title)
    lines = (SAMPLES / kind.file).read_text("utf-8").splitlines()
    for line, (token, seed, claims) in zip(lines, tokens(kind), strict=True):
        packed = frame.pack(token, seed, dictionary=kind.dictionary)
        yield Printed(
            kind=certificate_type,
            claims=certificate_type.normalise(json.loads(line)),
            identifier=str(claims["certificate_identifier"]),
            issuer_name="示例市市场监督管理局",
            token=token,
            issued_at=FIRST_IAT,
            check_url=f"{BASE}v",
            symbol=qr_symbol(*text.to_parts(packed, HOST)),
            typed_code=typedcode.grouped(typedcode.of(token)),
        )
