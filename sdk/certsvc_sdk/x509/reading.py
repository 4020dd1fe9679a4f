"""Reads certificates and lists of revocations from bytes, strictly, and within limits.

What passes is DER to the last bit: a certificate is written anew from what was understood of it
and must come out the same (docs/adr/0013-strict-by-round-trip.md).
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.utils import CryptographyDeprecationWarning

from certsvc_sdk.errors import AlgorithmNotAllowed, ChainMalformed, KeyFormatInvalid, Malformed
from certsvc_sdk.x509.limits import MAX_CERTIFICATE, MAX_LIST, MAX_SERIAL, SIGNATURE_ALGORITHM
from certsvc_sdk.x509.signing import ExternalKey, jwk_of

T = TypeVar("T")

#: All that is raised about what is read; a warning, where the caller made it an error.
REFUSALS: Final = (
    ValueError,
    TypeError,
    IndexError,
    Malformed,
    AlgorithmNotAllowed,
    KeyFormatInvalid,
    UnsupportedAlgorithm,
    NotImplementedError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,
)
# Some signature of the right form: what is written anew is compared up to the signature.
_ANY_SIGNATURE: Final = bytes(31) + b"\1" + bytes(31) + b"\1"


def read_all(
    items: Sequence[bytes], most: int, what: str, read: Callable[[bytes], T]
) -> tuple[T, ...]:
    """Read several things, not more than `most`.

    Raises:
        ChainMalformed: too many, or what `read` raises.
    """
    if len(items) > most:
        raise ChainMalformed(f"more than {most} {what}")
    return tuple(read(item) for item in items)


def read_certificate(data: bytes) -> x509.Certificate:
    """Read one certificate of the profile: version 3, key on P-256, ECDSA with SHA-256.

    Args:
        data: DER, at most 8 KiB.

    Raises:
        ChainMalformed: too long, not DER, something behind it, repeated extensions, a serial number
            that is not positive or too long, another key or signature algorithm.
    """
    if not 0 < len(data) <= MAX_CERTIFICATE:
        raise ChainMalformed("a certificate is empty or too long")
    return _strictly("certificate", lambda: _certificate(data))


def read_list(data: bytes) -> x509.CertificateRevocationList:
    """Read one list of revocations (RFC 5280 section 5): DER, signed by ECDSA with SHA-256.

    Raises:
        ChainMalformed: as `read_certificate`; up to 1 MiB.
    """
    if not 0 < len(data) <= MAX_LIST:
        raise ChainMalformed("a list of revocations is empty or too long")
    return _strictly("list of revocations", lambda: _list(data))


def public_key_of(
    certificate: x509.Certificate | x509.CertificateSigningRequest,
) -> ec.EllipticCurvePublicKey:
    """The P-256 key of a certificate or request.

    Raises:
        ChainMalformed: any other key.
    """
    key = _strictly("public key", certificate.public_key)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ChainMalformed("the key is not on P-256")
    return key


def _strictly(what: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except REFUSALS as error:
        raise ChainMalformed(f"no {what} of the profile: {str(error)[:200]}") from error


def _certificate(data: bytes) -> x509.Certificate:
    certificate = x509.load_der_x509_certificate(data)
    if certificate.version is not x509.Version.v3:
        raise ValueError("not of version 3")
    if not 0 < certificate.serial_number <= MAX_SERIAL:
        raise ValueError("the serial number is not positive, or too long")
    _check_envelope(data, certificate.tbs_certificate_bytes, certificate.signature)
    if _written_anew(certificate) != certificate.tbs_certificate_bytes:
        raise ValueError("not the canonical form of what it says")
    return certificate


def _check_envelope(data: bytes, signed: bytes, signature: bytes) -> None:
    """Refuse an outer SEQUENCE (RFC 5280 sections 4.1 and 5.1) in any other spelling."""
    bits = _element(0x03, b"\0" + signature)
    if data != _element(0x30, signed + SIGNATURE_ALGORITHM + bits):
        raise ValueError("not DER, or not signed by ECDSA with SHA-256")


def _element(tag: int, content: bytes) -> bytes:
    """Tag, shortest length, content (X.690 section 10.1)."""
    length = len(content)
    size = length.to_bytes((length.bit_length() + 7) // 8)
    head = size if length < 0x80 else bytes([0x80 | len(size)]) + size
    return bytes([tag]) + head + content


def _written_anew(certificate: x509.Certificate) -> bytes:
    key = public_key_of(certificate)
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(certificate.issuer)
        .public_key(key)
        .serial_number(certificate.serial_number)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
    )
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    nobody = ExternalKey(lambda _: _ANY_SIGNATURE, jwk_of(key))
    return builder.sign(nobody, SHA256()).tbs_certificate_bytes


def _list(data: bytes) -> x509.CertificateRevocationList:
    found = x509.load_der_x509_crl(data)
    _check_envelope(data, found.tbs_certlist_bytes, found.signature)
    # The library reads members when they are asked for: asked here, nothing can fail later.
    _ = (found.issuer, found.last_update_utc, found.next_update_utc, list(found.extensions))
    for entry in found:
        _ = (entry.serial_number, entry.revocation_date_utc, list(entry.extensions))
    return found
