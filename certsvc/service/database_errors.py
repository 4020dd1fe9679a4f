# ruff: noqa: N818 — names say what is wrong, codes are derived from them
"""What a database refuses, told apart by what is known of the transaction afterwards.

Exceptions::

    DatabaseUnavailable        code database_unavailable     nothing is kept, or nobody knows
    ├── TransactionAborted     code transaction_aborted      nothing is kept; run it again
    ├── ConnectionLost         code connection_lost          nothing is kept; run it again
    └── CommitInDoubt          code commit_in_doubt          kept or not: read it again
"""

import sqlite3

import sqlalchemy as sa

# SQLSTATE classes and codes (PostgreSQL, appendix A).
# 40001 and 40P01: the database chose this transaction to give way; 55P03: a lock took too long.
_GIVEN_WAY = frozenset({"40001", "40P01", "55P03"})
# 57P0x: the server shuts down, starts up or has crashed; 08: connection exceptions.
_LOST = frozenset({"57P01", "57P02", "57P03", "57P05"})
_LOST_CLASS = "08"
# At COMMIT these say that the server has rolled back; anything else leaves it open.
_ROLLED_BACK_CLASSES = frozenset({"23", "40"})
_SQLITE_ROLLED_BACK = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})


class DatabaseUnavailable(Exception):
    """The database cannot be reached, is locked for too long, or cannot write."""

    code = "database_unavailable"


class TransactionAborted(DatabaseUnavailable):
    """The transaction gave way to another: a serialisation failure, a deadlock, a lock timeout."""

    code = "transaction_aborted"


class ConnectionLost(DatabaseUnavailable):
    """The connection ended before COMMIT was sent, or none could be made."""

    code = "connection_lost"


class CommitInDoubt(DatabaseUnavailable):
    """The connection ended while COMMIT was under way: only reading again tells what became."""

    code = "commit_in_doubt"


#: What may be run again: the work then reads first, through the same Idempotency-Key.
REPEATABLE = (TransactionAborted, ConnectionLost, CommitInDoubt)


def failure(error: sa.exc.SQLAlchemyError, what: str) -> DatabaseUnavailable:
    """Name a failure before COMMIT: nothing of the transaction is kept.

    Args:
        error: What SQLAlchemy raised.
        what: A few words on what could not be done, for the log.
    """
    if not isinstance(error, sa.exc.DBAPIError):
        return DatabaseUnavailable(what)
    state = _sqlstate(error)
    if state in _GIVEN_WAY:
        return TransactionAborted(what)
    lost = error.connection_invalidated or state in _LOST or state[:2] == _LOST_CLASS
    return ConnectionLost(what) if lost else DatabaseUnavailable(what)


def commit_failure(error: sa.exc.SQLAlchemyError) -> DatabaseUnavailable:
    """Name a failure of COMMIT itself.

    A server that shuts down may still have written the commit before it broke the connection, so
    that only an error which says "rolled back" is believed.
    """
    original = error.orig if isinstance(error, sa.exc.DBAPIError) else None
    if isinstance(original, sqlite3.Error):
        primary = getattr(original, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        rolled_back = primary in _SQLITE_ROLLED_BACK
        if rolled_back:
            return DatabaseUnavailable("the database cannot be written")
    elif isinstance(error, sa.exc.DBAPIError) and _sqlstate(error)[:2] in _ROLLED_BACK_CLASSES:
        return TransactionAborted("the transaction was rolled back at its end")
    return CommitInDoubt("the connection ended during COMMIT")


def _sqlstate(error: sa.exc.DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
