"""What authorities write: certificates, in the one profile.

Made and read in the same package, so that the two cannot drift. Keys sign from outside: see
`certsvc_sdk.x509.signing`. Random bytes and times are arguments.
"""

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID

from certsvc_sdk.errors import ChainMalformed
from certsvc_sdk.x509.lists import authority_key, moment
from certsvc_sdk.x509.names import (
    Office,
    area_name,
    authority_name,
    office_name,
)
from certsvc_sdk.x509.path import DOCUMENT_SIGNING
from certsvc_sdk.x509.reading import read_certificate
from certsvc_sdk.x509.signing import ExternalKey

SERIAL_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where what an authority publishes is found.

    Attributes:
        crl: address of its list of revocations.
        certificate: address of its own certificate, DER.
    """

    crl: str
    certificate: str


def root_certificate(
    key: ExternalKey,
    *,
    name: str,
    host: str | None,
    depth: int,
    serial: bytes,
    start: int,
    end: int,
) -> bytes:
    """An anchor: an authority that signs itself.

    Args:
        key: its key.
        name: its Chinese name.
        host: the host that all issuers' identifiers have; None: not limited, for an address
            without a domain cannot be.
        depth: how many authorities may follow one below the other.
        serial: 16 random bytes.
        start: first second of validity.
        end: last second.

    Returns:
        DER.

    Raises:
        ChainMalformed: an argument that readers would refuse.
    """
    subject = authority_name(name, "100000")
    builder = _blank(subject, subject, key.public_key(), serial, start, end)
    builder = _as_authority(builder, key.public_key(), depth)
    builder = builder.add_extension(_limits("100000", host), critical=True)
    return _signed(builder, key)


def authority_certificate(
    public: ec.EllipticCurvePublicKey,
    issuer: bytes,
    key: ExternalKey,
    *,
    name: str,
    area: str,
    host: str | None,
    places: Places,
    serial: bytes,
    start: int,
    end: int,
) -> bytes:
    """An authority for a province, a city, or departments at large; none may follow below it.

    Args:
        public: the new authority's key.
        issuer: DER of the authority that signs.
        key: that authority's key.
        name: Chinese name of the new one.
        area: six digits; offices of this division and those within it may be certified.
        host: as `root_certificate`.
        places: of the authority that signs.
        serial: 16 random bytes.
        start: first second of validity.
        end: last second.

    Returns:
        DER.

    Raises:
        ChainMalformed: an argument that readers would refuse.
    """
    above = read_certificate(issuer)
    builder = _blank(authority_name(name, area), above.subject, public, serial, start, end)
    builder = _as_authority(builder, public, 0)
    builder = builder.add_extension(_limits(area, host), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([DOCUMENT_SIGNING]), critical=False)
    return _signed(_linked(builder, above, places), key)


def department_certificate(
    public: ec.EllipticCurvePublicKey,
    issuer: bytes,
    key: ExternalKey,
    *,
    office: Office,
    places: Places,
    serial: bytes,
    start: int,
    end: int,
) -> bytes:
    """A department's certificate for one key of its trust record.

    Args:
        public: the department's key.
        issuer: DER of the authority that signs.
        key: that authority's key.
        office: who the department is.
        places: of the authority that signs.
        serial: 16 random bytes.
        start: first second of validity.
        end: last second.

    Returns:
        DER.

    Raises:
        ChainMalformed: an argument that readers would refuse.
    """
    above = read_certificate(issuer)
    address = x509.UniformResourceIdentifier(office.iss)
    builder = _blank(office_name(office), above.subject, public, serial, start, end)
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([DOCUMENT_SIGNING]), critical=False)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(_identifier(public), critical=False)
    )
    return _signed(_linked(builder, above, places), key)


def _blank(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    serial: bytes,
    start: int,
    end: int,
) -> x509.CertificateBuilder:
    if len(serial) != SERIAL_BYTES:
        raise ChainMalformed(f"a serial number is made of {SERIAL_BYTES} random bytes")
    if not start < end:
        raise ChainMalformed("a certificate would end before it begins")
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        # A leading one: positive, and never shorter than another.
        .serial_number(int.from_bytes(b"\1" + serial))
        .not_valid_before(moment(start))
        .not_valid_after(moment(end))
    )


def _as_authority(
    builder: x509.CertificateBuilder, public: ec.EllipticCurvePublicKey, depth: int
) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(_identifier(public), critical=False)
    )


def _linked(
    builder: x509.CertificateBuilder, above: x509.Certificate, places: Places
) -> x509.CertificateBuilder:
    """With what leads to the issuer: its key, its lists, its certificate."""
    point = x509.DistributionPoint(
        full_name=[x509.UniformResourceIdentifier(places.crl)],
        relative_name=None,
        reasons=None,
        crl_issuer=None,
    )
    access = x509.AccessDescription(
        AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(places.certificate)
    )
    return (
        builder.add_extension(authority_key(above), critical=False)
        .add_extension(x509.CRLDistributionPoints([point]), critical=False)
        .add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    )


def _limits(area: str, host: str | None) -> x509.NameConstraints:
    hosts = [] if host is None else [x509.UniformResourceIdentifier(host)]
    permitted = [x509.DirectoryName(area_name(area)), *hosts]
    return x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _identifier(public: ec.EllipticCurvePublicKey) -> x509.SubjectKeyIdentifier:
    """RFC 7093 section 2, method 1: 160 bits of SHA-256 over the key."""
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return x509.SubjectKeyIdentifier(hashlib.sha256(point).digest()[:20])


def _signed(builder: x509.CertificateBuilder, key: ExternalKey) -> bytes:
    """Sign, and read back as strictly as everybody else will."""
    try:
        data = builder.sign(key, SHA256()).public_bytes(Encoding.DER)
    except ValueError as error:
        raise ChainMalformed(f"no certificate can be made of this: {error}") from error
    read_certificate(data)
    return data
