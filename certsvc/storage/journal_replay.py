"""Does again what the journal tells: the same statements, in the order of their commits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection, Engine

from certsvc.service.engine import writing
from certsvc.storage import database
from certsvc.storage.errors import JournalBroken, ReplayDiverged, StorageError
from certsvc.storage.journal import WHOLE_SERVICE
from certsvc.storage.journal_reading import Record, Statement
from certsvc.storage.tables import journal_head

#: Journal bytes that one transaction of the replay does again: a commit costs a write-through.
CHUNK_BYTES = 8 * 1024 * 1024


def replay(
    engine: Engine,
    records: Iterator[Record],
    *,
    reached: Callable[[Record], object] = id,
    chunk_bytes: int = CHUNK_BYTES,
) -> int:
    """Bring a database forward; it can be broken off anywhere and begun again.

    Args:
        engine: the database, without a journal attached: what is done again is recorded already.
        records: what comes after the database's position, in order.
        reached: takes each record that is done again.
        chunk_bytes: a transaction ends when it has done so much of the journal.

    Returns:
        How many transactions were done again.

    Raises:
        ReplayDiverged: a record does not fit this database; everything before it is kept.
        JournalBroken: a record is missing; everything before it is kept.
        DatabaseUnavailable: the database failed.
    """
    done = 0
    record = next(records, None)
    while record is not None:
        _prepare(engine, record)
        with writing(engine) as connection:
            chunk = _replay_chunk(connection, record, records, reached, chunk_bytes)
        done += chunk.done
        if chunk.fault is not None:
            raise chunk.fault
        record = chunk.following
    return done


@dataclass(slots=True)
class _Chunk:
    """How far one transaction of the replay came, and why it ended where a fault ended it."""

    following: Record | None
    done: int = 0
    fault: StorageError | None = None


def _replay_chunk(
    connection: Connection,
    first: Record,
    records: Iterator[Record],
    reached: Callable[[Record], object],
    limit: int,
) -> _Chunk:
    chunk, size, last = _Chunk(first), 0, None
    try:
        while (record := chunk.following) is not None and size < limit:
            if (record.revision, record.dialect) != (first.revision, first.dialect):
                break
            # A record that does not fit takes nothing with it that did.
            with connection.begin_nested():
                apply(connection, record)
            last, chunk.done, size = record, chunk.done + 1, size + len(record.content)
            reached(record)
            chunk.following = next(records, None)
    except (ReplayDiverged, JournalBroken) as error:
        chunk.fault = error
    if last is not None:
        _move(connection, last)
    return chunk


def apply(connection: Connection, record: Record) -> None:
    """Do one transaction again; the caller moves the position.

    Raises:
        ReplayDiverged: a statement fails, or changes more or fewer rows than it did.
    """
    before = _changes(connection)
    # The driver's own cursor: the texts are the driver's already, and there are very many.
    cursor: Any = connection.connection.cursor()
    errors: Any = connection.dialect.loaded_dbapi.Error
    for number, statement in enumerate(record.statements()):
        try:
            rows = _execute(cursor, statement)
        except errors as error:
            raise ReplayDiverged(
                f"{record.place}: record {record.position}, statement {number} fails"
            ) from error
        if statement.rows is not None and rows != statement.rows:
            raise ReplayDiverged(
                f"{record.place}: record {record.position}, statement {number} changes {rows} "
                f"rows, not {statement.rows}"
            )
    changed = _changes(connection) - before
    if record.changes is not None and changed != record.changes:
        raise ReplayDiverged(
            f"{record.place}: record {record.position} changes {changed} rows, not {record.changes}"
        )


def settle(engine: Engine, record: Record) -> bool:
    """Do the one transaction again whose commit was in doubt when its process ended.

    Args:
        engine: the database, without a journal attached.
        record: the journal's newest.

    Returns:
        False: the database has moved meanwhile, so the commit happened or never will.

    Raises:
        ReplayDiverged: it does not fit this database.
    """
    with writing(engine) as connection:
        locked = connection.execute(
            journal_head.update()
            .where(
                journal_head.c.issuer_id == WHOLE_SERVICE,
                journal_head.c.token == record.previous,
            )
            .values(issuer_id=WHOLE_SERVICE)
        )
        if locked.rowcount != 1:
            return False
        apply(connection, record)
        _move(connection, record)
    return True


def _prepare(engine: Engine, record: Record) -> None:
    """Bring the tables to the schema of a record; a database may have none yet.

    Raises:
        ReplayDiverged: the record is of another kind of database, or of a newer program.
    """
    if record.dialect != engine.dialect.name:
        raise ReplayDiverged(
            f"{record.place}: written on {record.dialect}, the database is {engine.dialect.name}"
        )
    if database.revision(engine) != record.revision:
        database.upgrade(engine, to=record.revision)


def _move(connection: Connection, record: Record) -> None:
    values = {
        "epoch": record.position.epoch,
        "seq": record.position.seq,
        "token": record.position.token,
        "previous": record.previous,
    }
    head = journal_head
    moved = connection.execute(
        head.update().where(head.c.issuer_id == WHOLE_SERVICE).values(**values)
    )
    if moved.rowcount == 0:
        connection.execute(head.insert().values(issuer_id=WHOLE_SERVICE, **values))


def _execute(cursor: Any, statement: Statement) -> int:  # noqa: ANN401 - a driver's
    if statement.many:
        cursor.executemany(statement.text, statement.parameters)
    else:
        cursor.execute(statement.text, statement.parameters)
    rows = int(cursor.rowcount)
    if cursor.description is not None:
        # SQLite ends a statement only when its rows were fetched.
        cursor.fetchall()
    return rows


def _changes(connection: Connection) -> int:
    if connection.dialect.name != "sqlite":
        return 0
    return int(connection.connection.dbapi_connection.total_changes)  # type: ignore[union-attr]
