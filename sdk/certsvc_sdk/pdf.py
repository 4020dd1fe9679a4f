"""Pages of a PDF as pictures (extra `image`: pypdfium2)."""

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Final

import pypdfium2
from PIL import Image
from pypdfium2 import internal, raw

from certsvc_sdk.errors import CertsvcError, FileTooLarge, ImageUnreadable
from certsvc_sdk.file_limits import MAX_PAGES, MAX_PIXELS, MAX_SIDE, Budget

_POINTS_PER_INCH: Final = 72
# Below this resolution a 0.33 mm module is under 1.3 pixels and nothing can be read.
_MIN_DPI: Final = 100
_WHITE: Final = (255, 255, 255, 255)


class Pdfium:
    """The PDFium library, which is not safe for threads: one call at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def document(self, data: bytes) -> Iterator[tuple[pypdfium2.PdfDocument, int]]:
        """Open a PDF and close it afterwards; gives the document and its number of pages.

        Raises:
            ImageUnreadable: the file is damaged or encrypted.
            FileTooLarge: it has too many pages.
        """
        with self._lock:
            try:
                document = pypdfium2.PdfDocument(data)
            except pypdfium2.PdfiumError as error:
                raise ImageUnreadable("the PDF is damaged or encrypted") from error
            pages = len(document)
        try:
            if pages > MAX_PAGES:
                raise FileTooLarge(f"the file has more than {MAX_PAGES} pages")
            yield document, pages
        finally:
            with self._lock:
                document.close()

    @contextmanager
    def alone(self, fault: str) -> Iterator[None]:
        """Use the library; what it cannot read is a damaged file.

        Args:
            fault: what is damaged then.

        Raises:
            ImageUnreadable: with that text.
            MemoryError: there is no more.
        """
        with self._lock:
            try:
                yield
            except (CertsvcError, MemoryError):
                raise
            # A decoder fed with a stranger's file may raise anything.
            except Exception as error:
                raise ImageUnreadable(fault) from error

    @contextmanager
    def page(self, document: pypdfium2.PdfDocument, index: int) -> Iterator[pypdfium2.PdfPage]:
        """Use one page; its index counts from 0.

        Raises:
            ImageUnreadable: the page is damaged.
        """
        fault = f"page {index + 1} of the PDF is damaged"
        with self.alone(fault), closing(document[index]) as page:
            yield page

    def resolutions(
        self, document: pypdfium2.PdfDocument, index: int, wanted: Iterable[float]
    ) -> list[float]:
        """Return those of the wanted dpi that differ once the limits have cut a large page down.

        Raises:
            ImageUnreadable: the page is damaged.
            FileTooLarge: the page cannot be rendered well.
        """
        with self.alone(f"page {index + 1} of the PDF is damaged"):
            width, height = document.get_page_size(index)
            first: dict[float, float] = {}
            for dpi in wanted:
                first.setdefault(page_scale(width, height, dpi), dpi)
            return list(first.values())

    def render(
        self, document: pypdfium2.PdfDocument, index: int, dpi: float, budget: Budget
    ) -> tuple[Image.Image, float]:
        """Render a page in colour; return it and the points of a pixel's side.

        Raises:
            ImageUnreadable: the page is damaged.
            FileTooLarge: the page cannot be rendered well, or not in time.
        """
        with self.page(document, index) as page:
            return draw(page, dpi, budget)


def draw(page: pypdfium2.PdfPage, dpi: float, budget: Budget) -> tuple[Image.Image, float]:
    """Draw a page in colour; return it and the points of a pixel's side.

    The caller holds the library.

    Raises:
        ImageUnreadable: it cannot be drawn.
        FileTooLarge: it cannot be drawn well, or not in time.
    """
    width, height = page.get_size()
    scale = page_scale(width, height, dpi)
    # BGR: Pillow copies such a bitmap, so it may be freed here.
    with closing(_draw(page, picture_size(width, height, scale), budget)) as bitmap:
        return bitmap.to_pil(), 1 / scale


def page_scale(width: float, height: float, dpi: float) -> float:
    """Return pixels a point for a page of so many points, within the limits of a picture.

    Raises:
        FileTooLarge: nothing could be read on the page at that size.
    """
    fits = min(math.sqrt(MAX_PIXELS / (width * height)), MAX_SIDE / max(width, height))
    scale = min(dpi / _POINTS_PER_INCH, fits)
    if not scale >= _MIN_DPI / _POINTS_PER_INCH:
        raise FileTooLarge("a page of the PDF is too large to be read")
    return scale


def picture_size(width: float, height: float, scale: float) -> tuple[int, int]:
    """Return the whole pixels of a page of so many points: rounded down, so within the limit."""
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))


def _draw(page: pypdfium2.PdfPage, size: tuple[int, int], budget: Budget) -> pypdfium2.PdfBitmap:
    """Draw a page step by step: between two steps PDFium asks whether to stop."""
    bitmap = pypdfium2.PdfBitmap.new_native(*size, format=raw.FPDFBitmap_BGR)
    try:
        bitmap.fill_rect(_WHITE, 0, 0, *size)
        pause = raw.IFSDK_PAUSE(version=1)
        internal.set_callback(pause, "NeedToPauseNow", lambda _: budget.is_over())
        place = (0, 0, *size, 0)
        status = raw.FPDF_RenderPageBitmap_Start(bitmap, page, *place, raw.FPDF_ANNOT, pause)
        raw.FPDF_RenderPage_Close(page)
        budget.check()
        if status != raw.FPDF_RENDER_DONE:
            raise ImageUnreadable("a page of the PDF cannot be drawn")
    except BaseException:
        bitmap.close()
        raise
    return bitmap
