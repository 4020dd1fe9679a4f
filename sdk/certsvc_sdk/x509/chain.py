"""The one way from a chain of X.509 certificates to "this key is that office's"."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import ChainMalformed, ChainMismatch, ChainUntrusted
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.x509.limits import MAX_ANCHORS, MAX_CHAIN, MAX_LISTS
from certsvc_sdk.x509.names import check_office, organisation_of
from certsvc_sdk.x509.path import check_link, check_path, check_period, period
from certsvc_sdk.x509.reading import public_key_of, read_all, read_certificate, read_list
from certsvc_sdk.x509.revocation import UsedList, check_revocation
from certsvc_sdk.x509.signing import ALGORITHM, jwk_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Whose chain it must be.

    Attributes:
        public: the key that signed, from the trust record.
        iss: the issuer's identifier, exactly.
        uscc: its unified social credit code.
        name: its Chinese name; None: not compared, for offices are renamed.
    """

    public: PublicKey
    iss: str
    uscc: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidChain:
    """A chain that leads from an anchor to the expected key.

    Attributes:
        organisation: the office's name as certified.
        serial: the leaf's serial number.
        not_before: first second in which every certificate is valid, Unix time.
        not_after: the last such second.
        anchor: SHA-256 of the anchor's DER, lower-case hex.
        lists: the lists of revocations that answered, leaf's first.
    """

    organisation: str
    serial: int
    not_before: int
    not_after: int
    anchor: str
    lists: tuple[UsedList, ...]


def validate_chain(
    chain: Sequence[bytes],
    *,
    anchors: Sequence[bytes],
    crls: Sequence[bytes],
    expected: Expected,
    at: int,
    now: int,
    at_is_proven: bool = False,
) -> ValidChain:
    """Check a chain; nothing is fetched, and no other function of this package need be called.

    1. limits: how many and how long
    2. each certificate and list: strict DER, P-256, ECDSA with SHA-256
    3. the anchor that signed the last certificate
    4. the path: order, authorities, key usage, purposes, critical extensions, names, signatures
    5. the period of each certificate, at the time of signing
    6. the leaf's key and office are the expected ones
    7. revocation of each certificate, with lists fresh now

    Args:
        chain: DER, the leaf first, each signed by the next; the anchor may stand at the end.
        anchors: DER of the authorities that the caller trusts, from a place of its own.
        crls: DER of lists of revocations, from anywhere: each is signed.
        expected: whose chain it must be.
        at: Unix seconds; the time of signing (`iat`).
        now: Unix seconds; freshness of lists is judged by it. Never left out: who judged a list by
            the time of signing would believe one that somebody kept from before the revocation.
        at_is_proven: the time of signing is proven by the transparency log, so that a revocation
            for theft from a later moment on does not matter.

    Returns:
        What the chain says.

    Raises:
        ChainMalformed: 1 or 2.
        ChainUntrusted: 3 or 4.
        ChainOutsidePeriod: 5.
        ChainMismatch: 6.
        ChainRevoked, ChainRevocationUnknown: 7.
    """
    # 1, 2
    certificates = read_all(chain, MAX_CHAIN, "certificates in a chain", read_certificate)
    trusted = read_all(anchors, MAX_ANCHORS, "anchors", read_certificate)
    lists = read_all(crls, MAX_LISTS, "lists of revocations", read_list)
    # 3
    path = _with_anchor(certificates, trusted)
    # 4
    check_path(path)
    # 5
    check_period(path, at)
    # 6
    leaf = path[0]
    if jwk_of(public_key_of(leaf)) != dict(expected.public.jwk):
        raise ChainMismatch("the certificate is of another key")
    check_office(leaf, iss=expected.iss, uscc=expected.uscc, name=expected.name)
    # 7; the anchor is trusted as it is: who does not want it any more takes it away
    used = tuple(
        check_revocation(subject, issuer, lists, at=at, now=now, at_is_proven=at_is_proven)
        for subject, issuer in pairwise(path)
    )
    periods = [period(one) for one in path]
    return ValidChain(
        organisation=organisation_of(leaf),
        serial=leaf.serial_number,
        not_before=max(start for start, _ in periods),
        not_after=min(end for _, end in periods),
        anchor=hashlib.sha256(path[-1].public_bytes(Encoding.DER)).hexdigest(),
        lists=used,
    )


def validate_issuer(
    record: IssuerRecord,
    kid: str,
    *,
    anchors: Sequence[bytes],
    crls: Sequence[bytes],
    at: int,
    now: int,
    at_is_proven: bool = False,
) -> ValidChain:
    """Check the chain that an issuer's trust record gives for one of its keys.

    Args:
        record: the issuer's record, as the trust repository gave it.
        kid: the key.
        anchors: as `validate_chain`, and so on.
        crls: see there.
        at: see there.
        now: see there.
        at_is_proven: see there.

    Raises:
        ChainMismatch: the record has no such key, or no chain for it; or as `validate_chain`.
        ChainInvalid: as `validate_chain`.
    """
    key = next((one for one in record.keys if one.kid == kid), None)
    if key is None or key.x5c is None:
        raise ChainMismatch("the issuer's record gives no certificates for this key")
    return validate_chain(
        read_x5c(key.x5c),
        anchors=anchors,
        crls=crls,
        expected=Expected(public=key.public, iss=record.iss, uscc=record.uscc),
        at=at,
        now=now,
        at_is_proven=at_is_proven,
    )


def read_x5c(x5c: Sequence[str]) -> tuple[bytes, ...]:
    """DER of each certificate of an `x5c`.

    Raises:
        ChainMalformed: not base64 (RFC 4648 section 4).
    """
    try:
        return tuple(base64.b64decode(text, validate=True) for text in x5c)
    except ValueError as error:
        raise ChainMalformed("x5c holds something else than base64") from error


def write_x5c(chain: Sequence[bytes]) -> tuple[str, ...]:
    """The `x5c` of some certificates in DER, leaf first."""
    return tuple(base64.b64encode(der).decode() for der in chain)


def certified_key(der: bytes) -> PublicKey:
    """The key that a certificate is for; nothing else of it is checked.

    Raises:
        ChainMalformed: no certificate of the profile.
    """
    return PublicKey.from_jwk(jwk_of(public_key_of(read_certificate(der))), ALGORITHM)


def _with_anchor(
    chain: tuple[x509.Certificate, ...], anchors: tuple[x509.Certificate, ...]
) -> tuple[x509.Certificate, ...]:
    """The chain up to the anchor that signed its last certificate.

    Anchors may share a name after a change of key: the one whose key signed is meant.
    """
    if not chain:
        raise ChainMalformed("the chain is empty")
    if chain[0].subject == chain[0].issuer:
        raise ChainUntrusted("the leaf is self-issued")
    below = chain[:-1] if chain[-1] in anchors else chain
    if not below:
        raise ChainUntrusted("the leaf is an anchor itself")
    refusal = ChainUntrusted("no anchor has the name that the last certificate gives its issuer")
    for anchor in anchors:
        if anchor.subject == below[-1].issuer:
            try:
                check_link(below[-1], anchor)
            except ChainUntrusted as error:
                refusal = error
            else:
                return (*below, anchor)
    raise refusal
