"""A key that others may use too: ended at once, with a line behind which nothing counts."""

from collections.abc import Sequence
from dataclasses import dataclass

from certsvc.authority.keys_errors import CutBeyondLog
from certsvc.authority.keys_listing import listed_since, note, records_of, republish
from certsvc.authority.log_checkpoint import sign_checkpoint_anew
from certsvc.authority.records import Outcome
from certsvc.authority.world import Authority
from certsvc.publishing.errors import LogUnpublished
from certsvc.publishing.log_reader import LogReader
from certsvc.publishing.log_signing import log_origin
from certsvc.service.engine import reading, writing
from certsvc.storage.key_use import KeyUse
from certsvc_sdk.trust.record import IssuerRecord
from keys import KeyInfo, State
from keys.moves import compromised

CERTIFICATE, STATUS, LOG = "certificate", "status", "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where to draw the line.

    Attributes:
        index: first log index that is no longer accepted.
        nothing: nothing the key signed is accepted, whatever the log says.
    """

    index: int | None = None
    nothing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a compromise came to.

    Attributes:
        key: compromised.
        log_size: leaves that the published checkpoint proves; None: no log is published.
        outcome: of the publication.
        active: the key that signs in its place now; None: none does.
        successor: made or activated by this command.
        unlisted: verifiers do not know the successor yet, until officers have signed.
        lists: status lists that are signed anew at once.
        checkpoint: whether the log's checkpoint was signed anew, by its new key.
    """

    key: KeyInfo
    log_size: int | None
    outcome: Outcome
    active: KeyInfo | None
    successor: bool
    unlisted: bool
    lists: int
    checkpoint: bool = False


def published_log_size(authority: Authority) -> int | None:
    """How many leaves the published checkpoint proves; None: no log is published.

    Raises:
        TreeUnreadable: the checkpoint is damaged.
    """
    origin = log_origin(authority.settings.public_url)
    try:
        return LogReader(authority.tree, authority.keys, origin=origin).checkpoint().size
    except LogUnpublished:
        return None


def compromise(
    authority: Authority,
    owner: str,
    kid: str,
    *,
    now: int,
    at: int | None = None,
    cut: Cut | None = None,
    replace: bool = False,
) -> Ended:
    """End a key, publish that at once, and perhaps let a successor sign in the same breath.

    The private key is erased first: whatever fails afterwards, it signs no more, and the same
    command again takes up the rest.

    Args:
        authority: the installation.
        owner: whose key.
        kid: which.
        now: Unix seconds.
        at: since when it can no longer be trusted; None: now, or what is on record.
        cut: None: what the published checkpoint proves stays accepted, or what is on record.
        replace: where no key of its group is active, make one so without waiting.

    Raises:
        CutBeyondLog: nobody could prove where the line is.
        CompromiseTimeInvalid, CompromiseLoosened: see `keys.moves.compromised`.
        LogForked, LeafAltered: the log's published checkpoint is not the database's, and is not
            signed anew; all else is done.
        PublishingError, KeysError: the same command again takes it up.
    """
    records = records_of(authority, owner)
    info = authority.keys.get(owner, kid)
    size = published_log_size(authority) if _chooses(cut) else None
    if cut is None and size is None and _has_signed(authority, info):
        # A line that is left out can never be drawn later.
        raise CutBeyondLog("no log is published: nothing would stay valid")
    index = _index(info, cut, size)
    since = at if at is not None else info.compromised_at or now
    ended = compromised(info, now=now, at=since, accept_before_log_index=index)
    info = authority.keys.compromise(owner, kid, now=now, at=since, accept_before_log_index=index)
    word = "none" if ended.accept_before_log_index is None else ended.accept_before_log_index
    note(
        authority, records, "key.compromise", f"{kid} at={ended.compromised_at} cut={word}", now=now
    )
    unlisted, made = False, False
    if replace and _active(authority, info) is None:
        made, unlisted = True, _succeed(authority, records, info, now=now)
    outcome = republish(authority, records, now=now).outcome
    lists, checkpoint = 0, False
    if info.purpose == LOG:
        checkpoint = sign_checkpoint_anew(authority)
    if info.purpose == STATUS:
        with writing(authority.engine) as connection:
            lists = KeyUse(connection).resign_lists(owner)
    return Ended(
        key=info,
        log_size=size,
        outcome=outcome,
        active=_active(authority, info),
        successor=made,
        unlisted=unlisted,
        lists=lists,
        checkpoint=checkpoint,
    )


def log_size_at(authority: Authority, moment: int, *, size: int) -> int:
    """How many of the log's leaves were written before a moment, for a line further back."""
    with reading(authority.engine) as connection:
        return KeyUse(connection).log_size_at(moment, size=size)


def _chooses(cut: Cut | None) -> bool:
    return cut is None or not cut.nothing


def _index(info: KeyInfo, cut: Cut | None, size: int | None) -> int | None:
    """The line; only certificates stand in the log, so other keys' signatures end altogether."""
    if cut is not None and cut.nothing:
        return None
    if cut is not None and cut.index is not None:
        if info.purpose != CERTIFICATE or size is None or cut.index > size:
            raise CutBeyondLog(f"the published log ends at {size}")
        return cut.index
    if info.state is State.COMPROMISED:
        return info.accept_before_log_index
    return size if info.purpose == CERTIFICATE else None


def _has_signed(authority: Authority, info: KeyInfo) -> bool:
    if info.purpose != CERTIFICATE or info.state is State.COMPROMISED:
        return False
    with reading(authority.engine) as connection:
        return KeyUse(connection).counts(info.issuer_id).get(info.kid, 0) > 0


def _active(authority: Authority, info: KeyInfo) -> KeyInfo | None:
    for key in authority.keys.list(info.issuer_id):
        if key.state is State.ACTIVE and key.group == info.group:
            return key
    return None


def _succeed(
    authority: Authority, records: Sequence[IssuerRecord], lost: KeyInfo, *, now: int
) -> bool:
    """Activate a successor without waiting; whether verifiers do not know it yet."""
    owner, keys = lost.issuer_id, authority.keys
    of_group = [key for key in keys.list(owner) if key.group == lost.group]
    ready = [key for key in of_group if key.state is State.PRE_PUBLISHED]
    made = [key for key in of_group if key.state is State.GENERATED]
    known = listed_since(authority, owner, now=now)
    if ready:
        new = min(ready, key=lambda key: (known.get(key.kid, now), key.kid))
    else:
        new = (
            made[0]
            if made
            else keys.generate(
                issuer_id=owner,
                alg=lost.alg,
                purpose=lost.purpose,
                types=lost.types,
                role=lost.role,
                now=now,
            )
        )
        note(authority, records, "key.publish", new.kid, now=now)
        new = keys.set_state(owner, new.kid, State.PRE_PUBLISHED, now=now)
    # Both facts in one edition: whoever learns of the loss learns of the successor.
    republish(authority, records, now=now)
    note(authority, records, "key.activate_emergency", new.kid, now=now)
    keys.set_state(owner, new.kid, State.ACTIVE, now=now)
    return new.kid not in listed_since(authority, owner, now=now)
