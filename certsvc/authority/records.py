"""Issuers' trust records: rebuilt from keys and what the database keeps, then published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict, Unpack

from certsvc.authority.world import Authority
from certsvc.publishing.log_signing import log_keys, log_origin
from certsvc.publishing.metadata import publish_issuer_metadata
from certsvc.publishing.records import IssuerProfile, build_record
from certsvc.service.engine import reading, writing
from certsvc.storage.issuers import Issuer, Issuers
from certsvc_sdk.strict import dumps
from certsvc_sdk.trust.record import IssuerRecord, Level, Right, parse_record
from keys import KeyStore

Chains = Mapping[str, tuple[str, ...]]


class RecordChanges(TypedDict, total=False):
    """Members of a record that an operator sets; what is left out stays.

    `chains` are X.509 certificates by key id, as `KeyRecord.x5c`; an empty tuple takes one away.
    """

    names: Mapping[str, str]
    level: Level
    rights: tuple[Right, ...]
    log_origin: str | None
    aliases: tuple[str, ...]
    mirrors: tuple[str, ...]
    successor: str | None
    chains: Chains


class Outcome(StrEnum):
    """What became of a change."""

    PUBLISHED = "published"
    STAGED = "staged"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What happened to issuers' records.

    Attributes:
        outcome: published for readers, waiting for signatures, or as it was.
        records: as they are, or as they will be.
        roles: names of the roles whose officers must sign; empty unless staged.
    """

    outcome: Outcome
    records: tuple[IssuerRecord, ...]
    roles: tuple[str, ...] = ()

    @property
    def record(self) -> IssuerRecord:
        """The first record, where there is one."""
        return self.records[0]


def new_record(
    profile: IssuerProfile, rights: Sequence[Right], keys: KeyStore, *, base_url: str
) -> IssuerRecord:
    """The record of an office, with the keys that the key store holds for it.

    Args:
        profile: who it is.
        rights: what it may issue.
        keys: the key store; its keys for the log go along where the office has this log.
        base_url: the published tree's own address, ends in `/`.
    """
    of_log = log_keys(keys) if profile.log_origin == log_origin(base_url) else []
    return build_record(profile, (*keys.list(profile.uscc), *of_log), rights, base_url)


def rebuilt(
    record: IssuerRecord, keys: KeyStore, *, base_url: str, **changes: Unpack[RecordChanges]
) -> IssuerRecord:
    """A record with the keys as they are now, and with changes.

    An identifier that is no longer its own becomes an alias.

    Args:
        record: as it was.
        keys: the key store.
        base_url: the published tree's own address, ends in `/`.
        **changes: see `RecordChanges`.
    """
    before = {key.kid: key.x5c for key in record.keys if key.x5c}
    profile = IssuerProfile(
        uscc=record.uscc,
        names=changes.get("names", record.names),
        level=changes.get("level", record.level),
        log_origin=changes.get("log_origin", record.log_origin),
        aliases=_aliases(record, changes.get("aliases", record.aliases), base_url),
        mirrors=changes.get("mirrors", record.mirrors),
        successor=changes.get("successor", record.successor),
    )
    its_own = profile.log_origin == log_origin(base_url)
    return build_record(
        profile,
        (*keys.list(profile.uscc), *(log_keys(keys) if its_own else [])),
        changes.get("rights", record.rights),
        base_url,
        chains={**before, **changes.get("chains", {})},
    )


def publish_issuer(
    authority: Authority, issuer_id: str, *, now: int, **changes: Unpack[RecordChanges]
) -> Publication:
    """Rebuild an issuer's record from its keys, and publish it.

    Args:
        authority: the installation, opened to write.
        issuer_id: whose record.
        now: Unix seconds.
        **changes: see `RecordChanges`; none: only the keys are looked at anew.

    Raises:
        IssuerUnknown: no such issuer is registered.
        RecordRefused: verifiers would refuse the record; nothing is changed then.
        PublishingError: the trust repository cannot be written; nothing is changed then.
        KeysError: the key store refused.
    """
    base_url = authority.settings.public_url
    before = stored_record(authority, issuer_id)
    record = rebuilt(before, authority.keys, base_url=base_url, **changes)
    return publish_records(authority, [record], now=now)


def publish_records(
    authority: Authority, records: Sequence[IssuerRecord], *, now: int
) -> Publication:
    """Publish records of new and known issuers together: readers see all of them or none.

    Args:
        authority: the installation, opened to write.
        records: of one issuer the last one counts.
        now: Unix seconds.

    Raises:
        RecordRefused, PublishingError, KeysError: as `publish_issuer`.
    """
    # One transaction around both: what readers cannot have seen is not on record here either.
    with writing(authority.engine) as connection:
        issuers = Issuers(connection)
        known = {each.issuer_id: each.record for each in issuers.all()}
        stored = [keep_record(issuers, each, known.get(each.uscc), now=now) for each in records]
        changed = authority.trust.publish_records(records, now)
    for record in records:
        publish_issuer_metadata(authority.tree, record)
    outcome = Outcome.PUBLISHED if changed or any(stored) else Outcome.UNCHANGED
    return Publication(outcome=outcome, records=tuple(records))


def stored_record(authority: Authority, issuer_id: str) -> IssuerRecord:
    """An issuer's record as the database keeps it.

    Raises:
        IssuerUnknown: no such issuer is registered.
    """
    with reading(authority.engine) as connection:
        return parse_record(Issuers(connection).get(issuer_id).record.encode())


def keep_record(issuers: Issuers, record: IssuerRecord, before: str | None, *, now: int) -> bool:
    """Write a record to the database, where it is another one; registers a new issuer.

    Args:
        issuers: on a connection that writes.
        record: what to keep.
        before: the record's text as it stands there; None: the issuer is new.
        now: Unix seconds.

    Returns:
        Whether something was written.
    """
    text = dumps(record.to_json()).decode()
    if before == text:
        return False
    if before is None:
        issuers.add(Issuer(issuer_id=record.uscc, uscc=record.uscc, record=text), now=now)
    else:
        issuers.set_record(record.uscc, text, now=now)
    return True


def _aliases(record: IssuerRecord, aliases: Sequence[str], base_url: str) -> tuple[str, ...]:
    own = f"{base_url}i/{record.uscc}"
    former = (*aliases, record.iss)
    return tuple(dict.fromkeys(each for each in former if each != own))
