"""An operator's single steps in the life of a key: each may be repeated, each ends published.

The act is noted in the audit trail before the key store changes, the record is published after it.
Whatever a crash leaves between the two, the same command again brings to its end. The caller holds
the published tree (`open_authority`), so two operators take turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from certsvc.authority.keys_errors import IssuingWouldStop, KeyNotPublished, NoSuccessor
from certsvc.authority.keys_listing import (
    listed_since,
    note,
    records_of,
    republish,
    require_listed,
    rotation_policy,
)
from certsvc.authority.records import Outcome
from certsvc.authority.world import Authority
from certsvc_sdk.trust.record import IssuerRecord
from keys import KeyInfo, State
from keys.errors import TransitionForbidden
from keys.moves import moved, others_active


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a step came to.

    Attributes:
        key: as it stands now.
        changed: whether the step changed anything, or was done already.
        outcome: of the publication; None where nothing had to be published.
        listed_at: since when readers can see the key; None: they cannot yet.
        ready_at: when it may become active; None: not in question.
        retired: keys that gave way.
        unlisted: activated all the same, in an emergency: verifiers do not know the key.
    """

    key: KeyInfo
    changed: bool
    outcome: Outcome | None = None
    listed_at: int | None = None
    ready_at: int | None = None
    retired: tuple[str, ...] = ()
    unlisted: bool = False


def generate(
    authority: Authority,
    owner: str,
    *,
    purpose: str,
    alg: str,
    types: Sequence[str] = (),
    now: int,
) -> Done:
    """Make a key. Not idempotent: each call makes one, and one nobody wants is destroyed.

    Raises:
        IssuerUnknown, KeyOwnerUnmanaged: not an owner whose keys are managed here.
        KeysError: the key store refused.
    """
    records = records_of(authority, owner)
    key = authority.keys.generate(
        issuer_id=owner, alg=alg, purpose=purpose, types=tuple(types), now=now
    )
    # Its name is not known before: a crash here leaves a key that was never of any use.
    note(authority, records, "key.generate", key.kid, now=now)
    return Done(key=key, changed=True)


def publish(authority: Authority, owner: str, kid: str, *, now: int) -> Done:
    """Have verifiers know a key before it signs.

    Raises:
        TransitionForbidden: the key is past that.
        PublishingError, KeysError: the same command again takes it up.
    """
    records, info = _find(authority, owner, kid)
    changed = info.state is State.GENERATED
    if changed:
        info = _step(authority, records, info, State.PRE_PUBLISHED, "key.publish", now=now)
    elif info.state is not State.PRE_PUBLISHED:
        raise TransitionForbidden(f"key {kid} is {info.state}")
    outcome = republish(authority, records, now=now).outcome
    since = listed_since(authority, owner, now=now).get(kid)
    wait = rotation_policy(authority.settings).pre_publish
    return Done(
        key=info,
        changed=changed,
        outcome=outcome,
        listed_at=since,
        ready_at=None if since is None else since + wait,
    )


def activate(
    authority: Authority, owner: str, kid: str, *, now: int, emergency: bool = False
) -> Done:
    """Let a key sign, and retire the active one of its group.

    Args:
        authority: the installation.
        owner: whose key.
        kid: a pre-published key; an active one stays as it is.
        now: Unix seconds.
        emergency: do not wait until every verifier can know it; noted in the audit trail.

    Raises:
        KeyNotPublished, KeyListedTooShort: verifiers may not know it yet.
        TransitionForbidden: the life cycle has no such step.
        PublishingError, KeysError: the same command again takes it up.
    """
    records, info = _find(authority, owner, kid)
    former = others_active(authority.keys.list(owner), info)
    changed, unlisted = info.state is not State.ACTIVE, False
    if changed:
        moved(info, State.ACTIVE, now=now)
        unlisted = _admit(authority, records, info, now=now, emergency=emergency)
        action = "key.activate_emergency" if emergency else "key.activate"
        note(authority, records, action, kid, now=now)
    if changed or former:
        info = authority.keys.rotate(owner, kid, now=now)
    outcome = republish(authority, records, now=now).outcome
    return Done(
        key=info,
        changed=changed,
        outcome=outcome,
        listed_at=listed_since(authority, owner, now=now).get(kid),
        retired=tuple(other.kid for other in former),
        unlisted=unlisted,
    )


def rotate(
    authority: Authority,
    owner: str,
    *,
    purpose: str,
    types: Sequence[str] = (),
    now: int,
    emergency: bool = False,
) -> Done:
    """Do the next thing that a rotation needs: announce a successor, or let it take over.

    Raises:
        KeyListedTooShort: the successor is announced; come back at `ready_at`.
        NoSuccessor: no key of the group is active or waits: generate one.
        PublishingError, KeysError: the same command again takes it up.
    """
    records_of(authority, owner)
    group = (owner, purpose, tuple(sorted(types)), None)
    of_group = [key for key in authority.keys.list(owner) if key.group == group]
    ready = [key for key in of_group if key.state is State.PRE_PUBLISHED]
    if ready:
        first = min(ready, key=lambda key: (key.pre_published_at or 0, key.kid))
        try:
            return activate(authority, owner, first.kid, now=now, emergency=emergency)
        except KeyNotPublished:
            # A crash or an officer's signature came between: publish once more, then wait.
            return publish(authority, owner, first.kid, now=now)
    made = [key for key in of_group if key.state is State.GENERATED]
    if made:
        return publish(authority, owner, made[0].kid, now=now)
    model = next((key for key in of_group if key.state is State.ACTIVE), None)
    if model is None:
        raise NoSuccessor(f"{owner} has no active key of this group to rotate")
    new = generate(authority, owner, purpose=purpose, alg=model.alg, types=types, now=now)
    return publish(authority, owner, new.key.kid, now=now)


def retire(authority: Authority, owner: str, kid: str, *, now: int, stop: bool = False) -> Done:
    """Let a key sign no more; its public half stays published for what it signed.

    Args:
        authority: the installation.
        owner: whose key.
        kid: which; a retired one stays as it is.
        now: Unix seconds.
        stop: nothing shall sign in its place.

    Raises:
        IssuingWouldStop: it is the only active key of its group.
        TransitionForbidden: the life cycle has no such step.
        PublishingError, KeysError: the same command again takes it up.
    """
    records, info = _find(authority, owner, kid)
    changed = info.state is not State.RETIRED
    if changed:
        alone = not others_active(authority.keys.list(owner), info)
        if info.state is State.ACTIVE and alone and not stop:
            raise IssuingWouldStop(f"{kid} is the only active key of its group")
        info = _step(authority, records, info, State.RETIRED, "key.retire", now=now)
    outcome = republish(authority, records, now=now).outcome
    return Done(key=info, changed=changed, outcome=outcome)


def destroy(authority: Authority, owner: str, kid: str, *, now: int) -> Done:
    """Erase the private half of a key that signs no more, or never did; there is no way back.

    Raises:
        TransitionForbidden: the key is still in use.
        KeysError: the same command again takes it up.
    """
    records, info = _find(authority, owner, kid)
    changed = info.state is not State.DESTROYED
    if changed:
        info = _step(authority, records, info, State.DESTROYED, "key.destroy", now=now)
    return Done(key=info, changed=changed)


def _find(authority: Authority, owner: str, kid: str) -> tuple[list[IssuerRecord], KeyInfo]:
    return records_of(authority, owner), authority.keys.get(owner, kid)


def _step(
    authority: Authority,
    records: Sequence[IssuerRecord],
    info: KeyInfo,
    state: State,
    action: str,
    *,
    now: int,
) -> KeyInfo:
    moved(info, state, now=now)  # refuses before anything is noted
    note(authority, records, action, info.kid, now=now)
    return authority.keys.set_state(info.issuer_id, info.kid, state, now=now)


def _admit(
    authority: Authority,
    records: Sequence[IssuerRecord],
    info: KeyInfo,
    *,
    now: int,
    emergency: bool,
) -> bool:
    """Refuse what verifiers may not know; in an emergency, say whether they know it at all."""
    if not emergency:
        require_listed(authority, info, now=now)
        return False
    republish(authority, records, now=now)
    return info.kid not in listed_since(authority, info.issuer_id, now=now)
