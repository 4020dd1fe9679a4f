"""What a file holds, and reading one picture of it (extra `image`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from PIL import Image

from certsvc_sdk import typedcode
from certsvc_sdk.errors import CertsvcError, FileTooLarge
from certsvc_sdk.file_limits import MAX_CODES, Budget
from certsvc_sdk.scanning import Code, read_picture, scan_barcodes


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


def join(codes: list[Code], more: list[Code]) -> None:
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


def codes_of(
    image: Image.Image,
    page: int | None,
    unit: float,
    scales: tuple[float, ...],
    budget: Budget,
    *,
    again: bool = True,
) -> list[Code]:
    """Read a picture's QR codes, and a typed code's barcode where no QR code can be read.

    Arguments and errors as `scanning.read_picture`.
    """
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
