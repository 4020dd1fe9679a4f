"""Whose keys these are, which records list them, and since when readers can see that."""

from collections.abc import Mapping, Sequence

from certsvc.authority.keys_errors import KeyListedTooShort, KeyNotPublished, KeyOwnerUnmanaged
from certsvc.authority.records import (
    Publication,
    publish_records,
    rebuilt,
    stored_record,
)
from certsvc.authority.world import Authority
from certsvc.publishing.log_signing import OWNER as LOG_OWNER
from certsvc.publishing.log_signing import log_origin
from certsvc.publishing.roles import TIMESTAMP_LIFE
from certsvc.service.engine import reading, writing
from certsvc.service.principal import operator
from certsvc.service.settings import Environment, Settings, SettingsInvalid, variable
from certsvc.storage.audit import Act, Audit
from certsvc.storage.issuers import Issuers
from certsvc.storage.key_use import KeyListings
from certsvc_sdk.trust.record import IssuerRecord, parse_record
from keys import KeyInfo
from keys.errors import PolicyInvalid, StoreReadOnly
from keys.rotation import RotationPolicy
from keys.steps import DAY
from keys.store import is_read_only

HOUR = 3600
#: A verifier looks at least once in this time, or says that its trust data is old.
TRUST_LIFE = TIMESTAMP_LIFE


def rotation_policy(settings: Settings) -> RotationPolicy:
    """The limits of the settings.

    Raises:
        SettingsInvalid: a successor would be announced too late for verifiers to know it.
    """
    pre_publish = settings.key_pre_publish_hours * HOUR
    name = variable("key_pre_publish_hours")
    if settings.env is not Environment.DEMO and pre_publish < 2 * TRUST_LIFE:
        raise SettingsInvalid(
            f"{name}: at least {2 * TRUST_LIFE // HOUR} outside of demonstrations"
        )
    max_age, most = settings.key_max_age_days * DAY, settings.key_max_certificates
    try:
        return RotationPolicy(
            max_age=max_age,
            max_signatures=most,
            pre_publish=pre_publish,
            lead=max(0, min(5 * DAY, (max_age - pre_publish) // 2)),
            lead_signatures=most // 5,
            destroy_after=settings.key_destroy_after_days * DAY,
        )
    except PolicyInvalid as error:
        raise SettingsInvalid(f"{name}: {error}") from error


def records_of(authority: Authority, owner: str) -> list[IssuerRecord]:
    """The records that list an owner's keys, as the database keeps them.

    Args:
        authority: the installation.
        owner: an issuer, or the log, whose keys stand in the record of every issuer it serves.

    Raises:
        IssuerUnknown: no such issuer is registered.
        KeyOwnerUnmanaged: keys of trust roles and of certificate authorities.
    """
    if owner != LOG_OWNER:
        if owner in {"trust", "ca"}:
            raise KeyOwnerUnmanaged(f"keys of {owner} have commands of their own")
        return [stored_record(authority, owner)]
    origin = log_origin(authority.settings.public_url)
    with reading(authority.engine) as connection:
        records = [parse_record(each.record.encode()) for each in Issuers(connection).all()]
    return [record for record in records if record.log_origin == origin]


def owners(authority: Authority) -> list[str]:
    """Everybody whose keys an operator may be asked about: issuers, and the log."""
    with reading(authority.engine) as connection:
        return [*(each.issuer_id for each in Issuers(connection).all()), LOG_OWNER]


def republish(authority: Authority, records: Sequence[IssuerRecord], *, now: int) -> Publication:
    """Publish records with their keys as they are now, and note which keys readers see.

    Raises:
        RecordRefused, PublishingError, KeysError: as `publish_issuer`.
    """
    base_url = authority.settings.public_url
    done = publish_records(
        authority, [rebuilt(each, authority.keys, base_url=base_url) for each in records], now=now
    )
    for record in records:
        note_listing(authority, record, now=now)
    return done


def note_listing(authority: Authority, record: IssuerRecord, *, now: int) -> Mapping[str, int]:
    """Since when the published record lists its keys, by key id; what is new is noted.

    Args:
        authority: the installation.
        record: the issuer's, as the database keeps it.
        now: Unix seconds.
    """
    published = authority.trust.record(record.iss)
    kids = frozenset(key.kid for key in published.keys) if published else frozenset()
    with reading(authority.engine) as connection:
        known = KeyListings(connection).all(record.uscc)
    if known.keys() == kids:
        return known
    with writing(authority.engine) as connection:
        listings = KeyListings(connection)
        listings.note(record.uscc, kids, now=now)
        return listings.all(record.uscc)


def listed_since(authority: Authority, owner: str, *, now: int) -> Mapping[str, int]:
    """Since when every record that should list an owner's keys does, by key id."""
    return in_all(
        [note_listing(authority, record, now=now) for record in records_of(authority, owner)]
    )


def in_all(each: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    """Since when every one of some records lists a key, by key id; a key that one lacks is not."""
    if not each:
        return {}
    common = frozenset.intersection(*(frozenset(one) for one in each))
    return {kid: max(one[kid] for one in each) for kid in common}


def is_first(keys: Sequence[KeyInfo], info: KeyInfo) -> bool:
    """Whether no key of its issuer and purpose ever signed: nobody can hold older data."""
    return not any(
        key.activated_at is not None
        and (key.issuer_id, key.purpose) == (info.issuer_id, info.purpose)
        for key in keys
    )


def require_listed(authority: Authority, info: KeyInfo, *, now: int) -> None:
    """Refuse a key that a verifier may not know yet.

    Raises:
        KeyNotPublished: the published record does not list it.
        KeyListedTooShort: verifiers with older data are still served.
    """
    since = listed_since(authority, info.issuer_id, now=now).get(info.kid)
    if since is None:
        raise KeyNotPublished(f"the published record does not list {info.kid}")
    if is_first(authority.keys.list(info.issuer_id), info):
        return
    ready_at = since + rotation_policy(authority.settings).pre_publish
    if now < ready_at:
        raise KeyListedTooShort(f"{info.kid} is listed since {since}", ready_at=ready_at)


def note(
    authority: Authority, records: Sequence[IssuerRecord], action: str, object_: str, *, now: int
) -> None:
    """Write the act into the audit trail of every issuer whose record it concerns.

    Raises:
        StoreReadOnly: the act cannot follow; nothing is written.
    """
    if is_read_only(authority.keys):
        raise StoreReadOnly("keys are changed where the key store is, not through its signer")
    acts = [
        Act(principal=operator(record.uscc), action=action, object=object_) for record in records
    ]
    with writing(authority.engine) as connection:
        Audit(connection).extend(acts, now=now)
