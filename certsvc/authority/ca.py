"""Joins the certificate authorities to an installation: its keys, its records, its tree."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from certsvc.authority.ca_chains import publish_chains
from certsvc.authority.records import Publication, stored_record
from certsvc.authority.world import Authority
from certsvc.custody import open_keys
from certsvc.publishing.ca_errors import AuthorityKeyAway, CertificateUnknown
from certsvc.publishing.ca_files import AuthorityFacts, AuthorityFolder
from certsvc.publishing.ca_issuing import (
    Certified,
    authority_for,
    certify,
    revoke,
)
from certsvc.publishing.ca_keys import OWNER, RandomBytes, Workshop, external, refusals
from certsvc.publishing.ca_lists import STOLEN, publish_files, renew_list, stolen_keys
from certsvc.publishing.tree import PublishedTree
from certsvc.service.settings import Settings, SettingsInvalid
from certsvc_sdk.trust.record import IssuerRecord, KeyRecord, KeyState, KeyUse
from certsvc_sdk.x509.chain import certified_key
from certsvc_sdk.x509.names import Office
from certsvc_sdk.x509.requests import read_request, request
from certsvc_sdk.x509.signing import ALGORITHM
from keys import KeyStore, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What became of the lists of revocations.

    Attributes:
        renewed: authorities with a new list.
        away: authorities whose list is due and whose key cannot be reached from here.
    """

    renewed: tuple[str, ...]
    away: tuple[str, ...]


def open_workshop(
    settings: Settings,
    *,
    folder: Path | None = None,
    keys: KeyStore | None = None,
    rng: RandomBytes = secrets.token_bytes,
) -> Workshop:
    """The authorities, with the key stores that can be opened from here.

    Args:
        settings: of the installation, or what stands for them on a machine in a safe.
        folder: of the authorities; None: the installation's.
        keys: the installation's key store where it is open; None: it is opened when needed.
        rng: source of random bytes.
    """
    opened: dict[str | None, KeyStore] = {} if keys is None else {None: keys}

    def open_store(address: str | None) -> KeyStore | None:
        if address not in opened:
            opened[address] = open_keys(
                settings if address is None else settings.model_copy(update={"keys_url": address})
            )
        return opened[address]

    place = AuthorityFolder(folder or settings.authorities)
    return Workshop(folder=place, open_store=open_store, rng=rng)


def worker_workshop(folder: Path, keys: KeyStore) -> Workshop:
    """The authorities as the worker sees them: no key store but the installation's."""
    return Workshop(
        folder=AuthorityFolder(folder),
        open_store=lambda address: keys if address is None else None,
        rng=secrets.token_bytes,
    )


def renew_lists(
    workshop: Workshop,
    *,
    stolen: dict[str, int],
    tree: PublishedTree | None,
    now: int,
    names: Sequence[str] | None = None,
    force: bool = False,
) -> Renewal:
    """Sign every list that is due, and publish; one that cannot be signed keeps no other back.

    Args:
        workshop: folder and keys.
        stolen: when each compromised key was, by key id.
        tree: the published tree, held by the caller; None: nothing is published.
        now: Unix seconds.
        names: only these authorities; None: all.
        force: sign in any case.

    Raises:
        AuthorityMissing, TreeUnreadable: the folder.
        CertificateRefused, KeysError: a list cannot be signed.
        OSError: the folder or the tree cannot be written.
    """
    renewed, away = [], []
    for name in workshop.folder.names() if names is None else names:
        try:
            if renew_list(workshop, name, stolen=stolen, tree=tree, now=now, force=force):
                renewed.append(name)
        except (AuthorityKeyAway, SettingsInvalid):
            away.append(name)
    if tree is not None:
        publish_files(workshop, tree)
    return Renewal(renewed=tuple(renewed), away=tuple(away))


def heart_beat(folder: Path, keys: KeyStore, tree: PublishedTree, now: int) -> int:
    """What the worker does now and then, holding the tree; returns how many lists are new.

    Raises:
        PublishingError, KeysError, OSError: as `renew_lists`.
    """
    workshop = worker_workshop(folder, keys)
    if not workshop.folder.names():
        return 0
    with workshop.folder.exclusive():
        renewal = renew_lists(workshop, stolen=stolen_keys(keys), tree=tree, now=now)
    return len(renewal.renewed)


def make_request(authority: Authority, issuer_id: str, kid: str | None) -> bytes:
    """A request for a certificate of one of an issuer's keys, signed by it; PEM.

    Args:
        authority: the installation.
        issuer_id: whose key.
        kid: the key; None: the one that signs certificates now.

    Raises:
        IssuerUnknown: no such issuer is registered.
        CertificateUnknown: the record has no such key that could be certified.
        CertificateRefused: the office's name does not fit a certificate.
        KeysError: the key may not sign.
    """
    record = stored_record(authority, issuer_id)
    key = _key(record, kid)
    signer = authority.keys.signer(issuer_id, key.kid)
    with refusals():
        return request(external(signer), _office(record))


def certify_issuer(
    authority: Authority,
    workshop: Workshop,
    issuer_id: str,
    *,
    kid: str | None,
    name: str | None,
    days: int,
    now: int,
) -> tuple[Certified, Publication]:
    """Certify an issuer's key and publish the chain in its record.

    Args:
        authority: the installation, opened to write.
        workshop: the authorities; their folder is held by the caller.
        issuer_id: whose key.
        kid: the key; None: the one that signs certificates now.
        name: the authority that signs; None: the nearest one.
        days: how long the certificate is good.
        now: Unix seconds.

    Raises:
        IssuerUnknown, CertificateUnknown: as `make_request`.
        AuthorityMissing, AuthorityKeyAway, CertificateRefused, KeysError: as `certify`.
        PublishingError: the record cannot be published.
    """
    record = stored_record(authority, issuer_id)
    # No request is needed: the key lies in this installation's own store.
    key, office = _key(record, kid), _office(record)
    done = certify(
        workshop,
        name or authority_for(workshop.folder, office.division),
        office,
        dict(key.public.jwk),
        since=key.not_before,
        until=key.not_after,
        days=days,
        now=now,
    )
    publish_files(workshop, authority.tree)
    return done, publish_chains(authority, workshop.folder, [record], now=now)


def certify_request(
    workshop: Workshop, data: bytes, *, name: str | None, days: int, now: int,
    confirm: Callable[[Office], object],
) -> Certified:  # fmt: skip
    """Certify the key of a request that was carried here.

    Args:
        workshop: the authorities; their folder is held by the caller.
        data: the request, PEM.
        name: the authority that signs; None: the nearest one.
        days: how long the certificate is good.
        now: Unix seconds.
        confirm: shown who asks; ends the matter by an exception where that is not so.

    Raises:
        CertificateRefused, AuthorityMissing, AuthorityKeyAway, KeysError: as `certify`.
    """
    with refusals():
        office, jwk = read_request(data)
    confirm(office)
    chosen = name or authority_for(workshop.folder, office.division)
    return certify(workshop, chosen, office, jwk, days=days, now=now)


def take_back(workshop: Workshop, serial: int, *, reason: str, since: int | None, now: int) -> str:
    """Revoke a certificate; a stolen authority's key ends with it, if it can be reached.

    Args:
        workshop: the authorities; their folder is held by the caller.
        serial: the certificate's serial number.
        reason: one of `REASONS`.
        since: from when on the key may have been in other hands; None: from now on.
        now: Unix seconds.

    Returns:
        The authority whose list is due.

    Raises:
        CertificateUnknown, CertificateRefused, OSError: as `revoke`.
        KeysError: the key store refused to end the key.
    """
    name = revoke(workshop.folder, serial, reason=reason, since=since, now=now)
    kid = certified_key(workshop.folder.issued(name)[serial]).kid
    for facts in map(workshop.folder.facts, workshop.folder.names()):
        if facts.kid == kid and reason in STOLEN:
            _end_key(workshop, facts, at=now if since is None else since, now=now)
    return name


def _end_key(workshop: Workshop, facts: AuthorityFacts, *, at: int, now: int) -> None:
    keys = workshop.open_store(facts.store)
    if keys is not None and keys.get(OWNER, facts.kid).state is not State.COMPROMISED:
        keys.compromise(OWNER, facts.kid, now=now, at=at, accept_before_log_index=None)


def _office(record: IssuerRecord) -> Office:
    return Office(iss=record.iss, uscc=record.uscc, name=record.names["zh"])


def _key(record: IssuerRecord, kid: str | None) -> KeyRecord:
    """A key that can be certified: it signs certificates now, or it was asked for."""
    for key in record.keys:
        signs = key.use is KeyUse.CERTIFICATE and key.state is KeyState.ACTIVE
        usable = key.alg == ALGORITHM and key.state is not KeyState.COMPROMISED
        if usable and (signs if kid is None else key.kid == kid):
            return key
    asked = "that signs certificates" if kid is None else kid
    raise CertificateUnknown(f"the issuer's record has no good {ALGORITHM} key {asked}")
