"""What keys signed, and since when readers of published trust records can see them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.certificate_rows import State
from certsvc.storage.log_rows import ISSUE
from certsvc.storage.tables import certificate, key_listing, log_entry, status_list

#: Certificates that somebody may rely on, now or after a suspension ends.
LIVE = frozenset({State.VALID, State.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Tally:
    """How many certificates of a key are of one type, in one state and one status list."""

    type: str
    state: State
    list_no: int
    count: int


class KeyUse:
    """Counts certificates by key on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def counts(self, issuer_id: str | None = None) -> Mapping[str, int]:
        """Count certificates by key id, planned and given up ones too; one index is read.

        Args:
            issuer_id: Whose; None: everybody's. Key ids are thumbprints: no two issuers share one.
        """
        query = sa.select(certificate.c.kid, sa.func.count()).group_by(
            certificate.c.issuer_id, certificate.c.kid
        )
        if issuer_id is not None:
            query = query.where(certificate.c.issuer_id == issuer_id)
        return {row[0]: int(row[1]) for row in self._connection.execute(query)}

    def tallies(self, issuer_id: str, kid: str) -> Sequence[Tally]:
        """Count what a key signed by type, state and status list."""
        key = (certificate.c.type, certificate.c.state, certificate.c.list_no)
        query = (
            sa.select(*key, sa.func.count())
            .where(certificate.c.issuer_id == issuer_id, certificate.c.kid == kid)
            .group_by(*key)
            .order_by(*key)
        )
        rows = self._connection.execute(query)
        return [Tally(row[0], State(row[1]), int(row[2]), int(row[3])) for row in rows]

    def placed(
        self, issuer_id: str, kid: str, *, first: int, end: int | None
    ) -> Mapping[tuple[str, State], int]:
        """Count a key's live certificates whose issue stands in the log within [first, end).

        Args:
            issuer_id: The issuer.
            kid: The key.
            first: Log index.
            end: Log index; None: up to the newest, and those that wait for a place.

        Returns:
            Counts by type and state.
        """
        inner = self._within(issuer_id, kid, first, end)
        query = (
            sa.select(inner.c.what, sa.func.count())
            .where(inner.c.what.is_not(None))
            .group_by(inner.c.what)
        )
        found = {}
        for what, count in self._connection.execute(query):
            type_name, _, state = str(what).rpartition("/")
            found[type_name, State(state)] = int(count)
        return found

    def behind(self, issuer_id: str, kid: str, *, first: int, limit: int) -> Sequence[str]:
        """List a key's live certificates whose issue stands at `first` or later, or nowhere yet.

        Args:
            issuer_id: The issuer.
            kid: The key.
            first: Log index.
            limit: Most certificates to list.
        """
        inner = self._within(issuer_id, kid, first, None)
        query = (
            sa.select(inner.c.certificate_id)
            .where(inner.c.what.is_not(None))
            .order_by(inner.c.certificate_id)
            .limit(limit)
        )
        return list(self._connection.execute(query).scalars())

    def live(self, issuer_id: str, kid: str, *, limit: int) -> Sequence[str]:
        """List a key's live certificates."""
        query = (
            sa.select(certificate.c.certificate_id)
            .where(
                certificate.c.issuer_id == issuer_id,
                certificate.c.kid == kid,
                certificate.c.state.in_(sorted(LIVE)),
            )
            .order_by(certificate.c.certificate_id)
            .limit(limit)
        )
        return list(self._connection.execute(query).scalars())

    def log_size_at(self, moment: int, *, size: int) -> int:
        """Find how many of the log's first `size` leaves were written before a moment.

        Leaves stand almost in the order of their times; among those of one second, none counts.
        """
        low, high = 0, size
        while low < high:
            middle = (low + high) // 2
            query = sa.select(log_entry.c.created_at).where(log_entry.c.log_index == middle)
            at = self._connection.execute(query).scalar()
            if at is not None and at < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def resign_lists(self, issuer_id: str) -> int:
        """Have the publisher sign an issuer's status lists anew at its next look.

        Returns:
            How many lists these are.
        """
        done = self._connection.execute(
            status_list.update()
            .where(status_list.c.issuer_id == issuer_id, status_list.c.published_version > 0)
            .values(published_at=0)
        )
        return int(done.rowcount)

    def _within(self, issuer_id: str, kid: str, first: int, end: int | None) -> sa.Subquery:
        # A subquery for each leaf, not a join: which table to begin with is not the planner's
        # choice, so that a cut close to the log's end costs no more than what lies behind it.
        what = (
            sa.select(certificate.c.type + "/" + certificate.c.state)
            .where(
                certificate.c.issuer_id == log_entry.c.issuer_id,
                certificate.c.certificate_id == log_entry.c.certificate_id,
                sa.func.coalesce(certificate.c.kid, "") == kid,
                certificate.c.state.in_(sorted(LIVE)),
            )
            .correlate(log_entry)
            .scalar_subquery()
        )
        entries = sa.select(log_entry.c.certificate_id, what.label("what")).where(
            # Not by the issuer's index: all leaves of an issuer may be all leaves there are.
            sa.func.coalesce(log_entry.c.issuer_id, "") == issuer_id,
            log_entry.c.seq == ISSUE,
        )
        if end is not None:
            between = (log_entry.c.log_index >= first, log_entry.c.log_index < end)
            return entries.where(*between).subquery()
        return sa.union_all(
            entries.where(log_entry.c.log_index >= first),
            entries.where(sa.text("log_index IS NULL")),
        ).subquery()


class KeyListings:
    """Since when published trust records list keys, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, issuer_id: str) -> Mapping[str, int]:
        """Read since when an issuer's published record lists its keys, by key id."""
        query = sa.select(key_listing.c.kid, key_listing.c.listed_at).where(
            key_listing.c.issuer_id == issuer_id
        )
        return {row.kid: int(row.listed_at) for row in self._connection.execute(query)}

    def note(self, issuer_id: str, kids: Collection[str], *, now: int) -> bool:
        """Record which keys the published record lists now; what was known keeps its moment.

        Args:
            issuer_id: Whose record.
            kids: Every key that it lists.
            now: Unix seconds.

        Returns:
            Whether anything changed.
        """
        known = self.all(issuer_id)
        # A record that went back, after a restore, lost the key: its time begins again.
        gone, new = sorted(known.keys() - set(kids)), sorted(set(kids) - known.keys())
        if gone:
            self._connection.execute(
                key_listing.delete().where(
                    key_listing.c.issuer_id == issuer_id, key_listing.c.kid.in_(gone)
                )
            )
        if new:
            rows = [{"issuer_id": issuer_id, "kid": kid, "listed_at": now} for kid in new]
            self._connection.execute(key_listing.insert(), rows)
        return bool(gone or new)
