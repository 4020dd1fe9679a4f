"""Rows of the transparency log: one an event, a place for ever, one order however many ask."""

from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from certsvc.service.engine import DatabaseUnavailable, make_engine, reading, writing
from certsvc.storage.errors import LogOriginChanged
from certsvc.storage.issuers import Issuer, Issuers
from certsvc.storage.log import LogEntries, LogHeads, NewEntry

ORIGIN = "certs.example/log"
OFFICE = "119999000000000198"


@pytest.fixture
def engine(database_url):
    made = make_engine(database_url)
    with writing(made) as connection:
        Issuers(connection).add(Issuer(issuer_id=OFFICE, uscc=OFFICE, record="{}"), now=1)
        LogHeads(connection).begin(ORIGIN)
    yield made
    made.dispose()


def entry(number: int, *, seq: int = 0, at: int = 100) -> NewEntry:
    return NewEntry(
        issuer_id=OFFICE,
        certificate_id=f"{number:032x}",
        seq=seq,
        leaf=f'{{"证":{number},"seq":{seq}}}',
        leaf_hash=bytes([seq]) + number.to_bytes(31, "big"),
        created_at=at,
    )


def add(engine, *entries: NewEntry) -> None:
    with writing(engine) as connection:
        LogEntries(connection).add(entries)


def place(engine, limit: int = 100) -> int:
    with writing(engine) as connection:
        return len(LogEntries(connection).sequence(ORIGIN, limit=limit).leaves)


def order(engine) -> list[tuple[int, int]]:
    """Number and event of every placed entry, in the order of the log."""
    with reading(engine) as connection:
        rows = connection.exec_driver_sql(
            "SELECT certificate_id, seq, log_index FROM log_entry "
            "WHERE log_index IS NOT NULL ORDER BY log_index"
        ).all()
    assert [row.log_index for row in rows] == list(range(len(rows)))
    return [(int(row.certificate_id, 16), row.seq) for row in rows]


def test_an_issue_comes_before_its_events_and_else_time_rules(engine):
    add(engine, entry(2, seq=1), entry(3, at=99), entry(1, seq=2), entry(2), entry(1, seq=1))
    add(engine, entry(1), entry(4, at=101))
    assert place(engine) == 7
    assert order(engine) == [(3, 0), (1, 0), (2, 0), (1, 1), (2, 1), (1, 2), (4, 0)]
    with reading(engine) as connection:
        head = LogHeads(connection).get(ORIGIN)
    assert (head.size, head.published_size, head.published_at) == (7, 0, None)


def test_a_place_is_for_ever(engine):
    add(engine, entry(1), entry(2))
    assert (place(engine), place(engine)) == (2, 0)
    add(engine, entry(0, at=1))
    assert place(engine) == 1
    assert order(engine) == [(1, 0), (2, 0), (0, 0)]


def test_a_batch_has_an_end_and_the_next_goes_on(engine):
    add(engine, *(entry(number) for number in range(10)))
    assert [place(engine, limit=4) for _ in range(4)] == [4, 4, 2, 0]
    assert order(engine) == [(number, 0) for number in range(10)]


def test_an_event_is_logged_once(engine):
    add(engine, entry(1))
    with pytest.raises(DatabaseUnavailable) as caught:
        add(engine, entry(2), entry(1))
    assert isinstance(caught.value.__cause__, sa.exc.IntegrityError)
    assert place(engine) == 1


def test_sequencers_at_once_give_every_entry_one_place(engine):
    add(engine, *(entry(number) for number in range(200)))
    barrier, given = Barrier(4), []

    def run() -> None:
        barrier.wait()
        while (placed := place(engine, limit=7)) > 0:
            given.append(placed)

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(given) == 200
    assert sorted(order(engine)) == [(number, 0) for number in range(200)]


def test_entries_are_found_by_certificate_hash_and_place(engine):
    add(engine, entry(1), entry(1, seq=1), entry(2), entry(3))
    place(engine)
    with reading(engine) as connection:
        entries = LogEntries(connection)
        key = OFFICE, f"{1:032x}"
        assert [one.seq for one in entries.of_certificate(*key)] == [0, 1]
        assert entries.last(*key) == entries.get(*key, 1)
        assert entries.by_hash(entry(3).leaf_hash).certificate_id == f"{3:032x}"
        assert entries.by_hash(bytes(32)) is None
        assert entries.get(OFFICE, "0" * 32) is None
        leaves = entries.leaves(1, 3)
        assert [one.hash for one in leaves] == [entry(2).leaf_hash, entry(3).leaf_hash]
        assert leaves[0].data == entry(2).leaf.encode()


def test_a_gap_ends_the_list_of_leaves(engine):
    add(engine, *(entry(number) for number in range(5)))
    place(engine)
    with writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM log_entry WHERE log_index = 2")
    with reading(engine) as connection:
        assert len(LogEntries(connection).leaves(0, 5)) == 2


def test_what_waits_tells_since_when(engine):
    def since() -> int | None:
        with reading(engine) as connection:
            entries, head = LogEntries(connection), LogHeads(connection).get(ORIGIN)
            assert entries.has_waiting() == (entries.waiting_since(head) is not None and waits)
            return entries.waiting_since(head)

    waits = False
    assert since() is None
    add(engine, entry(1, at=50), entry(2, at=60))
    waits = True
    assert since() == 50
    place(engine)
    waits = False
    assert since() == 50
    with writing(engine) as connection:
        LogHeads(connection).mark_published(ORIGIN, 1, now=70)
    assert since() == 60
    with writing(engine) as connection:
        LogHeads(connection).mark_published(ORIGIN, 2, now=70)
    assert since() is None


def test_the_head_never_goes_back_or_beyond(engine):
    add(engine, *(entry(number) for number in range(5)))
    place(engine)
    for size, now in ((3, 10), (2, 20), (9, 30), (3, 40), (5, 50)):
        with writing(engine) as connection:
            LogHeads(connection).mark_published(ORIGIN, size, now=now)
    with reading(engine) as connection:
        head = LogHeads(connection).get(ORIGIN)
    assert (head.published_size, head.published_at) == (5, 50)


def test_a_log_keeps_its_name(engine):
    with writing(engine) as connection:
        assert LogHeads(connection).begin(ORIGIN).size == 0
        with pytest.raises(LogOriginChanged):
            LogHeads(connection).begin("other.example/log")
