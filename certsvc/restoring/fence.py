"""The start-up fence: a database that lags behind what is known outside of it signs nothing.

Outside is read before the database: the database may only ever be newer.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from certsvc.publishing.errors import TreeUnreadable
from certsvc.publishing.tree import PublishedTree
from certsvc.restoring.errors import RecoveryNeeded
from certsvc.restoring.outside import Outside
from certsvc.service.engine import DatabaseUnavailable, make_engine, reading
from certsvc.service.settings import Settings
from certsvc.storage import database
from certsvc.storage.errors import SchemaOutdated, StorageError
from certsvc.storage.journal import WHOLE_SERVICE
from certsvc.storage.journal_reading import (
    Notices,
    Position,
    Record,
    newest,
    position_of,
    records_after,
)
from certsvc.storage.journal_replay import settle
from certsvc.storage.tables import issuer, journal_head, log_entry, log_head, status_list
from certsvc_sdk.log.checkpoint import Checkpoint

log = logging.getLogger("certsvc.fence")

ADVICE = (
    "先运行 certsvc recover，见 docs/restore.md。"
    "Nothing is signed or published before: run certsvc recover, see docs/restore.md"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is newer outside than in the database."""

    zh: str
    en: str


class Fence:
    """Compares the database with what is published and with the journal.

    Args:
        engine: the database, to read.
        tree: the published tree.
        journal: the journal's folder; None: there is none.
        url: the database's address, to settle a commit in doubt past the journal.
    """

    def __init__(
        self, engine: Engine, tree: PublishedTree, journal: Path | None, *, url: str
    ) -> None:
        self._engine = engine
        self._url = url
        self._outside = Outside(tree)
        self._journal = journal

    def require(self) -> None:
        """Let pass, or refuse.

        Raises:
            RecoveryNeeded: the message names what is newer, and the command to run.
            DatabaseUnavailable: the database cannot be read, so nothing can be compared.
        """
        try:
            self._settle()
            found = self.findings()
        except (TreeUnreadable, OSError, StorageError) as error:
            unreadable = Finding(
                f"已发布的文件或变更日志无法读取：{error}",
                f"the published tree or the journal cannot be read: {error}",
            )
            raise RecoveryNeeded(_message([unreadable])) from error
        if found:
            raise RecoveryNeeded(_message(found))

    def still_level(self) -> None:
        """Compare again in a running worker; a file that cannot be read stops its own duty only.

        Raises:
            RecoveryNeeded: as `require`.
            DatabaseUnavailable: as `require`.
        """
        try:
            found = self.findings()
        except (TreeUnreadable, OSError, StorageError) as error:
            log.warning("the fence cannot be asked again: %s", error)
            return
        if found:
            raise RecoveryNeeded(_message(found))

    def findings(self) -> list[Finding]:
        """Everything that is newer outside; empty: the database is level.

        Raises:
            TreeUnreadable: the published tree cannot be read.
            DatabaseUnavailable: the database cannot be read.
            OSError: the journal cannot be read.
        """
        record = newest(self._journal) if self._journal is not None else None
        checkpoint = self._outside.checkpoint()
        lists = {(each.uscc, each.list_no): each.version for each in self._outside.lists()}
        try:
            database.check(self._engine)
        except SchemaOutdated:
            # Nothing works on old tables; the migration comes first, and then this again.
            return []
        except StorageError:
            empty = record is None and not lists and (checkpoint is None or not checkpoint.size)
            return [] if empty else [Finding("数据库没有表", "the database has no tables")]
        with reading(self._engine) as connection:
            return [
                *_restored(connection),
                *_behind_journal(connection, record),
                *self._behind_log(connection, checkpoint),
                *_behind_lists(connection, lists),
            ]

    def restored(self) -> bool:
        """Whether the database was put back while this service ran.

        Raises:
            DatabaseUnavailable: the database cannot be read.
        """
        with reading(self._engine) as connection:
            return any(_restored(connection))

    def _behind_log(
        self, connection: Connection, checkpoint: Checkpoint | None
    ) -> Iterator[Finding]:
        if checkpoint is None or not checkpoint.size:
            return
        size = int(connection.execute(sa.select(sa.func.max(log_head.c.size))).scalar() or 0)
        if checkpoint.size > size:
            yield Finding(
                f"透明日志已发布 {checkpoint.size} 条，数据库只有 {size} 条",
                f"the log shows {checkpoint.size} leaves, the database has {size}",
            )
            return
        first, hashes = self._outside.newest_hashes(checkpoint.size)
        query = (
            sa.select(log_entry.c.leaf_hash)
            .where(log_entry.c.log_index >= first, log_entry.c.log_index < checkpoint.size)
            .order_by(log_entry.c.log_index)
        )
        if list(connection.execute(query).scalars()) != hashes:
            yield Finding(
                "数据库中的日志与已发布的不同",
                "the database tells another story than the published log",
            )

    def _settle(self) -> None:
        """Do the one transaction again that a killed process had recorded but maybe not committed.

        It is done, not dropped: a database that lost exactly its last commit looks the same.
        """
        record = newest(self._journal) if self._journal is not None else None
        if record is None or self._journal is None:
            return
        try:
            database.check(self._engine)
        except StorageError:
            return
        with reading(self._engine) as connection:
            position = position_of(connection)
            if any(_restored(connection)) or not _in_doubt(record, position):
                return
        first = next(records_after(self._journal, position, Notices([], [])), None)
        if first is None:
            return
        # An engine of its own: what is done again stands in the journal already.
        engine = make_engine(self._url)
        try:
            if settle(engine, first):
                log.warning("a commit in doubt was done again: %s", first.position)
        finally:
            engine.dispose()


def _in_doubt(record: Record, position: Position) -> bool:
    return record.previous == position.token and record.position.seq == position.seq + 1


def _restored(connection: Connection) -> Iterator[Finding]:
    query = sa.select(journal_head.c.restored_at).where(journal_head.c.issuer_id == WHOLE_SERVICE)
    if connection.execute(query).scalar() is not None:
        yield Finding(
            "数据库是从备份恢复的，尚未完成 recover",
            "the database was restored from a backup, and its recovery is not complete",
        )


def _behind_journal(connection: Connection, record: Record | None) -> Iterator[Finding]:
    if record is None:
        return
    position = position_of(connection)
    ahead = (record.position.epoch, record.position.seq) > (position.epoch, position.seq)
    # Of a commit under way the journal is ahead by one.
    if ahead and not _in_doubt(record, position):
        yield Finding(
            f"变更日志到 {record.position}，数据库只到 {position}",
            f"the journal reaches {record.position}, the database only {position}",
        )


def _behind_lists(
    connection: Connection, published: dict[tuple[str, int], int]
) -> Iterator[Finding]:
    query = sa.select(issuer.c.uscc, status_list.c.list_no, status_list.c.version).join(
        issuer, issuer.c.issuer_id == status_list.c.issuer_id
    )
    known = {(row.uscc, row.list_no): row.version for row in connection.execute(query)}
    for key, version in published.items():
        if version > known.get(key, -1):
            name = f"{key[0]}/{key[1]}"
            yield Finding(
                f"状态列表 {name} 已发布到第 {version} 版，数据库为 {known.get(key, '无')}",
                f"status list {name} is published at version {version}, "
                f"the database has {known.get(key, 'none')}",
            )


def _message(found: list[Finding]) -> str:
    lines = [f"{each.zh} / {each.en}" for each in found]
    return "\n".join(["数据库落后于外部所知 / the database is behind:", *lines, ADVICE])


def fence_of(settings: Settings, engine: Engine) -> Fence:
    """The fence of a service's database."""
    tree = PublishedTree(settings.published)
    return Fence(engine, tree, settings.journal_folder, url=settings.database_url)


class Gate:
    """The fence of a running service: closed until it was passed once.

    Args:
        fence: what is asked.
    """

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._passed = False
        self._lock = Lock()

    def require(self) -> None:
        """Pass, at once when it was passed before.

        Raises:
            RecoveryNeeded, DatabaseUnavailable: see `Fence.require`.
        """
        if self._passed:
            return
        with self._lock:
            if not self._passed:
                self._fence.require()
                self._passed = True

    def at_start(self) -> None:
        """As `require`, but a database that is away is asked again later.

        Raises:
            RecoveryNeeded: see `Fence.require`.
        """
        try:
            self.require()
        except DatabaseUnavailable:
            log.warning("the database is away: the fence is asked again with the first request")

    def probe(self) -> str | None:
        """For `/readyz`: None, or the code of what is missing.

        Raises:
            DatabaseUnavailable: the database cannot be read.
        """
        try:
            self.require()
            return RecoveryNeeded.code if self._fence.restored() else None
        except RecoveryNeeded as error:
            return error.code
