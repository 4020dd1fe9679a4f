"""What images and PDFs hold: codes, attached tokens, text (extra `image`).

Every code and every attached token is reported, with its place; nothing is chosen silently and
nothing is opened. A PDF page is drawn at 300, 200, 400 and 100 dpi until its codes are read. All
limits are checked before anything is decoded.
"""

import io
from contextlib import suppress
from typing import Final

from PIL import Image, ImageOps

from certsvc_sdk.contents import Contents, codes_of, join
from certsvc_sdk.errors import (
    CertsvcError,
    FileTooLarge,
    FileUnsupported,
    ImageUnreadable,
    NoCodeFound,
)
from certsvc_sdk.file_limits import MAX_FILE_BYTES, MAX_PAGES, MAX_PIXELS, MAX_SCANS, Budget
from certsvc_sdk.pdf_process import PdfReaders, can_start, read_here
from certsvc_sdk.scanning import Code, Position

__all__ = ["Code", "Contents", "Position", "read_codes", "read_contents"]

# Twice the size helps small screenshots, half the size noisy photos.
_SCALES: Final = (1.0, 0.5, 2.0)

_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
_SIGNATURES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_JPEG: Final = b"\xff\xd8"
_JPEG_SCAN: Final = b"\xff\xda"
# Readers accept the marker of a PDF anywhere in its first kilobyte.
_PDF_HEAD: Final = 1024

# The processes of this one, started by its first PDF.
_READ_PDF: Final = PdfReaders().read if can_start() else read_here


def read_codes(data: bytes) -> list[Code]:
    """Read every code of an image or PDF: the `codes` of `read_contents`."""
    return list(read_contents(data).codes)


def read_contents(data: bytes) -> Contents:
    """Read an image (PNG, JPEG, WebP, GIF, BMP, TIFF) or a PDF.

    Returns:
        Codes, attached tokens and text.

    Raises:
        FileTooLarge: bytes, pixels, pages, codes, time or memory above the limits of `file_limits`
            and `pdf_reading`.
        FileUnsupported: another type of file; HEIC photos among them.
        ImageUnreadable: the file is damaged or encrypted.
        NoCodeFound: there is no code and no attached token in it.
    """
    if len(data) > MAX_FILE_BYTES:
        raise FileTooLarge(f"the file is larger than {MAX_FILE_BYTES // 1024**2} MiB")
    is_pdf = b"%PDF-" in data[:_PDF_HEAD]
    contents = _READ_PDF(data) if is_pdf else read_image(data, Budget())
    if not contents.codes:
        raise NoCodeFound("no QR code was found in the file")
    return contents


def read_image(data: bytes, budget: Budget) -> Contents:
    """Read the pages of an image file; errors as `read_contents`, but none for no code."""
    _check_type(data)
    codes: list[Code] = []
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            pages = _count_pages(image)
            for index in range(pages):
                image.seek(index)
                _check_size(*image.size)
                number = index + 1 if pages > 1 else None
                join(codes, codes_of(_upright(image), number, 1.0, _SCALES, budget))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FileTooLarge(_pixels_message()) from error
    except CertsvcError:
        raise
    # A decoder fed with a stranger's file may raise anything.
    except Exception as error:
        raise ImageUnreadable("the image is damaged") from error
    return Contents(pages if pages > 1 else None, tuple(codes))


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
