"""Rows of the transparency log as frozen values."""

from collections.abc import Sequence
from dataclasses import dataclass

# The issue of a certificate; its status events follow by their numbers.
ISSUE = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An event on its way into the log.

    Attributes:
        issuer_id: whose certificate.
        certificate_id: its opaque id.
        seq: `ISSUE`, or the number of the status event.
        leaf: exact text of the leaf.
        leaf_hash: its hash, 32 bytes.
        created_at: Unix seconds; not before that of the certificate's entry before.
    """

    issuer_id: str
    certificate_id: str
    seq: int
    leaf: str
    leaf_hash: bytes
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(NewEntry):
    """A row of the log; `log_index` is None while it waits for its place."""

    log_index: int | None


@dataclass(frozen=True, slots=True)
class Leaf:
    """What the tree is made of: exact bytes and their hash."""

    data: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Placed:
    """Leaves that have just got their places, the first one at `first`."""

    first: int
    leaves: Sequence[Leaf]

    def part(self, first: int, end: int) -> Sequence[Leaf] | None:
        """The leaves [first, end), None where some are not among these."""
        if not self.first <= first <= end <= self.first + len(self.leaves):
            return None
        return self.leaves[first - self.first : end - self.first]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far the log has come: leaves with a place, and leaves that readers see."""

    origin: str
    size: int
    published_size: int
    published_at: int | None
