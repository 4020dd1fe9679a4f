"""What images and PDFs hold: codes, attached tokens, text (extra `image`).

Every code and every attached token is reported, with its place; nothing is chosen silently and
nothing is opened. A PDF page is drawn at 300, 200, 400 and 100 dpi until its codes are read. All
limits are checked before anything is decoded.
"""

import io
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import pypdfium2
from PIL import Image, ImageOps

from certsvc_sdk import typedcode
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
    Budget,
)
from certsvc_sdk.pdf import Pdfium
from certsvc_sdk.pdf_attachments import attached
from certsvc_sdk.pdf_text import readable_text
from certsvc_sdk.scanning import Code, Position, read_picture, scan_barcodes

__all__ = ["PDF_DPI", "Code", "Contents", "Position", "read_codes", "read_contents"]

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


@dataclass(frozen=True, slots=True)
class Contents:
    """What was read of a file.

    Attributes:
        pages: number of pages of a PDF or TIFF; None for any other image.
        codes: attachments first, then the codes by page and position, from the top.
        texts: page → what a person can read there as text, for pages of a PDF that have any.
    """

    pages: int | None
    codes: tuple[Code, ...]
    texts: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)


def read_codes(data: bytes, *, seconds_used: Callable[[], float] = time.thread_time) -> list[Code]:
    """Read every code of an image or PDF: the `codes` of `read_contents`."""
    return list(read_contents(data, seconds_used=seconds_used).codes)


def read_contents(data: bytes, *, seconds_used: Callable[[], float] = time.thread_time) -> Contents:
    """Read an image (PNG, JPEG, WebP, GIF, BMP, TIFF) or a PDF.

    Args:
        data: the file.
        seconds_used: processor time of this thread, which is bounded too.

    Returns:
        Codes, attached tokens and text.

    Raises:
        FileTooLarge: bytes, pixels, pages, codes or time above the limits of `file_limits`.
        FileUnsupported: another type of file; HEIC photos among them.
        ImageUnreadable: the file is damaged or encrypted.
        NoCodeFound: there is no code and no attached token in it.
    """
    if len(data) > MAX_FILE_BYTES:
        raise FileTooLarge(f"the file is larger than {MAX_FILE_BYTES // 1024**2} MiB")
    budget = Budget(seconds_used)
    read = _pdf if b"%PDF-" in data[:_PDF_HEAD] else _image
    contents = read(data, budget)
    if not contents.codes:
        raise NoCodeFound("no QR code was found in the file")
    return contents


def _joined(codes: list[Code], more: list[Code]) -> None:
    """Add a page's codes from the top.

    Raises:
        FileTooLarge: the file holds too many.
    """
    codes.extend(sorted(more, key=_from_the_top))
    if len(codes) > MAX_CODES:
        raise FileTooLarge(f"the file holds more than {MAX_CODES} codes")


def _from_the_top(code: Code) -> tuple[int, int]:
    left, top = (code.position or (0, 0))[:2]
    return top, left


def _image(data: bytes, budget: Budget) -> Contents:
    """Read the pages of an image file."""
    _check_type(data)
    codes: list[Code] = []
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            pages = _count_pages(image)
            for index in range(pages):
                image.seek(index)
                _check_size(*image.size)
                number = index + 1 if pages > 1 else None
                _joined(codes, _picture(_upright(image), number, 1.0, _SCALES, budget))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FileTooLarge(_pixels_message()) from error
    except CertsvcError:
        raise
    # A decoder fed with a stranger's file may raise anything.
    except Exception as error:
        raise ImageUnreadable("the image is damaged") from error
    return Contents(pages if pages > 1 else None, tuple(codes))


def _picture(
    image: Image.Image,
    page: int | None,
    unit: float,
    scales: tuple[float, ...],
    budget: Budget,
    *,
    again: bool = True,
) -> list[Code]:
    """Read a picture's QR codes, and a typed code's barcode where no QR code can be read."""
    codes = read_picture(image, page, unit, scales, budget, again=again)
    if any(not code.is_broken for code in codes):
        return codes
    budget.check()
    return codes + [code for code in scan_barcodes(image.convert("L"), page, unit) if _typed(code)]


def _typed(code: Code) -> bool:
    """Tell whether a barcode is the second form of a typed code; paper is full of others."""
    try:
        typedcode.read(code.text)
    except CertsvcError:
        return False
    return True


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


def _pdf(data: bytes, budget: Budget) -> Contents:
    """Read the attachments and pages of a PDF, and their text where there may be a certificate."""
    with _PDFIUM.document(data) as (document, pages):
        with _PDFIUM.alone("an attachment of the PDF is damaged"):
            codes = attached(document, pages, budget)
        for index in range(pages):
            _joined(codes, _pdf_page(document, index, budget))
        texts = {}
        for index in range(pages if any(code.text for code in codes) else 0):
            budget.check()
            with _PDFIUM.page(document, index) as page:
                text = readable_text(page, budget)
            if text is not None:
                texts[index + 1] = text
    return Contents(pages, tuple(codes), MappingProxyType(texts))


def _pdf_page(document: pypdfium2.PdfDocument, index: int, budget: Budget) -> list[Code]:
    seen: list[Code] = []
    for dpi in _PDFIUM.resolutions(document, index, PDF_DPI):
        image, unit = _PDFIUM.render(document, index, dpi, budget)
        # What one resolution shows, a second look at another would show again.
        found = _picture(image, index + 1, unit, (1.0,), budget, again=dpi == PDF_DPI[0])
        if found and not any(code.is_broken for code in found):
            return found
        seen = seen or found
    return seen
