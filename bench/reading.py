"""P9: a page scanned at 300 dpi, read with the SDK."""

import io
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import pypdfium2
from PIL import Image

from bench.face import faces
from bench.harness import Effort, Result, Row, calls, measure
from bench.qr_sizes import KINDS
from bench.world import World
from certsvc.face.document import Printed, Typesetter
from certsvc_sdk.errors import NoCodeFound
from certsvc_sdk.image import read_codes

DPI = 300
_TYPES = ("business-licence", "household-register")
#: Names of the rows, one a type; and the same page without a code.
NAMES = ("licence: scanned page read", "household: scanned page read")
BLANK = "scanned page without a code"


def scanned(_: World, effort: Effort) -> list[Result]:
    """Rows of both types, to what decoding the file alone takes."""
    typesetter = Typesetter()
    rows: list[Row] = []
    for name, kind, title in zip(NAMES, KINDS, _TYPES, strict=True):
        face = next(iter(islice(faces(kind, title), 1)))
        rows += _rows(name, scan(typesetter, face))
    blank = io.BytesIO()
    Image.new("RGB", (2480, 3508), "white").save(blank, "JPEG")
    rows += _rows(BLANK, blank.getvalue())
    results = measure("reading", rows, effort)
    for result in results:
        result.extra["ms"] = 1000 / result.rate
    return results


def scan(typesetter: Typesetter, face: Printed) -> bytes:
    """The first page as a scanner files it: a colour JPEG of an A4 page."""
    document = pypdfium2.PdfDocument(typesetter.render(face))
    try:
        picture = document[0].render(scale=DPI / 72).to_pil()
    finally:
        document.close()
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=75)
    return out.getvalue()


def _rows(name: str, data: bytes) -> Iterator[Row]:
    def decode() -> None:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()

    def read() -> None:
        with suppress(NoCodeFound):
            read_codes(data)

    base = f"{name}: file decoded"
    yield Row(name=base, run=calls(decode), base=base)
    yield Row(name=name, run=calls(read), base=base, note="A4, colour JPEG", ours=True)
