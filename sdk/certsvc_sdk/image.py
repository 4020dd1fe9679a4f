"""QR codes in images and PDFs (extra `image`: Pillow, pypdfium2, zxing-cpp).

A page is read in gray, then in its red channel alone (a red seal over the code vanishes there),
then at other sizes; a PDF page at 300, 200 and 400 dpi until a code is found. Every code found is
reported, with its place; nothing is chosen silently and nothing is opened. All limits are checked
before anything is decoded.
"""

import io
import math
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

import pypdfium2
import zxingcpp
from PIL import Image, ImageOps, ImageSequence

from certsvc_sdk.errors import (
    CertsvcError,
    FileTooLarge,
    FileUnsupported,
    ImageUnreadable,
    NoCodeFound,
)

# A phone's photo has 3-12 MB, a scanned file of some pages below 20.
MAX_FILE_BYTES: Final = 20 * 1024 * 1024
# A4 at 600 dpi has 35 million pixels; decoded in colour this is 120 MB.
MAX_PIXELS: Final = 40_000_000
# A case file; a clerk presents certificates, not archives.
MAX_PAGES: Final = 20
# One code a certificate and some of other origin on each page.
MAX_CODES: Final = 64

# 300 dpi gives 4-5 pixels a module at 40 mm; the others move a moiré or a thin line.
PDF_DPI: Final = (300, 200, 400)
_POINTS_PER_INCH: Final = 72
# Below this resolution a 0.33 mm module is under 1.3 pixels and nothing can be read.
_MIN_DPI: Final = 100
# Twice the size helps small screenshots, half the size noisy photos.
_SCALES: Final = (1.0, 0.5, 2.0)

_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
_SIGNATURES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
# Readers accept the marker of a PDF anywhere in its first kilobyte.
_PDF_HEAD: Final = 1024

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
    text: str


def read_codes(data: bytes) -> list[Code]:
    """Read every QR code of an image (PNG, JPEG, WebP, GIF, BMP, TIFF) or a PDF.

    Args:
        data: the file.

    Returns:
        The codes by page and position, from the top; codes that hold no UTF-8 text are left out.

    Raises:
        FileTooLarge: bytes, pixels, pages or codes above the limits of this module.
        FileUnsupported: another type of file; HEIC photos among them.
        ImageUnreadable: the file is damaged or encrypted.
        NoCodeFound: there is no QR code in it.
    """
    if len(data) > MAX_FILE_BYTES:
        raise FileTooLarge(f"the file is larger than {MAX_FILE_BYTES // 1024**2} MiB")
    codes: list[Code] = []
    for found in _pdf(data) if b"%PDF-" in data[:_PDF_HEAD] else _image(data):
        codes.extend(sorted(found, key=lambda code: (code.position[1], code.position[0])))
        if len(codes) > MAX_CODES:
            raise FileTooLarge(f"the file holds more than {MAX_CODES} codes")
    if not codes:
        raise NoCodeFound("no QR code was found in the file")
    return codes


def _image(data: bytes) -> Iterator[list[Code]]:
    """Yield the codes of each page of an image file."""
    _check_type(data)
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            # Animations are not paged documents: their first picture counts.
            pages = ImageSequence.Iterator(image) if image.format == "TIFF" else (image,)
            paged = getattr(image, "n_frames", 1) > 1 and image.format == "TIFF"
            for number, page in enumerate(pages, start=1):
                _check_size(number, *page.size)
                yield _read(_upright(page), number if paged else None, 1.0, _SCALES)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FileTooLarge(_pixels_message()) from error
    except CertsvcError:
        raise
    # A decoder fed with a stranger's file may raise anything.
    except Exception as error:
        raise ImageUnreadable("the image is damaged") from error


def _check_type(data: bytes) -> None:
    if data.startswith(_SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return
    if data[4:8] == b"ftyp":
        raise FileUnsupported("HEIC, AVIF and video files are not read: send JPEG, PNG or PDF")
    raise FileUnsupported("only PNG, JPEG, WebP, GIF, BMP, TIFF and PDF files are read")


def _check_size(page: int, width: int, height: int) -> None:
    if page > MAX_PAGES:
        raise FileTooLarge(f"the file has more than {MAX_PAGES} pages")
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
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _read(
    image: Image.Image, page: int | None, unit: float, scales: tuple[float, ...]
) -> list[Code]:
    """Read in gray, then in the red channel, at each scale, until a code is found.

    Args:
        image: upright picture, "L" or "RGB".
        page: page number of the codes.
        unit: length of a pixel's side in the unit of `Code.position`.
        scales: sizes to try, 1.0 being the picture's own.
    """
    for scale in scales:
        size = (round(image.width * scale), round(image.height * scale))
        if not all(size) or size[0] * size[1] > MAX_PIXELS:
            continue
        scaled = image if scale == 1.0 else image.resize(size, Image.Resampling.BICUBIC)
        if codes := _scan(scaled.convert("L"), page, unit / scale):
            return codes
        if scaled.mode == "RGB" and (codes := _scan(scaled.getchannel("R"), page, unit / scale)):
            return codes
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


def _pdf(data: bytes) -> Iterator[list[Code]]:
    """Yield the codes of each page of a PDF."""
    with _pdfium().document(data) as document:
        pages = len(document)
        if pages > MAX_PAGES:
            raise FileTooLarge(f"the file has more than {MAX_PAGES} pages")
        for index in range(pages):
            yield _pdf_page(document, index)


def _pdf_page(document: pypdfium2.PdfDocument, index: int) -> list[Code]:
    for dpi in PDF_DPI:
        image, unit = _pdfium().render(document, index, dpi)
        if codes := _read(image, index + 1, unit, (1.0,)):
            return codes
    return []


class _Pdfium:
    """The PDFium library, which is not safe for threads: one call at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def document(self, data: bytes) -> Iterator[pypdfium2.PdfDocument]:
        """Open a PDF and close it afterwards.

        Raises:
            ImageUnreadable: the file is damaged or encrypted.
        """
        with self._lock:
            try:
                document = pypdfium2.PdfDocument(data)
            except pypdfium2.PdfiumError as error:
                raise ImageUnreadable("the PDF is damaged or encrypted") from error
        try:
            yield document
        finally:
            with self._lock:
                document.close()

    def render(
        self, document: pypdfium2.PdfDocument, index: int, dpi: float
    ) -> tuple[Image.Image, float]:
        """Render a page in colour; return it and the points of a pixel's side.

        Raises:
            ImageUnreadable: the page is damaged.
            FileTooLarge: the page is so large that it cannot be rendered well.
        """
        with self._lock:
            try:
                with closing(document[index]) as page:
                    width, height = page.get_size()
                    scale = _page_scale(width, height, dpi)
                    # BGR: Pillow copies such a bitmap, so it may be freed here.
                    with closing(page.render(scale=scale)) as bitmap:
                        return bitmap.to_pil(), 1 / scale
            except CertsvcError:
                raise
            except Exception as error:
                raise ImageUnreadable(f"page {index + 1} of the PDF is damaged") from error


def _page_scale(width: float, height: float, dpi: float) -> float:
    """Return pixels a point for a page of so many points, within the pixel limit."""
    scale = min(dpi / _POINTS_PER_INCH, math.sqrt(MAX_PIXELS / (width * height)))
    if not scale * _POINTS_PER_INCH >= _MIN_DPI:
        raise FileTooLarge("a page of the PDF is too large to be read")
    return scale


@cache
def _pdfium() -> _Pdfium:
    """Return the one guard of the library in this process."""
    return _Pdfium()
