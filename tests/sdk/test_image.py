"""Real symbols, printed, photographed, stamped and filed, are read back; the rest is refused."""

import io
import math
import struct
import threading
import zlib
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
import qrcode
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from qrcode.util import QRData

from certsvc.face import png, qr_symbol
from certsvc_sdk import contents, file_limits, pdf, pdf_contents, scanning
from certsvc_sdk import image as reader
from certsvc_sdk.errors import (
    CertsvcError,
    FileTooLarge,
    FileUnsupported,
    ImageUnreadable,
    NoCodeFound,
)
from certsvc_sdk.file_limits import Budget
from certsvc_sdk.image import Code, read_codes

PREFIX = "https://certs.example/v#"
WHITE = (255, 255, 255)


def digits(count: int, seed: int = 7) -> str:
    return str(pow(seed, 4 * count + 10, 10**count)).zfill(count)


def symbol(count: int = 884, *, seed: int = 7, scale: int = 5) -> Image.Image:
    """A symbol as a colour picture."""
    data = png(qr_symbol(PREFIX, digits(count, seed)), scale=scale)
    return Image.open(io.BytesIO(data)).convert("RGB")


def saved(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def page(*placed: tuple[Image.Image, tuple[int, int]]) -> Image.Image:
    """An A4 page at 300 dpi with pictures on it, each 40 mm square."""
    sheet = Image.new("RGB", (2480, 3508), WHITE)
    draw = ImageDraw.Draw(sheet)
    for line in range(40):
        draw.line((200, 300 + 60 * line, 1600, 300 + 60 * line), fill=(60, 60, 60), width=6)
    for picture, place in placed:
        sheet.paste(picture.resize((472, 472), Image.Resampling.LANCZOS), place)
    return sheet


def stamped(picture: Image.Image, opacity: int) -> Image.Image:
    """A round red seal with a star over the middle of the picture."""
    seal = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(seal)
    side = picture.width
    red = (220, 20, 30, opacity)
    draw.ellipse((side * 0.1, side * 0.1, side * 0.9, side * 0.9), outline=red, width=side // 12)
    corners = [(math.sin(n * 0.8 * math.pi), -math.cos(n * 0.8 * math.pi)) for n in range(5)]
    draw.polygon([(side * (0.5 + 0.28 * x), side * (0.5 + 0.28 * y)) for x, y in corners], fill=red)
    return Image.alpha_composite(picture.convert("RGBA"), seal).convert("RGB")


def inked(picture: Image.Image) -> Image.Image:
    """The same seal in ink: what is black stays black."""
    return ImageChops.multiply(picture, stamped(Image.new("RGB", picture.size, WHITE), 255))


def only_text(data: bytes) -> str:
    codes = read_codes(data)
    assert len(codes) == 1
    return codes[0].text


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("count", [60, 884, 1700])
def test_every_format(form: str, count: int) -> None:
    codes = read_codes(saved(symbol(count), form))
    assert [code.text for code in codes] == [PREFIX + digits(count)]
    assert codes[0].page is None


def test_position_of_the_box() -> None:
    code = read_codes(saved(page((symbol(), (1800, 2800)))))[0]
    for found, expected in zip(code.position, (1800, 2800, 2272, 3272), strict=True):
        assert abs(found - expected) < 40
    assert code.position[0] < code.position[2]
    assert code.position[1] < code.position[3]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_every_colour_mode(mode: str) -> None:
    form = "TIFF" if mode in {"CMYK", "I;16"} else "PNG"
    picture = symbol().convert("L")
    if mode == "I;16":
        wide = b"".join(struct.pack("<H", 257 * value) for value in picture.tobytes())
        picture = Image.frombytes("I;16", picture.size, wide)
    else:
        picture = picture.convert(mode)
    assert only_text(saved(picture, form)) == PREFIX + digits(884)


def test_transparent_background_is_white() -> None:
    picture = symbol().convert("L")
    alpha = picture.point(lambda value: 255 - value)
    clear = Image.merge("LA", (Image.new("L", picture.size, 0), alpha))
    assert only_text(saved(clear)) == PREFIX + digits(884)


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_rotation(turn: int) -> None:
    picture = page((symbol(), (300, 400)))
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = picture
    for step in undo.get(turn, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = turn
    code = read_codes(saved(stored, "JPEG", quality=90, exif=exif))[0]
    assert code.text == PREFIX + digits(884)
    assert abs(code.position[0] - 300) < 40
    assert abs(code.position[1] - 400) < 40


BROKEN_EXIF = b"Exif\0\0" + b"II*\0\xff\xff\xff\x7f" + b"\xff" * 40


# Pillow warns while it opens the file and goes on without the data.
@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")
def test_broken_exif_in_a_jpeg_only_loses_the_rotation() -> None:
    assert only_text(saved(symbol(), "JPEG", exif=BROKEN_EXIF)) == PREFIX + digits(884)


def test_broken_exif_in_a_png_only_loses_the_rotation() -> None:
    assert only_text(saved(symbol(), exif=BROKEN_EXIF)) == PREFIX + digits(884)


@pytest.mark.parametrize("count", [884, 1212, 1700])
@pytest.mark.parametrize("opacity", [120, 160, None])
def test_red_stamp_over_the_code(count: int, opacity: int | None) -> None:
    """A seal drawn half transparent by software, and one of real ink (None)."""
    picture = inked(symbol(count)) if opacity is None else stamped(symbol(count), opacity)
    sheet = page((picture, (1200, 900)))
    assert only_text(saved(sheet)) == PREFIX + digits(count)
    assert only_text(saved(sheet, "PDF", resolution=300)) == PREFIX + digits(count)


def test_ink_is_read_in_the_red_channel() -> None:
    sheet = page((inked(symbol(1212)), (1200, 900)))
    (seen,) = scanning.scan(sheet.convert("L"), None, 1)
    assert seen.is_broken
    (read,) = scanning.scan(sheet.getchannel("R"), None, 1)
    assert read.text == PREFIX + digits(1212)


@pytest.mark.parametrize("angle", [3, 45, 90, 180, 200])
def test_turned_paper(angle: int) -> None:
    sheet = symbol(1212, scale=6).rotate(
        angle, expand=True, fillcolor=WHITE, resample=Image.Resampling.BICUBIC
    )
    assert only_text(saved(sheet, "JPEG")) == PREFIX + digits(1212)


def test_blurred_noisy_photo() -> None:
    picture = symbol(884, scale=8).filter(ImageFilter.GaussianBlur(2))
    noise = Image.effect_noise(picture.size, 60).convert("RGB")
    assert only_text(saved(Image.blend(picture, noise, 0.35), "JPEG", quality=60))


def test_small_screenshot_is_enlarged(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[int, int]] = []
    scan = scanning.scan

    def watching(picture: Image.Image, number: int | None, unit: float) -> list[Code]:
        tried.append(picture.size)
        return scan(picture, number, unit)

    monkeypatch.setattr(scanning, "scan", watching)
    with pytest.raises(NoCodeFound):
        read_codes(saved(Image.new("RGB", (100, 60), WHITE)))
    again = [(200, 120), (300, 180)]
    assert tried == [(100, 60)] * 2 + [(50, 30)] * 2 + [(200, 120)] * 2 + again


def test_scaled_positions_are_those_of_the_picture() -> None:
    picture = page((symbol(), (300, 400))).convert("L")
    codes = scanning.read_picture(picture, 3, 1.0, (0.0001, 0.5), Budget())
    assert codes[0].page == 3
    assert abs(codes[0].position[0] - 300) < 40


def test_several_codes_in_reading_order() -> None:
    sheet = page(
        (symbol(300, seed=3), (1900, 2900)),
        (symbol(300, seed=7), (200, 2850)),
        (symbol(300, seed=9), (1900, 100)),
    )
    assert [code.text for code in read_codes(saved(sheet))] == [
        PREFIX + digits(300, seed) for seed in (9, 7, 3)
    ]


def test_pdf_pages_and_points() -> None:
    first = page((symbol(884, seed=7), (1800, 2800)))
    blank = page()
    third = page((symbol(1212, seed=3), (200, 200)))
    data = saved(first, "PDF", resolution=300, save_all=True, append_images=[blank, third])
    codes = read_codes(data)
    assert [(code.page, code.text) for code in codes] == [
        (1, PREFIX + digits(884, 7)),
        (3, PREFIX + digits(1212, 3)),
    ]
    # 1800 pixels at 300 dpi are 432 points.
    assert abs(codes[0].position[0] - 432) < 12
    assert abs(codes[0].position[1] - 672) < 12


def test_tiff_pages() -> None:
    first, second = symbol(300, seed=3), symbol(300, seed=7)
    data = saved(first, "TIFF", save_all=True, append_images=[second])
    assert [(code.page, code.text) for code in read_codes(data)] == [
        (1, PREFIX + digits(300, 3)),
        (2, PREFIX + digits(300, 7)),
    ]


def test_pdf_falls_back_to_other_resolutions(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float] = []
    render = pdf.Pdfium.render

    def watching(self: Any, document: Any, index: int, dpi: float, budget: Any) -> Any:
        tried.append(dpi)
        return render(self, document, index, dpi, budget)

    monkeypatch.setattr(pdf.Pdfium, "render", watching)
    blank = saved(Image.new("RGB", (300, 300), WHITE), "PDF", resolution=300)
    assert pdf_contents.read_pdf(blank, Budget()).codes == ()
    assert tried == [300, 200, 400, 100]


def test_pdfs_in_several_threads() -> None:
    data = saved(page((symbol(), (200, 200))), "PDF", resolution=300)
    found: list[str] = []

    def work() -> None:
        found.extend(code.text for code in read_codes(data))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [PREFIX + digits(884)] * 4


def test_codes_of_other_kinds_and_encodings() -> None:
    foreign = qrcode.QRCode(border=4, box_size=4)
    foreign.add_data("https://example.org/支付")
    out = io.BytesIO()
    foreign.make_image().save(out)
    assert only_text(out.getvalue()) == "https://example.org/支付"
    binary = qrcode.QRCode(border=4, box_size=4)
    binary.add_data(QRData(b"\xff\xfe\xfd", mode=4), optimize=0)
    out = io.BytesIO()
    binary.make_image().save(out)
    (code,) = read_codes(out.getvalue())
    assert not code.is_broken
    assert code.text == "\ufffd" * 3


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size, with next to nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


# Above our cap, above Pillow's warning, above Pillow's error.
@pytest.mark.parametrize("side", [6400, 10_000, 20_000, 60_000])
def test_decompression_bombs_are_refused_before_decoding(side: int) -> None:
    with pytest.raises(FileTooLarge):
        read_codes(png_header(side, side))


def pdf_of(width: float, height: float, pages: int = 1) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(width, height)
    out = io.BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def drawn_pdf(content: bytes) -> bytes:
    """A PDF of one page, without a cross-reference table, which readers rebuild."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[4 0 R]>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Contents 3 0 R>>",
    )
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (n, obj) for n, obj in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R>>\n%%EOF"


def many_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    good = saved(Image.new("L", (64, 64), 99), "JPEG", progressive=True)
    last = good.rindex(b"\xff\xda")
    return good[:last] + good[last:-2] * count + good[-2:]


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)

REFUSED: dict[str, tuple[Callable[[], bytes], type[CertsvcError]]] = {
    "empty": (lambda: b"", FileUnsupported),
    "text": (lambda: b"hello", FileUnsupported),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", FileUnsupported),
    "heic": (lambda: HEIC, FileUnsupported),
    "zip": (lambda: b"PK\x03\x04" + bytes(60), FileUnsupported),
    "riff-but-not-webp": (lambda: b"RIFF\0\0\0\0WAVE" + bytes(60), FileUnsupported),
    "too-many-bytes": (lambda: bytes(reader.MAX_FILE_BYTES + 1), FileTooLarge),
    "no-code": (lambda: saved(Image.new("L", (200, 200), 255)), NoCodeFound),
    "one-pixel": (lambda: saved(Image.new("L", (1, 1), 255)), NoCodeFound),
    "png-cut": (lambda: saved(symbol())[:500], ImageUnreadable),
    "jpeg-cut": (lambda: saved(symbol(), "JPEG")[:500], ImageUnreadable),
    "gif-header-only": (lambda: b"GIF89a", ImageUnreadable),
    "tiff-broken": (lambda: b"II*\0" + b"\xff" * 60, ImageUnreadable),
    "pdf-header-only": (lambda: b"%PDF-1.7\n", ImageUnreadable),
    "pdf-too-many-pages": (lambda: pdf_of(100, 100, reader.MAX_PAGES + 1), FileTooLarge),
    "pdf-huge-page": (lambda: pdf_of(14_400, 14_400), FileTooLarge),
    "pdf-long-strip": (lambda: pdf_of(1, 14_400), NoCodeFound),
    "png-long-strip": (lambda: saved(Image.new("L", (40_000, 90), 255)), NoCodeFound),
    "png-too-long-at-any-size": (
        lambda: saved(Image.new("L", (140_000, 90), 255)),
        FileTooLarge,
    ),
    "pdf-too-long-at-any-size": (lambda: pdf_of(10, 50_000), FileTooLarge),
    "jpeg-many-scans": (lambda: many_scans(200), FileTooLarge),
    "pdf-empty-page": (lambda: pdf_of(595, 842), NoCodeFound),
    "tiff-too-many-pages": (
        lambda: saved(
            Image.new("L", (8, 8)),
            "TIFF",
            save_all=True,
            append_images=[Image.new("L", (8, 8))] * reader.MAX_PAGES,
        ),
        FileTooLarge,
    ),
}


class Steps:
    """A processor clock that runs out after so many questions."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.asked = 0

    def __call__(self) -> float:
        self.left -= 1
        self.asked += 1
        return 0.0 if self.left >= 0 else 1e9


def test_a_page_of_endless_drawing_is_given_up() -> None:
    lines = b"\n".join(b"%d %d m %d %d l S" % (n % 97, n % 89, n % 83, n % 79) for n in range(5000))
    steps = Steps(4)
    with pytest.raises(FileTooLarge, match="too long"):
        pdf_contents.read_pdf(drawn_pdf(lines), Budget(steps))
    assert steps.asked < 10


def test_pages_that_take_too_long_are_given_up() -> None:
    blank = Image.new("1", (200, 200), 1)
    sheets = saved(blank, "TIFF", save_all=True, append_images=[blank] * 9)
    steps = Steps(8)
    with pytest.raises(FileTooLarge, match="too long"):
        reader.read_image(sheets, Budget(steps))
    assert steps.asked == 9


def test_the_text_of_a_code_stays_out_of_logs() -> None:
    assert "secret" not in repr(Code(None, (0, 0, 1, 1), "secret"))


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    make, error = REFUSED[name]
    with pytest.raises(CertsvcError) as caught:
        read_codes(make())
    assert type(caught.value) is error


def test_heic_says_what_to_send() -> None:
    with pytest.raises(FileUnsupported, match="JPEG"):
        read_codes(HEIC)


def test_a_page_that_cannot_be_loaded() -> None:
    with pdf.Pdfium().document(pdf_of(100, 100)) as (document, pages):
        assert pages == 1
        with pytest.raises(ImageUnreadable):
            pdf.Pdfium().render(document, 5, 300, Budget())


# A4 at 300 dpi with a pixel a point, as Pillow saves it; phone scanners; between; A0; a till roll.
LARGE_PAGES = [(2480, 3508), (2000, 2800), (3000, 4000), (2384, 3370), (16_000, 200)]


@pytest.mark.parametrize("dpi", pdf_contents.PDF_DPI)
@pytest.mark.parametrize("size", [(595, 842), (595.28, 841.89), (0.1, 14_400), *LARGE_PAGES])
def test_pages_are_rendered_within_the_limits(size: tuple[float, float], dpi: int) -> None:
    scale = pdf.page_scale(*size, dpi)
    assert scale >= 100 / 72
    assert scale <= dpi / 72
    across, down = pdf.picture_size(*size, scale)
    assert min(across, down) >= 1
    assert across * down <= file_limits.MAX_PIXELS
    assert max(across, down) <= file_limits.MAX_SIDE


def test_an_ordinary_page_has_the_resolution_asked_for() -> None:
    assert pdf.page_scale(595, 842, 300) == pytest.approx(300 / 72)


@pytest.mark.parametrize("size", LARGE_PAGES[:4])
def test_a_code_on_a_large_page_is_read(size: tuple[int, int]) -> None:
    sheet = Image.new("RGB", size, WHITE)
    sheet.paste(symbol().resize((472, 472), Image.Resampling.LANCZOS), (300, 400))
    code = read_codes(saved(sheet, "PDF"))[0]
    assert code.text == PREFIX + digits(884)
    for found, expected in zip(code.position, (300, 400, 772, 872), strict=True):
        assert abs(found - expected) < 40


def test_two_codes_on_a_page_at_72_dpi() -> None:
    sheet = page((symbol(884, seed=3), (300, 400)), (symbol(884, seed=7), (1800, 2800)))
    codes = read_codes(saved(sheet, "PDF", resolution=72))
    assert [code.text for code in codes] == [PREFIX + digits(884, seed) for seed in (3, 7)]


def test_a_large_page_is_not_drawn_twice_at_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, int]] = []
    scan = scanning.scan

    def watching(picture: Image.Image, number: int | None, unit: float) -> list[Code]:
        sizes.append(picture.size)
        return scan(picture, number, unit)

    monkeypatch.setattr(scanning, "scan", watching)
    assert pdf_contents.read_pdf(pdf_of(2480, 3508), Budget()).codes == ()
    assert len(sizes) == 2 * len(set(sizes)) == 4  # gray and red, at the limit and at 100 dpi


def test_too_many_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_CODES", 1)
    sheet = page((symbol(300, seed=3), (200, 200)), (symbol(300), (1500, 2000)))
    with pytest.raises(FileTooLarge, match="codes"):
        read_codes(saved(sheet))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PDF"])
def test_damaged_files_stay_in_our_tree(form: str) -> None:
    good = saved(symbol(60, scale=2), form)
    for step in range(60):
        place = (step * 7919 + 13) % len(good)
        bad = good[:place] + bytes((good[place] ^ (1 << step % 8),)) + good[place + 1 :]
        for data in (bad, good[: place + 1]):
            try:
                read_codes(data)
            except CertsvcError:
                continue
