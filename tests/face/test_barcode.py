"""The typed code's barcode: what it holds, how wide it is, and that it is read back."""

import io
import itertools

import pytest
import zxingcpp
from PIL import Image

from certsvc.face import barcode
from certsvc_sdk import typedcode
from certsvc_sdk.errors import NotACertificate, Unreadable

CODES = [typedcode.of(f"{number}~") for number in range(40)]
# ISO/IEC 15417, table 1: widths of start C, stop, and of the pairs 00 and 99.
START_C, STOP = "211232", "2331112"


def drawn(symbol: barcode.Barcode, scale: int, height: int) -> Image.Image:
    picture = Image.new("L", (symbol.modules * scale, height), 255)
    for start, width in symbol.bars:
        picture.paste(0, (start * scale, 0, (start + width) * scale, height))
    return picture


def read(picture: Image.Image) -> list[tuple[str, str]]:
    return [(one.text, str(one.format)) for one in zxingcpp.read_barcodes(picture)]


@pytest.mark.parametrize("code", CODES[:12])
def test_it_is_read_back(code: str) -> None:
    symbol = barcode.barcode(typedcode.grouped(code))
    (found,) = read(drawn(symbol, 3, 80))
    assert found == (typedcode.digits(code), "Code 128")
    assert typedcode.read(found[0]) == code


def test_its_form_is_that_of_the_standard() -> None:
    for code in CODES:
        symbol = barcode.barcode(code)
        edges = [edge for start, width in symbol.bars for edge in (start, start + width)]
        widths = "".join(str(after - before) for before, after in itertools.pairwise(edges))
        assert (edges[0], symbol.modules - edges[-1]) == (10, 10)
        assert widths.startswith(START_C)
        assert widths.endswith(STOP)
        # Start, ten pairs, check: six elements of eleven modules; the stop has seven of thirteen.
        assert len(widths) == 12 * 6 + 7
        for at in range(0, 12 * 6, 6):
            assert sum(map(int, widths[at : at + 6])) == 11
        assert symbol.modules == barcode.MODULES == 165
    assert barcode.barcode(CODES[0]).width_mm() == 41.25


def test_a_printed_and_scanned_one_is_read() -> None:
    """0.25 mm at 300 dpi is 2.95 pixels a module: the edges fall between pixels."""
    for code in CODES[:12]:
        whole = drawn(barcode.barcode(code), 16, 16 * 28)
        size = round(41.25 / 25.4 * 300), round(7 / 25.4 * 300)
        page = Image.new("L", (800, 300), 255)
        page.paste(whole.resize(size, Image.Resampling.LANCZOS), (100, 80))
        photo = io.BytesIO()
        page.rotate(2, fillcolor=255, resample=Image.Resampling.BICUBIC).save(photo, "JPEG")
        assert read(Image.open(photo)) == [(typedcode.digits(code), "Code 128")]


def test_the_svg_has_its_size_and_bars() -> None:
    symbol = barcode.barcode(CODES[0])
    text = barcode.svg(symbol)
    assert 'width="41.25mm" height="7mm" viewBox="0 0 165 1"' in text
    assert text.count("M") == len(symbol.bars)
    for start, width in symbol.bars:
        assert f"M{start} 0h{width}v1h-{width}z" in text
    assert 'width="54.45mm"' in barcode.svg(symbol, module_mm=0.33)


def test_what_is_no_code_is_not_drawn() -> None:
    code = CODES[0]
    with pytest.raises(Unreadable):
        barcode.barcode(code[1:])
    with pytest.raises(NotACertificate):
        barcode.barcode("https://certs.example/")
