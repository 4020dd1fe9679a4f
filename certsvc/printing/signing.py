"""PAdES signatures on faces, by the key that signs certificates and its X.509 chain.

Needs the extra `pades`. The private key stays in its store: pyHanko makes the signed attributes
(RFC 5652, 5.4) and the store's signer signs their bytes. These begin with 0x31, the signing input
of a certificate with "ey": neither can be taken for the other.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from certsvc.printing.errors import SignatureUnavailable
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.x509.chain import read_x5c
from certsvc_sdk.x509.path import period
from certsvc_sdk.x509.reading import read_certificate
from keys.errors import KeysError
from keys.signer import Signer
from keys.store import KeyStore

if TYPE_CHECKING:
    from pyhanko.sign.signers.pdf_signer import PdfSigner
    from pyhanko.sign.timestamps import TimeStamper

FIELD: Final = "Signature"
# An ECDSA signature over P-256 as DER has 72 bytes at most.
_DER_BYTES: Final = 72
_HALF: Final = 32
TSA_SECONDS: Final = 5


class PdfSigning(Protocol):
    """Signs the PDF of a face, or leaves it as it is."""

    @property
    def signs(self) -> bool:
        """Whether it does."""
        ...

    def signed(
        self, pdf: bytes, record: IssuerRecord, *, issuer_id: str, type_name: str, at: int
    ) -> bytes:
        """The PDF, with what this installation adds to it."""
        ...


class Unsigned:
    """PDFs are not signed; the certificate in them is."""

    signs = False

    def signed(
        self, pdf: bytes, record: IssuerRecord, *, issuer_id: str, type_name: str, at: int
    ) -> bytes:
        """The PDF as it is."""
        _ = record, issuer_id, type_name, at
        return pdf


def pades_available() -> bool:
    """Whether the extra `pades` is installed."""
    return find_spec("pyhanko") is not None


class Pades:
    """Signs PDFs at PAdES baseline B-B, or B-T with a time-stamping service. Safe for threads.

    Args:
        keys: custody.
        tsa_url: time-stamping service (RFC 3161); empty: none.
    """

    signs = True

    def __init__(self, keys: KeyStore, *, tsa_url: str = "") -> None:
        self._keys = keys
        self._tsa_url = tsa_url

    def signed(
        self, pdf: bytes, record: IssuerRecord, *, issuer_id: str, type_name: str, at: int
    ) -> bytes:
        """The PDF with a signature appended; its own bytes stay (ISO 32000-1, 7.5.6).

        Args:
            pdf: of `certsvc.face.document`.
            record: trust record of the department, with the chain of its key.
            issuer_id: the department, as the key store names it.
            type_name: short name of the certificate type.
            at: the time of signing that the signature claims, Unix seconds.

        Raises:
            SignatureUnavailable: no active key, no certificate for it that is good now, or the
                key store or time-stamping service failed.
        """
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.pdf_utils.misc import PdfError

        try:
            signer = self._keys.active(issuer_id, "certificate", type=type_name)
            chain = _chain(record, signer.kid, at)
            maker = _maker(signer, chain, name=record.names["zh"], tsa_url=self._tsa_url, at=at)
            out = io.BytesIO()
            maker.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out)
        except KeysError as error:
            raise SignatureUnavailable(f"custody: {error.code}") from error
        # pyHanko's SigningError is a ValueError, what a time-stamping service does an OSError.
        except (CertsvcError, PdfError, ValueError, OSError) as error:
            raise SignatureUnavailable("the PDF cannot be signed") from error
        return out.getvalue()


def _chain(record: IssuerRecord, kid: str, at: int) -> tuple[bytes, ...]:
    """The certificates of a key, its own first, that are good at a moment."""
    key = next((one for one in record.keys if one.kid == kid), None)
    if key is None or key.x5c is None:
        raise SignatureUnavailable(f"key {kid} has no certificate: certsvc ca issue")
    chain = read_x5c(key.x5c)
    for each in chain:
        start, end = period(read_certificate(each))
        if not start <= at <= end:
            raise SignatureUnavailable(f"a certificate of key {kid} is not good now")
    return chain


def _maker(
    signer: Signer, chain: Sequence[bytes], *, name: str, tsa_url: str, at: int
) -> PdfSigner:
    from pyhanko.sign import PdfSignatureMetadata
    from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
    from pyhanko.sign.signers.pdf_signer import PdfSigner

    class AtMoment(PdfSigner):
        """Claims the time that it was given."""

        def init_signing_session(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
            session = super().init_signing_session(*args, **options)
            session.system_time = datetime.fromtimestamp(at, UTC)
            return session

    return AtMoment(
        PdfSignatureMetadata(
            field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, name=name
        ),
        _cms_signer(signer, chain),
        timestamper=_time_stamper(tsa_url),
        # No rectangle: nothing of the face is covered, and PDF/A asks for no appearance.
        new_field_spec=SigFieldSpec(FIELD, box=None),
    )


def _cms_signer(signer: Signer, chain: Sequence[bytes]) -> Any:  # noqa: ANN401 - pyHanko's
    from asn1crypto.algos import SignedDigestAlgorithm
    from asn1crypto.x509 import Certificate
    from pyhanko.sign.signers.pdf_cms import Signer as CmsSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    class StoreSigner(CmsSigner):
        """Has the key store sign."""

        async def async_sign_raw(
            self, data: bytes, digest_algorithm: str, dry_run: bool = False
        ) -> bytes:
            if dry_run:
                return bytes(_DER_BYTES)
            pair = signer.sign(data)
            r, s = (int.from_bytes(half) for half in (pair[:_HALF], pair[_HALF:]))
            return encode_dss_signature(r, s)

    leaf, *above = (Certificate.load(each) for each in chain)
    return StoreSigner(
        signing_cert=leaf,
        cert_registry=SimpleCertificateStore.from_certs(above),
        signature_mechanism=SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
        embed_roots=False,
    )


def _time_stamper(tsa_url: str) -> TimeStamper | None:
    if not tsa_url:
        return None
    from pyhanko.sign.timestamps.requests_client import HTTPTimeStamper

    return HTTPTimeStamper(tsa_url, timeout=TSA_SECONDS)
