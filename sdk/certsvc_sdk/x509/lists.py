"""What authorities write when they take certificates back: complete lists (RFC 5280 section 5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc_sdk.errors import ChainMalformed, ChainUntrusted
from certsvc_sdk.x509.reading import public_key_of, read_certificate, read_list
from certsvc_sdk.x509.signing import ExternalKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A certificate taken back. Times are Unix seconds.

    Attributes:
        serial: its serial number.
        at: when it was taken back.
        reason: RFC 5280 section 5.3.1, for instance `keyCompromise`.
        invalid_since: when the key is known or feared to have been in other hands; None: `at`.
    """

    serial: int
    at: int
    reason: str
    invalid_since: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """What a list says. Times are Unix seconds.

    Attributes:
        number: higher than that of every list before.
        start: when it was made.
        end: when it is stale.
        entries: all revocations, by serial number.
    """

    number: int
    start: int
    end: int
    entries: Mapping[int, Revocation]


def revocation_list(
    issuer: bytes,
    key: ExternalKey,
    revocations: Iterable[Revocation],
    *,
    number: int,
    start: int,
    end: int,
) -> bytes:
    """A complete list of revocations; entries stay for ever, expired certificates' too.

    Args:
        issuer: DER of the authority.
        key: its key.
        revocations: all there ever were.
        number: higher than that of every list before.
        start: when it was made.
        end: when it is stale.

    Returns:
        DER.

    Raises:
        ChainMalformed: an argument that readers would refuse.
    """
    above = read_certificate(issuer)
    try:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(above.subject)
            .last_update(moment(start))
            .next_update(moment(end))
            .add_extension(authority_key(above), critical=False)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for revocation in sorted(revocations, key=lambda one: one.serial):
            builder = builder.add_revoked_certificate(_entry(revocation))
        return builder.sign(key, SHA256()).public_bytes(Encoding.DER)
    except ValueError as error:
        raise ChainMalformed(f"no list can be made of this: {error}") from error


def read_own_list(data: bytes, issuer: bytes) -> RevocationList:
    """What a list says, if this authority signed it.

    Args:
        data: DER of the list.
        issuer: DER of the authority.

    Raises:
        ChainMalformed: no list of the profile, or without number or end.
        ChainUntrusted: another authority's, or not signed by its key.
    """
    found, above = read_list(data), read_certificate(issuer)
    if found.issuer != above.subject or not found.is_signature_valid(public_key_of(above)):
        raise ChainUntrusted("the list of revocations is not of this authority")
    numbers = [one.value.crl_number for one in found.extensions if one.oid == x509.CRLNumber.oid]
    if not numbers or found.next_update_utc is None:
        raise ChainMalformed("the list of revocations lacks its number or its end")
    return RevocationList(
        number=int(numbers[0]),
        start=int(found.last_update_utc.timestamp()),
        end=int(found.next_update_utc.timestamp()),
        entries={entry.serial_number: _read_entry(entry) for entry in found},
    )


def authority_key(above: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """What names the key of the authority above."""
    known = above.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier(known.digest, None, None)


def moment(seconds: int) -> datetime:
    """Unix seconds as the library takes them."""
    return datetime.fromtimestamp(seconds, UTC)


def _entry(revocation: Revocation) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(revocation.serial)
        .revocation_date(moment(revocation.at))
    )
    reason = x509.ReasonFlags(revocation.reason)
    # RFC 5280 section 5.3.1: unspecified is said by leaving it out.
    if reason is not x509.ReasonFlags.unspecified:
        builder = builder.add_extension(x509.CRLReason(reason), critical=False)
    since = revocation.invalid_since
    if since is not None:
        builder = builder.add_extension(x509.InvalidityDate(moment(since)), critical=False)
    return builder.build()


def _read_entry(entry: x509.RevokedCertificate) -> Revocation:
    reason, since = x509.ReasonFlags.unspecified, None
    for extension in entry.extensions:
        if isinstance(extension.value, x509.CRLReason):
            reason = extension.value.reason
        if isinstance(extension.value, x509.InvalidityDate):
            since = int(extension.value.invalidity_date_utc.timestamp())
    return Revocation(
        serial=entry.serial_number,
        at=int(entry.revocation_date_utc.timestamp()),
        reason=reason.value,
        invalid_since=since,
    )
