"""What is due for all keys, and doing it: `keys.rotation` joined to database and publication."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from certsvc.authority.keys_listing import (
    in_all,
    listed_since,
    note,
    owners,
    records_of,
    republish,
    rotation_policy,
)
from certsvc.authority.records import Outcome, rebuilt
from certsvc.authority.world import Authority
from certsvc.publishing.log_signing import OWNER as LOG_OWNER
from certsvc.service.engine import reading
from certsvc.storage.key_use import KeyListings, KeyUse
from certsvc_sdk.trust.record import IssuerRecord
from keys import KeyInfo
from keys.rotation import Action, Overdue, Reason, Step, apply, due, overdue, plan

# A key can be made known and, if it is an issuer's first, activated in one run.
ROUNDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A key with what operators ask about it.

    Attributes:
        key: as the key store has it.
        listed_at: since when readers of the published record can see it; None: they cannot.
        used: certificates it signed.
        overdue: beyond which limit it is, if any.
    """

    key: KeyInfo
    listed_at: int | None
    used: int
    overdue: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What `apply_due` did.

    Attributes:
        steps: done, in their order.
        outcome: of the publication; None where nothing had to be published.
    """

    steps: tuple[Step, ...]
    outcome: Outcome | None


def list_keys(authority: Authority, owner: str | None, *, now: int) -> list[Listed]:
    """Every key, of an owner or of all, with what is known of its use; changes nothing.

    Args:
        authority: the installation; it need not be opened to write.
        owner: an issuer, or another owner in the key store; None: all.
        now: Unix seconds.
    """
    keys = authority.keys.list(owner)
    policy = rotation_policy(authority.settings)
    with reading(authority.engine) as connection:
        used = KeyUse(connection).counts()
        listings = KeyListings(connection)
        listed = {one: listings.all(one) for one in sorted({key.issuer_id for key in keys})}
        if LOG_OWNER in listed:
            # The log's keys stand in the record of every issuer it serves.
            served = [record.uscc for record in records_of(authority, LOG_OWNER)]
            listed[LOG_OWNER] = in_all([listings.all(one) for one in served])
    late = {one.info.kid: one.reason for one in overdue(keys, policy=policy, now=now, used=used)}
    return [
        Listed(
            key=key,
            listed_at=listed[key.issuer_id].get(key.kid),
            used=used.get(key.kid, 0),
            overdue=late.get(key.kid),
        )
        for key in keys
    ]


def plan_all(authority: Authority, owner: str | None, *, now: int) -> tuple[Step, ...]:
    """What is due for an owner's keys, or everybody's, and what comes next.

    Args:
        authority: the installation; opened to read, keys seen for the first time are not noted.
        owner: an issuer; None: all.
        now: Unix seconds.
    """
    used = _used(authority)
    steps: list[Step] = []
    for one in [owner] if owner is not None else owners(authority):
        with reading(authority.engine) as connection:
            listed = KeyListings(connection).all(one)
        steps += _plan(authority, one, used=used, listed=listed, now=now)
    return tuple(sorted(steps, key=lambda step: (step.at, step.group[:3], step.kid or "")))


def apply_due(
    authority: Authority,
    owner: str | None,
    *,
    now: int,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Applied:
    """Do what is due, and publish it in one edition; run again, it takes up what is left.

    Records that lag behind the key store, after a crash, are published too.

    Args:
        authority: the installation, opened to write.
        owner: an issuer; None: all.
        now: Unix seconds.
        progress: told how many owners are done, of how many.

    Raises:
        StepOutdated, PublishingError, KeysError: what was done before stays done.
    """
    everybody = [owner] if owner is not None else owners(authority)
    total = ROUNDS * len(everybody)
    steps: list[Step] = []
    outcomes: list[Outcome] = []
    for number in range(ROUNDS):
        used, lagging = _used(authority), []
        for place, one in enumerate(everybody, number * len(everybody) + 1):
            done = _apply(authority, one, used=used, now=now)
            steps += done
            lagging += [record for record in records_of(authority, one) if _lags(authority, record)]
            progress(place, total)
        if lagging:
            latest = {record.uscc: record for record in lagging}
            outcomes.append(republish(authority, list(latest.values()), now=now).outcome)
    return Applied(steps=tuple(steps), outcome=outcomes[-1] if outcomes else None)


def overdue_keys(authority: Authority, *, now: int) -> tuple[Overdue, ...]:
    """Active keys beyond their age or count."""
    policy = rotation_policy(authority.settings)
    return overdue(authority.keys.list(), policy=policy, now=now, used=_used(authority))


def _apply(
    authority: Authority, owner: str, *, used: Mapping[str, int], now: int
) -> Sequence[Step]:
    records = records_of(authority, owner)
    listed = listed_since(authority, owner, now=now)
    done = []
    for step in due(_plan(authority, owner, used=used, listed=listed, now=now), now=now):
        # A first key need not wait, but nobody accepts a key that no record lists.
        unseen = step.action is Action.ACTIVATE and step.kid not in listed
        if unseen and step.reason is not Reason.UNFINISHED:
            continue
        note(authority, records, f"key.{step.action.value}", step.kid or "new", now=now)
        apply(authority.keys, [step], now=now)
        done.append(step)
    return done


def _plan(
    authority: Authority,
    owner: str,
    *,
    used: Mapping[str, int],
    listed: Mapping[str, int],
    now: int,
) -> tuple[Step, ...]:
    policy = rotation_policy(authority.settings)
    return plan(authority.keys.list(owner), policy=policy, now=now, used=used, listed=listed)


def _used(authority: Authority) -> Mapping[str, int]:
    with reading(authority.engine) as connection:
        return KeyUse(connection).counts()


def _lags(authority: Authority, record: IssuerRecord) -> bool:
    """Whether the record says something else than the key store, or readers see another one."""
    now_so = rebuilt(record, authority.keys, base_url=authority.settings.public_url)
    return now_so != record or authority.trust.record(record.iss) != record
