"""Typed codes: which certificate one stands for, and the codes of older rows."""

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from certsvc.issuing import answers, errors
from certsvc.issuing.allowing import require
from certsvc.issuing.resources import Resources, translated
from certsvc.service.principal import Principal
from certsvc.storage.certificate_rows import CertificateRow
from certsvc.storage.typed_codes import TypedCodes
from certsvc_sdk import typedcode

log = logging.getLogger("certsvc.issuing")

#: Certificates that one transaction of the back-fill gives their codes, and pages in one pass:
#: a million old certificates take half an hour, and nothing else waits for them.
PAGE = 500
PAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The certificate that a code stands for."""

    issuer_id: str
    certificate_id: str
    token: str = field(repr=False)


class Codes:
    """Resolves typed codes of every issuer of this service.

    Args:
        resources: What issuing works with.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._after = ("", "")

    def resolve(self, principal: Principal, code: str) -> Resolved:
        """Find the certificate that a code stands for, whatever became of it since its issue.

        Args:
            principal: Who asks; needs the scope `resolve`, and may ask for any issuer's: a
                verifier cannot know whose certificate lies before it.
            code: As `certsvc_sdk.typedcode.read` returns it.

        Raises:
            ScopeMissing: The caller lacks `resolve`.
            CodeUnknown: No certificate that was issued has it; or, by rare chance, two have.
        """
        require(principal, "resolve")
        with translated():
            lookup = self._resources.code_lookup(code)
            rows = self._resources.read(lambda connection: TypedCodes(connection).find(lookup))
            found = [one for one in map(self._open, rows) if _is_of(one, code)]
        if len(found) != 1:
            raise errors.CodeUnknown("no such code")
        return found[0]

    def backfill(self, *, keeps: Callable[[], bool]) -> int:
        """Give certificates of an older program their codes, some thousands a call.

        Args:
            keeps: Whether the caller still holds the lease; else the next worker goes on.

        Returns:
            How many got theirs.
        """
        done = 0
        with translated():
            for _ in range(PAGES):
                rows = self._resources.read(
                    lambda connection: TypedCodes(connection).missing(after=self._after, limit=PAGE)
                )
                if not rows or not keeps():
                    # What could not be opened is tried again, some time.
                    self._after = ("", "") if not rows else self._after
                    break
                self._after = rows[-1].issuer_id, rows[-1].certificate_id
                lookups = dict(filter(None, map(self._lookup, rows)))
                done += self._resources.write(
                    lambda connection, lookups=lookups: TypedCodes(connection).note(lookups)  # type: ignore[misc]
                )
        return done

    def _open(self, row: CertificateRow) -> Resolved:
        sealing = self._resources.sealing(row.issuer_id)
        return Resolved(
            issuer_id=row.issuer_id,
            certificate_id=row.certificate_id,
            token=answers.open_credential(sealing, row)["token"],
        )

    def _lookup(self, row: CertificateRow) -> tuple[tuple[str, str], bytes] | None:
        try:
            with translated():
                code = typedcode.of(self._open(row).token)
        except errors.RecordTampered:
            log.error("a stored certificate does not open", extra={"issuer_id": row.issuer_id})
            return None
        return (row.issuer_id, row.certificate_id), self._resources.code_lookup(code)


def _is_of(found: Resolved, code: str) -> bool:
    """Whether the look-up told the truth: an altered table must not give another certificate."""
    return hmac.compare_digest(typedcode.of(found.token), code)
