"""A crash at every numbered step: nothing half-written, and a sweep completes it (R07, R08)."""

import json
from dataclasses import replace

import pytest
import sqlalchemy as sa

from certsvc.catalogue import Catalogue
from certsvc.issuing import errors
from certsvc.issuing.model import SupersedeRequest, SweepReport
from certsvc.issuing.plan import PLAN_SECONDS
from certsvc.issuing.storing import MAX_FAILURES
from certsvc.service.engine import reading, writing
from certsvc.storage.audit import Audit
from certsvc.storage.status_lists import StatusLists
from certsvc_sdk import sdjwt
from certsvc_sdk.verdict import Outcome
from certsvc_sdk.verify import check_fresh
from keys import State

MARKET = "119999000000000198"


class Crash(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


def crash_at(step: int):
    def checkpoint(reached: int) -> None:
        if reached == step:
            raise Crash

    return checkpoint


@pytest.mark.parametrize("step", [1, 2, 3])
def test_before_the_plan_is_committed_nothing_is_left(world, licence, step):
    before = world.counts()
    used = world.rows("SELECT sum(used) FROM status_list")
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(step)).issue(world.caller(), licence(), "key-1")
    assert world.counts() == before
    assert world.rows("SELECT sum(used) FROM status_list") == used
    assert world.service.issue(world.caller(), licence(), "key-1").state == "valid"


@pytest.mark.parametrize("step", [4, 5, 6])
def test_after_the_plan_a_sweep_signs_the_same_bytes(world, licence, step):
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(step)).issue(world.caller(), licence(), "key-1")

    # Half-written: a plan, its key, its audit row; no token, no leaf, nothing to see.
    ((certificate_id, state, iat, index),) = world.rows(
        "SELECT certificate_id, state, iat, list_index FROM certificate"
    )
    assert state == "planned"
    assert world.rows("SELECT credential FROM certificate") == [(None,)]
    assert world.counts()["log_entry"] == 0
    assert world.rows("SELECT answer FROM idempotency") == [(None,)]
    with pytest.raises(errors.CertificateNotFound):
        world.service.get(world.caller(), certificate_id)
    with pytest.raises(errors.CertificateNotFound):
        world.service.change_status(world.caller(), certificate_id, "revoke", "cancelled")
    with pytest.raises(errors.RequestInProgress) as caught:
        world.service.issue(world.caller(), licence(), "key-1")
    assert caught.value.retry_after == PLAN_SECONDS + 1

    world.clock.now += 10
    assert world.make().sweep(world.clock.now) == SweepReport(finished=1)
    found = world.service.issue(world.caller(), licence(), "key-1")
    assert found.replayed
    assert (found.certificate_id, found.issued_at, found.list_index) == (certificate_id, iat, index)
    assert check_fresh(found.token, world.records[MARKET], world.clock.now).outcome is Outcome.VALID
    assert world.counts()["log_entry"] == 1
    with reading(world.engine) as connection:
        rows = Audit(connection).rows(MARKET)
        assert Audit(connection).first_fault(MARKET) is None
    assert [(row.action, row.client_id, row.request_id) for row in rows] == [
        ("certificate.plan", "c-198", "req-1"),
        ("certificate.issue", "sweeper", "req-1"),
    ]
    assert world.service.sweep(world.clock.now + 1000) == SweepReport()


def test_after_the_last_commit_the_answer_is_there(world, licence):
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(7)).issue(world.caller(), licence(), "key-1")
    found = world.service.issue(world.caller(), licence(), "key-1")
    assert found.replayed
    assert world.counts()["certificate"] == 1
    assert world.service.sweep(world.clock.now + 1000) == SweepReport()


def test_a_young_plan_is_left_to_its_worker(world, licence):
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(4)).issue(world.caller(), licence(), "key-1")
    assert world.service.sweep(world.clock.now + 1) == SweepReport()
    assert world.service.sweep(world.clock.now + 2).finished == 1


@pytest.mark.parametrize("by", ["sweep", "client"])
def test_an_old_plan_is_made_anew(world, licence, by):
    """More than 60 s: new issue time and payload, same identifier and place."""
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(4)).issue(world.caller(), licence(), "key-1")
    ((identifier, index, planned_at),) = world.rows(
        "SELECT certificate_identifier, list_index, planned_at FROM certificate"
    )
    world.clock.now += PLAN_SECONDS + 1
    if by == "sweep":
        assert world.service.sweep(world.clock.now).finished == 1
    found = world.service.issue(world.caller(), licence(), "key-1")
    assert found.replayed == (by == "sweep")
    assert (found.certificate_identifier, found.list_index) == (identifier, index)
    assert found.issued_at == world.clock.now == planned_at + PLAN_SECONDS + 1
    assert world.rows("SELECT plan_no FROM certificate") == [(2,)]
    assert json.loads(sdjwt.parse(found.token).jws.payload)["iat"] == found.issued_at


@pytest.mark.parametrize("how", ["custody", "record"])
def test_a_plan_whose_key_may_no_longer_sign_gets_another_key(world, licence, how):
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(4)).issue(world.caller(), licence(), "key-1")
    former = world.rows("SELECT kid FROM certificate")[0][0]
    if how == "custody":
        world.keys.set_state(MARKET, former, State.RETIRED, now=world.clock.now)
        # No key at all: the plan waits.
        assert world.service.sweep(world.clock.now + 5) == SweepReport(left=1)
    kid = world.new_key(MARKET)
    world.clock.now += 5
    assert world.service.sweep(world.clock.now).finished == 1
    found = world.service.issue(world.caller(), licence(), "key-1")
    assert sdjwt.parse(found.token).jws.header["kid"] == kid != former


def test_the_loser_of_a_race_discards_its_signature(world, licence):
    """The sweeper wins while the request's own worker stands between signing and storing."""

    def slow(step: int) -> None:
        if step == 5:
            world.clock.now += 10
            assert world.service.sweep(world.clock.now).finished == 1

    late = world.make(checkpoint=slow).issue(world.caller(), licence(), "key-1")
    assert late.replayed
    assert late == world.service.issue(world.caller(), licence(), "key-1")
    assert world.counts()["log_entry"] == 1
    actions = world.rows("SELECT action, client_id FROM audit ORDER BY seq")
    assert actions == [("certificate.plan", "c-198"), ("certificate.issue", "sweeper")]


def test_a_worker_that_slept_past_its_plan_loses_to_the_new_one(world, licence):
    def slow(step: int) -> None:
        if step == 5:
            world.clock.now += PLAN_SECONDS + 1
            crashed = world.make(checkpoint=crash_at(4))
            with pytest.raises(Crash):
                crashed.issue(world.caller(), licence(), "key-1")

    with pytest.raises(errors.RequestInProgress):
        world.make(checkpoint=slow).issue(world.caller(), licence(), "key-1")
    assert world.rows("SELECT state, plan_no FROM certificate") == [("planned", 2)]
    assert world.service.sweep(world.clock.now + 2).finished == 1


def test_two_who_renew_one_plan_do_not_both_win(world, licence):
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(4)).issue(world.caller(), licence(), "key-1")
    world.clock.now += PLAN_SECONDS + 1
    faster = world.make()
    stolen = []

    def meanwhile(count: int) -> bytes:
        if not stolen:
            stolen.append(faster.issue(world.caller(), licence(), "key-1"))
        return bytes(range(count))

    with pytest.raises(errors.RequestInProgress):
        world.make(rng=meanwhile).issue(world.caller(), licence(), "key-1")
    assert world.service.issue(world.caller(), licence(), "key-1") == stolen[0]


def test_a_plan_without_a_right_is_given_up(world, licence):
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(4)).issue(world.caller(), licence(), "key-1")
    record = world.records[MARKET]
    world.set_record(replace(record, rights=()))
    world.clock.now += PLAN_SECONDS + 1
    assert world.service.sweep(world.clock.now) == SweepReport(abandoned=1)
    assert world.rows("SELECT state, status_reason, plan FROM certificate") == [
        ("abandoned", "not_authorised_for_type", None)
    ]
    # Its place reads invalid, and its key is free for a new request.
    index = world.rows("SELECT list_index FROM certificate")[0][0]
    with reading(world.engine) as connection:
        bits, version = StatusLists(connection).snapshot(MARKET, 1)
    assert bits.get(index) == 1
    assert version == 2
    world.set_record(record)
    assert not world.service.issue(world.caller(), licence(), "key-1").replayed


def test_a_plan_that_outlives_its_validity_is_given_up(world, licence):
    request = licence(0, operating_to="2027-01-02")
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(4)).issue(world.caller(), request, "key-1")
    world.clock.now += 3 * 86_400
    assert world.service.sweep(world.clock.now) == SweepReport(abandoned=1)
    assert world.rows("SELECT status_reason FROM certificate") == [("claims_invalid",)]


def test_a_plan_of_a_type_that_left_the_catalogue_is_given_up(world, licence):
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(4)).issue(world.caller(), licence(), "key-1")
    world.clock.now += PLAN_SECONDS + 1
    empty = world.make(catalogue=Catalogue([]))
    assert empty.sweep(world.clock.now) == SweepReport(abandoned=1)


def test_a_key_that_no_longer_serves_the_type_signs_nothing(world, licence):
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(4)).issue(world.caller(), licence(), "key-1")
    record = world.records[MARKET]
    elsewhere = replace(record.keys[-1], types=("other-type",))
    world.set_record(replace(record, keys=(elsewhere,)))
    assert world.service.sweep(world.clock.now + 5) == SweepReport(left=1)
    assert world.rows("SELECT credential FROM certificate") == [(None,)]


class Forger:
    """A key store whose signatures are somebody else's."""

    def __init__(self, inner, other: str) -> None:
        self._inner, self._other = inner, other

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def signer(self, issuer_id: str, kid: str):
        mine = self._inner.signer(issuer_id, kid)
        other = self._inner.active(self._other, "certificate", type=None)

        class Wrong:
            kid, alg, public_jwk = mine.kid, mine.alg, mine.public_jwk

            def sign(self, data: bytes) -> bytes:
                return other.sign(data)

        return Wrong()


def test_a_wrong_signature_is_caught_and_given_up_in_the_end(world, licence):
    forged = world.make(keys=Forger(world.keys, "119999000000000273"))
    with pytest.raises(errors.SelfCheckFailed, match="signature_invalid"):
        forged.issue(world.caller(), licence(), "key-1")
    assert world.rows("SELECT state, failures FROM certificate") == [("planned", 1)]
    for _ in range(MAX_FAILURES - 2):
        assert forged.sweep(world.clock.now + 5) == SweepReport(left=1)
    assert forged.sweep(world.clock.now + 5) == SweepReport(abandoned=1)
    assert world.counts()["log_entry"] == 0
    assert world.service.issue(world.caller(), licence(), "key-1").state == "valid"


def test_a_dead_signer_leaves_the_plan(world, licence):
    def die(step: int) -> None:
        if step == 4:
            kid = world.records[MARKET].keys[-1].kid
            world.keys.set_state(MARKET, kid, State.RETIRED, now=world.clock.now)

    with pytest.raises(errors.SigningUnavailable):
        world.make(checkpoint=die).issue(world.caller(), licence(), "key-1")
    world.new_key(MARKET)
    assert world.service.sweep(world.clock.now + 5).finished == 1


def test_a_sealed_plan_that_does_not_open_holds_up_nobody(world, licence):
    for number in range(2):
        with pytest.raises(Crash):
            world.make(checkpoint=crash_at(4)).issue(
                world.caller(), licence(number), f"key-{number}"
            )
    with writing(world.engine) as connection:
        connection.execute(
            sa.text(
                "UPDATE certificate SET plan = :damaged"
                " WHERE certificate_id = (SELECT min(certificate_id) FROM certificate)"
            ),
            {"damaged": b"\x01"},
        )
    assert world.service.sweep(world.clock.now + 5) == SweepReport(finished=1, left=1)


@pytest.mark.parametrize("step", range(1, 8))
def test_superseding_is_all_or_nothing(world, licence, step):
    """Threat T57: a crash between leaves both certificates visible or neither change."""
    first = world.service.issue(world.caller(), licence(), "key-1")
    request = SupersedeRequest(claims=dict(licence(0, domicile="咸阳市新址一号").claims))
    with pytest.raises(Crash):
        world.make(checkpoint=crash_at(step)).supersede(
            world.caller(), first.certificate_id, request, "key-2"
        )
    if step < 7:
        now = world.service.get(world.caller(), first.certificate_id)
        assert (now.state, now.superseded_by) == ("valid", None)
        assert world.counts()["status_event"] == 0
    world.service.sweep(world.clock.now + 5)
    second = world.service.supersede(world.caller(), first.certificate_id, request, "key-2")
    now = world.service.get(world.caller(), first.certificate_id)
    assert (now.state, now.superseded_by) == ("superseded", second.certificate_id)
    assert second.supersedes == first.certificate_id
    assert world.counts()["status_event"] == 1
    assert world.counts()["certificate"] == 2
