"""What a step does to the open part of a key, as pure rules that every store shares."""

from collections.abc import Iterable
from dataclasses import replace

from keys.errors import (
    CompromiseLoosened,
    CompromiseTimeInvalid,
    NoActiveKey,
)
from keys.lifecycle import State, transition
from keys.store import KeyInfo, KeyInfos

_SINCE = {
    State.PRE_PUBLISHED: "pre_published_at",
    State.ACTIVE: "activated_at",
    State.RETIRED: "retired_at",
    State.DESTROYED: "destroyed_at",
    State.COMPROMISED: "compromised_at",
}


def moved(info: KeyInfo, state: State, *, now: int) -> KeyInfo:
    """The key after one step of the life cycle.

    Args:
        info: the key.
        state: where it shall stand.
        now: Unix seconds.

    Returns:
        The key in its new state, with the moment of the step.

    Raises:
        TransitionForbidden: the life cycle has no such step.
    """
    return replace(
        info,
        state=transition(info.state, state),
        **{_SINCE[state]: now},  # type: ignore[arg-type]
    )


def compromised(
    info: KeyInfo, *, now: int, at: int, accept_before_log_index: int | None
) -> KeyInfo:
    """The key after its compromise, or after a later and stricter word on it.

    What a key signed counts from then on only where the log held it below the index. A second
    word may draw that line closer and never push it out again: an earlier moment counts, a later
    one changes nothing.

    Args:
        info: the key, in any state.
        now: Unix seconds.
        at: since when it can no longer be trusted, Unix seconds.
        accept_before_log_index: first log index that is no longer accepted; None: nothing is.

    Returns:
        The key, compromised.

    Raises:
        CompromiseTimeInvalid: `at` lies in the future or before the key was made, or the index is
            negative.
        CompromiseLoosened: an earlier word cut deeper.
    """
    cut = accept_before_log_index
    if not info.created_at <= at <= now:
        raise CompromiseTimeInvalid(f"key {info.kid} cannot be compromised since {at}")
    if cut is not None and cut < 0:
        raise CompromiseTimeInvalid("a log index is not negative")
    if info.state is not State.COMPROMISED:
        return replace(
            info,
            state=transition(info.state, State.COMPROMISED),
            compromised_at=at,
            accept_before_log_index=cut,
        )
    known = info.accept_before_log_index
    if cut is not None and (known is None or cut > known):
        raise CompromiseLoosened(f"key {info.kid} is cut off at {known} already")
    return replace(
        info,
        compromised_at=at if info.compromised_at is None else min(at, info.compromised_at),
        accept_before_log_index=cut,
    )


def others_active(infos: Iterable[KeyInfo], info: KeyInfo) -> KeyInfos:
    """The active keys of the same group, without the key itself."""
    return [
        other
        for other in infos
        if other.state is State.ACTIVE and other.group == info.group and other.kid != info.kid
    ]


def serving(
    infos: Iterable[KeyInfo],
    issuer_id: str,
    purpose: str,
    *,
    type: str | None = None,
    role: str | None = None,
) -> KeyInfo:
    """The key that serves this purpose, type and role now.

    A key made for the type goes before one that is not limited; without `type` only a key that is
    not limited serves.

    Raises:
        NoActiveKey: none does.
    """
    found = [
        info
        for info in infos
        if info.state is State.ACTIVE
        and (info.issuer_id, info.purpose, info.role) == (issuer_id, purpose, role)
        and (not info.types or type in info.types)
    ]
    if not found:
        raise NoActiveKey(f"issuer {issuer_id} has no active key for {purpose} {type or ''}")
    return max(found, key=lambda info: (bool(info.types), info.activated_at or 0, info.kid))
