"""Authorities are founded, keys certified, certificates taken back.

Nothing leaves here that `certsvc_sdk.x509.validate_chain` would not take, and nothing before it is
on record in the folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from certsvc.publishing.ca_errors import (
    AuthorityExists,
    AuthorityMissing,
    CertificateRefused,
    CertificateUnknown,
)
from certsvc.publishing.ca_files import ROOT, AuthorityFacts, AuthorityFolder
from certsvc.publishing.ca_keys import (
    OWNER,
    PURPOSE,
    Workshop,
    external,
    places_of,
    refusals,
)
from certsvc.publishing.ca_lists import REASONS, living, merged, sign_list
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.trust.right import NATIONAL, division_within
from certsvc_sdk.x509.chain import Expected, validate_chain
from certsvc_sdk.x509.lists import Revocation
from certsvc_sdk.x509.making import (
    SERIAL_BYTES,
    authority_certificate,
    department_certificate,
    root_certificate,
)
from certsvc_sdk.x509.names import Office, constraint_host
from certsvc_sdk.x509.path import period
from certsvc_sdk.x509.reading import read_certificate
from certsvc_sdk.x509.signing import ALGORITHM, ExternalKey, public_from_jwk
from keys.provision import ensure_active

DAY = 86_400
YEAR = 365 * DAY
#: One authority below the root: for a province, a city, or departments at large.
DEPTH = 1
#: Lists whose keys the worker holds; those of a key that lies in a safe are made by hand.
ONLINE_LIST_DAYS = 7
OFFLINE_LIST_DAYS = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """An authority to be made.

    Attributes:
        name: in commands and file names; `root` is the one that certifies the others.
        title: Chinese name in certificates.
        area: six digits; 100000 is the whole country.
        store: address of the key store where its key shall live; None: the installation's own.
        base_url: address of the published tree, ends in `/`.
        years: how long it lives, though never longer than the root.
    """

    name: str
    title: str
    area: str
    store: str | None
    base_url: str
    years: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """A new certificate.

    Attributes:
        chain: DER, the leaf first, without the root.
        kid: the key that it is for.
        serial: its serial number.
        authority: who signed it.
        start: first second of validity, Unix time.
        end: last second.
    """

    chain: tuple[bytes, ...]
    kid: str
    serial: int
    authority: str
    start: int
    end: int


def found_authority(workshop: Workshop, asked: Founding, *, now: int) -> AuthorityFacts:
    """Make an authority with a key of its own; a run that was broken off is taken on.

    Raises:
        AuthorityExists: one of this name stands there.
        AuthorityMissing: there is no root yet, or that cannot be a name.
        AuthorityKeyAway: a key store cannot be reached.
        CertificateRefused: readers would refuse it.
        KeysError: the key store refused.
    """
    if asked.name in workshop.folder.names():
        raise AuthorityExists(f"there is an authority {asked.name!r} already")
    workshop.folder.place(asked.name)
    is_root = asked.name == ROOT
    if is_root and asked.area != NATIONAL:
        raise CertificateRefused(f"the root's area is the whole country, {NATIONAL}")
    if not is_root:
        workshop.key(workshop.folder.facts(ROOT))
    keys = workshop.store(asked.store)
    ensure_active(keys, issuer_id=OWNER, alg=ALGORITHM, purpose=PURPOSE, role=asked.name, now=now)
    key = external(signer := keys.active(OWNER, PURPOSE, role=asked.name))
    facts = AuthorityFacts(
        name=asked.name,
        parent=None if is_root else ROOT,
        area=asked.area,
        store=asked.store,
        kid=signer.kid,
        base_url=asked.base_url,
        list_days=ONLINE_LIST_DAYS if asked.store is None else OFFLINE_LIST_DAYS,
    )
    with refusals():
        make = _root if is_root else _below_root
        certificate = make(workshop, asked, key, now)
    first = sign_list(facts, certificate, key, (), after=0, now=now)
    if not is_root:
        serial = read_certificate(certificate).serial_number
        workshop.folder.put_issued(ROOT, serial, certificate)
    workshop.folder.add(facts, certificate, first)
    return facts


def certify(
    workshop: Workshop,
    name: str,
    office: Office,
    jwk: Mapping[str, str],
    *,
    since: int | None = None,
    until: int | None = None,
    days: int,
    now: int,
) -> Certified:
    """Certify that a key is an office's.

    Args:
        workshop: folder and keys.
        name: the authority that signs.
        office: whose key it is; somebody has made sure of that.
        jwk: the key.
        since: when the key's life began, Unix seconds: the certificate speaks for all of it, as
            far as the authority's own life goes. None: from now on.
        until: when the key's life ends; None: open.
        days: how long the certificate is good from now on, within the lives of both.
        now: Unix seconds.

    Raises:
        AuthorityMissing: there is no such authority.
        AuthorityKeyAway: its key cannot be reached.
        CertificateRefused: readers would refuse it: another area, a stale list, no time left.
        KeysError: the key store refused.
    """
    facts, above = workshop.folder.facts(name), workshop.folder.certificate(name)
    with refusals():
        first, last = period(read_certificate(above))
        start = max(first, now if since is None else min(since, now))
        end = min(now + days * DAY, last, last if until is None else until)
        data = department_certificate(
            public_from_jwk(jwk),
            above,
            workshop.key(facts),
            office=office,
            places=places_of(facts),
            serial=workshop.rng(SERIAL_BYTES),
            start=start,
            end=end,
        )
        chain = (data, *chain_above(workshop.folder, name))
        public = PublicKey.from_jwk(jwk, ALGORITHM)
        names = [name] if facts.parent is None else [name, facts.parent]
        found = validate_chain(
            chain,
            anchors=[workshop.folder.certificate(ROOT)],
            crls=[workshop.folder.list(each) for each in names],
            expected=Expected(public=public, iss=office.iss, uscc=office.uscc, name=office.name),
            at=now,
            now=now,
        )
    workshop.folder.put_issued(name, found.serial, data)
    return Certified(
        chain=chain, kid=public.kid, serial=found.serial, authority=name, start=start, end=end
    )


def revoke(
    folder: AuthorityFolder, serial: int, *, reason: str, since: int | None, now: int
) -> str:
    """Take a certificate back; the next list says so.

    Args:
        folder: of the authorities.
        serial: the certificate's serial number.
        reason: one of `REASONS`.
        since: from when on the key may have been in other hands; None: from now on.
        now: Unix seconds.

    Returns:
        The authority whose list is due.

    Raises:
        CertificateUnknown: no authority of this folder made it.
        CertificateRefused: no such reason, or a moment to come.
        OSError: the folder cannot be written.
    """
    if reason not in REASONS:
        raise CertificateRefused(f"no reason {reason[:40]!r}: {', '.join(REASONS)}")
    if since is not None and not 0 <= since <= now:
        raise CertificateRefused("that moment lies in the future")
    for name in folder.names():
        if serial in folder.issued(name):
            said = Revocation(serial=serial, at=now, reason=reason, invalid_since=since)
            before = [each for each in folder.revoked(name) if each.serial == serial]
            folder.put_revoked(name, merged([*before, said])[serial])
            return name
    raise CertificateUnknown(f"no certificate {serial:x} was made here")


def authority_for(folder: AuthorityFolder, division: str) -> str:
    """The authority nearest to a division: a city's before its province's before the root.

    Raises:
        AuthorityMissing: there is none at all that is good.
    """
    fitting = [
        (len(facts.area.rstrip("0")), name != ROOT, name)
        for name in living(folder)
        if division_within(division, (facts := folder.facts(name)).area)
    ]
    if not fitting:
        raise AuthorityMissing("there is no certificate authority for this division")
    return max(fitting)[2]


def chain_above(folder: AuthorityFolder, name: str) -> tuple[bytes, ...]:
    """What stands in a chain above a leaf of this authority: itself, unless it is the root."""
    return () if name == ROOT else (folder.certificate(name),)


def _root(workshop: Workshop, asked: Founding, key: ExternalKey, now: int) -> bytes:
    return root_certificate(
        key,
        name=asked.title,
        host=constraint_host(asked.base_url),
        depth=DEPTH,
        serial=workshop.rng(SERIAL_BYTES),
        start=now,
        end=now + asked.years * YEAR,
    )


def _below_root(workshop: Workshop, asked: Founding, key: ExternalKey, now: int) -> bytes:
    root, above = workshop.folder.facts(ROOT), workshop.folder.certificate(ROOT)
    return authority_certificate(
        key.public_key(),
        above,
        workshop.key(root),
        name=asked.title,
        area=asked.area,
        host=constraint_host(asked.base_url),
        places=places_of(root),
        serial=workshop.rng(SERIAL_BYTES),
        start=now,
        end=min(now + asked.years * YEAR, period(read_certificate(above))[1]),
    )
