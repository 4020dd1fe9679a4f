"""What the transparency log is told of a certificate, event by event, old certificates too."""

import pytest

from certsvc.issuing import errors, leaves
from certsvc.issuing.model import SupersedeRequest
from certsvc.service.engine import reading, writing
from certsvc.storage.log import LogEntries, LogHeads
from certsvc.storage.sealing import Sealing, data_key_name
from certsvc_sdk.log.leaf import Changed, Event, Issued, read_leaf

MARKET = "119999000000000198"
ORIGIN = "certs.example/log"


@pytest.fixture
def entries(world):
    """Function from a certificate to its entries."""

    def of(certificate_id: str):
        with reading(world.engine) as connection:
            return LogEntries(connection).of_certificate(MARKET, certificate_id)

    return of


@pytest.fixture
def sealing(world):
    return lambda name: Sealing(name, world.keys.data_key(data_key_name(name)))


def lead(world, licence, key: str = "key-1") -> str:
    """A certificate with a life: suspended, resumed, superseded; its successor revoked."""
    caller = world.caller()
    one = world.service.issue(caller, licence(), key).certificate_id
    for operation in ("suspend", "resume"):
        world.clock.now += 10
        world.service.change_status(caller, one, operation)
    world.clock.now += 10
    request = SupersedeRequest(claims=licence().claims)
    other = world.service.supersede(caller, one, request, f"{key}-next").certificate_id
    world.service.change_status(caller, other, "revoke")
    return one


def test_each_event_names_the_one_before(world, licence, entries):
    found = entries(lead(world, licence))
    read = [read_leaf(entry.leaf.encode()) for entry in found]
    assert isinstance(read[0], Issued)
    events = [leaf.event for leaf in read[1:] if isinstance(leaf, Changed)]
    assert events == [Event.SUSPENDED, Event.RESUMED, Event.SUPERSEDED]
    assert [leaf.seq for leaf in read[1:]] == [entry.seq for entry in found[1:]] == [1, 2, 3]
    assert [leaf.prev for leaf in read[1:]] == [entry.leaf_hash for entry in found[:-1]]
    assert {leaf.iss for leaf in read} == {f"https://certs.example/i/{MARKET}"}
    assert [entry.leaf_hash for entry in found] == [leaf.hash for leaf in read]


def test_no_event_comes_before_its_issue_when_the_clock_is_set_back(world, licence, entries):
    one = world.service.issue(world.caller(), licence(), "key-1").certificate_id
    world.clock.now -= 50
    world.service.change_status(world.caller(), one, "suspend")
    issue, event = entries(one)
    assert issue.created_at == event.created_at == world.clock.now + 50
    assert read_leaf(event.leaf.encode()).at == world.clock.now


def test_a_repeated_request_adds_no_leaf(world, licence, entries):
    caller = world.caller()
    one = world.service.issue(caller, licence(), "key-1").certificate_id
    for _ in range(2):
        world.service.issue(caller, licence(), "key-1")
        world.service.change_status(caller, one, "suspend", idempotency_key="key-2")
    assert [entry.seq for entry in entries(one)] == [0, 1]


def test_a_leaf_that_was_taken_out_stops_the_next_event(world, licence):
    one = lead(world, licence, "key-1")
    other = world.rows(f"SELECT superseded_by_id FROM certificate WHERE certificate_id = '{one}'")
    with writing(world.engine) as connection:
        connection.exec_driver_sql("DELETE FROM log_entry WHERE seq = 1")
        connection.exec_driver_sql("UPDATE certificate SET state = 'valid', status_value = 0")
    with pytest.raises(errors.RecordTampered):
        world.service.change_status(world.caller(), other[0][0], "suspend")


def test_an_altered_leaf_stops_the_next_event(world, licence):
    one = world.service.issue(world.caller(), licence(), "key-1").certificate_id
    with writing(world.engine) as connection:
        connection.exec_driver_sql(
            "UPDATE log_entry SET leaf = replace(leaf, '\"v\":1', '\"v\":2')"
        )
    with pytest.raises(errors.RecordTampered):
        world.service.change_status(world.caller(), one, "suspend")


def test_certificates_from_before_the_log_get_the_same_leaves(world, licence, entries, sealing):
    one = lead(world, licence)
    before = world.rows("SELECT * FROM log_entry ORDER BY certificate_id, seq")
    with writing(world.engine) as connection:
        connection.exec_driver_sql("DELETE FROM log_entry")
    assert leaves.backfill(world.engine, sealing, ORIGIN, keeps=lambda: True) == 2
    assert world.rows("SELECT * FROM log_entry ORDER BY certificate_id, seq") == before
    assert len(entries(one)) == 4
    with reading(world.engine) as connection:
        assert LogHeads(connection).get(ORIGIN).size == 0


def test_the_back_fill_goes_on_where_it_was_broken_off(world, licence, sealing, monkeypatch):
    monkeypatch.setattr(leaves, "BACKFILL", 2)
    for number in range(5):
        world.service.issue(world.caller(), licence(), f"key-{number}")
    with writing(world.engine) as connection:
        connection.exec_driver_sql("DELETE FROM log_entry")
    turns = iter((True, True, False))
    assert leaves.backfill(world.engine, sealing, ORIGIN, keeps=lambda: next(turns)) == 4
    with reading(world.engine) as connection:
        assert LogHeads(connection).get(ORIGIN) is None
    assert leaves.backfill(world.engine, sealing, ORIGIN, keeps=lambda: True) == 1
    assert leaves.backfill(world.engine, sealing, ORIGIN, keeps=lambda: True) == 0
    assert world.counts()["log_entry"] == 5


def test_a_change_writes_what_the_back_fill_has_not_reached(world, licence, entries, sealing):
    one = lead(world, licence)
    (other,) = world.rows(f"SELECT superseded_by_id FROM certificate WHERE certificate_id='{one}'")
    with writing(world.engine) as connection:
        connection.exec_driver_sql("DELETE FROM log_entry")
    world.service.issue(world.caller(), licence(), "key-9")
    third = world.service.issue(world.caller(), licence(), "key-10").certificate_id
    with writing(world.engine) as connection:
        connection.exec_driver_sql(f"DELETE FROM log_entry WHERE certificate_id = '{third}'")
    world.service.change_status(world.caller(), third, "suspend")
    assert [entry.seq for entry in entries(third)] == [0, 1]
    assert leaves.backfill(world.engine, sealing, ORIGIN, keeps=lambda: True) == 2
    assert [entry.seq for entry in entries(other[0])] == [0, 1]
