"""Whether each certificate of a chain may issue the one below it (RFC 5280 section 6.1).

Only the straight line that the chain itself gives is walked: nothing is searched, so there is
nothing to lead astray. `cryptography.x509.verification` refuses every chain with a constraint on
directory names or URIs, which are what confines an authority here; the tests hold this walk
against it, where it answers, and against OpenSSL.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from certsvc_sdk.errors import ChainOutsidePeriod, ChainUntrusted
from certsvc_sdk.trust.urls import parse_url
from certsvc_sdk.x509.reading import public_key_of

#: RFC 9336: the key signs documents for people to read.
DOCUMENT_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")

# Extensions that are obeyed here, so that it does no harm when they are critical.
_OBEYED: Final = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.ExtendedKeyUsage,
    x509.NameConstraints,
    x509.SubjectAlternativeName,
)
# Rules on policies that would have to be obeyed (RFC 5280 sections 4.2.1.5, 11 and 14) and are not.
_NOT_OBEYED: Final = (
    ExtensionOID.POLICY_MAPPINGS,
    ExtensionOID.POLICY_CONSTRAINTS,
    ExtensionOID.INHIBIT_ANY_POLICY,
)
_NAME: Final = (x509.DirectoryName, x509.UniformResourceIdentifier)


def check_path(path: Sequence[x509.Certificate]) -> None:
    """Refuse a chain in which some certificate may not issue the one before it.

    Args:
        path: leaf first, the anchor last; two at least.

    Raises:
        ChainUntrusted: says which rule is broken.
    """
    _check_loop(path)
    for certificate in path:
        _check_extensions(certificate)
    _check_leaf(path[0])
    for place, (subject, issuer) in enumerate(pairwise(path)):
        # RFC 5280 section 4.2.1.9: authorities below this one, the leaf not counted.
        check_authority(issuer, below=place)
        check_link(subject, issuer)
    for place, issuer in enumerate(path[1:], start=1):
        for subject in path[:place]:
            _check_names(subject, issuer)


def check_period(path: Sequence[x509.Certificate], at: int) -> None:
    """Refuse a chain that was not valid as a whole at a time; both ends belong to the period.

    Raises:
        ChainOutsidePeriod: one certificate was not.
    """
    for certificate in path:
        start, end = period(certificate)
        if not start <= at <= end:
            word = "not yet" if at < start else "no longer"
            raise ChainOutsidePeriod(f"certificate {certificate.serial_number:x} is {word} valid")


def period(certificate: x509.Certificate) -> tuple[int, int]:
    """First and last second of validity, Unix time (RFC 5280 section 4.1.2.5)."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return int(start.timestamp()), int(end.timestamp())


def check_authority(issuer: x509.Certificate, *, below: int) -> None:
    """Refuse an issuer that is no authority, or has too many authorities below it.

    Raises:
        ChainUntrusted: see above.
    """
    basic, usage = _find(issuer, x509.BasicConstraints), _find(issuer, x509.KeyUsage)
    if basic is None or not basic.value.ca or not basic.critical:
        raise ChainUntrusted("an issuer is no authority (basicConstraints)")
    if basic.value.path_length is not None and below > basic.value.path_length:
        raise ChainUntrusted("too many authorities below one that limits them (pathLenConstraint)")
    if usage is None or not usage.value.key_cert_sign:
        raise ChainUntrusted("an issuer's key may not sign certificates (keyUsage)")
    purposes = _find(issuer, x509.ExtendedKeyUsage)
    allowed = {DOCUMENT_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if purposes is not None and allowed.isdisjoint(purposes.value):
        raise ChainUntrusted("an issuer serves another purpose (extendedKeyUsage)")
    if _find(issuer, x509.SubjectKeyIdentifier) is None:
        raise ChainUntrusted("an issuer's key has no identifier (subjectKeyIdentifier)")


def check_link(subject: x509.Certificate, issuer: x509.Certificate) -> None:
    """Refuse a certificate that this issuer did not sign.

    Raises:
        ChainUntrusted: name, key identifier or signature do not fit.
    """
    if subject.issuer != issuer.subject:
        raise ChainUntrusted("a certificate names another issuer than the next one in the chain")
    claimed = _find(subject, x509.AuthorityKeyIdentifier)
    if claimed is None or claimed.value.key_identifier != key_identifier(issuer):
        raise ChainUntrusted("a certificate names another key of its issuer")
    public_key_of(issuer)
    try:
        subject.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise ChainUntrusted("a signature does not verify under the issuer's key") from error


def key_identifier(certificate: x509.Certificate) -> bytes | None:
    """The subjectKeyIdentifier, or None."""
    found = _find(certificate, x509.SubjectKeyIdentifier)
    return None if found is None else found.value.digest


def _check_loop(path: Sequence[x509.Certificate]) -> None:
    if len(set(path)) != len(path):
        raise ChainUntrusted("a certificate stands in the chain twice")
    names = [(one.subject, public_key_of(one)) for one in path]
    if any(known in names[:place] for place, known in enumerate(names)):
        raise ChainUntrusted("a name and key stand in the chain twice")
    # Self-issued certificates would not count towards pathLenConstraint: nobody needs them here.
    if any(one.subject == one.issuer for one in path[:-1]):
        raise ChainUntrusted("a certificate below the anchor is self-issued")


def _check_extensions(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and not isinstance(extension.value, _OBEYED):
            oid = extension.oid.dotted_string
            raise ChainUntrusted(f"a critical extension is not understood here: {oid}")
        if extension.oid in _NOT_OBEYED:
            raise ChainUntrusted("rules on policies are not obeyed here")


def _check_leaf(leaf: x509.Certificate) -> None:
    basic, usage = _find(leaf, x509.BasicConstraints), _find(leaf, x509.KeyUsage)
    if basic is not None and basic.value.ca:
        raise ChainUntrusted("the leaf is an authority")
    if usage is None or not usage.value.digital_signature:
        raise ChainUntrusted("the leaf's key may not sign documents (keyUsage)")
    if usage.value.key_cert_sign or usage.value.crl_sign:
        raise ChainUntrusted("the leaf's key may sign certificates (keyUsage)")
    purposes = _find(leaf, x509.ExtendedKeyUsage)
    if purposes is None or DOCUMENT_SIGNING not in purposes.value:
        raise ChainUntrusted("the leaf's key does not serve to sign documents (extendedKeyUsage)")
    if _find(leaf, x509.NameConstraints) is not None:
        raise ChainUntrusted("a leaf cannot limit names")


def _check_names(subject: x509.Certificate, issuer: x509.Certificate) -> None:
    """Section 4.2.1.10, narrowed: only permitted subtrees of directory names and URIs."""
    found = _find(issuer, x509.NameConstraints)
    if found is None:
        return
    permitted = found.value.permitted_subtrees or []
    kinds_known = all(isinstance(one, _NAME) for one in permitted)
    if not found.critical or found.value.excluded_subtrees or not kinds_known:
        raise ChainUntrusted("an issuer limits names in a way not understood here")
    prefixes = [one.value for one in permitted if isinstance(one, x509.DirectoryName)]
    names = [subject.subject, *_alternatives(subject, x509.DirectoryName)]
    if prefixes and not all(any(_begins(name, prefix) for prefix in prefixes) for name in names):
        raise ChainUntrusted("a subject lies outside its issuer's area (nameConstraints)")
    hosts = [one.value for one in permitted if isinstance(one, x509.UniformResourceIdentifier)]
    uris = _alternatives(subject, x509.UniformResourceIdentifier)
    if hosts and not all(any(_host_fits(uri, host) for host in hosts) for uri in uris):
        raise ChainUntrusted("an address lies outside its issuer's hosts (nameConstraints)")


def _begins(name: x509.Name, prefix: x509.Name) -> bool:
    """Whether a name lies in a subtree; letters are compared exactly, which permits less."""
    return name.rdns[: len(prefix.rdns)] == prefix.rdns


def _alternatives(certificate: x509.Certificate, kind: type[x509.GeneralName]) -> list[Any]:
    """Values of one kind in the subjectAltName."""
    found = _find(certificate, x509.SubjectAlternativeName)
    return [one.value for one in found.value if isinstance(one, kind)] if found else []


def _host_fits(uri: str, constraint: str) -> bool:
    """A leading dot: machines below the domain; none: the machine itself."""
    url = parse_url(uri)
    if url is None:
        return False
    if constraint.startswith("."):
        return url.host.endswith(constraint.lower()) and url.host != constraint.lower()
    return url.host == constraint.lower()


def _find(
    certificate: x509.Certificate, kind: type[x509.ExtensionType]
) -> x509.Extension[Any] | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
