"""Compares a status list as it was read with what the database says; no I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from certsvc.publishing.status_files import takes_back
from certsvc.publishing.status_signing import LIFE, TTL
from certsvc.storage.status_expected import Change
from certsvc.storage.status_rows import ListInfo
from certsvc.watching.complaint import Code, Complaint
from certsvc_sdk.statuslist import StatusBits, StatusListToken

# The publisher renews a list every two and a half minutes: half a day means it stands still.
EXPIRES_SOON = LIFE // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A genuine list as a verifier reads it.

    Attributes:
        token: taken apart.
        bits: inflated.
        at: when it was asked for, Unix seconds.
    """

    token: StatusListToken
    bits: StatusBits
    at: int

    @property
    def version(self) -> int:
        """Of the list; one without a version was not made here."""
        return self.token.version or 0


def compare(
    info: ListInfo,
    changes: Sequence[Change],
    seen: Seen,
    before: Seen | None,
    *,
    patience: int,
) -> Iterator[Complaint]:
    """Tell what is wrong with a list.

    Args:
        info: the list, read from the database after `seen` was asked for.
        changes: what changed after the version of `before`, read with `info`.
        seen: what readers see.
        before: what they saw at the last look.
        patience: seconds that a change may take to show.
    """
    where, due = seen.token.sub, seen.at - patience
    if before is not None and (seen.version < before.version or takes_back(before.bits, seen.bits)):
        detail = f"version {before.version} → {seen.version}"
        yield Complaint(Code.LIST_WENT_BACK, where, detail)
    published_at = info.published_at
    if seen.version < info.published_version and published_at is not None and published_at <= due:
        detail = f"version {seen.version}, published {info.published_version}"
        yield Complaint(Code.LIST_BEHIND, where, detail)
    late = [one for one in changes if _is_late(one, seen, due)]
    if late:
        oldest = min(one.changed_at or 0 for one in late)
        detail = f"{len(late)} changes, the oldest {seen.at - oldest} s ago"
        yield Complaint(Code.CHANGE_NOT_SHOWN, where, detail)
    wrong = sum(_differs(one, seen) for one in changes)
    if wrong:
        yield Complaint(Code.BITS_DIFFER, where, f"{wrong} places")
    if seen.at - seen.token.iat > TTL + patience:
        yield Complaint(Code.LIST_OLD, where, f"signed {seen.at - seen.token.iat} s ago")
    left = (seen.token.exp or 0) - seen.at
    if left < EXPIRES_SOON:
        yield Complaint(Code.LIST_EXPIRES_SOON, where, f"{left} s left")


def _is_late(change: Change, seen: Seen, due: int) -> bool:
    return (
        change.version > seen.version and change.changed_at is not None and change.changed_at <= due
    )


def _differs(change: Change, seen: Seen) -> bool:
    # What changed again after the list was read has a later version, and is not compared.
    if change.version > seen.version:
        return False
    return change.index >= len(seen.bits) or seen.bits.get(change.index) != change.value
