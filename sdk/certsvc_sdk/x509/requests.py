"""What departments send and hand on: a request for a certificate, and a file of certificates."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from certsvc_sdk.errors import ChainMalformed
from certsvc_sdk.trust.record import split_iss
from certsvc_sdk.x509.limits import MAX_CERTIFICATE
from certsvc_sdk.x509.names import Office, office_name, organisation_of
from certsvc_sdk.x509.reading import REFUSALS, public_key_of, read_certificate
from certsvc_sdk.x509.signing import ExternalKey, jwk_of


def request(key: ExternalKey, office: Office) -> bytes:
    """A request (RFC 2986) by which a department shows that the key is its own.

    Returns:
        PEM.

    Raises:
        ChainMalformed: the office's name or code break their form.
    """
    address = x509.UniformResourceIdentifier(office.iss)
    builder = x509.CertificateSigningRequestBuilder().subject_name(office_name(office))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def read_request(data: bytes) -> tuple[Office, dict[str, str]]:
    """Who asks for a certificate, and for which key.

    Args:
        data: PEM, at most 8 KiB.

    Returns:
        The office as it names itself, which somebody must confirm, and its key as a JWK.

    Raises:
        ChainMalformed: no request of this profile, or not signed by the key that it is for.
    """
    if len(data) > MAX_CERTIFICATE:
        raise ChainMalformed("the request is too long")
    try:
        asked = x509.load_pem_x509_csr(data)
        jwk = jwk_of(public_key_of(asked))
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        iss = names.get_values_for_type(x509.UniformResourceIdentifier)[0]
        office = Office(iss=iss, uscc=split_iss(iss)[0], name=organisation_of(asked))
        signed = asked.is_signature_valid
    except REFUSALS as error:
        raise ChainMalformed(f"no request of the profile: {str(error)[:200]}") from error
    if not signed:
        raise ChainMalformed("the request is not signed by the key that it is for")
    if office_name(office) != asked.subject:
        raise ChainMalformed("name, code and address of the request do not fit together")
    return office, jwk


def certificates_file(chain: Sequence[bytes]) -> bytes:
    """The certificates as one PKCS #7 file (`.p7b`, RFC 2315), for attaching to a PDF.

    Args:
        chain: DER of each, leaf first.

    Returns:
        DER of a SignedData without content or signatures.

    Raises:
        ChainMalformed: one is no certificate of the profile, or there is none.
    """
    certificates = [read_certificate(der) for der in chain]
    if not certificates:
        raise ChainMalformed("the chain is empty")
    return pkcs7.serialize_certificates(certificates, Encoding.DER)


def to_pem(chain: Sequence[bytes]) -> bytes:
    """Certificates as text (RFC 7468), one behind the other.

    Args:
        chain: DER of each.

    Raises:
        ChainMalformed: one is no certificate of the profile.
    """
    return b"".join(read_certificate(der).public_bytes(Encoding.PEM) for der in chain)
