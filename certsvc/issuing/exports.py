"""Certificates that leave in numbers: each looked at by its own right, each noted in the trail."""

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from certsvc.issuing import answers, errors
from certsvc.issuing.allowing import require
from certsvc.issuing.model import CertificateView
from certsvc.issuing.resources import Resources, translated
from certsvc.service.principal import Principal
from certsvc.storage.audit import Audit
from certsvc.storage.certificate_rows import CertificateRow
from certsvc.storage.certificates import Certificates
from certsvc_sdk.trust.record import IssuerRecord

ACTION = "certificate.export"

Found = CertificateView | errors.IssuingError


class Exports:
    """Reads certificates to be handed out, a few at a time."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def take(self, principal: Principal, certificate_ids: Sequence[str]) -> list[Found]:
        """Read certificates of the caller's issuer, and note that they leave.

        Args:
            principal: Who asks; needs the scope `read`.
            certificate_ids: As many as memory shall hold.

        Returns:
            For each id the certificate, or the error that it alone has: `CertificateNotFound`
            for another issuer's too (T63), `RecordTampered`.

        Raises:
            ScopeMissing: The caller lacks `read`.
            StorageUnavailable: The database failed; none of them may leave.
        """
        require(principal, "read")
        resources = self._resources

        def work(connection: Connection) -> list[CertificateRow | None]:
            certificates = Certificates(connection)
            rows = [certificates.get(principal.issuer_id, one) for one in certificate_ids]
            seen = [row.certificate_id for row in rows if row is not None and row.visible]
            Audit(connection).append(principal, ACTION, seen, now=resources.now())
            return rows

        with translated():
            rows = resources.write(work)
        return [self._view(principal, row) for row in rows]

    def find(self, principal: Principal, name: str) -> CertificateView:
        """A certificate by its certificate identifier (电子证照标识).

        Raises:
            ScopeMissing: The caller lacks `read`.
            CertificateNotFound: The issuer has none.
        """
        require(principal, "read")
        if not name.isascii() or "\0" in name:
            # No identifier, and a driver may not be able to send it.
            raise errors.CertificateNotFound("no such certificate")
        with translated():
            row = self._resources.read(
                lambda connection: Certificates(connection).by_identifier(principal.issuer_id, name)
            )
        found = self._view(principal, row)
        if isinstance(found, errors.IssuingError):
            raise found
        return found

    def record(self, principal: Principal) -> IssuerRecord:
        """The trust record of the caller's issuer.

        Raises:
            IssuerUnknown: It is not registered.
            StorageUnavailable: The database failed.
        """
        with translated():
            return self._resources.records.record(principal.issuer_id)

    def _view(self, principal: Principal, row: CertificateRow | None) -> Found:
        if row is None or not row.visible:
            return errors.CertificateNotFound("no such certificate")
        try:
            with translated():
                return answers.view(self._resources.sealing(principal.issuer_id), row)
        except errors.RecordTampered as error:
            return error
