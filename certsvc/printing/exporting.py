"""Many faces in one answer that is written as it goes: an archive, or one document.

A certificate that cannot be printed gets a line in the manifest, the others their faces. Memory
holds a batch of certificates, the faces that are being printed, and a line for each.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, get_args

from certsvc.face.archive import Archive
from certsvc.face.errors import FaceError
from certsvc.face.filenames import Names
from certsvc.face.job import Language
from certsvc.face.merging import MergedPdf
from certsvc.issuing.errors import IssuingError, StorageUnavailable
from certsvc.issuing.exports import Found
from certsvc.printing.desk import Order, PrintingDesk
from certsvc.printing.errors import PrintingError
from certsvc.service.principal import Principal

Format = Literal["zip", "pdf"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
MEDIA_TYPES: Final = {"zip": "application/zip", "pdf": "application/pdf"}
MANIFEST: Final = "manifest.jsonl"
_JSON_LINES: Final = "application/jsonl"
TITLE: Final = "电子证照汇编"

# Certificates that are read, and noted in the trail, at once.
BATCH: Final = 50

#: What stands in the manifest for one certificate.
Line = dict[str, str | int]
#: Reads certificates: for each id who may have it, and what was found.
Take = Callable[[Sequence[str]], Sequence[tuple[Principal, Found]]]


def _unnoticed(_line: Line) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is to be exported.

    Attributes:
        ids: of the certificates; one that stands twice is exported once.
        format: `zip` or `pdf`.
        language: of the labels.
        take: reads certificates.
        told: hears of every certificate that is done.
    """

    ids: Sequence[str]
    format: Format
    language: Language
    take: Take
    told: Callable[[Line], object] = field(default=_unnoticed)


class _Parts(Protocol):
    def add(self, order: Order, pdf: bytes) -> tuple[Line, bytes]: ...

    def close(self, manifest: bytes, *, at: int) -> bytes: ...


def exported(desk: PrintingDesk, export: Export) -> Iterator[bytes]:
    """The bytes of an export, as they come.

    Args:
        desk: prints.
        export: what is to be exported.

    Raises:
        StorageUnavailable: the database failed: the export breaks off, and whoever reads it sees
            that its end is missing.
        ScopeMissing: the caller lacks `read`.
    """
    parts: _Parts = _Zip() if export.format == "zip" else _Pdf()
    manifest = bytearray()
    last = 0
    for line, data, issued_at in _made(desk, export, parts):
        last = max(last, issued_at)
        manifest += json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        export.told(line)
        if data:
            yield data
    yield parts.close(bytes(manifest), at=last)


def _made(desk: PrintingDesk, export: Export, parts: _Parts) -> Iterator[tuple[Line, bytes, int]]:
    for certificate_id, order, pdf in _printed(desk, export):
        if isinstance(pdf, Exception) or order is None:
            yield _failure(certificate_id, pdf), b"", 0
            continue
        try:
            line, data = parts.add(order, pdf)
        except FaceError as error:
            yield _failure(certificate_id, error), b"", 0
            continue
        about: Line = {
            "id": certificate_id,
            "certificate_identifier": order.view.certificate_identifier,
            "type": order.view.type,
            "state": order.view.state,
        }
        yield about | line, data, order.view.issued_at


def _failure(certificate_id: str, error: object) -> Line:
    code = error.code if isinstance(error, FaceError | IssuingError | PrintingError) else ""
    return {"id": certificate_id, "error": code, "text": str(error)}


Printed = tuple[str, Order | None, bytes | Exception]


def _printed(desk: PrintingDesk, export: Export) -> Iterator[Printed]:
    """Print a little ahead of whoever reads, in order."""
    presses = desk.presses.count
    coming: deque[tuple[str, Future[Printed]]] = deque()
    pool = ThreadPoolExecutor(presses, thread_name_prefix="export")
    try:
        for certificate_id, principal, found in _found(export):
            one = pool.submit(_print, desk, export, certificate_id, principal, found)
            coming.append((certificate_id, one))
            if len(coming) > presses:
                yield coming.popleft()[1].result()
        while coming:
            yield coming.popleft()[1].result()
    finally:
        # Whoever went away waits for no more than what is on the press.
        pool.shutdown(wait=True, cancel_futures=True)


def _found(export: Export) -> Iterator[tuple[str, Principal, Found]]:
    ids = list(dict.fromkeys(export.ids))
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        for certificate_id, (principal, found) in zip(batch, export.take(batch), strict=True):
            yield certificate_id, principal, found


def _print(
    desk: PrintingDesk, export: Export, certificate_id: str, principal: Principal, found: Found
) -> Printed:
    if isinstance(found, IssuingError):
        return certificate_id, None, found
    try:
        order = desk.order(principal, found, export.language, plain=export.format == "pdf")
        return certificate_id, order, desk.print(principal, order, patient=True)
    except StorageUnavailable:
        raise
    except (FaceError, IssuingError, PrintingError) as error:
        return certificate_id, None, error


class _Zip:
    """One PDF a certificate, and the manifest."""

    def __init__(self) -> None:
        self._archive = Archive()
        self._names = Names()
        self._names.take(MANIFEST.partition(".")[0], ending=".jsonl")

    def add(self, order: Order, pdf: bytes) -> tuple[Line, bytes]:
        name = self._names.take(*order.stem, ending=".pdf")
        return {"file": name}, self._archive.add(name, pdf, at=order.view.issued_at)

    def close(self, manifest: bytes, *, at: int) -> bytes:
        return self._archive.add(MANIFEST, manifest, at=at) + self._archive.close()


class _Pdf:
    """One document; tokens and manifest are attached to it."""

    def __init__(self) -> None:
        self._document = MergedPdf(title=TITLE)
        self._number = 0

    def add(self, order: Order, pdf: bytes) -> tuple[Line, bytes]:
        first = self._document.pages + 1
        name = f"certificate-{self._number + 1:06}.jwt"
        data = self._document.add(pdf, attachment=name)
        self._number += 1
        pages = self._document.pages + 1 - first
        return {"attachment": name, "first_page": first, "pages": pages}, data

    def close(self, manifest: bytes, *, at: int) -> bytes:
        _ = at
        attached = self._document.attach(MANIFEST, manifest, media_type=_JSON_LINES)
        return attached + self._document.close()
