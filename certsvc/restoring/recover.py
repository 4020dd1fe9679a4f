"""Brings a restored database level with everything that is known outside of it.

1. the journal: what was committed after the backup is done again, in order
2. the published log: leaves that are still missing, and the status changes they tell of
3. the published lists: bits that are still missing
4. a new epoch: places that may have been given out are skipped, the fence opens

It may be broken off anywhere and run again.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from certsvc.publishing.log_signing import LogSigner, log_origin
from certsvc.publishing.tree import PublishedTree
from certsvc.restoring import carry, leaves
from certsvc.restoring.errors import RecoveryStopped
from certsvc.restoring.fence import Fence
from certsvc.restoring.outside import Outside
from certsvc.restoring.report import Report
from certsvc.restoring.restore import mark
from certsvc.service.engine import make_engine, reading, writing
from certsvc.service.settings import Settings
from certsvc.storage import database
from certsvc.storage.errors import JournalBroken, ReplayDiverged
from certsvc.storage.journal import NEW_EPOCH, WHOLE_SERVICE, Journal
from certsvc.storage.journal_reading import (
    START,
    Notices,
    Position,
    Record,
    newest,
    position_of,
    records_after,
)
from certsvc.storage.journal_replay import replay
from certsvc.storage.leases import Leases
from certsvc.storage.tables import journal_head, status_list
from certsvc_sdk.log.checkpoint import Checkpoint
from keys import KeyStore

#: Places skipped in each open list after a whole replay: transactions that nobody was told of.
GAP = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What a recovery works with.

    Attributes:
        settings: of the service.
        keys: the key store.
        clock_ns: Unix time in nanoseconds.
        rng: source of random bytes.
        step: called with the number of each step, for tests that stop there.
        progress: takes bytes of the journal and leaves done since the last call.
    """

    settings: Settings
    keys: KeyStore
    clock_ns: Callable[[], int]
    rng: Callable[[int], bytes] = secrets.token_bytes
    step: Callable[[int], object] = id
    progress: Callable[[int], object] = id

    def run(self, *, dry_run: bool = False, accept_loss: bool = False) -> Report:
        """Recover, or say what a recovery would begin with.

        Args:
            dry_run: change nothing.
            accept_loss: go on where the journal cannot bring everything back.

        Raises:
            RecoveryStopped: see the message; what was done is kept.
            StorageError, PublishingError, KeysError: see there.
            DatabaseUnavailable: the database failed; what was done is kept.
            OSError: a file cannot be read or written.
        """
        engine = make_engine(self.settings.database_url)
        try:
            database.make_directory(engine)
            return self._run(engine, dry_run=dry_run, accept_loss=accept_loss)
        finally:
            engine.dispose()

    def _run(self, engine: Engine, *, dry_run: bool, accept_loss: bool) -> Report:
        before = _position(engine)
        report = Report(dry_run=dry_run, position_before=str(before), position_after=str(before))
        if dry_run:
            self._count(before, report)
            return report
        folder = self.settings.journal_folder
        if not self._mark(engine):
            report.level = True
            return report
        self.step(1)
        self._replay(engine, folder, before, report, accept_loss=accept_loss)
        database.upgrade(engine)
        self._mark(engine, always=True)
        self._take_outside(engine, report, accept_loss=accept_loss)
        report.position_after = str(_position(engine))
        return report

    @property
    def _outside(self) -> Outside:
        return Outside(PublishedTree(self.settings.published))

    def _mark(self, engine: Engine, *, always: bool = False) -> bool:
        """Close the fence until the last step; False: there is nothing to do."""
        tree = PublishedTree(self.settings.published)
        fence = Fence(engine, tree, self.settings.journal_folder, url=self.settings.database_url)
        if not always and not fence.findings():
            return False
        if database.revision(engine) is None:
            return True
        head = journal_head
        with writing(engine) as connection:
            query = head.select().where(head.c.issuer_id == WHOLE_SERVICE)
            row = connection.execute(query).first()
            if row is None or row.restored_at is None:
                mark(connection, self.clock_ns() // 10**9)
        return True

    def _count(self, before: Position, report: Report) -> None:
        folder = self.settings.journal_folder
        notices = Notices(report.torn, report.damaged)
        try:
            for record in _records(folder, before, notices):
                report.replayed += 1
                report.position_after = str(record.position)
        except JournalBroken as error:
            report.journal_fault = str(error)

    def _replay(
        self,
        engine: Engine,
        folder: Path | None,
        before: Position,
        report: Report,
        *,
        accept_loss: bool,
    ) -> None:
        notices = Notices(report.torn, report.damaged)
        records = _records(folder, before, notices)

        def reached(record: object) -> None:
            report.replayed += 1
            self.progress(len(getattr(record, "content", b"")))
            self.step(2)

        try:
            replay(engine, records, reached=reached)
            if report.damaged:
                raise JournalBroken(report.damaged[0])
        except (JournalBroken, ReplayDiverged) as error:
            if not accept_loss:
                raise RecoveryStopped(
                    f"变更日志无法全部重做 / the journal cannot be done again: {error}\n{_LOSS}"
                ) from error
            report.journal_fault = str(error)

    def _take_outside(self, engine: Engine, report: Report, *, accept_loss: bool) -> None:
        self.step(3)
        outside = self._outside
        signer = LogSigner(self.keys, origin=log_origin(self.settings.public_url))
        checkpoint = outside.checkpoint(signer.view())
        ahead = carry.lists_ahead(engine, outside)
        if checkpoint is not None and checkpoint.size:
            leaves.check_story(engine, outside, checkpoint)
        missing = max(0, (checkpoint.size if checkpoint else 0) - leaves.size_of(engine))
        if (missing or ahead) and not accept_loss:
            raise RecoveryStopped(
                f"已发布的日志多 {missing} 条，{len(ahead)} 份状态列表较新，变更日志中没有 / "
                f"{missing} leaves and {len(ahead)} newer status lists are published, "
                f"and the journal does not tell of them\n{_LOSS}"
            )
        lossy = bool(missing or ahead or report.journal_fault)
        journal = self._journal()
        recorded = make_engine(self.settings.database_url)
        if journal is not None:
            journal.attach(recorded)
        try:
            if lossy:
                # First of all, so that a run that is broken off cannot forget it.
                self._close_lists(recorded)
            self._take(recorded, outside, checkpoint, report)
            self.step(5)
            report.gap = None if lossy else GAP
            self._finish(recorded, GAP)
        finally:
            recorded.dispose()
            if journal is not None:
                journal.close()

    def _take(
        self, engine: Engine, outside: Outside, checkpoint: Checkpoint | None, report: Report
    ) -> None:
        ahead = carry.lists_ahead(engine, outside)
        if checkpoint is not None:
            leaves.take_leaves(
                engine, outside, checkpoint, report, ahead=ahead, progress=self.progress
            )
        self.step(4)
        for listed in ahead:
            now = self.clock_ns() // 10**9
            carry.take_list(engine, self.keys, listed, report, now=now)
            self.step(4)

    def _journal(self) -> Journal | None:
        folder = self.settings.journal_folder
        if folder is None:
            return None
        return Journal(folder, clock_ns=self.clock_ns, rng=self.rng, recovers=True)

    def _close_lists(self, engine: Engine) -> None:
        """Nobody knows which places were given out in the lost time: none is, any more."""
        with writing(engine) as connection:
            # Records that could not be done again are of another life from here on.
            connection.execution_options(**{NEW_EPOCH: True})
            connection.execute(status_list.update().values(used=status_list.c.size))

    def _finish(self, engine: Engine, gap: int) -> None:
        with writing(engine) as connection:
            connection.execution_options(**{NEW_EPOCH: True})
            skipped = status_list.c.used + gap
            connection.execute(
                status_list.update()
                .where(status_list.c.used < status_list.c.size, status_list.c.used > 0)
                .values(
                    used=sa.case((skipped < status_list.c.size, skipped), else_=status_list.c.size)
                )
            )
            # The tree remembers the highest fencing number; the next publisher comes after it.
            Leases(connection).raise_fences(PublishedTree(self.settings.published).fence())
            head = journal_head
            opened: dict[str, Any] = {"restored_at": None}
            # With a journal the record of this transaction begins the epoch.
            if self.settings.journal_folder is None:
                opened["epoch"] = head.c.epoch + 1
            connection.execute(
                head.update().where(head.c.issuer_id == WHOLE_SERVICE).values(**opened)
            )


_LOSS = (
    "找到变更日志后重试；确实没有时：certsvc recover --accept-loss / "
    "find the journal and run again; where it is gone for good: certsvc recover --accept-loss"
)


def _records(folder: Path | None, before: Position, notices: Notices) -> Iterator[Record]:
    """What came after a position; a journal that does not even reach it has lost something.

    Raises:
        JournalBroken: there is none, or it ends before.
    """
    if folder is None:
        raise JournalBroken("the journal is switched off")
    last = newest(folder)
    reached = (0, 0) if last is None else (last.position.epoch, last.position.seq)
    if reached < (before.epoch, before.seq):
        raise JournalBroken(f"it does not reach the database's own position {before}")
    yield from records_after(folder, before, notices)


def _position(engine: Engine) -> Position:
    if database.revision(engine) is None:
        return START
    with reading(engine) as connection:
        return position_of(connection)
