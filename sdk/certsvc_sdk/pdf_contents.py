"""What a PDF holds: attached tokens, the codes of its pages, their text (extra `image`).

PDFium cannot be interrupted while it decodes a stream, and 2 KB may hold gigabytes: `pdf_process`
calls this in a process that can be ended.
"""

from types import MappingProxyType
from typing import Final

import pypdfium2

from certsvc_sdk.contents import Contents, codes_of, join
from certsvc_sdk.errors import FileTooLarge
from certsvc_sdk.file_limits import Budget
from certsvc_sdk.pdf import Pdfium
from certsvc_sdk.pdf_attachments import attached
from certsvc_sdk.pdf_text import readable_text
from certsvc_sdk.scanning import Code

# 300 dpi gives 4-5 pixels a module at 40 mm; the others move a moiré or a thin line, and 100 dpi
# is near the pixels of a scan that was filed with one pixel a point.
PDF_DPI: Final = (300, 200, 400, 100)

# One guard of the library in this process, made at import: two of them would guard nothing.
_PDFIUM: Final = Pdfium()


def read_pdf(data: bytes, budget: Budget) -> Contents:
    """Read the attachments and pages of a PDF, and their text where there may be a certificate.

    Args:
        data: the file.
        budget: time for the file; looked at between PDFium's steps only.

    Raises:
        FileTooLarge: pages, attachments, codes, time or memory above the limits.
        ImageUnreadable: the file is damaged or encrypted.
    """
    try:
        with _PDFIUM.document(data) as (document, pages):
            return _read(document, pages, budget)
    except MemoryError as error:
        raise FileTooLarge("the PDF takes too much memory to be read") from error


def _read(document: pypdfium2.PdfDocument, pages: int, budget: Budget) -> Contents:
    with _PDFIUM.alone("an attachment of the PDF is damaged"):
        codes = attached(document, pages, budget)
    for index in range(pages):
        join(codes, _page(document, index, budget))
    texts = {}
    for index in range(pages if any(code.text for code in codes) else 0):
        budget.check()
        with _PDFIUM.page(document, index) as page:
            text = readable_text(page, budget)
        if text is not None:
            texts[index + 1] = text
    return Contents(pages, tuple(codes), MappingProxyType(texts))


def _page(document: pypdfium2.PdfDocument, index: int, budget: Budget) -> list[Code]:
    seen: list[Code] = []
    for dpi in _PDFIUM.resolutions(document, index, PDF_DPI):
        image, unit = _PDFIUM.render(document, index, dpi, budget)
        # What one resolution shows, a second look at another would show again.
        found = codes_of(image, index + 1, unit, (1.0,), budget, again=dpi == PDF_DPI[0])
        if found and not any(code.is_broken for code in found):
            return found
        seen = seen or found
    return seen
