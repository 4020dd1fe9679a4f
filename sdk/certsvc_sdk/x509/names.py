"""What a department's certificate says of it: subject, identifier, and the area of an authority.

The subject is `C=CN, ST=<2 digits>, L=<4 digits>, OU=<6 digits>, O=<name>, organizationIdentifier=
NTRCN-<USCC>`: the division comes first and from the large to the small, so that a directory-name
constraint (RFC 5280 section 4.2.1.10) can confine an authority to a province or a city.
"""

import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from certsvc_sdk.errors import ChainMalformed, ChainMismatch, Malformed
from certsvc_sdk.trust.record import split_iss
from certsvc_sdk.trust.right import NATIONAL
from certsvc_sdk.trust.urls import parse_url

# ETSI EN 319 412-1 section 5.1.4: national trade register, CN; GB 32100 is that register's number.
_SCHEME = "NTRCN-"
# RFC 5280 appendix A.1, ub-organization-name.
MAX_ORGANISATION = 64
_AREAS = (NameOID.STATE_OR_PROVINCE_NAME, NameOID.LOCALITY_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)
_DIVISION = re.compile(r"[0-9]{6}")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who a certificate is made for.

    Attributes:
        iss: the issuer's identifier, `https://<host>/i/<USCC>`.
        uscc: unified social credit code, 18 characters.
        name: Chinese name, at most 64 characters.
    """

    iss: str
    uscc: str
    name: str

    @property
    def division(self) -> str:
        """Six digits, characters 3-8 of the USCC."""
        return self.uscc[2:8]


def office_name(office: Office) -> x509.Name:
    """The subject of a department's certificate.

    Raises:
        ChainMalformed: the name is empty or too long, or the USCC holds no division.
    """
    parts = [
        *_country(),
        *_area(office.division, levels=3),
        _organisation(office.name),
        x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, _SCHEME + office.uscc),
    ]
    return x509.Name(parts)


def authority_name(name: str, area: str) -> x509.Name:
    """The subject of an authority.

    Args:
        name: Chinese name, at most 64 characters.
        area: six digits, the division it may certify in; 100000 is the whole country.

    Raises:
        ChainMalformed: name or area break their form.
    """
    return x509.Name([*_country(), *_area_of(area), _organisation(name)])


def area_name(area: str) -> x509.Name:
    """The beginning of all subjects in an area, for a directory-name constraint.

    Raises:
        ChainMalformed: no division.
    """
    return x509.Name([*_country(), *_area_of(area)])


def constraint_host(iss: str) -> str | None:
    """The host that a URI constraint may name, or None where it is no domain (RFC 5280: must)."""
    url = parse_url(iss)
    return url.host if url is not None and _HOST.fullmatch(url.host) else None


def check_office(leaf: x509.Certificate, *, iss: str, uscc: str, name: str | None) -> None:
    """Refuse a certificate of another office.

    Args:
        leaf: the department's certificate.
        iss: the one URI of its subjectAltName, exactly.
        uscc: its organizationIdentifier, or its serialNumber, whichever it has.
        name: its organization; None: not compared, for offices are renamed.

    Raises:
        ChainMismatch: something differs, is missing, or stands twice.
    """
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise ChainMismatch("the certificate names no address of its office") from None
    if list(names) != [x509.UniformResourceIdentifier(iss)]:
        raise ChainMismatch("the certificate names another address than the office's")
    subject = leaf.subject
    codes = _values(subject, NameOID.ORGANIZATION_IDENTIFIER)
    plain = _values(subject, NameOID.SERIAL_NUMBER)
    if (codes, plain) not in (([_SCHEME + uscc], []), ([_SCHEME + uscc], [uscc]), ([], [uscc])):
        raise ChainMismatch("the certificate is of another office")
    division, parts = uscc[2:8], [_values(subject, oid) for oid in _AREAS]
    if any(parts) and parts != [[division[:2]], [division[:4]], [division]]:
        raise ChainMismatch("the certificate names another division than the office's")
    if name is not None and _values(subject, NameOID.ORGANIZATION_NAME) != [name]:
        raise ChainMismatch("the certificate gives the office another name")


def office_of(certificate: x509.Certificate) -> Office | None:
    """Whose certificate it is, as the profile writes it; None for an authority's."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        iss = names.get_values_for_type(x509.UniformResourceIdentifier)[0]
        return Office(iss=iss, uscc=split_iss(iss)[0], name=organisation_of(certificate))
    except (x509.ExtensionNotFound, IndexError, Malformed):
        return None


def organisation_of(certificate: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """The first organization of a subject, empty where there is none."""
    return next(iter(_values(certificate.subject, NameOID.ORGANIZATION_NAME)), "")


def _values(subject: x509.Name, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(one.value) for one in subject.get_attributes_for_oid(oid)]


def _country() -> list[x509.NameAttribute[str]]:
    return [x509.NameAttribute(NameOID.COUNTRY_NAME, "CN")]


def _organisation(name: str) -> x509.NameAttribute[str]:
    if not 0 < len(name) <= MAX_ORGANISATION or not name.isprintable() or name != name.strip():
        raise ChainMalformed(f"a name has 1 to {MAX_ORGANISATION} printable characters")
    return x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)


def _area_of(area: str) -> list[x509.NameAttribute[str]]:
    if area == NATIONAL:
        return []
    levels = 1 if area.endswith("0000") else 2 if area.endswith("00") else 3
    return _area(area, levels=levels)


def _area(division: str, *, levels: int) -> list[x509.NameAttribute[str]]:
    if not _DIVISION.fullmatch(division) or division == "000000":
        raise ChainMalformed("a division has six digits")
    pairs = enumerate(_AREAS[:levels], start=1)
    return [x509.NameAttribute(oid, division[: 2 * level]) for level, oid in pairs]
