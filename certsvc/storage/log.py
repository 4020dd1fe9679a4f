"""Rows of the transparency log: one an event, first without a place, then with one for ever.

A row is written in the transaction of its cause. Places are given out afterwards, by one
transaction at a time, so that the tree has exactly one order; it is the truth that tiles and
checkpoints are made from.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from certsvc.storage.certificate_rows import VISIBLE
from certsvc.storage.errors import LogOriginChanged
from certsvc.storage.leases import WHOLE_SERVICE
from certsvc.storage.log_rows import ISSUE, Entry, Head, Leaf, NewEntry, Placed
from certsvc.storage.many import inserting, updating
from certsvc.storage.tables import certificate, log_entry, log_head

__all__ = ["ISSUE", "Entry", "Head", "Leaf", "LogEntries", "LogHeads", "NewEntry", "Placed"]

_INSERT = inserting(log_entry, NewEntry.__slots__)
_WAITING = (
    sa.select(
        log_entry.c.issuer_id,
        log_entry.c.certificate_id,
        log_entry.c.seq,
        log_entry.c.leaf,
        log_entry.c.leaf_hash,
    )
    .where(sa.text("log_index IS NULL"))
    # `created_at` never falls within a certificate, so no event comes before its issue.
    .order_by(
        log_entry.c.created_at,
        log_entry.c.seq,
        log_entry.c.issuer_id,
        log_entry.c.certificate_id,
    )
    .limit(sa.bindparam("b_limit", type_=sa.BigInteger))
)
_ANY_WAITING = sa.select(log_entry.c.seq).where(sa.text("log_index IS NULL")).limit(1)
_HEAD = sa.select(*(log_head.c[name] for name in Head.__slots__)).where(
    log_head.c.issuer_id == WHOLE_SERVICE
)
_SIZE = (
    sa.select(log_head.c.size)
    .where(
        log_head.c.issuer_id == WHOLE_SERVICE,
        log_head.c.origin == sa.bindparam("b_origin"),
    )
    .with_for_update()
)
_PLACE = updating(
    {
        "b_issuer_id": log_entry.c.issuer_id,
        "b_certificate_id": log_entry.c.certificate_id,
        "b_seq": log_entry.c.seq,
        "b_log_index": log_entry.c.log_index,
    },
    lambda given: (
        log_entry.update()
        .where(
            log_entry.c.issuer_id == given["b_issuer_id"],
            log_entry.c.certificate_id == given["b_certificate_id"],
            log_entry.c.seq == given["b_seq"],
            log_entry.c.log_index.is_(None),
        )
        .values(log_index=given["b_log_index"])
    ),
)
# Built once: most of a statement's cost is its building.
_ONE = log_entry.select().where(
    log_entry.c.issuer_id == sa.bindparam("b_issuer_id"),
    log_entry.c.certificate_id == sa.bindparam("b_certificate_id"),
    log_entry.c.seq == sa.bindparam("b_seq"),
)
_LAST = (
    log_entry.select()
    .where(
        log_entry.c.issuer_id == sa.bindparam("b_issuer_id"),
        log_entry.c.certificate_id == sa.bindparam("b_certificate_id"),
    )
    .order_by(log_entry.c.seq.desc())
    .limit(1)
)


class LogEntries:
    """Reads and writes log entries on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, entries: Sequence[NewEntry]) -> None:
        """Write entries, in the transaction of what they tell.

        Raises:
            sqlalchemy.exc.IntegrityError: The event stands in the log already.
        """
        names = NewEntry.__slots__
        _INSERT.run(
            self._connection, [{name: getattr(entry, name) for name in names} for entry in entries]
        )

    def last(self, issuer_id: str, certificate_id: str) -> Entry | None:
        """Read a certificate's newest entry."""
        key = {"b_issuer_id": issuer_id, "b_certificate_id": certificate_id}
        first = self._connection.execute(_LAST, key).mappings().first()
        return None if first is None else Entry(**first)

    def get(self, issuer_id: str, certificate_id: str, seq: int = ISSUE) -> Entry | None:
        """Read one entry."""
        key = {"b_issuer_id": issuer_id, "b_certificate_id": certificate_id, "b_seq": seq}
        first = self._connection.execute(_ONE, key).mappings().first()
        return None if first is None else Entry(**first)

    def of_certificate(self, issuer_id: str, certificate_id: str) -> Sequence[Entry]:
        """List a certificate's entries in their order."""
        return self._select(
            log_entry.c.issuer_id == issuer_id, log_entry.c.certificate_id == certificate_id
        )

    def by_hash(self, leaf_hash: bytes) -> Entry | None:
        """Find an entry by its leaf hash."""
        found = self._select(log_entry.c.leaf_hash == leaf_hash)
        return found[0] if found else None

    def leaves(self, first: int, end: int) -> Sequence[Leaf]:
        """Read leaves by their places, from `first` to before `end`; a gap ends the list."""
        query = (
            sa.select(log_entry.c.log_index, log_entry.c.leaf, log_entry.c.leaf_hash)
            .where(log_entry.c.log_index >= first, log_entry.c.log_index < end)
            .order_by(log_entry.c.log_index)
        )
        found = []
        for expected, row in enumerate(self._connection.execute(query), first):
            if row.log_index != expected:
                break
            found.append(Leaf(row.leaf.encode(), row.leaf_hash))
        return found

    def raw(self, first: int, end: int) -> Sequence[tuple[int, bytes, bytes]]:
        """Read places [first, end) as they lie there: index, bytes of the leaf, bytes of the hash.

        Bytes, because what is no text any more must be found and not stop the search.
        """
        sqlite = self._connection.dialect.name == "sqlite"
        text = log_entry.c.leaf
        data = sa.cast(text, sa.LargeBinary) if sqlite else sa.func.convert_to(text, "UTF8")
        query = (
            sa.select(log_entry.c.log_index, data.label("data"), log_entry.c.leaf_hash)
            .where(log_entry.c.log_index >= first, log_entry.c.log_index < end)
            .order_by(log_entry.c.log_index)
        )
        rows = self._connection.execute(query)
        return [(row.log_index, bytes(row.data), bytes(row.leaf_hash)) for row in rows]

    def end(self) -> int:
        """Behind the last place that is taken; 0 where none is."""
        last = self._connection.execute(sa.select(sa.func.max(log_entry.c.log_index))).scalar()
        return 0 if last is None else int(last) + 1

    def waiting_since(self, head: Head) -> int | None:
        """When the oldest entry that readers do not see yet was written; None: they see all."""
        unpublished = sa.select(sa.func.min(log_entry.c.created_at)).where(
            log_entry.c.log_index == head.published_size
        )
        waiting = sa.select(sa.func.min(log_entry.c.created_at)).where(sa.text("log_index IS NULL"))
        queries = (unpublished, waiting)
        times = [self._connection.execute(query).scalar() for query in queries]
        return min((int(one) for one in times if one is not None), default=None)

    def has_waiting(self) -> bool:
        """Whether an entry waits for its place."""
        return self._connection.execute(_ANY_WAITING).first() is not None

    def sequence(self, origin: str, *, limit: int) -> Placed:
        """Give waiting entries their places; a second sequencer waits for this transaction.

        Args:
            origin: the log.
            limit: Most entries to place.

        Returns:
            Those that got one.
        """
        # The head's row lock is what makes two sequencers take turns.
        size = self._connection.execute(_SIZE, {"b_origin": origin}).scalar_one()
        waiting = self._connection.execute(_WAITING, {"b_limit": limit}).all()
        if not waiting:
            return Placed(size, ())
        rows, leaves = [], []
        for place, (issuer_id, certificate_id, seq, leaf, leaf_hash) in enumerate(waiting, size):
            rows.append(
                {
                    "b_issuer_id": issuer_id,
                    "b_certificate_id": certificate_id,
                    "b_seq": seq,
                    "b_log_index": place,
                }
            )
            leaves.append(Leaf(leaf.encode(), leaf_hash))
        _PLACE.run(self._connection, rows)
        self._connection.execute(
            log_head.update()
            .where(log_head.c.issuer_id == WHOLE_SERVICE, log_head.c.origin == origin)
            .values(size=size + len(rows))
        )
        return Placed(size, leaves)

    def unlogged(self, *, after: tuple[str, str], limit: int) -> Sequence[tuple[str, str]]:
        """List issued certificates without an entry: those issued before there was a log.

        Args:
            after: issuer and certificate to go on behind; two empty texts for the beginning.
            limit: Most certificates to list.
        """
        key = (certificate.c.issuer_id, certificate.c.certificate_id)
        entry = sa.and_(
            log_entry.c.issuer_id == certificate.c.issuer_id,
            log_entry.c.certificate_id == certificate.c.certificate_id,
            log_entry.c.seq == ISSUE,
        )
        query = (
            sa.select(*key)
            .outerjoin(log_entry, entry)
            .where(
                sa.tuple_(*key) > after,
                certificate.c.state.in_(sorted(VISIBLE)),
                log_entry.c.seq.is_(None),
            )
            .order_by(*key)
            .limit(limit)
        )
        return [(row.issuer_id, row.certificate_id) for row in self._connection.execute(query)]

    def _select(self, *conditions: sa.ColumnElement[bool]) -> Sequence[Entry]:
        query = log_entry.select().where(*conditions).order_by(log_entry.c.seq)
        return [Entry(**row) for row in self._connection.execute(query).mappings()]


class LogHeads:
    """Reads and writes the log's head on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, origin: str) -> Head | None:
        """Read the head; None before the log was begun.

        Raises:
            LogOriginChanged: The database keeps a log of another name.
        """
        heads = [Head(**row) for row in self._connection.execute(_HEAD).mappings()]
        if heads and heads[0].origin != origin:
            raise LogOriginChanged(f"the log is {heads[0].origin}, not {origin}")
        return heads[0] if heads else None

    def begin(self, origin: str) -> Head:
        """Begin the log, once: all certificates issued before have their entries now.

        Raises:
            LogOriginChanged: As `get`.
        """
        known = self.get(origin)
        if known is not None:
            return known
        head = Head(origin=origin, size=0, published_size=0, published_at=None)
        values = {name: getattr(head, name) for name in Head.__slots__}
        self._connection.execute(log_head.insert().values(issuer_id=WHOLE_SERVICE, **values))
        return head

    def mark_published(self, origin: str, size: int, *, now: int) -> None:
        """Record that a checkpoint of this size is published; a smaller one changes nothing."""
        self._connection.execute(
            log_head.update()
            .where(
                log_head.c.issuer_id == WHOLE_SERVICE,
                log_head.c.origin == origin,
                log_head.c.published_size <= size,
                log_head.c.size >= size,
            )
            .values(published_size=size, published_at=now)
        )
