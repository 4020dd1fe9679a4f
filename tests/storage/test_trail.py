"""Audit chain, leases, issuers and clients."""

import pytest

from certsvc.service.engine import reading, writing
from certsvc.service.principal import SCOPES, client, operator, system
from certsvc.storage import errors
from certsvc.storage.audit import Audit
from certsvc.storage.clients import Clients
from certsvc.storage.issuers import Issuer, Issuers
from certsvc.storage.leases import Leases

OFFICE = "119999000000000198"


@pytest.fixture
def connection(engine):
    with writing(engine) as open_connection:
        yield open_connection


@pytest.fixture
def chain(engine):
    with writing(engine) as connection:
        trail = Audit(connection)
        assert trail.append(operator(OFFICE), "set-up", ["a"], now=1) == 1
        caller = client(OFFICE, "c", scopes={"issue"}, request_id="r")
        assert trail.append(caller, "issue", ["b", "c", "d"], now=2) == 4
        assert trail.append(system(OFFICE), "sweep", ["e"], now=3) == 5
        assert trail.append(system(OFFICE), "sweep", [], now=3) == 5
    return engine


def test_an_untouched_chain_is_whole(chain):
    with reading(chain) as connection:
        trail = Audit(connection)
        assert trail.first_fault(OFFICE) is None
        rows = trail.rows(OFFICE)
        assert [row.object for row in rows] == ["a", "b", "c", "d", "e"]
        assert [row.principal_kind for row in rows] == ["operator", *["client"] * 3, "system"]
        assert trail.rows(OFFICE, after=2, limit=2) == rows[2:4]


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 5", 5),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET object = 'x' WHERE seq = 2", 2),
        ("UPDATE audit SET client_id = 'x' WHERE seq = 4", 4),
        ("UPDATE audit SET at = 9 WHERE seq = 5", 5),
        ("UPDATE audit SET seq = 9 WHERE seq = 5", 5),
        ("UPDATE audit SET hash = prev_hash WHERE seq = 3", 3),
    ],
)
def test_any_damage_shows(chain, damage, fault):
    """Threat T60."""
    with writing(chain) as connection:
        connection.exec_driver_sql(damage)
        assert Audit(connection).first_fault(OFFICE) == fault


def test_an_unknown_issuer_has_no_trail(connection):
    with pytest.raises(errors.IssuerUnknown):
        Audit(connection).append(system("nobody"), "x", ["y"], now=1)


def test_principals():
    assert operator(OFFICE).scopes == system(OFFICE).scopes == SCOPES
    caller = client(OFFICE, "c", scopes=["read"])
    assert caller.may("read")
    assert not caller.may("issue")


def test_one_holder_at_a_time_and_fences_grow(connection):
    leases = Leases(connection)
    assert leases.acquire("publisher", "a", 100, 10) == 1
    assert leases.acquire("publisher", "b", 105, 10) is None
    assert leases.acquire("publisher", "a", 105, 10) == 1
    assert leases.holds("publisher", "a", 1, 114)
    assert not leases.holds("publisher", "a", 1, 115)
    assert leases.acquire("publisher", "b", 115, 10) == 2
    assert not leases.holds("publisher", "a", 1, 116)
    assert leases.acquire("publisher", "a", 116, 10) is None
    leases.release("publisher", "a")
    assert leases.holds("publisher", "b", 2, 116)
    leases.release("publisher", "b")
    assert leases.acquire("publisher", "b", 117, 10) == 3
    assert leases.acquire("publisher", "a", 117, 10, issuer_id=OFFICE) == 1


def test_a_lease_from_a_clock_that_was_ahead_blocks_nobody(connection):
    leases = Leases(connection)
    assert leases.acquire("publisher", "a", 9_000, 10) == 1
    assert leases.acquire("publisher", "b", 100, 10) == 2
    assert not leases.holds("publisher", "a", 1, 100)
    assert leases.acquire("publisher", "a", 100, 10) is None


def test_a_lease_is_not_taken_by_a_clock_that_is_a_little_behind(connection):
    leases = Leases(connection)
    assert leases.acquire("publisher", "a", 103, 4) == 1
    # Its time was read before it waited for the lock, or its clock is behind.
    for now in (100, 102):
        assert leases.acquire("publisher", "b", now, 4) is None
    assert leases.acquire("publisher", "a", 104, 4) == 1


def test_a_recovery_raises_the_fencing_number_of_a_lease_that_nobody_had(connection):
    leases = Leases(connection)
    leases.raise_fences(7)
    assert leases.acquire("publisher", "a", 100, 4) == 8
    leases.raise_fences(3)
    assert leases.acquire("publisher", "b", 100, 4) == 9


def test_issuers_are_registered_once(connection):
    issuers = Issuers(connection)
    with pytest.raises(errors.IssuerExists):
        issuers.add(Issuer(issuer_id=OFFICE, uscc="X" * 18, record="{}"), now=1)
    with pytest.raises(errors.IssuerExists):
        issuers.add(Issuer(issuer_id="other", uscc=OFFICE, record="{}"), now=1)
    issuers.set_record(OFFICE, '{"a":1}', now=2)
    assert issuers.get(OFFICE).record == '{"a":1}'
    assert [one.issuer_id for one in issuers.all()] == [OFFICE]
    for call in (lambda: issuers.get("x"), lambda: issuers.set_record("x", "{}", now=1)):
        with pytest.raises(errors.IssuerUnknown):
            call()


def test_a_client_needs_its_secret(connection):
    clients = Clients(connection)
    secret = clients.add(OFFICE, "desk", name="窗口", scopes={"read", "issue"}, now=1)
    assert len(bytes.fromhex(secret)) == 32
    found = clients.authenticate("desk", secret)
    assert (found.issuer_id, found.scopes) == (OFFICE, {"read", "issue"})
    for name, given in (("desk", secret[:-1]), ("desk", ""), ("other", secret), ("desk", "\ud800")):
        assert clients.authenticate(name, given) is None
    ((stored,),) = connection.exec_driver_sql("SELECT secret_sha256 FROM client").all()
    assert secret.encode() not in stored
    for office in (OFFICE, "nobody"):
        with pytest.raises(errors.ClientExists):
            clients.add(office, "desk", name="x", scopes=(), now=1)
    assert clients.disable(OFFICE, "desk", now=2)
    assert not clients.disable(OFFICE, "other", now=2)
    assert clients.authenticate("desk", secret) is None
    assert [one.disabled_at for one in clients.all(OFFICE)] == [2]
