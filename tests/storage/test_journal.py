"""The journal: what is committed stands in it, in order, and does the same again elsewhere."""

import os
import secrets
import sqlite3
import threading
from contextlib import suppress
from itertools import count

import pytest
import sqlalchemy as sa

from certsvc.service.engine import DatabaseUnavailable, make_engine, reading, writing
from certsvc.storage.database import upgrade
from certsvc.storage.errors import JournalBroken, JournalUnusable, ReplayDiverged
from certsvc.storage.journal import NEW_EPOCH, Journal
from certsvc.storage.journal_reading import (
    START,
    Notices,
    newest,
    position_of,
    records_after,
    segments,
)
from certsvc.storage.journal_replay import replay, settle
from certsvc.storage.leases import Leases
from certsvc.storage.tables import journal_head, lease, metadata

TABLES = [table for table in metadata.sorted_tables if table.name != "alembic_version"]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def make_journal(folder):
    made = []
    ticks = count(1)

    def make(**changes):
        options = {"clock_ns": lambda: next(ticks), "rng": secrets.token_bytes, **changes}
        made.append(Journal(folder, **options))
        return made[-1]

    yield make
    for journal in made:
        journal.close()


@pytest.fixture
def opened(database_url, make_journal):
    """Function that opens the database as a process of its own, with its own journal."""
    engines = []

    def open_(**changes):
        engine = make_engine(database_url)
        engines.append(engine)
        make_journal(**changes).attach(engine)
        return engine

    yield open_
    for engine in engines:
        engine.dispose()


@pytest.fixture
def plain(database_url):
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def put(engine, name, holder="h", **options):
    with writing(engine) as connection:
        connection.execution_options(**options)
        values = {"issuer_id": "", "name": name, "holder": holder, "fence": 1, "expires_at": 1}
        connection.execute(lease.insert().values(**values))


def names(engine):
    with reading(engine) as connection:
        return sorted(connection.execute(sa.select(lease.c.name)).scalars())


def position(engine):
    with reading(engine) as connection:
        return position_of(connection)


def forget(engine, *, back_to=START):
    """The database goes back to an earlier time."""
    with writing(engine) as connection:
        connection.execute(lease.delete())
        connection.execute(journal_head.delete())


def read(folder, after=START):
    notices = Notices([], [])
    return list(records_after(folder, after, notices)), notices


def test_a_transaction_is_one_record_and_is_done_again(opened, plain, folder):
    engine = opened()
    with writing(engine) as connection:
        rows = [
            {"issuer_id": "", "name": f"n{n}", "holder": "h", "fence": n, "expires_at": 1}
            for n in range(3)
        ]
        connection.execute(lease.insert(), rows)
        assert Leases(connection).acquire("n1", "h", 5, 10) == 1
        connection.execute(lease.delete().where(lease.c.name == "n2"))
    put(engine, "later")
    there = position(plain)
    assert (there.epoch, there.seq) == (1, 2)
    forget(plain)
    records, notices = read(folder)
    assert replay(plain, iter(records)) == 2
    assert names(plain) == ["later", "n0", "n1"]
    assert position(plain) == there
    assert read(folder, there)[0] == []
    assert notices == Notices([], [])


def test_what_only_reads_or_changes_nothing_is_not_recorded(opened, folder):
    engine = opened()
    names(engine)
    with writing(engine) as connection:
        connection.execute(lease.delete().where(lease.c.name == "nobody"))
    assert segments(folder) == []


def test_a_savepoint_taken_back_is_not_done_again(opened, plain, folder):
    engine = opened()
    with writing(engine) as connection:
        leases = Leases(connection)
        assert leases.acquire("outer", "h", 5, 10) == 1
        savepoint = connection.begin_nested()
        assert leases.acquire("inner", "h", 5, 10) == 1
        savepoint.rollback()
        with connection.begin_nested():
            assert leases.acquire("kept", "h", 5, 10) == 1
            # Somebody else holds it: an insert that fails, in a savepoint of its own.
            assert leases.acquire("outer", "other", 5, 10) is None
    forget(plain)
    assert replay(plain, iter(read(folder)[0])) == 1
    assert names(plain) == ["kept", "outer"]


def test_a_transaction_that_is_rolled_back_leaves_no_record(opened, folder):
    engine = opened()
    with suppress(ZeroDivisionError), writing(engine) as connection:
        assert Leases(connection).acquire("lost", "h", 5, 10) == 1
        _ = 1 / 0
    put(engine, "kept")
    records, _notices = read(folder)
    assert [record.position.seq for record in records] == [1]


def test_several_processes_tell_one_story(opened, plain, folder):
    engines = [opened(), opened(segment_bytes=600)]

    def work(number):
        for step in range(8):
            put(engines[number], f"{number}-{step}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(segments(folder)) > 2
    expected = names(plain)
    assert len(expected) == 16
    records, _notices = read(folder)
    assert [record.position.seq for record in records] == list(range(1, 17))
    forget(plain)
    assert replay(plain, iter(records), chunk_bytes=1) == 16
    assert names(plain) == expected


def test_a_record_whose_commit_failed_is_superseded(opened, plain, folder):
    engine = opened()
    put(engine, "first")
    sa.event.listen(engine, "commit", _fail, once=True)
    with pytest.raises(DatabaseUnavailable):
        put(engine, "doomed")
    put(engine, "second")
    assert len(segments(folder)) == 1
    records, _notices = read(folder)
    assert [record.position.seq for record in records] == [1, 2]
    forget(plain)
    replay(plain, iter(records))
    assert names(plain) == ["first", "second"]


def _fail(_connection):
    raise sa.exc.OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))


def test_a_commit_in_doubt_is_settled_once(opened, plain, folder):
    engine = opened()
    put(engine, "first")
    sa.event.listen(engine, "commit", _fail, once=True)
    with pytest.raises(DatabaseUnavailable):
        put(engine, "doubtful")
    record = newest(folder)
    assert record.position.seq == 2
    # The newest record's statements are read with their file.
    record = read(folder, position(plain))[0][0]
    assert settle(plain, record)
    assert names(plain) == ["doubtful", "first"]
    assert not settle(plain, record)
    assert position(plain) == newest(folder).position


def test_a_torn_end_is_left_out_and_named(opened, folder):
    engine = opened()
    put(engine, "first")
    put(engine, "second")
    (path,) = segments(folder)
    os.truncate(path, path.stat().st_size - 5)
    records, notices = read(folder)
    assert [record.position.seq for record in records] == [1]
    assert notices.torn[0].startswith(path.name)
    assert newest(folder).position.seq == 1


def test_every_flipped_bit_is_found(opened, folder):
    engine = opened()
    for name in ("first", "second", "third"):
        put(engine, name)
    (path,) = segments(folder)
    sound = path.read_bytes()
    for place in range(0, len(sound), 1 if "sqlite" in str(engine.url) else 7):
        changed = bytearray(sound)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            records, notices = read(folder)
        except JournalBroken:
            continue
        assert len(records) < 3, place
        assert notices.damaged or notices.torn, place
    path.write_bytes(sound)
    assert len(read(folder)[0]) == 3


def test_a_missing_record_stops_the_replay_and_keeps_what_came_before(opened, plain, folder):
    first, second = opened(), opened()
    put(first, "one")
    put(second, "two")
    put(first, "three")
    segments(folder)[1].unlink()
    forget(plain)
    with pytest.raises(JournalBroken, match="record 1/3 does not follow 1/1"):
        replay(plain, records_after(folder, START, Notices([], [])))
    assert names(plain) == ["one"]
    assert position(plain).seq == 1


def test_a_record_that_does_something_else_stops_the_replay(opened, plain, folder):
    engine = opened()
    put(engine, "one")
    with writing(engine) as connection:
        connection.execute(lease.update().values(holder="other"))
    forget(plain)
    put(plain, "stranger")
    with pytest.raises(ReplayDiverged, match="changes 2 rows, not 1"):
        replay(plain, iter(read(folder)[0]))
    assert names(plain) == ["one", "stranger"]


def test_a_new_epoch_wins_over_what_a_lost_life_wrote(opened, plain, folder):
    engine = opened()
    put(engine, "one")
    with reading(plain) as connection:
        rows = [dict(row) for row in connection.execute(journal_head.select()).mappings()]
    put(engine, "lost")
    put(engine, "lost too")
    with writing(plain) as connection:
        connection.execute(lease.delete().where(lease.c.name != "one"))
        connection.execute(journal_head.delete())
        connection.execute(journal_head.insert(), rows)
    put(engine, "two", **{NEW_EPOCH: True})
    records, _notices = read(folder)
    assert [str(record.position) for record in records] == ["1/1", "2/2"]
    forget(plain)
    replay(plain, iter(records))
    assert names(plain) == ["one", "two"]


def test_a_database_that_went_back_unnoticed_is_two_stories(opened, plain, folder):
    engine = opened()
    put(engine, "one")
    with reading(plain) as connection:
        rows = [dict(row) for row in connection.execute(journal_head.select()).mappings()]
    for life in ("a", "b"):
        with writing(plain) as connection:
            connection.execute(journal_head.delete())
            connection.execute(journal_head.insert(), rows)
        # A process that knows nothing of the other life; one that does is refused (below).
        engine = opened()
        put(engine, f"{life}2")
        put(engine, f"{life}3")
    with pytest.raises(JournalBroken, match="two stories"):
        read(folder)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_database_that_is_put_back_under_a_process_is_written_no_more(
    opened, plain, folder, lost
):
    engine = opened()
    kept = []
    for name in ("one", "two", "three"):
        put(engine, name)
        with reading(plain) as connection:
            rows = connection.execute(journal_head.select()).mappings()
            kept.append([dict(row) for row in rows])
    with writing(plain) as connection:
        connection.execute(lease.delete().where(lease.c.name.in_(["two", "three"][-lost:])))
        connection.execute(journal_head.delete())
        connection.execute(journal_head.insert(), kept[2 - lost])
        if lost == 1:
            # As long as before, and another story.
            connection.execute(journal_head.update().values(token="other"))
    before = names(plain)
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable, match="certsvc recover"):
            put(engine, "second life")
    assert names(plain) == before
    assert [record.position.seq for record in read(folder)[0]] == [1, 2, 3]
    # What a recovery has begun is a new epoch, even below.
    put(engine, "recovered", **{NEW_EPOCH: True})


def test_a_restored_database_is_written_by_a_recovery_alone(opened, plain):
    engine = opened()
    put(engine, "one")
    with writing(plain) as connection:
        connection.execute(journal_head.update().values(restored_at=1))
    with pytest.raises(DatabaseUnavailable, match="certsvc recover"):
        put(engine, "two")
    put(opened(recovers=True), "recovered")
    assert names(plain) == ["one", "recovered"]


def test_the_newest_of_two_tries_is_the_later_one_whatever_the_clock_says(opened, plain, folder):
    ticks = iter((50, 50, 40, 30, 20, 10))
    engine = opened(clock_ns=lambda: next(ticks))
    put(engine, "one")

    def fail(_connection):
        raise KeyboardInterrupt

    sa.event.listen(engine, "commit", fail)
    with pytest.raises(KeyboardInterrupt):
        put(engine, "never")
    sa.event.remove(engine, "commit", fail)
    put(engine, "later")
    there = position(plain)
    assert [record.position for record in read(folder)[0]][-1] == there


def test_a_full_disk_rolls_back_and_the_next_one_succeeds(opened, plain, folder, monkeypatch):
    engine = opened()
    put(engine, "one")
    write = os.write

    def full(descriptor, data):
        write(descriptor, bytes(data)[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("certsvc.storage.frames.os.write", full)
    with pytest.raises(DatabaseUnavailable, match="journal"):
        put(engine, "two")
    monkeypatch.undo()
    assert names(plain) == ["one"]
    put(engine, "three")
    records, notices = read(folder)
    assert [record.position.seq for record in records] == [1, 2]
    assert notices == Notices([], [])


def test_its_folder_is_closed_to_others(make_journal, folder, opened):
    put(opened(), "one")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert segments(folder)[0].stat().st_mode & 0o777 == 0o600
    folder.chmod(0o750)
    with pytest.raises(JournalUnusable):
        make_journal()
    with pytest.raises(JournalUnusable):
        Journal(folder / "file" / "x", clock_ns=int, rng=secrets.token_bytes) if not (
            folder / "file"
        ).write_bytes(b"") else None


# A record is done again on the kind of database that wrote it.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_without_tables_is_made_from_the_journal(opened, folder, tmp_path):
    put(opened(), "one")
    other = make_engine(f"sqlite:///{tmp_path / 'new.db'}")
    assert replay(other, iter(read(folder)[0])) == 1
    assert names(other) == ["one"]
    upgrade(other)
    other.dispose()
