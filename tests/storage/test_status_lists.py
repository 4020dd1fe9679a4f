"""Places: each given out once, in an order nobody can guess, from published lists only (T42)."""

import itertools
import threading

import pytest

from certsvc.service.engine import reading, writing
from certsvc.service.settings import Settings, SettingsInvalid
from certsvc.storage import errors
from certsvc.storage.certificate_rows import Completion, State, StatusEvent
from certsvc.storage.certificates import Certificates
from certsvc.storage.permutation import permute
from certsvc.storage.status_lists import LIST_SIZE, StatusLists
from certsvc.storage.tables import carried_status, status_list

OFFICE = "119999000000000198"
LATER = 10**9


def complete(
    certificates: Certificates,
    issuer_id: str,
    certificate_id: str,
    plan_no: int,
    *,
    credential: bytes,
    now: int,
) -> bool:
    done = Completion(
        issuer_id=issuer_id,
        certificate_id=certificate_id,
        plan_no=plan_no,
        credential=credential,
        code_lookup=certificate_id.encode()[-16:],
    )
    return certificates.complete_many([done], now=now)


@pytest.mark.parametrize("size", [2, 3, 7, 100, 1000, 4096, 5000])
def test_a_permutation_meets_every_place_once(size):
    found = [permute(counter, size=size, key=bytes(32)) for counter in range(size)]
    assert sorted(found) == list(range(size))


def test_the_whole_list_is_a_permutation():
    key = bytes(range(32))
    found = {permute(counter, size=LIST_SIZE, key=key) for counter in range(LIST_SIZE)}
    assert len(found) == LIST_SIZE
    assert max(found) == LIST_SIZE - 1


def test_the_order_looks_random_and_depends_on_the_key():
    first = [permute(counter, size=LIST_SIZE, key=b"a" * 32) for counter in range(1000)]
    second = [permute(counter, size=LIST_SIZE, key=b"b" * 32) for counter in range(1000)]
    assert sum(one == other for one, other in zip(first, second, strict=True)) < 5
    steps = {abs(after - before) for before, after in itertools.pairwise(first)}
    assert len(steps) > 900
    assert 0.4 < sum(place < LIST_SIZE // 2 for place in first) / 1000 < 0.6


@pytest.mark.parametrize("counter", [-1, 10])
def test_a_counter_outside_the_list(counter):
    with pytest.raises(IndexError):
        permute(counter, size=10, key=bytes(32))


def test_lists_are_large_enough_to_hide_in():
    assert LIST_SIZE >= 100_000
    assert Settings().status_list_size == LIST_SIZE
    for size in ("99999", "8000001"):
        with pytest.raises(SettingsInvalid):
            Settings.from_env({"CERTSVC_STATUS_LIST_SIZE": size})


def test_nothing_is_given_out_before_publication(engine, sealing):
    with writing(engine) as connection:
        lists = StatusLists(connection)
        with pytest.raises(errors.StatusListUnpublished):
            lists.allocate(sealing, now=1)
        made = lists.ensure_open(sealing, now=1)
        assert (made.list_no, made.version, made.published_version) == (1, 1, 0)
        assert lists.ensure_open(sealing, now=2) == made
        with pytest.raises(errors.StatusListUnpublished):
            lists.allocate(sealing, now=1)
        lists.mark_published(OFFICE, 1, 1, now=5)
        assert lists.allocate(sealing, now=6).list_no == 1


def test_a_full_list_is_followed_by_the_next_which_was_ready(engine, sealing):
    with writing(engine) as connection:
        lists = StatusLists(connection, size=10)
        lists.ensure_open(sealing, now=1)
        lists.mark_published(OFFICE, 1, 1, now=1)
        places = [lists.allocate(sealing, now=1) for _ in range(7)]
        assert [one.list_no for one in lists.all(OFFICE)] == [1]
        places.append(lists.allocate(sealing, now=1))
        assert [one.list_no for one in lists.all(OFFICE)] == [1, 2]
        assert [one.list_no for one in lists.due(now=LATER, refresh_before=0)] == [2]
        places += [lists.allocate(sealing, now=1) for _ in range(2)]
        with pytest.raises(errors.StatusListUnpublished):
            lists.allocate(sealing, now=1)
        lists.mark_published(OFFICE, 2, 1, now=2)
        places.append(lists.allocate(sealing, now=1))
    assert {(one.list_no, one.index) for one in places[:10]} == {(1, n) for n in range(10)}
    assert places[10].list_no == 2


def test_a_snapshot_shows_what_is_out_of_force(engine, sealing, add_plan):
    states = {
        1: State.VALID,
        2: State.SUSPENDED,
        3: State.REVOKED,
        4: State.SUPERSEDED,
    }
    with writing(engine) as connection:
        lists, certificates = StatusLists(connection), Certificates(connection)
        lists.ensure_open(sealing, now=1)
        for number, state in states.items():
            certificate_id = add_plan(connection, number)
            assert complete(certificates, OFFICE, certificate_id, 1, credential=b"c", now=2)
            if state is not State.VALID:
                assert certificates.move(event(certificate_id, state), list_version=2)
        abandoned = add_plan(connection, 5)
        certificates.abandon(OFFICE, abandoned, 1, reason="test")
        add_plan(connection, 6)
        add_plan(connection, 7, list_no=2, list_index=3)
        version = lists.request_publication(OFFICE, 1)
        bits, snapshot_version = lists.snapshot(OFFICE, 1)
    assert version == snapshot_version == 2
    assert len(bits) == LIST_SIZE
    assert [bits.get(number) for number in range(8)] == [0, 0, 2, 1, 3, 1, 0, 0]


def revoke(engine, certificate_id: str, *, seq: int = 1) -> int:
    """Revoke in one transaction, as issuing does; returns the version that shows it."""
    with writing(engine) as connection:
        version = StatusLists(connection).request_publication(OFFICE, 1)
        made = event(certificate_id, State.REVOKED)
        assert Certificates(connection).move(made, list_version=version)
    return version


def test_only_what_changed_after_a_version_is_read(engine, sealing, add_plan):
    with writing(engine) as connection:
        StatusLists(connection).ensure_open(sealing, now=1)
        ids = [add_plan(connection, number) for number in range(4)]
        for one in ids:
            complete(Certificates(connection), OFFICE, one, 1, credential=b"c", now=2)
    versions = [revoke(engine, one) for one in ids[:3]]
    assert versions == [2, 3, 4]
    with reading(engine) as connection:
        lists = StatusLists(connection)
        whole, newest = lists.snapshot(OFFICE, 1)
        for since, places in ((1, [0, 1, 2]), (2, [1, 2]), (3, [2]), (4, []), (9, [])):
            changed, version = lists.changes(OFFICE, 1, since=since)
            assert sorted(changed) == [(place, 1) for place in places]
            assert version == newest == 4
        assert [whole.get(place) for place in range(4)] == [1, 1, 1, 0]
        with pytest.raises(errors.StatusListUnknown):
            lists.changes(OFFICE, 7, since=0)


def test_what_is_carried_over_is_in_every_list(engine, sealing):
    with writing(engine) as connection:
        StatusLists(connection).ensure_open(sealing, now=1)
        rows = [
            {"issuer_id": OFFICE, "list_no": no, "list_index": place, "status_value": value}
            for no, place, value in ((1, 5, 1), (1, LIST_SIZE - 1, 3), (2, 6, 1))
        ]
        connection.execute(carried_status.insert(), [{**row, "carried_at": 1} for row in rows])
        bits, _ = StatusLists(connection).snapshot(OFFICE, 1)
    assert (bits.get(5), bits.get(LIST_SIZE - 1), bits.get(6)) == (1, 3, 0)


def test_allocation_goes_on_while_lists_fill_up_and_others_open(engine, sealing):
    """Many workers, a list that ends under their hands: no failure, no place twice."""
    size, hands, each = 40, 6, 25
    with writing(engine) as connection:
        StatusLists(connection, size=size).ensure_open(sealing, now=1)
        StatusLists(connection).mark_published(OFFICE, 1, 1, now=1)
    places, wrong, start = [], [], threading.Barrier(hands)

    def publish() -> None:
        with writing(engine) as connection:
            lists = StatusLists(connection)
            for one in lists.due(refresh_before=0, now=2):
                lists.mark_published(OFFICE, one.list_no, one.version, now=1)

    def allocate() -> None:
        try:
            start.wait()
            for _ in range(each):
                with writing(engine) as connection:
                    places.append(StatusLists(connection, size=size).allocate(sealing, now=1))
                # Each publishes what it may have opened: more places are left than there are hands.
                publish()
        except Exception as error:
            wrong.append(error)

    workers = [threading.Thread(target=allocate) for _ in range(hands)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert wrong == []
    assert len(set(places)) == len(places) == hands * each
    with reading(engine) as connection:
        lists = StatusLists(connection).all(OFFICE)
    assert sum(one.used for one in lists) == hands * each
    # A full list was given out whole: its places are a permutation.
    full = [one.list_no for one in lists if one.used == size]
    assert len(full) == hands * each // size
    for list_no in full:
        assert sorted(p.index for p in places if p.list_no == list_no) == list(range(size))


def test_lists_that_fill_up_are_found(engine, sealing):
    with writing(engine) as connection:
        lists = StatusLists(connection, size=10)
        lists.ensure_open(sealing, now=1)
        lists.mark_published(OFFICE, 1, 1, now=1)
        for used in range(10):
            assert lists.nearly_full() == ([OFFICE] if used >= 8 else [])
            connection.execute(status_list.update().values(used=status_list.c.used + 1))
        lists.ensure_open(sealing, now=1)
        assert lists.nearly_full() == []


def event(certificate_id: str, state: State) -> StatusEvent:
    return StatusEvent(
        issuer_id=OFFICE,
        certificate_id=certificate_id,
        seq=1,
        operation="test",
        state_before=State.VALID,
        state_after=state,
        reason=None,
        detail=None,
        at=3,
        principal_kind="client",
        client_id="c",
        request_id="r",
    )


def test_a_snapshot_uses_the_small_index(engine):
    query = (
        "SELECT list_index, status_value FROM certificate"
        " WHERE issuer_id = 'x' AND list_no = 1 AND status_value > 0"
    )
    with reading(engine) as connection:
        if engine.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
            assert "COVERING INDEX ix_certificate_status" in plan[0][3]
            return
        # A table without rows is read from end to end otherwise.
        for way in ("seqscan", "bitmapscan"):
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        plan = connection.exec_driver_sql(f"EXPLAIN {query}").all()
    assert "Index Only Scan using ix_certificate_status" in plan[0][0]


def test_publication_only_goes_forward(engine, sealing):
    with writing(engine) as connection:
        lists = StatusLists(connection)
        lists.ensure_open(sealing, now=1)
        lists.request_publication(OFFICE, 1)
        lists.mark_published(OFFICE, 1, 2, now=10)
        lists.mark_published(OFFICE, 1, 1, now=11)
        lists.mark_published(OFFICE, 1, 99, now=12)
        (info,) = lists.all(OFFICE)
        assert (info.published_version, info.published_at) == (2, 10)
        assert lists.due(now=LATER, refresh_before=10) == []
        assert [one.list_no for one in lists.due(now=LATER, refresh_before=11)] == [1]
        # Published by a clock that was ahead: not to be trusted until that time comes again.
        assert [one.list_no for one in lists.due(now=9, refresh_before=0)] == [1]
        lists.request_publication(OFFICE, 1)
        assert [one.list_no for one in lists.due(now=LATER, refresh_before=0)] == [1]


def test_an_unknown_list(engine):
    with reading(engine) as connection, pytest.raises(errors.StatusListUnknown):
        StatusLists(connection).snapshot(OFFICE, 7)


def test_the_order_is_sealed(engine, sealing):
    with writing(engine) as connection:
        StatusLists(connection, rng=lambda count: b"k" * count).ensure_open(sealing, now=1)
        ((stored,),) = connection.exec_driver_sql("SELECT permutation_key FROM status_list").all()
    assert b"kkkk" not in stored
