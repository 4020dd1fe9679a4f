"""Whether a certificate was revoked, by lists of revocations (RFC 5280 sections 5 and 6.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509

from certsvc_sdk.errors import ChainRevocationUnknown, ChainRevoked
from certsvc_sdk.x509.path import key_identifier
from certsvc_sdk.x509.reading import public_key_of

# The key was its owner's until the end: what it signed before stays good.
_ORDERLY: Final = frozenset(
    {
        x509.ReasonFlags.affiliation_changed,
        x509.ReasonFlags.superseded,
        x509.ReasonFlags.cessation_of_operation,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedList:
    """A list that answered.

    Attributes:
        issuer: key identifier of the authority, lower-case hex.
        number: its CRL number; a caller may keep the highest seen, and refuse lower ones.
        this_update: Unix seconds.
        next_update: Unix seconds; from then on the list is stale.
    """

    issuer: str
    number: int
    this_update: int
    next_update: int


def check_revocation(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    lists: Sequence[x509.CertificateRevocationList],
    *,
    at: int,
    now: int,
    at_is_proven: bool,
) -> UsedList:
    """Refuse a certificate that was revoked, or for which nothing fresh answers.

    Every authentic list counts against the certificate, a stale one too: what was revoked stays
    so. Only a fresh and complete one can speak for it.

    Args:
        certificate: the one asked for.
        issuer: who signed it, and signs its lists.
        lists: of any authority, in any order.
        at: Unix seconds; when the key signed.
        now: Unix seconds; how old a list is, is judged by it.
        at_is_proven: `at` does not rest on the word of the key's holder alone.

    Returns:
        The list that answered.

    Raises:
        ChainRevoked: it was, and that counts at that time.
        ChainRevocationUnknown: no list answers.
    """
    whose = f"certificate {certificate.serial_number:x}"
    own = [one for one in lists if _is_authentic(one, issuer)]
    for one in own:
        entry = one.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is not None and _counts(entry, at=at, at_is_proven=at_is_proven):
            raise ChainRevoked(f"{whose} was revoked ({_reason(entry).value})")
    fresh = [used for one in own if (used := _used(one, now)) is not None]
    if not fresh:
        word = "stale" if own else "missing, of another authority or not for it alone"
        raise ChainRevocationUnknown(f"the list of revocations for {whose} is {word}")
    return max(fresh, key=lambda used: used.number)


def list_number(found: x509.CertificateRevocationList) -> int | None:
    """The CRL number (RFC 5280 section 5.2.3), or None."""
    extension = _find(found, x509.CRLNumber)
    return None if extension is None else int(extension.crl_number)


def _is_authentic(found: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether this authority's own key signed the list, and everything critical is understood."""
    usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    if found.issuer != issuer.subject or not usage.crl_sign:
        return False
    claimed = _find(found, x509.AuthorityKeyIdentifier)
    if claimed is None or claimed.key_identifier != key_identifier(issuer):
        return False
    if not found.is_signature_valid(public_key_of(issuer)):
        return False
    # Delta, partial and indirect lists are marked critical, and so is an entry of another issuer.
    return not any(extension.critical for extension in _extensions(found))


def _extensions(found: x509.CertificateRevocationList) -> Iterator[x509.Extension[Any]]:
    yield from found.extensions
    for entry in found:
        yield from entry.extensions


def _used(found: x509.CertificateRevocationList, now: int) -> UsedList | None:
    """The list, if it is complete and fresh."""
    number, end = list_number(found), found.next_update_utc
    partial = (x509.DeltaCRLIndicator, x509.IssuingDistributionPoint)
    if number is None or end is None or any(_find(found, kind) for kind in partial):
        return None
    start, end_at = int(found.last_update_utc.timestamp()), int(end.timestamp())
    if not start <= now < end_at:
        return None
    claimed = _find(found, x509.AuthorityKeyIdentifier)
    key = b"" if claimed is None else claimed.key_identifier or b""
    return UsedList(issuer=key.hex(), number=number, this_update=start, next_update=end_at)


def _counts(entry: x509.RevokedCertificate, *, at: int, at_is_proven: bool) -> bool:
    """Whether a revocation concerns a signature of that time.

    Who holds a stolen key writes any time into what it signs: then only a proof of the time helps.
    """
    reason = _reason(entry)
    if reason is x509.ReasonFlags.remove_from_crl:
        return False
    since = int(entry.revocation_date_utc.timestamp())
    invalid = _entry(entry, x509.InvalidityDate)
    if invalid is not None:
        since = min(since, int(invalid.invalidity_date_utc.timestamp()))
    return at >= since or not (reason in _ORDERLY or at_is_proven)


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags:
    found = _entry(entry, x509.CRLReason)
    return x509.ReasonFlags.unspecified if found is None else found.reason


def _find(found: x509.CertificateRevocationList, kind: type[x509.ExtensionType]) -> Any:  # noqa: ANN401
    try:
        return found.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _entry(entry: x509.RevokedCertificate, kind: type[x509.ExtensionType]) -> Any:  # noqa: ANN401
    try:
        return entry.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
