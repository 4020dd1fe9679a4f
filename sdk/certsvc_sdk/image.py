"""QR codes in images and PDFs (extra `image`: Pillow, pypdfium2, zxing-cpp).

A page is read in gray, then in its red channel alone (a red seal over the code vanishes there),
then at other sizes; a PDF page at 300, 200, 400 and 100 dpi until a code is found. Every code
found is reported, with its place; nothing is chosen silently and nothing is opened. All limits are
checked before anything is decoded.
"""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import pypdfium2
import zxingcpp
from PIL import Image, ImageOps

from certsvc_sdk.errors import (
    CertsvcError,
    FileTooLarge,
    FileUnsupported,
    ImageUnreadable,
    NoCodeFound,
)
from certsvc_sdk.file_limits import (
    MAX_CODES,
    MAX_FILE_BYTES,
    MAX_PAGES,
    MAX_PIXELS,
    MAX_SCANS,
    MAX_SIDE,
    Budget,
)
from certsvc_sdk.pdf import Pdfium

# 300 dpi gives 4-5 pixels a module at 40 mm; the others move a moiré or a thin line, and 100 dpi
# is near the pixels of a scan that was filed with one pixel a point.
PDF_DPI: Final = (300, 200, 400, 100)
# Twice the size helps small screenshots, half the size noisy photos.
_SCALES: Final = (1.0, 0.5, 2.0)

_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
_SIGNATURES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_JPEG: Final = b"\xff\xd8"
_JPEG_SCAN: Final = b"\xff\xda"
# Readers accept the marker of a PDF anywhere in its first kilobyte.
_PDF_HEAD: Final = 1024

# One guard of the library in this process, made at import: two of them would guard nothing.
_PDFIUM: Final = Pdfium()

Position = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code in a file.

    Attributes:
        page: page from 1 in a PDF or TIFF; None in any other image.
        position: left, top, right, bottom of its box: pixels of the upright image, or points
            (1/72 inch) from the top left corner of a PDF page.
        text: what the code says.
    """

    page: int | None
    position: Position
    # Out of every log: it is somebody's certificate.
    text: str = field(repr=False)


def read_codes(data: bytes, *, seconds_used: Callable[[], float] = time.thread_time) -> list[Code]:
    """Read every QR code of an image (PNG, JPEG, WebP, GIF, BMP, TIFF) or a PDF.

    Args:
        data: the file.
        seconds_used: processor time of this thread, which is bounded too.

    Returns:
        The codes by page and position, from the top; codes that hold no UTF-8 text are left out.

    Raises:
        FileTooLarge: bytes, pixels, pages, codes or time above the limits of `file_limits`.
        FileUnsupported: another type of file; HEIC photos among them.
        ImageUnreadable: the file is damaged or encrypted.
        NoCodeFound: there is no QR code in it.
    """
    if len(data) > MAX_FILE_BYTES:
        raise FileTooLarge(f"the file is larger than {MAX_FILE_BYTES // 1024**2} MiB")
    budget = Budget(seconds_used)
    read = _pdf if b"%PDF-" in data[:_PDF_HEAD] else _image
    codes: list[Code] = []
    for found in read(data, budget):
        codes.extend(sorted(found, key=lambda code: (code.position[1], code.position[0])))
        if len(codes) > MAX_CODES:
            raise FileTooLarge(f"the file holds more than {MAX_CODES} codes")
    if not codes:
        raise NoCodeFound("no QR code was found in the file")
    return codes


def _image(data: bytes, budget: Budget) -> Iterator[list[Code]]:
    """Yield the codes of each page of an image file."""
    _check_type(data)
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            pages = _count_pages(image)
            for index in range(pages):
                image.seek(index)
                _check_size(*image.size)
                number = index + 1 if pages > 1 else None
                yield _read(_upright(image), number, 1.0, _SCALES, budget)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FileTooLarge(_pixels_message()) from error
    except CertsvcError:
        raise
    # A decoder fed with a stranger's file may raise anything.
    except Exception as error:
        raise ImageUnreadable("the image is damaged") from error


def _check_type(data: bytes) -> None:
    if data.startswith(_SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        # Nothing else in a JPEG spells this marker but its thumbnails.
        if data.startswith(_JPEG) and data.count(_JPEG_SCAN) > MAX_SCANS:
            raise FileTooLarge(f"the image has more than {MAX_SCANS} scans")
        return
    if data[4:8] == b"ftyp":
        raise FileUnsupported("HEIC, AVIF and video files are not read: send JPEG, PNG or PDF")
    raise FileUnsupported("only PNG, JPEG, WebP, GIF, BMP, TIFF and PDF files are read")


def _count_pages(image: Image.Image) -> int:
    """Count the pages of a TIFF, no further than the limit: a chain of them is slow to follow.

    Animations are not paged documents: their first picture counts.
    """
    if image.format != "TIFF":
        return 1
    with suppress(EOFError):
        for pages in range(1, MAX_PAGES + 1):
            image.seek(pages)
        raise FileTooLarge(f"the file has more than {MAX_PAGES} pages")
    return pages


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise FileTooLarge(_pixels_message())


def _pixels_message() -> str:
    return f"the image has more than {MAX_PIXELS // 1_000_000} million pixels"


def _upright(image: Image.Image) -> Image.Image:
    """Return the picture as its camera meant it, on white where it is transparent."""
    image.load()
    try:
        ImageOps.exif_transpose(image, in_place=True)
    # Broken EXIF data only lose the rotation, which the reader searches anyway.
    except Exception:
        image = image.copy()
    if image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        page = Image.new("RGB", image.size, "white")
        page.paste(image, mask=image.getchannel("A"))
        return page
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _read(
    image: Image.Image, page: int | None, unit: float, scales: tuple[float, ...], budget: Budget
) -> list[Code]:
    """Read in gray, then in the red channel, at each scale, until a code is found.

    Args:
        image: upright picture, "L" or "RGB".
        page: page number of the codes.
        unit: length of a pixel's side in the unit of `Code.position`.
        scales: sizes to try, 1.0 being the picture's own.
        budget: time for the file.

    Raises:
        FileTooLarge: the time is used up, or the picture fits the limits at no scale.
    """
    tried = False
    for scale in scales:
        size = (round(image.width * scale), round(image.height * scale))
        if not all(size) or size[0] * size[1] > MAX_PIXELS or max(size) > MAX_SIDE:
            continue
        tried = True
        budget.check()
        scaled = image if scale == 1.0 else image.resize(size, Image.Resampling.BICUBIC)
        if codes := _scan(scaled.convert("L"), page, unit / scale):
            return codes
        budget.check()
        if scaled.mode == "RGB" and (codes := _scan(scaled.getchannel("R"), page, unit / scale)):
            return codes
    if not tried:
        raise FileTooLarge(f"a side of the image has more than {MAX_SIDE} pixels")
    return []


def _scan(image: Image.Image, page: int | None, unit: float) -> list[Code]:
    codes = []
    for barcode in zxingcpp.read_barcodes(
        image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    ):
        try:
            text = barcode.bytes.decode("utf-8")
        except UnicodeDecodeError:
            continue
        place = barcode.position
        corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
        across = [round(corner.x * unit) for corner in corners]
        down = [round(corner.y * unit) for corner in corners]
        codes.append(Code(page, (min(across), min(down), max(across), max(down)), text))
    return codes


def _pdf(data: bytes, budget: Budget) -> Iterator[list[Code]]:
    """Yield the codes of each page of a PDF."""
    with _PDFIUM.document(data) as (document, pages):
        for index in range(pages):
            yield _pdf_page(document, index, budget)


def _pdf_page(document: pypdfium2.PdfDocument, index: int, budget: Budget) -> list[Code]:
    for dpi in _PDFIUM.resolutions(document, index, PDF_DPI):
        image, unit = _PDFIUM.render(document, index, dpi, budget)
        if codes := _read(image, index + 1, unit, (1.0,), budget):
            return codes
    return []
