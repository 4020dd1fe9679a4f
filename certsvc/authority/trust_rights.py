"""Issuers and their rights, as operators change them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypedDict

from certsvc.authority.records import (
    Publication,
    latest_record,
    new_record,
    publish_records,
    rebuilt,
)
from certsvc.authority.trust_errors import ChangeRefused
from certsvc.authority.trust_publishing import check_delay
from certsvc.authority.world import Authority
from certsvc.publishing.records import IssuerProfile
from certsvc_sdk.errors import Malformed
from certsvc_sdk.trust.record import IssuerRecord, Level, Right, division_within, split_iss
from certsvc_sdk.trust.right import NATIONAL
from keys.provision import ensure_active

#: Purposes each issuer needs a key for.
PURPOSES = ("certificate", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIssuer:
    """An office that begins to issue.

    Attributes:
        profile: who it is.
        rights: what it may issue; may be empty.
        algorithm: of its keys.
    """

    profile: IssuerProfile
    rights: tuple[Right, ...] = ()
    algorithm: str = "ES256"


class Amendment(TypedDict, total=False):
    """Members of a record that `amend` sets; what is left out stays."""

    names: Mapping[str, str]
    level: Level
    aliases: tuple[str, ...]
    mirrors: tuple[str, ...]
    successor: str | None


def add_issuers(
    authority: Authority, new: list[NewIssuer], *, now: int, at_once: bool = False
) -> Publication:
    """Enrol offices: keys, records, first status lists; many go in one publication.

    Args:
        authority: the installation, opened to write.
        new: the offices.
        now: Unix seconds.
        at_once: rights may begin without the public delay.

    Raises:
        ChangeRefused: a right lies outside an office's division.
        RightTooSoon: a right begins before the public delay is over.
        RecordRefused, RoleUnknown, PublishingError, KeysError: nothing was published.
    """
    records = []
    for each in new:
        _check(each.profile.uscc, each.rights)
        if not at_once:
            check_delay((), each.rights, now)
        for purpose in PURPOSES:
            ensure_active(
                authority.keys,
                issuer_id=each.profile.uscc,
                alg=each.algorithm,
                purpose=purpose,
                now=now,
            )
        base_url = authority.settings.public_url
        records.append(new_record(each.profile, each.rights, authority.keys, base_url=base_url))
    return publish_records(authority, records, now=now, at_once=at_once)


def grant(
    authority: Authority, issuer_id: str, right: Right, *, now: int, at_once: bool = False
) -> Publication:
    """Give an issuer a right.

    Raises:
        ChangeRefused: it has the right, or the right lies outside its division.
        RightTooSoon: it begins before the public delay is over.
        IssuerUnknown, PublishingError, KeysError: nothing was published.
    """
    record = latest_record(authority, issuer_id)
    _check(issuer_id, (right,))
    if right in record.rights:
        raise ChangeRefused("the issuer has this right already")
    if not at_once:
        check_delay((), (right,), now)
    return _publish(authority, record, (*record.rights, right), now, at_once=at_once)


def revoke_right(
    authority: Authority,
    issuer_id: str,
    vct: str,
    *,
    division: str | None,
    now: int,
    erase: bool = False,
) -> Publication:
    """End an issuer's rights to a type, at once.

    Args:
        authority: the installation, opened to write.
        issuer_id: whose.
        vct: the type without its version.
        division: only the rights for this division; None: all.
        now: Unix seconds.
        erase: as if they had never been: certificates of before lose their validity too.

    Raises:
        ChangeRefused: there is no such right that has not ended.
        IssuerUnknown, PublishingError, KeysError: nothing was published.
    """
    record = latest_record(authority, issuer_id)
    left: list[Right] = []
    found = False
    for right in record.rights:
        hit = right.vct == vct and division in (None, right.division)
        ended = right.not_after is not None and right.not_after <= now
        if not hit or (ended and not erase):
            left.append(right)
            continue
        found = True
        # One that has not begun leaves nothing behind.
        if not erase and right.not_before < now:
            left.append(replace(right, not_after=now))
    if not found:
        raise ChangeRefused("the issuer has no such right")
    return _publish(authority, record, tuple(left), now, at_once=False)


def amend(
    authority: Authority, issuer_id: str, changes: Amendment, *, now: int
) -> tuple[Publication, tuple[str, ...]]:
    """Change what a record says of an office itself: names, level, former and later places.

    Args:
        authority: the installation, opened to write.
        issuer_id: whose record.
        changes: what is given is replaced; an empty text or tuple takes it away.
        now: Unix seconds.

    Returns:
        What happened, and identifiers that the list does not lead to yet.

    Raises:
        ChangeRefused: an identifier of another office, or the office as its own successor.
        IssuerUnknown, RecordRefused, PublishingError, KeysError: nothing was published.
    """
    record = latest_record(authority, issuer_id)
    for alias in changes.get("aliases", ()):
        if not _names_office(alias, issuer_id):
            # A reader looks an identifier up by the code in it, and would find nothing.
            raise ChangeRefused(f"{alias} is no identifier of {issuer_id}")
    successor = changes.get("successor")
    if successor is not None and _names_office(successor, issuer_id):
        raise ChangeRefused(f"{issuer_id} cannot succeed itself")
    base_url = authority.settings.public_url
    changed = rebuilt(record, authority.keys, base_url=base_url, **changes)
    done = publish_records(authority, [changed], now=now)
    unknown = () if successor is None or _is_listed(authority, successor) else (successor,)
    return done, unknown


def _names_office(iss: str, issuer_id: str) -> bool:
    try:
        return split_iss(iss)[0] == issuer_id
    except Malformed as error:
        raise ChangeRefused(f"{iss} is not an issuer's address") from error


def _is_listed(authority: Authority, iss: str) -> bool:
    return authority.trust.initialised and authority.trust.record(iss) is not None


def _publish(
    authority: Authority,
    record: IssuerRecord,
    rights: tuple[Right, ...],
    now: int,
    *,
    at_once: bool,
) -> Publication:
    base_url = authority.settings.public_url
    changed = rebuilt(record, authority.keys, base_url=base_url, rights=rights)
    return publish_records(authority, [changed], now=now, at_once=at_once)


def _check(uscc: str, rights: tuple[Right, ...]) -> None:
    home = uscc[2:8]
    for right in rights:
        near = division_within(right.division, home) or division_within(home, right.division)
        if not near and home != NATIONAL:
            raise ChangeRefused(f"{right.division} has nothing to do with {home}")
