"""Rotation as pure rules: what is due for which key, and since when.

A successor is made early and listed in published trust data for at least twice as long as a
verifier may go without newer data; only then does it sign. A verifier that looked once in that time
knows it (threat T54). What is done to the published record is the caller's.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby

from keys.errors import StepOutdated
from keys.lifecycle import State
from keys.moves import others_active
from keys.steps import Action, Overdue, Reason, RotationPolicy, Step
from keys.store import KeyInfo, KeyInfos, KeyStore

__all__ = [
    "Action",
    "Overdue",
    "Reason",
    "RotationPolicy",
    "Step",
    "apply",
    "due",
    "overdue",
    "plan",
]

_WAITING = (State.GENERATED, State.PRE_PUBLISHED)


def plan(
    keys: Iterable[KeyInfo],
    *,
    policy: RotationPolicy,
    now: int,
    used: Mapping[str, int],
    listed: Mapping[str, int] | None = None,
) -> tuple[Step, ...]:
    """What is due and what comes next, earliest first; a step whose `at` is to come waits.

    Args:
        keys: all keys of the issuers in question, in any state.
        policy: the limits.
        now: Unix seconds.
        used: certificates by key id.
        listed: since when published trust data lists a key, by key id; a key that is missing
            there is not listed. None: since its pre-publication.
    """
    every = [info for info in keys if info.purpose in policy.purposes]
    begun = {(info.issuer_id, info.purpose) for info in every if info.activated_at is not None}
    steps: list[Step] = []
    for _, members in groupby(sorted(every, key=_order), key=lambda info: info.group):
        view = _Group(list(members), policy=policy, now=now, used=used, listed=listed)
        steps += view.steps(first=view.owner not in begun)
    return tuple(sorted(steps, key=lambda step: (step.at, step.group[:3], step.kid or "")))


def due(steps: Iterable[Step], *, now: int) -> tuple[Step, ...]:
    """The steps whose time has come."""
    return tuple(step for step in steps if step.at <= now)


def overdue(
    keys: Iterable[KeyInfo], *, policy: RotationPolicy, now: int, used: Mapping[str, int]
) -> tuple[Overdue, ...]:
    """Active keys beyond their age or count.

    Args:
        keys: any keys.
        policy: the limits.
        now: Unix seconds.
        used: certificates by key id.
    """
    found = []
    for info in keys:
        if info.state is not State.ACTIVE or info.purpose not in policy.purposes:
            continue
        count = used.get(info.kid, 0)
        if count >= policy.max_signatures:
            found.append(Overdue(info=info, reason=Reason.COUNT, used=count))
        elif now - (info.activated_at or 0) >= policy.max_age:
            found.append(Overdue(info=info, reason=Reason.AGE, used=count))
    return tuple(found)


def apply(store: KeyStore, steps: Iterable[Step], *, now: int) -> KeyInfos:
    """Do the steps whose time has come; one that somebody has done already is no fault.

    Args:
        store: the key store.
        steps: from `plan`.
        now: Unix seconds.

    Returns:
        The keys as they are after their steps.

    Raises:
        StepOutdated: a key is no longer as the plan found it; plan anew.
        KeysError: the store refused; the steps before are done, and may be repeated.
    """
    doing = {
        Action.PREPARE: _prepare,
        Action.PUBLISH: _publish,
        Action.ACTIVATE: _activate,
        Action.DESTROY: _destroy,
    }
    return [doing[step.action](store, step, now) for step in due(steps, now=now)]


class _Group:
    """The keys of one group, as a plan sees them."""

    def __init__(
        self,
        members: KeyInfos,
        *,
        policy: RotationPolicy,
        now: int,
        used: Mapping[str, int],
        listed: Mapping[str, int] | None,
    ) -> None:
        self._members = members
        self._policy = policy
        self._now = now
        self._used = used
        self._listed = listed
        self.owner = members[0].issuer_id, members[0].purpose
        active = [info for info in members if info.state is State.ACTIVE]
        self._active = max(
            active, key=lambda info: (info.activated_at or 0, info.kid), default=None
        )
        self._torn = len(active) > 1

    def steps(self, *, first: bool) -> list[Step]:
        """What is due in this group.

        Args:
            first: no key of this issuer and purpose ever signed.
        """
        after = self._policy.destroy_after
        found = [
            self._step(Action.DESTROY, (info.retired_at or 0) + after, Reason.RETIRED, info)
            for info in self._members
            if info.state is State.RETIRED
        ]
        if self._torn and self._active is not None:
            found.append(self._step(Action.ACTIVATE, self._now, Reason.UNFINISHED, self._active))
            return found
        return found + self._succession(first=first)

    def _succession(self, *, first: bool) -> list[Step]:
        made = [info for info in self._members if info.state is State.GENERATED]
        ready = [info for info in self._members if info.state is State.PRE_PUBLISHED]
        if ready:
            successor = min(ready, key=self._since)
            at, reason = self._turn(first=first)
            if not first:
                at = max(at, self._since(successor) + self._policy.pre_publish)
            return [self._step(Action.ACTIVATE, at, reason, successor)]
        if made:
            return [self._step(Action.PUBLISH, self._now, Reason.WAITING, made[0])]
        return self._preparation()

    def _preparation(self) -> list[Step]:
        active, policy = self._active, self._policy
        if active is None:
            last = max(self._members, key=_served)
            # A key that was retired by hand has no successor unless somebody makes one.
            if last.state is not State.COMPROMISED or last.activated_at is None:
                return []
            return [self._step(Action.PREPARE, self._now, Reason.COMPROMISED)]
        if self._used.get(active.kid, 0) >= policy.max_signatures - policy.lead_signatures:
            return [self._step(Action.PREPARE, self._now, Reason.COUNT)]
        ends = (active.activated_at or 0) + policy.max_age
        return [self._step(Action.PREPARE, ends - policy.pre_publish - policy.lead, Reason.AGE)]

    def _turn(self, *, first: bool) -> tuple[int, Reason]:
        """When the active key's time is over, whatever its successor needs."""
        if self._active is None:
            return self._now, Reason.FIRST if first else Reason.WAITING
        if self._used.get(self._active.kid, 0) >= self._policy.max_signatures:
            return self._now, Reason.COUNT
        return (self._active.activated_at or 0) + self._policy.max_age, Reason.AGE

    def _since(self, info: KeyInfo) -> int:
        if self._listed is None:
            return info.pre_published_at or 0
        return self._listed.get(info.kid, self._now)

    def _step(self, action: Action, at: int, reason: Reason, info: KeyInfo | None = None) -> Step:
        model = info or self._active or max(self._members, key=_served)
        return Step(
            action=action,
            at=at,
            reason=reason,
            group=model.group,
            alg=model.alg,
            kid=info.kid if info else None,
            replaces=self._active.kid if self._active else None,
        )


def _order(info: KeyInfo) -> tuple[str, str, tuple[str, ...], str, int, str]:
    return (*info.group[:3], info.role or "", info.created_at, info.kid)


def _served(info: KeyInfo) -> tuple[int, bool, str]:
    # By when it began: a theft may be dated back to before an earlier key's end.
    return info.activated_at or 0, info.state is State.COMPROMISED, info.kid


def _prepare(store: KeyStore, step: Step, now: int) -> KeyInfo:
    issuer_id, purpose, types, role = step.group
    of_group = [info for info in store.list(issuer_id) if info.group == step.group]
    # Somebody else was faster, or a crash came between the two halves of this step.
    waiting = [info for info in of_group if info.state in _WAITING]
    info = (
        waiting[0]
        if waiting
        else store.generate(
            issuer_id=issuer_id, alg=step.alg, purpose=purpose, types=types, role=role, now=now
        )
    )
    if info.state is State.PRE_PUBLISHED:
        return info
    return store.set_state(issuer_id, info.kid, State.PRE_PUBLISHED, now=now)


def _publish(store: KeyStore, step: Step, now: int) -> KeyInfo:
    info = _named(store, step)
    if info.state is State.GENERATED:
        return store.set_state(info.issuer_id, info.kid, State.PRE_PUBLISHED, now=now)
    return _done(info, State.PRE_PUBLISHED, State.ACTIVE, State.RETIRED)


def _activate(store: KeyStore, step: Step, now: int) -> KeyInfo:
    info = _named(store, step)
    if info.state not in (State.PRE_PUBLISHED, State.ACTIVE):
        return _done(info)
    others = others_active(store.list(info.issuer_id), info)
    foreseen = (step.replaces, info.kid)
    if info.state is not State.ACTIVE and any(other.kid not in foreseen for other in others):
        raise StepOutdated(f"another key than {step.replaces} is active")
    if info.state is State.ACTIVE and not others:
        return info
    return store.rotate(info.issuer_id, info.kid, now=now)


def _destroy(store: KeyStore, step: Step, now: int) -> KeyInfo:
    info = _named(store, step)
    if info.state is State.RETIRED:
        return store.set_state(info.issuer_id, info.kid, State.DESTROYED, now=now)
    return _done(info, State.DESTROYED, State.COMPROMISED)


def _named(store: KeyStore, step: Step) -> KeyInfo:
    if step.kid is None:
        raise StepOutdated("the step names no key")
    return store.get(step.group[0], step.kid)


def _done(info: KeyInfo, *states: State) -> KeyInfo:
    if info.state not in states:
        raise StepOutdated(f"key {info.kid} is {info.state} by now")
    return info
