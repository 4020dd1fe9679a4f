"""Plans and states move by compare-and-swap only."""

import pytest
import sqlalchemy as sa

from certsvc.service.engine import writing
from certsvc.storage.certificate_rows import Completion, PlannedBytes, State, StatusEvent
from certsvc.storage.certificates import Certificates
from certsvc.storage.idempotency import Idempotency, Scope

OFFICE = "119999000000000198"


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


@pytest.fixture
def connection(engine):
    with writing(engine) as open_connection:
        yield open_connection


@pytest.fixture
def certificates(connection):
    return Certificates(connection)


def test_a_plan_is_completed_once(connection, certificates, add_plan):
    found = add_plan(connection, 1)
    row = certificates.get(OFFICE, found)
    assert (row.state, row.plan_no, row.visible) == (State.PLANNED, 1, False)
    assert not complete(certificates, OFFICE, found, 2, credential=b"c", now=5)
    assert not complete(certificates, "other", found, 1, credential=b"c", now=5)
    assert complete(certificates, OFFICE, found, 1, credential=b"c", now=5)
    assert not complete(certificates, OFFICE, found, 1, credential=b"d", now=6)
    row = certificates.get(OFFICE, found, lock=True)
    assert (row.state, row.credential, row.plan, row.issued_at) == (State.VALID, b"c", None, 5)
    assert row.visible
    assert certificates.by_identifier(OFFICE, "1.2.156.1") == row
    assert certificates.by_identifier(OFFICE, "1.2.156.2") is None
    for unknown in ("f" * 32, "", "\ud800", "\0"):
        assert certificates.get(OFFICE, unknown) is None


def test_a_new_plan_takes_the_old_ones_place(connection, certificates, add_plan):
    found = add_plan(connection, 1)
    planned = PlannedBytes(kid="new", iat=200, nbf=1, exp=2, planned_at=200, plan=b"again")
    assert certificates.replan(OFFICE, found, 1, planned)
    assert not certificates.replan(OFFICE, found, 1, planned)
    row = certificates.get(OFFICE, found)
    assert (row.plan_no, row.kid, row.iat, row.plan) == (2, "new", 200, b"again")
    assert not complete(certificates, OFFICE, found, 1, credential=b"c", now=5)
    assert certificates.count_failure(OFFICE, found, 2)
    assert certificates.get(OFFICE, found).failures == 1
    assert certificates.abandon(OFFICE, found, 2, reason="why")
    row = certificates.get(OFFICE, found)
    assert (row.state, row.status_value, row.status_reason) == (State.ABANDONED, 1, "why")
    assert not row.visible


@pytest.mark.parametrize(
    "clash", [{"serial": "S1"}, {"list_index": 1}], ids=["serial", "place in the list"]
)
def test_what_is_unique_stays_unique(connection, add_plan, clash):
    add_plan(connection, 1)
    with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
        add_plan(connection, 2, **clash)


def test_versions_of_a_serial(connection, certificates, add_plan):
    assert certificates.last_version(OFFICE, "S1") == 0
    add_plan(connection, 1)
    add_plan(connection, 2, serial="S1", version_no=2)
    assert certificates.last_version(OFFICE, "S1") == 2


def test_holders_find_issued_certificates_only(connection, certificates, add_plan):
    first = add_plan(connection, 1, holders=["a", "b", "a"])
    add_plan(connection, 2, holders=["a"])
    assert certificates.by_holder(OFFICE, "a") == []
    complete(certificates, OFFICE, first, 1, credential=b"c", now=5)
    for lookup in "ab":
        found = certificates.by_holder(OFFICE, lookup)
        assert [row.certificate_id for row in found] == [first]


def test_plans_are_listed_page_by_page(connection, certificates, add_plan):
    expected = [add_plan(connection, number) for number in range(5)]
    seen, after = [], None
    while rows := certificates.planned_before(100, future=10**9, after=after, limit=2):
        seen += [row.certificate_id for row in rows]
        after = rows[-1].planned_at, rows[-1].certificate_id
    assert seen == expected
    assert certificates.planned_before(99, future=10**9, after=None, limit=2) == []
    # Made by a clock that was wrong and has been set back since.
    from_future = certificates.planned_before(9, future=99, after=None, limit=9)
    assert [row.certificate_id for row in from_future] == expected


def test_a_state_moves_by_compare_and_swap(connection, certificates, add_plan):
    found = add_plan(connection, 1)
    complete(certificates, OFFICE, found, 1, credential=b"c", now=5)

    def event(seq: int, before: State, after: State) -> StatusEvent:
        return StatusEvent(
            issuer_id=OFFICE,
            certificate_id=found,
            seq=seq,
            operation="suspend",
            state_before=before,
            state_after=after,
            reason="why",
            detail=b"sealed",
            at=9,
            principal_kind="client",
            client_id="c",
            request_id="r",
        )

    suspend = event(1, State.VALID, State.SUSPENDED)
    superseded = event(2, State.SUSPENDED, State.SUPERSEDED)
    assert certificates.move(suspend, list_version=2)
    assert not certificates.move(suspend, list_version=2)
    assert not certificates.move(event(3, State.SUSPENDED, State.VALID), list_version=3)
    assert certificates.move(superseded, list_version=3, superseded_by_id="n")
    row = certificates.get(OFFICE, found)
    assert (row.state, row.status_seq, row.superseded_by_id) == (State.SUPERSEDED, 2, "n")
    assert certificates.events(OFFICE, found) == [
        suspend,
        event(2, State.SUSPENDED, State.SUPERSEDED),
    ]


def test_a_key_is_claimed_finished_and_released(connection, add_plan):
    found = add_plan(connection, 1)
    keys = Idempotency(connection)
    scope = Scope(issuer_id=OFFICE, client_id="c", route="issue", key_hash="k")
    other = Scope(issuer_id=OFFICE, client_id="d", route="issue", key_hash="k")
    assert keys.get(scope) is None
    keys.claim(scope, fingerprint="f", certificate_id=found, now=1)
    with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
        keys.claim(scope, fingerprint="f", certificate_id=found, now=1)
    assert keys.get(other) is None
    assert keys.get(scope).answer is None
    keys.finish(scope, answer=b"a", now=2)
    keys.finish(scope, answer=b"b", now=3)
    keys.release(scope)
    assert keys.get(scope).answer == b"a"
    keys.claim(other, fingerprint="f", certificate_id=found, now=1)
    keys.release(other)
    assert keys.get(other) is None
