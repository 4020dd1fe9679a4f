"""Steps 5 and 6, and what the list says in step 7: is the certificate revoked or suspended?"""

from collections.abc import Mapping
from typing import NamedTuple

from certsvc_sdk import statuslist, strict
from certsvc_sdk.authentication import Case
from certsvc_sdk.errors import Malformed, StatusListInvalid
from certsvc_sdk.strict import Json
from certsvc_sdk.trust.about import Environment
from certsvc_sdk.trust.record import IssuerRecord
from certsvc_sdk.world import CLOCK_TOLERANCE, StatusSnapshot

_DEMO = Environment.DEMO
# A value without a meaning in this release is an ending of some kind: never "not revoked".
_CODES = {statuslist.SUSPENDED: "suspended", statuslist.SUPERSEDED: "superseded"}


class Reference(NamedTuple):
    """Where a certificate's status stands: address of the list, and place in it."""

    uri: str
    idx: int


def reference(payload: Mapping[str, Json]) -> Reference:
    """Return the status reference of a payload (Token Status List section 6.1).

    Raises:
        Malformed: no `status.status_list` with a string `uri` and an integer `idx` from 0.
    """
    status = strict.members(payload, "status", "payload")
    entry = strict.members(status, "status_list", "status")
    index = strict.integer(entry, "idx", "status_list")
    if index < 0:
        raise Malformed("idx must not be negative")
    return Reference(strict.text(entry, "uri", "status_list"), index)


def believe_reference(case: Case, record: IssuerRecord) -> Reference | None:
    """Step 5: only now, after the signature, is the status reference believed."""
    # 5 status_reference: its address lies under the issuer's own prefix (T39)
    try:
        found = reference(case.payload)
    except Malformed:
        case.sheet.found("status_reference", "malformed")
        return None
    demo = case.trust is not None and case.trust.env is _DEMO
    uri = record.status_address(found.uri)
    if uri is None or not (demo or found.uri.startswith("https://")):
        case.sheet.found("status_reference", "malformed")
        return None
    case.sheet.passed("status_reference")
    return Reference(uri, found.idx)


def look_up(case: Case, record: IssuerRecord, found: Reference) -> None:
    """Steps 6 and 7: fetch the list, judge the list, read the entry."""
    sheet = case.sheet
    snapshot = genuine(case, record, found)
    code = _list_code(case, snapshot)
    if code is None:
        sheet.passed("status_list")
    else:
        sheet.found("status_list", code)

    if snapshot is not None:
        case.list_as_of = snapshot.token.iat
        case.proven = max(case.proven, snapshot.token.iat)

    # 7 status: the entry; seen revoked once is revoked for ever (T40)
    if case.world.known_revoked(found.uri, found.idx):
        sheet.found("status", "revoked")
        return
    if snapshot is None:
        return
    try:
        value = snapshot.value(found.idx)
    except StatusListInvalid:
        sheet.found("status", "malformed")
        return
    if value == statuslist.VALID:
        sheet.passed("status")
        return
    if value == statuslist.INVALID:
        case.world.remember_revoked(found.uri, found.idx)
    status = _CODES.get(value, "revoked")
    # A suspension may be over by now; what is revoked or superseded stays so.
    stale = code is not None and status == "suspended"
    sheet.found("status", "status_stale" if stale else status)


def genuine(case: Case, record: IssuerRecord, found: Reference) -> StatusSnapshot | None:
    """Return the newest copy of a list that the issuer of `record` really published, or None."""
    snapshot = case.world.status(found.uri, record)
    return snapshot if snapshot is not None and snapshot.is_genuine(record, found.uri) else None


def _list_code(case: Case, snapshot: StatusSnapshot | None) -> str | None:
    # 6 status_list: its own signature and address (`is_genuine`), not from the future, not too old
    if snapshot is None:
        return "status_unavailable"
    as_of = snapshot.token.iat
    if as_of > case.now + CLOCK_TOLERANCE:
        return "clock_untrusted"
    limit = case.policy.max_status_age
    stale = case.now >= snapshot.expires if limit is None else case.now - as_of > limit
    return "status_stale" if stale else None
