"""One certificate's face: from what the issuer holds to the PDF that is handed out."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

from certsvc.catalogue import Catalogue, CertificateType
from certsvc.catalogue.errors import TypeUnknown
from certsvc.face.errors import SymbolTooLarge
from certsvc.face.filenames import safe_name
from certsvc.face.job import Job, Language
from certsvc.issuing.model import CertificateView
from certsvc.printing.errors import FaceUnknown
from certsvc.printing.presses import Presses
from certsvc.printing.seals import SealRequest, Seals
from certsvc.printing.signing import PdfSigning
from certsvc.printing.words import overprint
from certsvc.service.principal import Principal
from certsvc_sdk.algorithms.digests import PROFILES
from certsvc_sdk.sdjwt import parse
from certsvc_sdk.trust.record import IssuerRecord

# What draws a face: another release may draw another.
_MAKERS = "|".join(
    f"{name} {version(name)}" for name in ("certsvc", "typst", "pylopdf-fonts-zh-cn")
)
_CHECK_PAGE = "v"
PDF = "application/pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A face that can be printed.

    Attributes:
        view: the certificate.
        record: trust record of its issuer.
        job: for a press.
        signs: whether the PDF gets a signature: then its bytes differ each time.
        in_force: whether the certificate is.
        tag: the same for the same face; 32 hex characters.
        stem: parts of a file's name.
    """

    view: CertificateView
    record: IssuerRecord
    job: bytes = field(repr=False)
    signs: bool
    in_force: bool
    tag: str
    stem: tuple[str, ...]

    @property
    def name(self) -> str:
        """A name for the file."""
        return safe_name(*self.stem, ending=".pdf")

    @property
    def plain_name(self) -> str:
        """The same for who knows no Chinese."""
        return safe_name(self.view.type, *self.stem[1:], ending=".pdf")


class PrintingDesk:
    """Takes orders for faces and has them printed. Safe for threads.

    Args:
        presses: print.
        catalogue: the certificate types.
        records: gives the trust record of a caller's issuer.
        seals: where seals come from.
        signing: signs PDFs, or not.
        public_url: base of every identifier; ends in `/`.
        demo: the paper says that it is from a demonstration.
        clock: Unix seconds.
    """

    def __init__(
        self,
        *,
        presses: Presses,
        catalogue: Catalogue,
        records: Callable[[Principal], IssuerRecord],
        seals: Seals,
        signing: PdfSigning,
        public_url: str,
        demo: bool,
        clock: Callable[[], float],
    ) -> None:
        self.presses = presses
        self._catalogue = catalogue
        self._records = records
        self._seals = seals
        self._signing = signing
        self._check_url = public_url + _CHECK_PAGE
        self._demo = demo
        self._clock = clock

    def order(
        self,
        principal: Principal,
        view: CertificateView,
        language: Language,
        *,
        plain: bool = False,
    ) -> Order:
        """Gather what a face needs; nothing is printed yet.

        Args:
            principal: who asks, of the certificate's issuer.
            view: the certificate.
            language: of the labels.
            plain: without signature, for a document of several faces.

        Raises:
            FaceUnknown: no such type in this release.
            SymbolTooLarge: the certificate fits into no QR code.
            IssuingError: the issuer's record cannot be read.
        """
        if not view.qr_text:
            raise SymbolTooLarge("the certificate does not fit into any QR code")
        kind = self._kind(view)
        word = overprint(kind, view, now=int(self._clock()))
        record = self._records(principal)
        in_force = word is None
        request = SealRequest(
            identifier=view.certificate_identifier,
            type=view.type,
            issuer=record.uscc,
            token=view.token,
        )
        job = Job(
            type=view.type,
            version=view.version,
            claims=parse(view.token).claims(profiles=PROFILES).claims,
            identifier=view.certificate_identifier,
            issuer_name=record.names["zh"],
            token=view.token,
            issued_at=view.issued_at,
            check_url=self._check_url,
            qr_text=view.qr_text,
            typed_code=view.typed_code,
            # Neither seal nor signature goes on what is no longer in force.
            seal=self._seals.seal(request) if in_force else None,
            overprint=word,
            language=language,
            demo=self._demo,
        ).to_bytes()
        return Order(
            view=view,
            record=record,
            job=job,
            signs=self._signing.signs and in_force and not plain,
            in_force=in_force,
            tag=hashlib.sha256(_MAKERS.encode() + job).hexdigest()[:32],
            stem=(kind.titles.zh, *_numbers(view.certificate_identifier)),
        )

    def print(self, principal: Principal, order: Order, *, patient: bool = False) -> bytes:
        """The PDF.

        Args:
            principal: who gave the order.
            order: of `order`.
            patient: wait behind everybody else, however many they are.

        Raises:
            FaceError: it cannot be printed.
            PrintingError: no press is free or works, or it cannot be signed.
        """
        client = f"{principal.issuer_id}/{principal.client_id}"
        pdf = self.presses.print(order.job, client=client, patient=patient)
        if not order.signs:
            return pdf
        return self._signing.signed(
            pdf,
            order.record,
            issuer_id=principal.issuer_id,
            type_name=order.view.type,
            at=int(self._clock()),
        )

    def _kind(self, view: CertificateView) -> CertificateType:
        try:
            return self._catalogue.get(view.type, view.version)
        except TypeUnknown as error:
            raise FaceUnknown("the certificate's type is not known to this release") from error


def _numbers(identifier: str) -> tuple[str, ...]:
    """Serial and version: unique with the type, and nothing of its holder (GB/T 36904)."""
    return tuple(identifier.split(".")[-3:-1])
