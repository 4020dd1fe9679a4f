"""Only text that a person can see counts as text of a page."""

import base64
import io
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
from PIL import Image

from certsvc_sdk import pdf
from certsvc_sdk.errors import FileTooLarge
from certsvc_sdk.file_limits import MAX_CHARACTERS, Budget
from certsvc_sdk.pdf_text import readable_text

Typeset = Callable[..., bytes]
SECRET = "隐藏原文一二三"


def text_of(data: bytes, index: int = 0, budget: Budget | None = None) -> str | None:
    library = pdf.Pdfium()
    with library.document(data) as (document, _), library.page(document, index) as page:
        found = readable_text(page, budget or Budget())
    return None if found is None else "".join(found.split())


def test_what_is_printed_is_read(typeset: Typeset) -> None:
    found = text_of(typeset("公开的字。"))
    assert found is not None
    assert "示例科技有限公司" in found
    assert "公开的字。" in found


HIDING = {
    "white": f"#text(fill: white)[{SECRET}]",
    "nearly-white": f"#text(fill: rgb('#f4f4f4'))[{SECRET}]",
    "transparent": f"#text(fill: rgb(0, 0, 0, 3))[{SECRET}]",
    "one-point": f"#text(size: 1pt)[{SECRET}]",
    "three-points": f"#text(size: 3pt)[{SECRET}]",
    "outside-the-page": f"#place(dx: 30cm)[{SECRET}]",
    "clipped": (
        f"#box(width: 1pt, height: 1pt, clip: true)[#place(dx: 5pt)[#box(width: 9cm)[{SECRET}]]]"
    ),
    "under-a-shape": (
        f"#place[{SECRET}] #place(dx: -1cm, dy: -1cm, rect(width: 9cm, height: 3cm, fill: white))"
    ),
    "under-a-picture": (
        f"#place[{SECRET}] #place(dy: -1cm, image(bytes(sys.inputs.picture), format: 'svg'))"
    ),
    "under-other-words": (
        f"#place[{SECRET}] #place(dy: -1cm, rect(width: 9cm, height: 3cm, fill: white))"
        " #place[伪造新文四五六]"
    ),
    "other-words-on-top": f"#place[{SECRET}] #place(dx: 2pt, dy: 1pt)[伪造新文四五六]",
}
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="90">'
    '<path fill="#eef" d="M0 0h400v90H0z"/></svg>'
)


@pytest.mark.parametrize("way", HIDING)
def test_what_nobody_sees_is_not_read(typeset: Typeset, way: str) -> None:
    found = text_of(typeset(HIDING[way] + " #v(3cm) 页尾说明", inputs={"picture": PICTURE}))
    assert found is not None
    assert "示例科技有限公司" in found
    assert "页尾说明" in found
    assert SECRET not in found
    assert sum(sign in found for sign in SECRET) <= 1


GIANT = "text(size: 90pt, fill: {fill})[样张]"


def test_a_word_across_the_page_hides_nothing(typeset: Typeset) -> None:
    ground = GIANT.format(fill="rgb('#e8c8c8')")
    found = text_of(typeset(f"#place[#{ground}] #text(size: 9pt)[{SECRET}] #v(3cm) 页尾说明"))
    assert found is not None
    assert SECRET in found
    assert "样张" not in found


def test_a_giant_word_shows_nothing_that_is_hidden(typeset: Typeset) -> None:
    white = f"#place(dy: 3cm)[#text(size: 9pt, fill: white)[{SECRET}]]"
    under = "#text(size: 90pt, fill: rgb('#e8c8c8'))[一一]"
    found = text_of(typeset(f"{white} #place(dy: 1cm)[{under}] #v(6cm) 页尾说明"))
    assert found is not None
    assert SECRET not in found


def test_under_a_giant_sign_nothing_is_read(typeset: Typeset) -> None:
    block = "#place[#text(size: 90pt, fill: white)[██]]"
    found = text_of(typeset(f"#place(dy: 1cm)[{SECRET}] {block} #v(4cm) 页尾说明"))
    assert found is not None
    assert SECRET not in found


@pytest.mark.parametrize("size", [5, 7, 11, 40])
@pytest.mark.parametrize("fill", ["black", "rgb('#777777')", "rgb('#c01010')", "rgb('#1f3a5f')"])
def test_ordinary_sizes_and_colours_are_read(typeset: Typeset, size: int, fill: str) -> None:
    words = f"#text(size: {size}pt, fill: {fill})[负责人：王，一（二）《三》·四—五]"
    found = text_of(typeset(words))
    assert found is not None
    assert "负责人：王，一（二）《三》·四—五" in found


def test_coloured_grounds_and_white_on_dark_are_read(typeset: Typeset) -> None:
    ground = "#box(fill: rgb('#0d6938'), inset: 4pt)[#text(fill: white)[白底绿字反显]]"
    found = text_of(
        typeset(ground + " #box(fill: rgb('#2a7a2a'))[#text(fill: rgb('#a02020'))[红字绿底]]")
    )
    assert found is not None
    assert "白底绿字反显" in found
    assert "红字绿底" in found


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_and_cropped_pages(typeset: Typeset, turn: int) -> None:
    reader = pypdf.PdfReader(io.BytesIO(typeset("旋转的页面")))
    page = reader.pages[0]
    page.rotate(turn)
    page.cropbox = pypdf.generic.RectangleObject((30, 300, 500, 820))
    writer = pypdf.PdfWriter()
    writer.add_page(page)
    out = io.BytesIO()
    writer.write(out)
    found = text_of(out.getvalue())
    assert found is not None
    assert "示例科技有限公司" in found
    assert "旋转的页面" in found


def test_text_within_forms_is_read(pdf_of: Any, as_stream: Any) -> None:
    words = b"BT /F 20 Tf 40 %d Td (Visible within a form object) Tj ET"
    font = b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]"
    data = pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
        b"/Resources<</XObject<</A 5 0 R>>>>>>",
        as_stream(b"/A Do"),
        as_stream(b"/B Do " + words % 500, form + b"/Resources<</XObject<</B 6 0 R>>" + font[12:]),
        as_stream(words % 300, form + font),
    )
    found = text_of(data)
    assert found == "Visiblewithinaformobject" * 2


def scan_of(words: str, typeset: Typeset, mode: str) -> bytes:
    """A page that is a picture, with text as scanners' programs add it."""
    picture = Image.new("RGB", (600, 850), (250, 250, 245))
    out = io.BytesIO()
    picture.save(out, "PNG")
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="850">'
        '<image width="600" height="850"'
        f' href="data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"/></svg>'
    )
    page = "#place(dx: -2cm, dy: -2cm, image(bytes(sys.inputs.page), format: 'svg', width: 21cm))"
    content = page + words if mode == "over" else words + page
    return typeset(content, lines="", inputs={"page": svg})


@pytest.mark.parametrize("mode", ["under", "over"])
def test_a_scan_has_no_text(typeset: Typeset, mode: str) -> None:
    mark = "由扫描软件生成，版权所有，请勿用于商业用途"
    words = (
        "#place[识别出的文字隐藏在图片下面，识别未必准确]" if mode == "under" else f"#place[{mark}]"
    )
    assert text_of(scan_of(words, typeset, mode)) is None


def test_a_picture_behind_a_certificate_does_not_make_it_a_scan(typeset: Typeset) -> None:
    found = text_of(
        scan_of("#place(block(width: 15cm)[" + "证照文字内容" * 40 + "])", typeset, "over")
    )
    assert found is not None
    assert found.startswith("证照文字内容证照")


def test_little_text_is_no_text(typeset: Typeset) -> None:
    assert text_of(typeset("营业执照 二维码", lines="")) is None
    assert text_of(typeset("", lines="")) is None


def test_only_so_many_characters_are_read(typeset: Typeset) -> None:
    data = typeset("#set text(size: 4.5pt); #lorem(40) " + "#text(fill: white)[一]" * 50)
    assert text_of(data) is not None
    assert MAX_CHARACTERS >= 20_000


def test_no_time_is_left(typeset: Typeset) -> None:
    times = iter([0.0, *[1e9] * 50])
    with pytest.raises(FileTooLarge, match="too long"):
        text_of(typeset(""), budget=Budget(lambda: next(times)))
