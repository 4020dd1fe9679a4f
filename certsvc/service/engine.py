# ruff: noqa: N818 — names say what is wrong, codes are derived from them
"""Database engines: SQLite by default, PostgreSQL by URL, with one way to read and one to write.

Exceptions::

    DatabaseUnavailable    code database_unavailable
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

# A writer waits this long for another process's transaction; longer means something hangs.
BUSY_TIMEOUT_MS = 15_000
# Connections a process: the threads of one worker, plus a few for the background.
POOL_SIZE = 16
POOL_OVERFLOW = 32
# Before this version WAL can lose commits when several connections reset the log.
FIRST_SAFE_WAL = (3, 51, 3)

_WRITES = "certsvc_writes"
_LOCK = "certsvc_write_lock"


class DatabaseUnavailable(Exception):
    """The database cannot be reached, is locked for too long, or cannot write."""

    code = "database_unavailable"


def sqlite_journal_mode(version: tuple[int, int, int]) -> str:
    """Choose the journal mode that is safe with several connections in this SQLite version."""
    return "WAL" if version >= FIRST_SAFE_WAL else "TRUNCATE"


def make_engine(url: str) -> Engine:
    """Open a database.

    Args:
        url: SQLAlchemy URL, such as `sqlite:////srv/certsvc/certsvc.db` or
            `postgresql+psycopg://…`. An in-memory SQLite database is refused: several
            connections would each see their own.

    Raises:
        DatabaseUnavailable: The URL cannot be read or names an in-memory database.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(
                parsed,
                pool_size=POOL_SIZE,
                max_overflow=POOL_OVERFLOW,
                hide_parameters=True,
            )
        if parsed.database in (None, "", ":memory:"):
            raise DatabaseUnavailable("an in-memory database cannot be shared between connections")
        engine = sa.create_engine(
            parsed,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            # An exception's text ends up in logs; what was written does not belong there.
            hide_parameters=True,
            connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
            # Threads of one process queue here instead of polling the file lock.
            execution_options={_LOCK: Lock()},
        )
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise DatabaseUnavailable("the database URL cannot be used") from error
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


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a read transaction: one consistent view.

    Raises:
        DatabaseUnavailable: The database failed.
    """
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    except sa.exc.SQLAlchemyError as error:
        raise DatabaseUnavailable("the database cannot be read") from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a write transaction: committed at the end, rolled back on any exception.

    Raises:
        DatabaseUnavailable: The database failed; nothing of the transaction is kept.
    """
    lock = engine.get_execution_options().get(_LOCK) or nullcontext()
    try:
        with lock, engine.connect() as connection:
            connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection
    except sa.exc.SQLAlchemyError as error:
        raise DatabaseUnavailable("the database cannot be written") from error
