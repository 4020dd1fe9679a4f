"""Database engines: SQLite by default, PostgreSQL by URL, with one way to read and one to write.

Writers run at READ COMMITTED on PostgreSQL: every write is a compare-and-swap, a counter moved
under its row's lock, or an insert into a unique key, and all take their locks in one order
(docs/database.md). Readers have one snapshot a transaction on either database.
"""

import select
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from threading import Lock
from typing import Any

import sqlalchemy as sa
from psycopg import IsolationLevel
from sqlalchemy.engine import URL, Connection, Engine, make_url

from certsvc.service.database_errors import (
    CommitInDoubt,
    ConnectionLost,
    DatabaseUnavailable,
    TransactionAborted,
    commit_failure,
    failure,
)

__all__ = [
    "CommitInDoubt",
    "ConnectionLost",
    "DatabaseUnavailable",
    "TransactionAborted",
    "make_engine",
    "reading",
    "sqlite_journal_mode",
    "writing",
]

# A writer waits this long for another process's transaction; longer means something hangs.
BUSY_TIMEOUT_MS = 15_000
# Connections a process: the threads of one worker, plus a few for the background.
POOL_SIZE = 16
POOL_OVERFLOW = 32
# A request that finds every connection in use is better told so than left waiting.
POOL_TIMEOUT = 10
# Before this version WAL can lose commits when several connections reset the log.
FIRST_SAFE_WAL = (3, 51, 3)

# PostgreSQL. A new connection takes milliseconds; a host that is gone must not hold a request.
CONNECT_TIMEOUT = 5
# What any statement of ours takes at most, and the wait for a row that another one holds.
STATEMENT_TIMEOUT_MS = 30_000
# A worker that stands still between two statements must not hold its rows for ever.
IDLE_TIMEOUT_MS = 60_000
# A peer that vanished without a word is noticed after 10 + 3 * 5 s, unsent data after 15 s.
KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

_WRITES = "certsvc_writes"
_SINGLE = "certsvc_single"
_LOCK = "certsvc_write_lock"
_COMMON = {
    "pool_size": POOL_SIZE,
    "max_overflow": POOL_OVERFLOW,
    "pool_timeout": POOL_TIMEOUT,
    # An exception's text ends up in logs; what was written does not belong there.
    "hide_parameters": True,
}


def sqlite_journal_mode(version: tuple[int, int, int]) -> str:
    """Choose the journal mode that is safe with several connections in this SQLite version."""
    return "WAL" if version >= FIRST_SAFE_WAL else "TRUNCATE"


def make_engine(url: str) -> Engine:
    """Open a database.

    Args:
        url: Address such as `sqlite:////srv/certsvc/certsvc.db`, `postgresql://host/name`,
            `postgres://…` or `postgresql+psycopg://…`. An in-memory SQLite database is refused:
            several connections would each see their own.

    Raises:
        DatabaseUnavailable: The URL cannot be read or names another kind of database.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
            return _postgresql(parsed.set(drivername="postgresql+psycopg"))
        if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
            raise DatabaseUnavailable("neither a SQLite nor a PostgreSQL address")
        return _sqlite(parsed)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise DatabaseUnavailable("the database URL cannot be used") from error


def _sqlite(url: URL) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise DatabaseUnavailable("an in-memory database cannot be shared between connections")
    engine = sa.create_engine(
        url,
        **_COMMON,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        # Threads of one process queue here instead of polling the file lock.
        execution_options={_LOCK: Lock()},
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401
    # The driver must not open transactions by itself: `_begin_sqlite` chooses the kind.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute(f"PRAGMA journal_mode = {sqlite_journal_mode(sqlite3.sqlite_version_info)}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: a deferred transaction that reads first cannot upgrade without risking BUSY.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    ours = (
        f"-c statement_timeout={STATEMENT_TIMEOUT_MS}"
        f" -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS}"
    )
    # What the address says goes behind ours and wins.
    theirs = url.query.get("options", "")
    arguments = {
        "connect_timeout": CONNECT_TIMEOUT,
        "application_name": "certsvc",
        **KEEPALIVE,
        **{name: value for name, value in url.query.items() if name != "options"},
        "options": f"{ours} {theirs if isinstance(theirs, str) else ' '.join(theirs)}",
    }
    engine = sa.create_engine(url.set(query={}), **_COMMON, connect_args=arguments)
    sa.event.listen(engine, "checkout", _still_there)
    sa.event.listen(engine, "begin", _begin_postgresql)
    return engine


def _still_there(connection: Any, _record: Any, _proxy: Any) -> None:  # noqa: ANN401
    # Nobody asked the server anything: what it sends now is its farewell. Costs no round trip.
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise sa.exc.InvalidatePoolError


def _begin_postgresql(connection: Connection) -> None:
    # The driver says both in the BEGIN that goes before the first statement.
    options = connection.get_execution_options()
    writes, single = options.get(_WRITES, False), options.get(_SINGLE, False)
    level = IsolationLevel.READ_COMMITTED if writes else IsolationLevel.REPEATABLE_READ
    driver: Any = connection.connection.dbapi_connection
    if driver.autocommit is not single:
        driver.autocommit = single
    if driver.isolation_level is not level:
        driver.isolation_level = level
        driver.read_only = not writes


@contextmanager
def reading(engine: Engine, *, single: bool = False) -> Iterator[Connection]:
    """Open a read transaction: one consistent view.

    Args:
        engine: The database.
        single: There will be one statement, which is its own transaction: on PostgreSQL that
            takes one round trip in place of three.

    Raises:
        ConnectionLost: The connection ended, or none could be made.
        DatabaseUnavailable: The database failed.
    """
    with _connected(engine) as connection:
        if single:
            connection.execution_options(**{_SINGLE: True})
        try:
            with connection.begin():
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise failure(error, "the database cannot be read") from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a write transaction: committed at the end, rolled back on any exception.

    Raises:
        TransactionAborted: It gave way to another transaction; nothing of it is kept.
        ConnectionLost: The connection ended before COMMIT; nothing is kept.
        CommitInDoubt: The connection ended during COMMIT; nobody knows whether it is kept.
        DatabaseUnavailable: The database failed; nothing is kept.
    """
    lock = engine.get_execution_options().get(_LOCK) or nullcontext()
    with lock, _connected(engine) as connection:
        connection.execution_options(**{_WRITES: True})
        try:
            transaction = connection.begin()
            try:
                yield connection
            except BaseException:
                transaction.rollback()
                raise
        except sa.exc.SQLAlchemyError as error:
            raise failure(error, "the database cannot be written") from error
        try:
            transaction.commit()
        except sa.exc.SQLAlchemyError as error:
            raise commit_failure(error) from error
        finally:
            # Else the pool takes a connection back whose transaction is open still.
            with suppress(sa.exc.SQLAlchemyError):
                transaction.close()


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except sa.exc.SQLAlchemyError as error:
        # A file that does not open will not do so a moment later; a server may be starting.
        if isinstance(error, sa.exc.DBAPIError) and engine.dialect.name != "sqlite":
            raise ConnectionLost("the database cannot be reached") from error
        raise DatabaseUnavailable("no connection to the database can be had") from error
    try:
        yield connection
    finally:
        connection.close()
