"""Issuers' trust records: rebuilt from keys and what the database keeps, then published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict, Unpack

from tuf.api.metadata import Targets

from certsvc.authority.listings import note_published
from certsvc.authority.trust_staging import Staging, stage
from certsvc.authority.world import Authority, keep_issuer
from certsvc.publishing.bins import cut_where_full
from certsvc.publishing.contents import about_of, checked_record
from certsvc.publishing.errors import RoleUnknown
from certsvc.publishing.log_signing import log_keys, log_origin
from certsvc.publishing.metadata import publish_issuer_metadata
from certsvc.publishing.records import IssuerProfile, build_record
from certsvc.service.engine import reading, writing
from certsvc.storage.issuers import Issuers
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
    before = latest_record(authority, issuer_id)
    record = rebuilt(before, authority.keys, base_url=base_url, **changes)
    return publish_records(authority, [record], now=now)


def publish_records(
    authority: Authority, records: Sequence[IssuerRecord], *, now: int, at_once: bool = False
) -> Publication:
    """Publish records of new and known issuers together: readers see all of them or none.

    Those whose role officers sign are staged instead; see `certsvc trust sign` and `publish`.

    Args:
        authority: the installation, opened to write.
        records: of one issuer the last one counts.
        now: Unix seconds.
        at_once: staged new rights may begin without the public delay.

    Raises:
        RecordRefused, PublishingError, KeysError: as `publish_issuer`.
    """
    direct, offline = _sorted(authority, records, now)
    changed = False
    if direct:
        # One transaction around both: what readers cannot have seen is not on record here either.
        with writing(authority.engine) as connection:
            stored = [keep_issuer(connection, each, authority, now=now) for each in direct]
            changed = authority.trust.publish_records(direct, now) or any(stored)
        for record in direct:
            publish_issuer_metadata(authority.tree, record)
        note_published(authority.engine, direct, now=now)
    roles = _stage(authority, offline, now=now, at_once=at_once) if offline else ()
    outcome = Outcome.PUBLISHED if changed else Outcome.UNCHANGED
    return Publication(
        outcome=Outcome.STAGED if roles else outcome, records=tuple(records), roles=roles
    )


def _sorted(
    authority: Authority, records: Sequence[IssuerRecord], now: int
) -> tuple[list[IssuerRecord], list[IssuerRecord]]:
    """Records whose role the key store signs, and those that officers sign."""
    edition, online = authority.trust.edition(), authority.trust.online()
    direct: list[IssuerRecord] = []
    offline: list[IssuerRecord] = []
    for record in records:
        path, _ = checked_record(record, about_of(edition))
        name = edition.owner_of(path)
        role = edition.role_keys(name)
        # A division's own key that was rotated in the store is the publisher's matter.
        here = online.signer(name) is not None and (role is None or role.threshold == 1)
        (direct if here else offline).append(record)
    return direct, offline


def _stage(
    authority: Authority, records: Sequence[IssuerRecord], *, now: int, at_once: bool
) -> tuple[str, ...]:
    edition, online = authority.trust.edition(), authority.trust.online()
    staging = Staging(authority.settings.home)
    staging.overlay(edition)
    about = about_of(edition)
    touched: set[str] = set()
    for record in records:
        path, data = checked_record(record, about)
        name = edition.owner_of(path)
        if name == Targets.type:
            raise RoleUnknown(f"nobody speaks for {record.division}: certsvc trust delegate")
        if edition.list_target(name, path, data, now):
            touched.add(name)
    if not touched:
        return ()
    cut_where_full(edition, touched, now)
    stage(staging, edition, online, now=now, at_once=at_once)
    return tuple(sorted(touched))


def stored_record(authority: Authority, issuer_id: str) -> IssuerRecord:
    """An issuer's record as published last, by the database.

    Raises:
        IssuerUnknown: no such issuer is registered.
    """
    with reading(authority.engine) as connection:
        return parse_record(Issuers(connection).get(issuer_id).record.encode())


def latest_record(authority: Authority, issuer_id: str) -> IssuerRecord:
    """An issuer's record as it waits for signatures, else as `stored_record`.

    Raises:
        IssuerUnknown: no such issuer is registered.
    """
    path = f"issuers/{issuer_id[2:8]}/{issuer_id}.json"
    pending = Staging(authority.settings.home).pending(path)
    return stored_record(authority, issuer_id) if pending is None else pending


def _aliases(record: IssuerRecord, aliases: Sequence[str], base_url: str) -> tuple[str, ...]:
    own = f"{base_url}i/{record.uscc}"
    former = (*aliases, record.iss)
    return tuple(dict.fromkeys(each for each in former if each != own))
