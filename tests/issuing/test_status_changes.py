"""Suspend, resume, revoke, supersede: what follows what, and what is written."""

from threading import Barrier, Thread

import pytest

from certsvc.catalogue import Catalogue
from certsvc.issuing import errors
from certsvc.issuing.model import SupersedeRequest
from certsvc.service.engine import reading, writing
from certsvc.storage.audit import Audit
from certsvc.storage.certificates import Certificates
from certsvc.storage.sealing import Sealing, data_key_name
from certsvc.storage.status_lists import StatusLists
from certsvc_sdk import statuslist

MARKET = "119999000000000198"

REASONS = {"suspend": "withheld", "resume": "returned", "revoke": "cancelled"}


@pytest.fixture
def issued(world, licence):
    return world.service.issue(world.caller(), licence(), "key-1")


@pytest.fixture
def change(world, issued):
    def make(operation: str, **more):
        reason = more.pop("reason", REASONS.get(operation))
        return world.service.change_status(
            world.caller(), issued.certificate_id, operation, reason, **more
        )

    return make


def bit(world, issued) -> int:
    with reading(world.engine) as connection:
        bits, _ = StatusLists(connection).snapshot(MARKET, issued.list_no)
    return bits.get(issued.list_index)


def test_there_and_back_and_for_ever(world, issued, change):
    assert bit(world, issued) == statuslist.VALID
    world.clock.now += 5
    suspended = change("suspend")
    assert (suspended.state, suspended.status_reason) == ("suspended", "withheld")
    assert suspended.status_changed_at == world.clock.now
    assert bit(world, issued) == statuslist.SUSPENDED
    assert change("resume").state == "valid"
    assert bit(world, issued) == statuslist.VALID
    change("suspend")
    assert change("revoke").state == "revoked"
    assert bit(world, issued) == statuslist.INVALID
    with reading(world.engine) as connection:
        events = Certificates(connection).events(MARKET, issued.certificate_id)
    assert [(event.seq, event.operation, event.state_after) for event in events] == [
        (1, "suspend", "suspended"),
        (2, "resume", "valid"),
        (3, "suspend", "suspended"),
        (4, "revoke", "revoked"),
    ]


@pytest.mark.parametrize(
    ("before", "operation", "state"),
    [
        ([], "resume", "valid"),
        (["suspend"], "suspend", "suspended"),
        (["revoke"], "revoke", "revoked"),
        (["revoke"], "resume", "revoked"),
        (["revoke"], "suspend", "revoked"),
    ],
)
def test_what_the_state_forbids(world, change, before, operation, state):
    for one in before:
        change(one)
    counts = world.counts()
    with pytest.raises(errors.StateConflict) as caught:
        change(operation)
    assert (caught.value.state, caught.value.operation) == (state, operation)
    assert world.counts() == counts


def test_a_change_is_one_transaction(world, issued, change):
    query = f"SELECT version FROM status_list WHERE issuer_id = '{MARKET}'"
    before = world.rows(query)[0][0]
    change("revoke", detail="企业申请注销")
    assert world.rows(query)[0][0] == before + 1
    # The publisher finds the change by the version that first shows it.
    assert world.rows("SELECT list_no, list_version FROM certificate") == [(1, before + 1)]
    with reading(world.engine) as connection:
        last = Audit(connection).rows(MARKET)[-1]
        (event,) = Certificates(connection).events(MARKET, issued.certificate_id)
        assert Audit(connection).first_fault(MARKET) is None
    assert (last.action, last.object) == ("certificate.revoke", issued.certificate_id)
    sealing = Sealing(MARKET, world.keys.data_key(data_key_name(MARKET)))
    opened = sealing.open(event.detail, row=issued.certificate_id, column="detail-1")
    assert opened.decode() == "企业申请注销"


def test_a_failure_in_the_middle_changes_nothing(world, issued, change):
    with writing(world.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE audit RENAME TO gone")
    with pytest.raises(errors.StorageUnavailable):
        change("revoke")
    with writing(world.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO audit")
    assert bit(world, issued) == statuslist.VALID
    assert world.service.get(world.caller(), issued.certificate_id).state == "valid"


def test_the_same_change_with_the_same_key_is_answered_again(world, issued, change):
    first = change("suspend", idempotency_key="s-1")
    change("resume")
    counts = world.counts()
    assert change("suspend", idempotency_key="s-1") == first
    assert world.counts() == counts
    with pytest.raises(errors.IdempotencyKeyReused):
        change("suspend", idempotency_key="s-1", detail="另一说明")
    # Another route: a key of its own.
    assert change("revoke", idempotency_key="s-1").state == "revoked"


def test_a_key_of_a_change_belongs_to_one_certificate(world, licence, change):
    change("suspend", idempotency_key="s-1")
    other = world.service.issue(world.caller(), licence(1), "key-2")
    with pytest.raises(errors.IdempotencyKeyReused):
        world.service.change_status(
            world.caller(), other.certificate_id, "suspend", "withheld", None, "s-1"
        )


def test_reasons_come_from_the_type(world, change):
    for reason, detail, place in (
        ("no-such", None, "/reason"),
        ("other", None, "/detail"),
        ("other", "x" * 501, "/detail"),
        ("other", "a\u200bb", "/detail"),
    ):
        with pytest.raises(errors.ReasonInvalid) as caught:
            change("suspend", reason=reason, detail=detail)
        assert [error.path for error in caught.value.errors] == [place]
    with pytest.raises(errors.OperationUnknown):
        change("forget", reason="x")
    with pytest.raises(errors.OperationUnknown):
        change("supersede", reason="changed")
    assert change("suspend", reason=None).status_reason == "withheld"


def test_a_type_that_left_the_catalogue(world, issued):
    with pytest.raises(errors.TypeUnknown):
        world.make(catalogue=Catalogue([])).change_status(
            world.caller(), issued.certificate_id, "revoke", "cancelled"
        )


def test_another_issuer_changes_nothing(world, issued):
    with pytest.raises(errors.CertificateNotFound):
        world.service.change_status(
            world.caller("119999000000000273"), issued.certificate_id, "revoke", "cancelled"
        )


def test_superseding_links_both_and_counts_versions(world, licence, issued):
    request = SupersedeRequest(
        claims=dict(licence(0, domicile="咸阳市新址一号").claims), reason="changed"
    )
    second = world.service.supersede(world.caller(), issued.certificate_id, request, "key-2")
    first = world.service.get(world.caller(), issued.certificate_id)
    assert (first.state, first.superseded_by) == ("superseded", second.certificate_id)
    assert (second.state, second.supersedes) == ("valid", issued.certificate_id)
    assert first.status_reason == "changed"
    assert bit(world, issued) == statuslist.SUPERSEDED
    old, new = (one.certificate_identifier.split(".") for one in (issued, second))
    assert new[:-2] == old[:-2]
    assert (old[-2], new[-2]) == ("001", "002")
    actions = [row[0] for row in world.rows("SELECT action FROM audit ORDER BY seq")]
    assert actions[2:] == ["certificate.plan", "certificate.issue", "certificate.supersede"]
    again = world.service.supersede(world.caller(), issued.certificate_id, request, "key-2")
    assert (again, again.replayed) == (second, True)
    for operation in ("revoke", "suspend", "resume"):
        with pytest.raises(errors.StateConflict):
            world.service.change_status(
                world.caller(), issued.certificate_id, operation, REASONS[operation]
            )


def test_a_suspended_certificate_can_be_superseded_a_revoked_one_not(
    world, licence, issued, change
):
    change("suspend")
    request = SupersedeRequest(claims=licence().claims)
    second = world.service.supersede(world.caller(), issued.certificate_id, request, "key-2")
    world.service.change_status(world.caller(), second.certificate_id, "revoke", "cancelled")
    with pytest.raises(errors.StateConflict) as caught:
        world.service.supersede(world.caller(), second.certificate_id, request, "key-3")
    assert (caught.value.state, caught.value.operation) == ("revoked", "supersede")
    with pytest.raises(errors.CertificateNotFound):
        world.service.supersede(world.caller(), "00" * 16, request, "key-4")


def test_superseding_keeps_the_profile_and_checks_claims_and_reason(world, household):
    caller = world.caller("119999000000000273")
    first = world.service.issue(caller, household(0, "core"), "key-1")
    with pytest.raises(errors.ClaimsInvalid):
        world.service.supersede(caller, first.certificate_id, SupersedeRequest(claims={}), "k")
    wrong = SupersedeRequest(claims=household().claims, reason="no-such")
    with pytest.raises(errors.ReasonInvalid):
        world.service.supersede(caller, first.certificate_id, wrong, "k")
    with pytest.raises(errors.ScopeMissing):
        world.service.supersede(
            world.caller("119999000000000273", scopes={"issue"}),
            first.certificate_id,
            SupersedeRequest(claims=household().claims),
            "k",
        )
    done = SupersedeRequest(claims=household().claims)
    assert world.service.supersede(caller, first.certificate_id, done, "k").profile == "core"


def test_a_revocation_in_between_stops_the_successor(world, licence, issued):
    def revoke(step: int) -> None:
        if step == 5:
            world.service.change_status(
                world.caller(), issued.certificate_id, "revoke", "cancelled"
            )

    request = SupersedeRequest(claims=licence().claims)
    with pytest.raises(errors.StateConflict) as caught:
        world.make(checkpoint=revoke).supersede(
            world.caller(), issued.certificate_id, request, "key-2"
        )
    assert caught.value.state == "revoked"
    states = world.rows("SELECT state FROM certificate ORDER BY version_no")
    assert states == [("revoked",), ("abandoned",)]
    assert world.rows("SELECT seq FROM log_entry ORDER BY seq") == [(0,), (1,)]


def test_one_certificate_has_one_successor(world, licence, issued):
    barrier, made, refused = Barrier(6), [], []

    def post(number: int) -> None:
        barrier.wait()
        try:
            made.append(
                world.service.supersede(
                    world.caller(),
                    issued.certificate_id,
                    SupersedeRequest(claims=licence().claims),
                    f"key-{number}",
                )
            )
        except errors.StateConflict as error:
            refused.append(error)

    threads = [Thread(target=post, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused)) == (1, 5)
    first = world.service.get(world.caller(), issued.certificate_id)
    assert first.superseded_by == made[0].certificate_id
    assert world.rows("SELECT count(*) FROM certificate WHERE state = 'valid'") == [(1,)]


def test_a_serial_ends_with_its_999th_version(world, licence, issued):
    with writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE certificate SET version_no = 999")
    with pytest.raises(errors.VersionsExhausted):
        world.service.supersede(
            world.caller(), issued.certificate_id, SupersedeRequest(claims=licence().claims), "k"
        )
    assert world.counts()["certificate"] == 1
