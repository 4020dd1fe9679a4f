"""The journal: every change of the database, once more, outside of it (ADR 20).

A logical redo log. The writing statements of a transaction are collected with their bound
parameters; right before COMMIT the transaction gets its number from `journal_head`, whose row lock
makes one order of all processes and machines, and the record is written and synced. If it cannot
be, the transaction is rolled back. A record whose COMMIT then failed is told apart by the chain of
tokens: the next transaction names the one before that really happened.

Each process has files of its own, so nobody waits for or repairs a file of somebody else.
"""

import logging
import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from certsvc.service.engine import DatabaseUnavailable
from certsvc.storage.errors import JournalUnusable
from certsvc.storage.frames import ID_BYTES, FrameWriter, pack
from certsvc.storage.tables import journal_head
from certsvc_sdk.durable import sync_folder

log = logging.getLogger("certsvc.journal")

KIND = b"certsvc-journal 1\n"
SUFFIX = ".journal"
#: A new file is begun from here on: what a backup holds is removed in whole files.
SEGMENT_BYTES = 64 * 1024 * 1024
TOKEN_BYTES = 16
#: Empty: one journal tells of the whole database.
WHOLE_SERVICE = ""
#: Execution option of a connection whose transaction begins a new epoch.
NEW_EPOCH = "certsvc_new_epoch"

_BUFFER = "certsvc_journal"
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
_WITH = re.compile(r"\s*WITH\b.*\b(INSERT|UPDATE|DELETE)\b", re.IGNORECASE | re.DOTALL)

_ADVANCE = (
    journal_head.update()
    .where(journal_head.c.issuer_id == WHOLE_SERVICE)
    .values(
        epoch=journal_head.c.epoch + sa.bindparam("b_epochs", type_=sa.BigInteger),
        seq=journal_head.c.seq + 1,
        previous=journal_head.c.token,
        token=sa.bindparam("b_token"),
    )
    .returning(*(journal_head.c[name] for name in ("epoch", "seq", "previous", "restored_at")))
)
_FIRST = {"issuer_id": WHOLE_SERVICE, "epoch": 1, "seq": 0, "token": "", "previous": ""}
_REVISION = sa.text("SELECT version_num FROM alembic_version")


@dataclass(slots=True)
class _Transaction:
    """What a transaction has written so far: text, rows, many, parameters of each statement."""

    statements: list[tuple[str, int | None, bool, Any]] = field(default_factory=list)
    # The open ones, the innermost last: statements before it, and changes so far, for SQLite
    # counts those too that a savepoint takes back.
    savepoints: list[tuple[int, int]] = field(default_factory=list)
    base: int = 0


class Journal:
    """Writes the records of one process.

    Args:
        folder: made where it is missing, closed to others.
        clock_ns: Unix time in nanoseconds; tells apart only what nothing else does.
        rng: source of random bytes.
        segment_bytes: size from which a new file is begun.
        recovers: this process brings a restored database level; every other one is refused.

    Raises:
        JournalUnusable: the folder cannot be made, or others may read it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock_ns: Callable[[], int],
        rng: Callable[[int], bytes],
        segment_bytes: int = SEGMENT_BYTES,
        recovers: bool = False,
    ) -> None:
        make_folder(folder)
        self._folder = folder
        self._clock_ns = clock_ns
        self._rng = rng
        self._segment_bytes = segment_bytes
        self._lock = Lock()
        self._segment: FrameWriter | None = None
        self._texts: dict[str, int] = {}
        self._recovers = recovers
        # Epoch, number and predecessor of the last record; the head of a database never falls back.
        self._last = (0, 0, "")
        self._last_at = 0
        self._pid = os.getpid()
        self._revision: str | None = None

    def attach(self, engine: Engine) -> None:
        """Record every transaction of an engine that writes."""
        for name in (
            *("begin", "after_cursor_execute", "commit", "rollback"),
            *("savepoint", "release_savepoint", "rollback_savepoint"),
        ):
            sa.event.listen(engine, name, getattr(self, f"_{name}"))

    def close(self) -> None:
        """Close the open file; the next record begins another."""
        with self._lock:
            self._drop()

    # Events of the engine.

    def _begin(self, connection: Connection) -> None:
        connection.info[_BUFFER] = _Transaction(base=_changes(connection))

    def _after_cursor_execute(
        self,
        connection: Connection,
        cursor: Any,  # noqa: ANN401
        statement: str,
        parameters: Any,  # noqa: ANN401
        context: Any,  # noqa: ANN401
        executemany: bool,
    ) -> None:
        transaction: _Transaction | None = connection.info.get(_BUFFER)
        if transaction is None or not _is_write(statement, context):
            return
        rows: int | None = cursor.rowcount
        if rows is not None and (rows < 0 or _unknown(connection, statement)):
            rows = None
        # What changed nothing need not be done again, and might find something another time.
        if rows != 0:
            transaction.statements.append((statement, rows, executemany, parameters))

    def _savepoint(self, connection: Connection, _name: str) -> None:
        transaction: _Transaction = connection.info[_BUFFER]
        transaction.savepoints.append((len(transaction.statements), _changes(connection)))

    def _release_savepoint(self, connection: Connection, _name: str, _context: object) -> None:
        connection.info[_BUFFER].savepoints.pop()

    def _rollback_savepoint(self, connection: Connection, _name: str, _context: object) -> None:
        if connection.invalidated:
            return
        transaction: _Transaction = connection.info[_BUFFER]
        kept, changes = transaction.savepoints.pop()
        del transaction.statements[kept:]
        transaction.base += _changes(connection) - changes

    def _rollback(self, connection: Connection) -> None:
        if not connection.invalidated:
            connection.info.pop(_BUFFER, None)

    def _commit(self, connection: Connection) -> None:
        transaction: _Transaction | None = connection.info.pop(_BUFFER, None)
        if transaction is None or not transaction.statements:
            return
        changes = _changes(connection) - transaction.base
        token = self._rng(TOKEN_BYTES).hex()
        epochs = 1 if connection.get_execution_options().get(NEW_EPOCH) else 0
        values = {"b_token": token, "b_epochs": epochs}
        row = connection.execute(_ADVANCE, values).first()
        if row is None:
            connection.execute(_insert(connection))
            row = connection.execute(_ADVANCE, values).one()
        self._require_level(row)
        if self._revision is None:
            self._revision = str(connection.execute(_REVISION).scalar_one())
        self._append(
            {
                "epoch": row.epoch,
                "seq": row.seq,
                "token": token,
                "previous": row.previous,
                "at": self._clock_ns(),
                "dialect": connection.dialect.name,
                "revision": self._revision,
                "changes": changes if connection.dialect.name == "sqlite" else None,
            },
            transaction,
        )

    def _require_level(self, row: Any) -> None:  # noqa: ANN401
        """Refuse a database that was put back while this process ran (the fence asks at starts)."""
        here, last = (row.epoch, row.seq), self._last[:2]
        back = here < last or (here == last and row.previous != self._last[2])
        if back or (row.restored_at is not None and not self._recovers):
            log.error("journal: the database was put back; nothing is written before a recovery")
            raise DatabaseUnavailable("the database was put back: run certsvc recover")

    # Files.

    def _append(self, record: dict[str, Any], transaction: _Transaction) -> None:
        with self._lock:
            try:
                self._write(record, transaction)
            except (OSError, TypeError) as error:
                # Nobody knows what the disk still takes; the next record begins a new file.
                self._drop()
                log.error("journal: a record cannot be written", exc_info=error)
                raise DatabaseUnavailable("the journal cannot be written") from error

    def _write(self, record: dict[str, Any], transaction: _Transaction) -> None:
        segment = self._open(record["seq"])
        # What was tried again comes later, even if the clock was set back in between.
        self._last_at = record["at"] = max(record["at"], self._last_at + 1)
        names: dict[str, int] = {}
        statements = []
        for text, rows, many, parameters in transaction.statements:
            number = self._texts.get(text, names.get(text))
            if number is None:
                number = names[text] = len(self._texts) + len(names)
            statements.append((number, rows, many, parameters))
        # A text is written once a file and then named by its number.
        record["texts"] = list(names)
        record["statements"] = statements
        segment.append(pack(record))
        self._texts |= names
        self._last = record["epoch"], record["seq"], record["previous"]

    def _open(self, seq: int) -> FrameWriter:
        if os.getpid() != self._pid:
            # The file belongs to the process that this one was forked from.
            self._segment, self._pid = None, os.getpid()
        full = self._segment is not None and self._segment.size >= self._segment_bytes
        # A new epoch may begin below: a file's numbers only grow.
        if full or seq < self._last[1]:
            self._drop()
        if self._segment is None:
            host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40]
            name = f"{self._clock_ns():020d}-{host}-{self._pid}-{self._rng(4).hex()}{SUFFIX}"
            file_id = self._rng(ID_BYTES)
            self._segment = FrameWriter(self._folder / name, kind=KIND, file_id=file_id)
            self._texts = {}
            sync_folder(self._folder)
        return self._segment

    def _drop(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None and os.getpid() == self._pid:
            with suppress(OSError):
                segment.close()


def make_folder(folder: Path) -> None:
    """Make the journal's folder, closed to others: it holds what the tables hold.

    Raises:
        JournalUnusable: it cannot be made, or others may read it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
    except OSError as error:
        raise JournalUnusable(f"the journal's folder cannot be made: {folder}") from error
    if mode & 0o077:
        raise JournalUnusable(f"the journal's folder must have mode 0700: {folder}")


def _is_write(statement: str, context: Any) -> bool:  # noqa: ANN401
    if getattr(context, "isinsert", False) or getattr(context, "isupdate", False):
        return True
    return bool(
        getattr(context, "isdelete", False) or _WRITES.match(statement) or _WITH.match(statement)
    )


def _unknown(connection: Connection, statement: str) -> bool:
    """Whether the number of rows is not known yet: SQLite counts when the rows were fetched."""
    return connection.dialect.name == "sqlite" and "RETURNING" in statement.upper()


def _changes(connection: Connection) -> int:
    if connection.dialect.name != "sqlite":
        return 0
    return int(connection.connection.dbapi_connection.total_changes)  # type: ignore[union-attr]


def _insert(connection: Connection) -> sa.Insert:
    """The first row of the head; another process may just have made it."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(journal_head).values(**_FIRST).on_conflict_do_nothing()
    return postgresql.insert(journal_head).values(**_FIRST).on_conflict_do_nothing()
