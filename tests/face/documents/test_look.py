"""What a typographer would refuse: text outside the frame, over other text, or over the code."""

import dataclasses
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from certsvc.face.document import Printed, Typesetter
from certsvc.face.ornament import BAND_MM, EDGE_MM
from certsvc_sdk import typedcode
from certsvc_sdk.file_limits import Budget
from certsvc_sdk.paper import missing_claims
from certsvc_sdk.pdf import Pdfium
from certsvc_sdk.pdf_text import readable_text

_POINTS = 72 / 25.4
_DPI = 200
# Glyphs may touch, never cover one another; in points.
_TOUCH = 0.6

Box = tuple[float, float, float, float]


def _boxes(page: pypdfium2.PdfPage) -> list[tuple[Box, str]]:
    """Boxes of the text (left, bottom, right, top, in points), one for each run on a line."""
    text = page.get_textpage()
    boxes = []
    for index in range(text.count_rects()):
        box = text.get_rect(index)
        boxes.append((box, text.get_text_bounded(*box)))
    return boxes


def _cover(one: Box, other: Box) -> bool:
    across = min(one[2], other[2]) - max(one[0], other[0])
    upright = min(one[3], other[3]) - max(one[1], other[1])
    return across > _TOUCH and upright > _TOUCH


def _pages(pdf: bytes) -> Iterator[pypdfium2.PdfPage]:
    document = pypdfium2.PdfDocument(pdf)
    for index in range(len(document)):
        yield document[index]


@pytest.fixture
def plain(
    specimen: str,
    specimens: dict[str, Any],
    document: Callable[[str], bytes],
    typesetter: Typesetter,
) -> bytes:
    """The specimen's document without the words across it: those cover text by intent."""
    one: Printed = specimens[specimen]
    if not one.demo and one.overprint is None:
        return document(specimen)
    return typesetter.render(dataclasses.replace(one, demo=False, overprint=None))


def _check_frame(pdf: bytes) -> None:
    for page in _pages(pdf):
        width, height = page.get_size()
        inside = (EDGE_MM + BAND_MM) * _POINTS
        for (left, bottom, right, top), words in _boxes(page):
            assert left >= inside - _TOUCH, words
            assert right <= width - inside + _TOUCH, words
            assert bottom >= inside - _TOUCH, words
            assert top <= height - inside + _TOUCH, words


def _check_overlap(pdf: bytes) -> None:
    for page in _pages(pdf):
        for (one, words), (other, more) in combinations(_boxes(page), 2):
            assert not _cover(one, other), f"{words!r} and {more!r}"


def test_text_stays_inside_the_frame(plain: bytes) -> None:
    _check_frame(plain)


def test_no_text_covers_other_text(plain: bytes) -> None:
    _check_overlap(plain)


def test_the_words_across_a_demonstration_are_found_to_cover_text(
    document: Callable[[str], bytes],
) -> None:
    page = next(_pages(document("06-duplicate-demo-seal")))
    assert any(_cover(one, other) for (one, _), (other, _) in combinations(_boxes(page), 2))


def _symbols(pdf: bytes) -> list[zxingcpp.Barcode]:
    page = next(_pages(pdf))
    image = page.render(scale=_DPI / 72).to_pil()
    return list(zxingcpp.read_barcodes(image))


def _corners(symbol: zxingcpp.Barcode) -> Box:
    at = symbol.position
    corners = (at.top_left, at.top_right, at.bottom_left, at.bottom_right)
    xs, ys = [corner.x for corner in corners], [corner.y for corner in corners]
    return min(xs), min(ys), max(xs), max(ys)


def test_both_codes_are_read_and_nothing_stands_on_them(
    specimen: str, specimens: dict[str, Any], document: Callable[[str], bytes]
) -> None:
    printed: Printed = specimens[specimen]
    pdf = document(specimen)
    symbols = {symbol.format: symbol for symbol in _symbols(pdf)}
    qr = symbols[zxingcpp.BarcodeFormat.QRCode]
    assert qr.text.startswith(f"{printed.check_url}#")
    if printed.typed_code is not None:
        assert symbols[zxingcpp.BarcodeFormat.Code128].text == typedcode.digits(
            typedcode.read(printed.typed_code)
        )
    page = next(_pages(pdf))
    height = page.get_size()[1]
    for symbol, quiet in (
        (qr, 4 * printed.symbol.print_mm / printed.symbol.side),
        *((one, 2.5) for one in symbols.values() if one is not qr),
    ):
        left, top, right, bottom = (72 / _DPI * edge for edge in _corners(symbol))
        white = (quiet - 0.4) * _POINTS
        across = white if symbol is qr else 0
        box = (left - white, height - bottom - across, right + white, height - top + across)
        for other, words in _boxes(page):
            assert not _cover(box, other), words


def test_qr_is_forty_millimetres_wide(
    specimens: dict[str, Any], document: Callable[[str], bytes]
) -> None:
    printed: Printed = specimens["01-longest-scope"]
    symbol = next(
        one
        for one in _symbols(document("01-longest-scope"))
        if one.format == zxingcpp.BarcodeFormat.QRCode
    )
    left, _, right, _ = _corners(symbol)
    modules = printed.symbol.side - 8
    side = (right - left) / _DPI * 25.4 * printed.symbol.side / modules
    assert side == pytest.approx(40, abs=0.4)


def _squeezed(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def _values(claims: object) -> Iterator[str]:
    if isinstance(claims, dict):
        for value in claims.values():
            yield from _values(value)
    elif isinstance(claims, list):
        for value in claims:
            yield from _values(value)
    else:
        yield str(claims)


def test_every_claim_can_be_extracted(
    specimen: str, specimens: dict[str, Any], document: Callable[[str], bytes]
) -> None:
    printed: Printed = specimens[specimen]
    # pdfium takes a hyphen at the end of a line for one that may go.
    text = "".join(page.get_textpage().get_text_range() for page in _pages(document(specimen)))
    text = _squeezed(text.replace("\ufffe", "-"))
    for value in _values(printed.claims):
        found = re.fullmatch(r"(\d{4})-0?(\d+)-0?(\d+)", value)
        shown = "{}年{}月{}日".format(*found.groups()) if found else value
        assert _squeezed(shown) in text, value
    for always in (printed.identifier, printed.check_url, printed.typed_code or ""):
        assert always in text


def test_longest_texts_of_the_samples_need_no_second_page(
    document: Callable[[str], bytes],
) -> None:
    assert len(list(_pages(document("01-longest-scope")))) == 1
    assert len(list(_pages(document("05-licence-both-languages")))) == 1


def test_what_does_not_fit_moves_whole_to_an_annex(document: Callable[[str], bytes]) -> None:
    first, second = _pages(document("04-two-thousand-characters"))
    assert "见附页" in first.get_textpage().get_text_range()
    assert "附页" in second.get_textpage().get_text_range()


def test_pages_are_numbered(document: Callable[[str], bytes]) -> None:
    pages = [
        _squeezed(page.get_textpage().get_text_range())
        for page in _pages(document("08-twelve-full-members"))
    ]
    assert len(pages) > 2
    for number, text in enumerate(pages, start=1):
        assert f"第{number}页共{len(pages)}页" in text


def _type(specimens_module: ModuleType, change: Callable[[dict[str, Any]], None]) -> Any:
    """The department's own type after a change, with its example as claims."""
    text = Path(__file__).with_name("own-type.json").read_text("utf-8")
    document = json.loads(text)
    change(document)
    kind = specimens_module.own_type(**document)
    return specimens_module.printed(kind, document["example"]["claims"], language="zh-en")


def _long_names(document: dict[str, Any]) -> None:
    document["titles"] = {"zh": "超长证照名称" * 40, "en": "Very long title " * 20}
    for one in document["schema"]["properties"].values():
        one["x-label"] = {"zh": "长标签文字" * 30, "en": "Long label " * 20}


def _long_values(document: dict[str, Any]) -> None:
    properties = document["schema"]["properties"]
    outlet = properties["outlets"]["items"]["properties"]
    for node in (properties["premises"], outlet["remark"], outlet["item"]):
        node["maxLength"] = 10_000
    claims = document["example"]["claims"]
    claims["premises"] = "长地址文字" * 800
    claims["outlets"][0]["remark"] = "很长的备注" * 800
    claims["outlets"][1]["item"] = "W" * 3000


def _too_much_for_one_page(document: dict[str, Any]) -> None:
    _long_values(document)
    each = "/outlets/*"
    document["face"] = {
        "orientation": "landscape",
        "head": [{"claim": "/permit_number"}, {"claim": "/premises"}],
        "sections": [
            {
                "fields": [
                    {"claim": "/operator/name"},
                    {"claim": "/operator/code"},
                    {"claim": "/trades/*", "wide": True},
                    {"claim": "/valid_to", "form": "date"},
                ]
            },
            {
                "each": each,
                "heading": [{"claim": f"{each}/item"}],
                "fields": [
                    {"claim": f"{each}/remark", "wide": True},
                    {"claim": f"{each}/supervisors/*"},
                ],
            },
        ],
    }


@pytest.mark.parametrize("change", [_long_names, _long_values, _too_much_for_one_page])
def test_nothing_a_type_may_say_leaves_the_page(
    specimens_module: ModuleType,
    typesetter: Typesetter,
    change: Callable[[dict[str, Any]], None],
) -> None:
    printed = _type(specimens_module, change)
    pdf = typesetter.render(printed)
    _check_frame(pdf)
    _check_overlap(pdf)


def test_every_claim_at_its_longest_stays_on_the_page(
    specimens_module: ModuleType, typesetter: Typesetter
) -> None:
    licence = specimens_module.LICENCE
    properties = licence.definition.claims.properties
    for sign in "国W":
        claims = {
            name: sign * node.max_length
            if node.max_length
            else licence.definition.example.claims[name]
            for name, node in properties.items()
        }
        pdf = typesetter.render(specimens_module.printed(licence, claims))
        _check_frame(pdf)
        _check_overlap(pdf)


def test_readers_find_every_claim_on_the_page(
    specimen: str, specimens: dict[str, Any], document: Callable[[str], bytes]
) -> None:
    library = Pdfium()
    with library.document(document(specimen)) as (opened, count):
        pages = []
        for index in range(count):
            with library.page(opened, index) as page:
                pages.append(readable_text(page, Budget()) or "")
    assert missing_claims(specimens[specimen].claims, pages) == ()
