"""One way to read, one way to write, on SQLite as it must be set."""

from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from certsvc.service import engine as engines
from certsvc.service.engine import (
    DatabaseUnavailable,
    make_engine,
    reading,
    sqlite_journal_mode,
    writing,
)


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "TRUNCATE"),
        ((3, 51, 2), "TRUNCATE"),
        ((3, 51, 3), "WAL"),
        ((3, 52, 0), "WAL"),
    ],
)
def test_wal_only_where_it_is_sound(version, mode):
    assert sqlite_journal_mode(version) == mode


def test_every_connection_is_set(tmp_path, monkeypatch):
    for version, mode in (((3, 40, 1), "truncate"), ((3, 51, 3), "wal")):
        monkeypatch.setattr(engines.sqlite3, "sqlite_version_info", version)
        engine = make_engine(f"sqlite:///{tmp_path / mode}.db")
        with reading(engine) as connection:
            found = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        engine.dispose()
        assert found == {
            "journal_mode": mode,
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": engines.BUSY_TIMEOUT_MS,
        }


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "no url", "nosuch://x/y"])
def test_urls_that_cannot_serve(url):
    with pytest.raises(DatabaseUnavailable):
        make_engine(url)


def test_an_exception_rolls_back(engine):
    def fail() -> None:
        with writing(engine) as connection:
            connection.exec_driver_sql("DELETE FROM issuer")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM issuer").scalar() == 1


def test_failures_have_one_name(engine):
    for way in (reading, writing):
        with pytest.raises(DatabaseUnavailable) as caught, way(engine) as connection:
            connection.exec_driver_sql("SELECT * FROM nowhere")
        assert caught.value.code == "database_unavailable"


def test_an_exception_does_not_tell_what_was_written(engine):
    """Threat T68: its text ends up in logs."""
    with pytest.raises(DatabaseUnavailable) as caught, writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO no_such_table VALUES (?)", ("999900199003070010",))
    assert "999900199003070010" not in str(caught.value.__cause__)


def test_a_missing_folder_is_unavailable(tmp_path):
    lost = make_engine(f"sqlite:///{tmp_path / 'no' / 'folder.db'}")
    with pytest.raises(DatabaseUnavailable), reading(lost):
        pass


def test_writers_do_not_lose_updates(engine):
    """Read, then write: a deferred transaction would fail or lose here.

    PostgreSQL lets writers run side by side, so that what is read to be written is locked.
    """
    other = make_engine(engine.url.render_as_string(hide_password=False))
    lock = "" if engine.dialect.name == "sqlite" else " FOR UPDATE"
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE counter (n INTEGER)")
        connection.exec_driver_sql("INSERT INTO counter VALUES (0)")
    barrier = Barrier(8)

    def count(mine: sa.Engine) -> None:
        barrier.wait()
        for _ in range(5):
            with writing(mine) as connection:
                n = connection.exec_driver_sql(f"SELECT n FROM counter{lock}").scalar_one()
                connection.exec_driver_sql(f"UPDATE counter SET n = {n + 1}")

    threads = [Thread(target=count, args=(one,)) for one in (engine, other) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT n FROM counter").scalar() == 40
    other.dispose()
