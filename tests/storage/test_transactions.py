"""How a transaction ends, told apart: aborted, lost, in doubt; and how it is run again."""

import sqlite3
from threading import Barrier, Thread

import psycopg
import pytest
import sqlalchemy as sa

from certsvc.service import engine as engines
from certsvc.service.database_errors import commit_failure, failure
from certsvc.service.engine import (
    CommitInDoubt,
    ConnectionLost,
    DatabaseUnavailable,
    TransactionAborted,
    make_engine,
    reading,
    writing,
)
from certsvc.service.retries import ONCE, PAUSES, Retries

postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def pair(engine):
    """A table of two counters."""
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE pair (name VARCHAR(1) PRIMARY KEY, n INTEGER)")
        connection.exec_driver_sql("INSERT INTO pair VALUES ('a', 0), ('b', 0)")
    return engine


def add(connection, name: str) -> None:
    connection.execute(sa.text("UPDATE pair SET n = n + 1 WHERE name = :name"), {"name": name})


@postgresql
def test_a_victim_of_a_deadlock_is_run_again(pair):
    met, pauses = Barrier(2), []

    def swap(first: str, second: str) -> None:
        def work(connection) -> None:
            add(connection, first)
            if not pauses:
                met.wait(30)
            add(connection, second)

        Retries(sleep=pauses.append).write(pair, work)

    threads = [Thread(target=swap, args=one) for one in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert pauses  # more than one where the victim is back before the other has woken
    with reading(pair) as connection:
        assert connection.exec_driver_sql("SELECT n FROM pair").scalars().all() == [2, 2]


@postgresql
def test_a_serialisation_failure_is_told_as_one_that_may_be_run_again(pair):
    def work() -> None:
        with writing(pair) as connection:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.exec_driver_sql("SELECT * FROM pair").all()
            with writing(pair) as other:
                add(other, "a")
            add(connection, "a")

    with pytest.raises(TransactionAborted):
        work()


@postgresql
def test_readers_see_one_moment_and_write_nothing(pair):
    with reading(pair) as connection:
        assert connection.exec_driver_sql("SELECT sum(n) FROM pair").scalar() == 0
        with writing(pair) as other:
            add(other, "a")
        assert connection.exec_driver_sql("SELECT sum(n) FROM pair").scalar() == 0
    with pytest.raises(DatabaseUnavailable), reading(pair) as connection:
        add(connection, "a")


@postgresql
def test_time_limits_and_options_of_the_address(engine, database_url):
    def setting(url: str, name: str) -> str:
        other = make_engine(url)
        with reading(other) as connection:
            found = connection.exec_driver_sql(f"SHOW {name}").scalar_one()
        other.dispose()
        return str(found)

    assert setting(database_url, "statement_timeout") == "30s"
    assert setting(database_url, "idle_in_transaction_session_timeout") == "1min"
    assert setting(database_url, "application_name") == "certsvc"
    theirs = f"{database_url}?application_name=other&options=-c%20statement_timeout=5s"
    assert setting(theirs, "statement_timeout") == "5s"
    assert setting(theirs, "application_name") == "other"
    short = make_engine(f"{database_url}?options=-c%20statement_timeout=20ms")
    with pytest.raises(DatabaseUnavailable) as caught, reading(short) as connection:
        connection.exec_driver_sql("SELECT pg_sleep(30)")
    assert type(caught.value) is DatabaseUnavailable
    short.dispose()


@postgresql
@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_the_address(engine, database_url, scheme):
    other = make_engine(database_url.replace("postgresql", scheme, 1))
    with reading(other) as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    other.dispose()


@postgresql
@pytest.mark.parametrize("how", ["stop", "crash", "kill"])
def test_a_restarted_server_is_met_with_new_connections(pair, postgres_server, how):
    with writing(pair) as one, reading(pair) as two:
        add(one, "a")
        two.exec_driver_sql("SELECT 1")
    getattr(postgres_server, how)()
    try:
        with pytest.raises(ConnectionLost), reading(pair):
            pass
    finally:
        postgres_server.start()
    # Both pooled connections are stale; nobody needs a second attempt.
    with writing(pair) as connection, reading(pair) as other:
        add(connection, "a")
        assert other.exec_driver_sql("SELECT n FROM pair WHERE name = 'a'").scalar() == 1


@postgresql
def test_a_connection_lost_in_the_middle_keeps_nothing_and_is_run_again(pair, postgres_server):
    pauses = []

    def work(connection) -> None:
        add(connection, "a")
        if not pauses:
            mine = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            postgres_server.execute(f"SELECT pg_terminate_backend({mine}, 10000)")
        add(connection, "b")

    Retries(sleep=pauses.append).write(pair, work)
    assert pauses == [PAUSES[0]]
    with reading(pair) as connection:
        assert connection.exec_driver_sql("SELECT n FROM pair").scalars().all() == [1, 1]


@postgresql
def test_a_server_that_is_not_there_is_asked_a_few_times(engine, postgres_server):
    pauses = []
    nobody = make_engine("postgresql://certsvc@127.0.0.1:1/certsvc")
    with pytest.raises(ConnectionLost):
        Retries(sleep=pauses.append).read(nobody, lambda _connection: None)
    assert pauses == list(PAUSES)
    with pytest.raises(ConnectionLost):
        ONCE.read(nobody, lambda _connection: None)
    nobody.dispose()


@postgresql
def test_a_pool_that_is_used_up_says_so(engine, database_url, monkeypatch):
    monkeypatch.setitem(engines._COMMON, "pool_size", 1)
    monkeypatch.setitem(engines._COMMON, "max_overflow", 0)
    monkeypatch.setitem(engines._COMMON, "pool_timeout", 0.01)
    small = make_engine(database_url)
    with reading(small), pytest.raises(DatabaseUnavailable) as caught, reading(small):
        pass
    assert type(caught.value) is DatabaseUnavailable
    small.dispose()


def test_what_is_no_outage_is_not_run_again(pair):
    pauses = []
    with pytest.raises(DatabaseUnavailable):
        Retries(sleep=pauses.append).write(
            pair, lambda connection: connection.exec_driver_sql("INSERT INTO pair VALUES ('a', 1)")
        )
    with pytest.raises(KeyError):
        Retries(sleep=pauses.append).write(pair, lambda _connection: {}["nothing"])
    assert pauses == []


def wrapped(original: Exception, *, lost: bool = False) -> sa.exc.DBAPIError:
    return sa.exc.OperationalError("COMMIT", {}, original, connection_invalidated=lost)


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("failed")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "before", "at_commit"),
    [
        (psycopg.errors.SerializationFailure(), TransactionAborted, TransactionAborted),
        (psycopg.errors.DeadlockDetected(), TransactionAborted, TransactionAborted),
        (psycopg.errors.LockNotAvailable(), TransactionAborted, CommitInDoubt),
        (psycopg.errors.AdminShutdown(), ConnectionLost, CommitInDoubt),
        (psycopg.errors.CrashShutdown(), ConnectionLost, CommitInDoubt),
        (psycopg.errors.CannotConnectNow(), ConnectionLost, CommitInDoubt),
        (psycopg.errors.ConnectionException(), ConnectionLost, CommitInDoubt),
        (psycopg.errors.DiskFull(), DatabaseUnavailable, CommitInDoubt),
        (psycopg.errors.ForeignKeyViolation(), DatabaseUnavailable, TransactionAborted),
        (sqlite_error(sqlite3.SQLITE_BUSY), DatabaseUnavailable, DatabaseUnavailable),
        (sqlite_error(sqlite3.SQLITE_FULL), DatabaseUnavailable, DatabaseUnavailable),
        (sqlite_error(sqlite3.SQLITE_IOERR_FSYNC), DatabaseUnavailable, CommitInDoubt),
    ],
)
def test_failures_by_their_codes(error, before, at_commit):
    assert type(failure(wrapped(error), "x")) is before
    assert type(commit_failure(wrapped(error))) is at_commit


def test_a_broken_connection_needs_no_code():
    lost = wrapped(psycopg.OperationalError("server closed the connection"), lost=True)
    assert type(failure(lost, "x")) is ConnectionLost
    assert type(commit_failure(lost)) is CommitInDoubt
    assert type(failure(sa.exc.InvalidRequestError("x"), "x")) is DatabaseUnavailable
