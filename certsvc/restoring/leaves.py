"""Takes leaves back that only the published log still has: what it shows stays true."""

import hashlib
from collections.abc import Callable, Collection, Iterable
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from certsvc.restoring.errors import RecoveryStopped
from certsvc.restoring.outside import Outside, PublishedList
from certsvc.restoring.report import Report
from certsvc.service.engine import reading, writing
from certsvc.storage.certificate_rows import CertificateRow, State, StatusEvent
from certsvc.storage.certificates import Certificates
from certsvc.storage.log import ISSUE, Entry, LogEntries, LogHeads, NewEntry
from certsvc.storage.status_lists import StatusLists
from certsvc.storage.tables import certificate, holder, idempotency, issuer, log_entry, log_head
from certsvc_sdk.errors import LogInvalid
from certsvc_sdk.log.checkpoint import Checkpoint
from certsvc_sdk.log.leaf import Changed, Event, Issued, read_leaf
from certsvc_sdk.log.merkle import Frontier, leaf_hash

#: Leaves that one transaction takes.
CHUNK = 2048
#: Name of the actor in what a recovery writes.
ACTOR = "recover"

_STATES = {
    Event.SUSPENDED: ("suspend", State.SUSPENDED),
    Event.RESUMED: ("resume", State.VALID),
    Event.REVOKED: ("revoke", State.REVOKED),
    Event.SUPERSEDED: ("supersede", State.SUPERSEDED),
}


def size_of(engine: Engine) -> int:
    """How many leaves have a place in the database."""
    with reading(engine) as connection:
        return int(connection.execute(sa.select(sa.func.max(log_head.c.size))).scalar() or 0)


def check_story(engine: Engine, outside: Outside, checkpoint: Checkpoint) -> None:
    """Hold the database's leaves, and behind them the published ones, against the signed root.

    Raises:
        RecoveryStopped: they do not lead to it; nothing was changed.
        TreeUnreadable: a bundle is missing or damaged.
    """
    frontier, size = Frontier(), size_of(engine)
    with reading(engine) as connection:
        query = (
            sa.select(log_entry.c.leaf_hash)
            .where(log_entry.c.log_index < min(size, checkpoint.size))
            .order_by(log_entry.c.log_index)
            .execution_options(stream_results=True, yield_per=CHUNK)
        )
        for hashed in connection.execute(query).scalars():
            frontier.append(bytes(hashed))
    for _index, leaf in outside.leaves(frontier.size, checkpoint.size):
        frontier.append(leaf_hash(leaf))
    if frontier.size != checkpoint.size or frontier.root() != checkpoint.root:
        raise RecoveryStopped(
            "数据库与已发布的日志不是同一份历史 / "
            "the database and the published log tell two stories (certsvc fsck)"
        )


def take_leaves(
    engine: Engine,
    outside: Outside,
    checkpoint: Checkpoint,
    report: Report,
    *,
    ahead: Collection[PublishedList] = (),
    progress: Callable[[int], object] = int,
) -> None:
    """Write what the published log has and the database has not, in portions.

    Args:
        engine: the database.
        outside: what is published.
        checkpoint: how far the log reaches.
        report: notes what is taken.
        ahead: lists that are published in a newer version than the database's: theirs stays
            behind, or nobody would see that these still have to be taken.
        progress: takes the leaves done since the last call.

    Raises:
        RecoveryStopped: a leaf contradicts the database.
        TreeUnreadable: a bundle is missing or damaged.
    """
    leaves = outside.leaves(size_of(engine), checkpoint.size)
    while portion := list(islice(leaves, CHUNK)):
        with writing(engine) as connection:
            _Taker(connection, report, ahead).take(portion, checkpoint.origin)
        progress(len(portion))


class _Taker:
    """Takes one portion of leaves in one transaction."""

    def __init__(
        self, connection: Connection, report: Report, ahead: Collection[PublishedList]
    ) -> None:
        self._connection = connection
        self._report = report
        self._entries = LogEntries(connection)
        self._certificates = Certificates(connection)
        self._issuers = {
            uscc: issuer_id
            for issuer_id, uscc in connection.execute(sa.select(issuer.c.issuer_id, issuer.c.uscc))
        }
        self._ahead = {(self._issuers[one.uscc], one.list_no): one.version for one in ahead}

    def take(self, portion: Iterable[tuple[int, bytes]], origin: str) -> None:
        LogHeads(self._connection).begin(origin)
        end = 0
        for index, data in portion:
            hashed = leaf_hash(data)
            known = self._entries.by_hash(hashed)
            if known is None:
                self._add(data, hashed)
                known = self._entries.by_hash(hashed)
                self._report.leaves_taken += 1
            if known is not None:
                self._place(known, index)
            end = index + 1
        self._connection.execute(
            log_head.update()
            .where(log_head.c.issuer_id == "", log_head.c.origin == origin)
            .values(size=end, published_size=end)
        )

    def _place(self, known: Entry, index: int) -> None:
        if known.log_index not in (None, index):
            raise RecoveryStopped(f"leaf {index} has place {known.log_index} in the database")
        self._connection.execute(
            log_entry.update()
            .where(
                log_entry.c.issuer_id == known.issuer_id,
                log_entry.c.certificate_id == known.certificate_id,
                log_entry.c.seq == known.seq,
            )
            .values(log_index=index)
        )

    def _add(self, data: bytes, hashed: bytes) -> None:
        try:
            leaf = read_leaf(data)
        except LogInvalid as error:
            raise RecoveryStopped("a published leaf is not one of ours") from error
        issuer_id = self._issuers.get(leaf.iss.rpartition("/")[2])
        if issuer_id is None:
            raise RecoveryStopped(f"the published log names an issuer unknown here: {leaf.iss}")
        row = self._certificates.by_identifier(issuer_id, leaf.certificate_identifier)
        seq, at = (ISSUE, leaf.iat) if isinstance(leaf, Issued) else (leaf.seq, leaf.at)
        if isinstance(leaf, Issued):
            row = self._issued(issuer_id, leaf, row)
        elif row is not None and row.visible:
            self._changed(row, leaf)
        name = lost_id(leaf.certificate_identifier) if row is None else row.certificate_id
        if self._entries.get(issuer_id, name, seq) is not None:
            raise RecoveryStopped(
                f"{leaf.certificate_identifier}: the database has another event {seq}"
            )
        self._entries.add(
            [
                NewEntry(
                    issuer_id=issuer_id,
                    certificate_id=name,
                    seq=seq,
                    leaf=data.decode(),
                    leaf_hash=hashed,
                    created_at=at,
                )
            ]
        )

    def _issued(
        self, issuer_id: str, leaf: Issued, row: CertificateRow | None
    ) -> CertificateRow | None:
        """A certificate whose token is lost; its plan must never become a second one."""
        if row is not None and row.visible:
            raise RecoveryStopped(f"{leaf.certificate_identifier}: issued twice")
        self._report.certificates_lost.append(leaf.certificate_identifier)
        if row is not None:
            drop_plan(self._connection, row)
            self._report.plans_dropped += 1
        return None

    def _changed(self, row: CertificateRow, leaf: Changed) -> None:
        operation, after = _STATES[leaf.event]
        event = StatusEvent(
            issuer_id=row.issuer_id,
            certificate_id=row.certificate_id,
            seq=leaf.seq,
            operation=operation,
            state_before=row.state,
            state_after=after,
            reason=None,
            detail=None,
            at=leaf.at,
            principal_kind="system",
            client_id=ACTOR,
            request_id=ACTOR,
        )
        shown = self._ahead.get((row.issuer_id, row.list_no))
        if shown is None:
            lists = StatusLists(self._connection)
            version = lists.request_publication(row.issuer_id, row.list_no)
        else:
            version = shown + 1
        if not self._certificates.move(event, list_version=version):
            raise RecoveryStopped(
                f"{leaf.certificate_identifier}: the published event {leaf.seq} does not follow"
            )
        self._report.changes_taken += 1


def drop_plan(connection: Connection, row: CertificateRow) -> None:
    """Remove a plan with everything that hangs on it; its place is never given out again."""
    for table in (idempotency, holder, certificate):
        connection.execute(
            table.delete().where(
                table.c.issuer_id == row.issuer_id, table.c.certificate_id == row.certificate_id
            )
        )


def lost_id(identifier: str) -> str:
    """The id under which the leaves of a lost certificate are kept: 32 hex characters."""
    return hashlib.sha256(identifier.encode()).hexdigest()[:32]
