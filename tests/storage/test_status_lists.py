"""Places: each given out once, in an order nobody can guess, from published lists only (T42)."""

import itertools

import pytest

from certsvc.service.engine import reading, writing
from certsvc.storage import errors
from certsvc.storage.certificate_rows import State, StatusEvent
from certsvc.storage.certificates import Certificates
from certsvc.storage.permutation import permute
from certsvc.storage.status_lists import LIST_SIZE, StatusLists

OFFICE = "119999000000000198"
LATER = 10**9


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
            assert certificates.complete(OFFICE, certificate_id, 1, credential=b"c", now=2)
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
    with reading(engine) as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT list_index, status_value FROM certificate"
            " WHERE issuer_id = 'x' AND list_no = 1 AND status_value > 0"
        ).all()
    assert "COVERING INDEX ix_certificate_status" in plan[0][3]


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
