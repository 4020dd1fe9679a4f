"""The whole face, printed 40 mm wide and scanned at 300 dpi: every code is read."""

import io
import json
import os

import pypdfium2
import pytest
from degrading.suite import VERSIONS, Chance
from degrading.symbols import SAMPLES, symbol
from PIL import Image

from certsvc.catalogue import Catalogue
from certsvc.face.document import Printed, Typesetter
from certsvc_sdk.image import read_codes

# Pages of each version.
NUMBER = max(1, int(os.environ.get("DEGRADATION_SEEDS", "0")))
DPI = 300
IDENTIFIER = "1.2.156.3005.2.11100000MB0143028R001.119999000000000198.999900000000000001.001.X"
FILES = {"business-licence": "business-licences", "household-register": "households"}


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter()


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.builtin()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("number", range(NUMBER))
def test_a_scanned_page_is_read(
    version: int, number: int, typesetter: Typesetter, catalogue: Catalogue
) -> None:
    text, code = symbol(version, Chance("page", version, number))
    name = list(FILES)[(version + number) % 2]
    lines = (SAMPLES / f"{FILES[name]}.jsonl").read_text("utf-8").splitlines()
    kind = catalogue.get(name)
    claims = kind.normalise(json.loads(lines[(17 * version + number) % len(lines)]))
    page = typesetter.render(
        Printed(
            kind=kind,
            claims=claims,
            identifier=IDENTIFIER,
            issuer_name="示例市市场监督管理局",
            token="eyJ.eyJ.eyJ~",
            issued_at=1_793_491_200,
            check_url="https://certs.example/v",
            symbol=code,
        )
    )
    found = [one for one in read_codes(scanned(page)) if one.kind == "qr"]
    assert [one.text for one in found if not one.is_broken] == [text]
    left, top, right, bottom = found[0].position or (0, 0, 0, 0)
    # The dark square: without the quiet zone of four modules on each side.
    wanted = 40 * (code.side - 8) / code.side
    for side in (right - left, bottom - top):
        assert side / DPI * 25.4 == pytest.approx(wanted, abs=0.4)


def scanned(pdf: bytes) -> bytes:
    """The first page as a scanner's JPEG in colour."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        picture: Image.Image = document[0].render(scale=DPI / 72).to_pil()
    finally:
        document.close()
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=75)
    return out.getvalue()
