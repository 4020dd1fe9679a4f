"""Step 7's status for a moment in the past: the log's events tell it, not the list of today."""

from collections.abc import Mapping

from certsvc_sdk import statuslist
from certsvc_sdk.authentication import Case, Signed, authenticate, find_trust, split, unframe
from certsvc_sdk.errors import StatusListInvalid
from certsvc_sdk.log.history import Life
from certsvc_sdk.log.leaf import Event
from certsvc_sdk.policy import Policy
from certsvc_sdk.status import Reference, genuine
from certsvc_sdk.world import CLOCK_TOLERANCE, MERGE_SECONDS, World

_CODES: Mapping[Event, str] = {
    Event.SUSPENDED: "suspended",
    Event.REVOKED: "revoked",
    Event.SUPERSEDED: "superseded",
}
# What must have happened where a list shows this; any other value is an ending of some kind.
_SHOWN: Mapping[int, frozenset[Event]] = {
    statuslist.SUSPENDED: frozenset({Event.SUSPENDED}),
    statuslist.SUPERSEDED: frozenset({Event.SUPERSEDED}),
}
_ENDED = frozenset({Event.REVOKED})


def look_back(case: Case, signed: Signed, found: Reference) -> None:
    """Step 7 status: the last event up to the moment, from a proven and complete history."""
    # 7 status: an index outside the list is malformed at any moment
    snapshot = genuine(case, signed.record, found)
    try:
        value = statuslist.VALID if snapshot is None else snapshot.value(found.idx)
    except StatusListInvalid:
        case.sheet.found("status", "malformed")
        return

    # 7 status: what the list of today shows must stand in the history, or the log hides something
    needed = _SHOWN.get(value, _ENDED) if value != statuslist.VALID else frozenset[Event]()
    if case.world.known_revoked(found.uri, found.idx):
        needed |= _ENDED
    life = _life(case, signed)
    if life is not None and needed - _happened(life):
        # A history at hand may be older than the list.
        life = _life(case, signed, fresh=True)
    if life is None or needed - _happened(life):
        case.sheet.found("status", "log_proof_missing")
        return

    # 7 status: the last event up to the moment; what is revoked stays so
    case.list_as_of = case.moment
    event = life.last(case.moment)
    code = None if event is None else _CODES.get(event.event)
    if code is None:
        case.sheet.passed("status")
    else:
        case.sheet.found("status", code)


def life_of(text: str, *, world: World, now: int) -> Life | None:
    """Return what is proven of a certificate's life, None unless it is genuine and proven.

    Args:
        text: text of a code, or a compact SD-JWT.
        world: trust data and logs.
        now: Unix seconds.
    """
    case = Case(world=world, policy=Policy(), now=now, moment=now)
    token = unframe(case, text)
    read = None if token is None else split(case, token)
    trust = find_trust(case)
    signed = None if read is None or trust is None else authenticate(case, read, trust)
    if signed is None:
        return None
    return world.life(signed.parsed.jws.signing_input, signed.record, now, fresh=True)


def _life(case: Case, signed: Signed, *, fresh: bool = False) -> Life | None:
    """Return a history that reaches beyond the moment and not into the future."""
    signing_input = signed.parsed.jws.signing_input
    life = case.world.life(signing_input, signed.record, case.moment, fresh=fresh)
    if life is None:
        return None
    known = case.moment + MERGE_SECONDS <= life.as_of <= case.now + CLOCK_TOLERANCE
    return life if known else None


def _happened(life: Life) -> frozenset[Event]:
    return frozenset(event.event for event in life.events)
