"""Tokens attached to a PDF (ISO 32000-2, 7.11.4): `certificate.jwt`, and any file that is one.

Files of the document's own list are read, and those that hang on a page as an annotation. Files of
other kinds are left alone: a case file may carry invoices.
"""

import ctypes
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

from certsvc_sdk.errors import FileTooLarge
from certsvc_sdk.file_limits import MAX_ATTACHMENTS, Budget
from certsvc_sdk.scanning import Code
from certsvc_sdk.strict import MAX_TOKEN

#: Name of the token that a certificate's face carries.
CERTIFICATE: Final = "certificate.jwt"

# Names are shown to people; the longest one that any file system knows.
_MAX_NAME: Final = 255
_TOKEN: Final = re.compile(
    rb"\s*[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+~[A-Za-z0-9_.~-]*\s*"
)
_FREE_TEXT: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def attached(document: pypdfium2.PdfDocument, pages: int, budget: Budget) -> list[Code]:
    """Return the attached tokens; the caller holds the library.

    Args:
        document: the open document.
        pages: how many pages it has.
        budget: time for the file.

    Returns:
        One code for each attachment that is an SD-JWT, or is called `certificate.jwt`.

    Raises:
        FileTooLarge: more attachments than are read, or no time left.
    """
    found = []
    for number, handle in enumerate(_attachments(document, pages), start=1):
        budget.check()
        if number > MAX_ATTACHMENTS:
            raise FileTooLarge(f"the file has more than {MAX_ATTACHMENTS} attachments")
        name, data = _name(handle), _data(handle)
        if data is not None and _TOKEN.fullmatch(data):
            found.append(Code(None, None, data.decode("ascii").strip(), "attachment", name))
        elif name.lower() == CERTIFICATE:
            # It claims to be one: what it is instead is for the verdict to say.
            text = (data or b"").decode("utf-8", errors="replace")
            found.append(Code(None, None, text, "attachment", name, is_broken=data is None))
    return found


def _attachments(document: pypdfium2.PdfDocument, pages: int) -> Iterator[Any]:
    for index in range(raw.FPDFDoc_GetAttachmentCount(document)):
        yield raw.FPDFDoc_GetAttachment(document, index)
    for index in range(pages):
        with closing(document[index]) as page:
            # Annotations are looked at no further than files could be.
            for place in range(min(raw.FPDFPage_GetAnnotCount(page), 8 * MAX_ATTACHMENTS)):
                note = raw.FPDFPage_GetAnnot(page, place)
                try:
                    if raw.FPDFAnnot_GetSubtype(note) == raw.FPDF_ANNOT_FILEATTACHMENT:
                        yield raw.FPDFAnnot_GetFileAttachment(note)
                finally:
                    raw.FPDFPage_CloseAnnot(note)


def _name(handle: Any) -> str:  # noqa: ANN401 - the library's own handle
    size = raw.FPDFAttachment_GetName(handle, None, 0)
    if not 0 < size <= 2 * _MAX_NAME + 2:
        return ""
    text = (ctypes.c_ushort * (size // 2))()
    raw.FPDFAttachment_GetName(handle, text, size)
    name = bytes(text).decode("utf-16-le", errors="replace").rstrip("\0")
    # A name must not steer a terminal or turn a line's direction.
    return _FREE_TEXT.sub("\ufffd", name)


def _data(handle: Any) -> bytes | None:  # noqa: ANN401 - the library's own handle
    """Return an attachment's bytes; None where it has none, or more than any token."""
    size = ctypes.c_ulong()
    if not raw.FPDFAttachment_GetFile(handle, None, 0, size) or size.value > MAX_TOKEN:
        return None
    data = ctypes.create_string_buffer(size.value)
    if not raw.FPDFAttachment_GetFile(handle, data, size.value, size):
        return None
    return data.raw[: size.value]
