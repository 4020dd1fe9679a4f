"""T52: types that nobody issues alone."""

import json
from importlib import resources
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from certsvc.catalogue import Catalogue
from certsvc.issuing import errors
from certsvc.issuing.model import SupersedeRequest
from certsvc.issuing.resources import write_json
from certsvc.issuing.second_person import LIFE
from certsvc.service.engine import DatabaseUnavailable, reading, writing
from certsvc.storage.approvals import Approvals, ApprovalState
from certsvc.storage.audit import Audit
from certsvc.storage.sealing import Sealing, data_key_name

MARKET, POLICE = "119999000000000198", "119999000000000273"
TYPE = "business-licence"
SCOPES = {"issue", "read", "status", "approve"}


def type_file():
    return resources.files("certsvc.catalogue") / "types" / f"{TYPE}.json"


def service_settings():
    return SimpleNamespace(
        public_url="https://certs.example/",
        status_list_size=131_072,
        second_person_types=frozenset({TYPE}),
    )


@pytest.fixture
def service(world):
    return world.make(settings=service_settings())


@pytest.fixture
def maker(world):
    return world.caller(scopes=SCOPES, client_id="maker")


@pytest.fixture
def checker(world):
    return world.caller(scopes=SCOPES, client_id="checker")


def ask(service, principal, request, key="k"):
    with pytest.raises(errors.ApprovalNeeded) as needed:
        service.issue(principal, request, key)
    return needed.value.approval_id


def test_nothing_is_signed_before_somebody_else_agrees(world, service, maker, checker, licence):
    waiting = ask(service, maker, licence())
    assert ask(service, maker, licence()) == waiting
    counts = world.counts()
    assert (counts["certificate"], counts["log_entry"]) == (0, 0)
    (shown,) = service.second_person.waiting(checker)
    assert (shown.approval_id, shown.client_id, shown.operation) == (waiting, "maker", "issue")
    assert shown.request["claims"] == licence().claims
    assert service.second_person.waiting(maker) == []
    agreed = service.second_person.decide(checker, waiting, agreed=True)
    assert (agreed.state, agreed.decided_by) == ("approved", "checker")
    assert service.second_person.decide(checker, waiting, agreed=True) == agreed
    made = service.issue(maker, licence(), "k")
    assert not made.replayed
    assert service.issue(maker, licence(), "k").replayed
    assert service.second_person.waiting(checker) == []
    with reading(world.engine) as connection:
        trail = Audit(connection)
        assert trail.first_fault(MARKET) is None
        actions = [row.action for row in trail.rows(MARKET)]
    assert actions[:2] == ["approval.ask", "approval.approved"]
    assert actions.count("certificate.plan") == 1


def test_nobody_agrees_to_an_own_request(world, service, maker, licence):
    waiting = ask(service, maker, licence())
    with pytest.raises(errors.SecondPersonNeeded):
        service.second_person.decide(maker, waiting, agreed=True)
    assert trail(world)[-1] == ("approval.own", waiting, "maker")
    # The database itself refuses it too.
    with pytest.raises(DatabaseUnavailable), writing(world.engine) as connection:
        Approvals(connection).decide(
            MARKET, waiting, ApprovalState.APPROVED, by="maker", now=world.clock.now
        )
    ask(service, maker, licence())


def trail(world):
    with reading(world.engine) as connection:
        assert Audit(connection).first_fault(MARKET) is None
        return [(row.action, row.object, row.client_id) for row in Audit(connection).rows(MARKET)]


def test_what_was_read_is_issued_even_if_the_type_has_a_newer_version(
    world, service, maker, checker, licence
):
    """The request names no version: the one that was current when it was read is meant."""
    waiting = ask(service, maker, licence())
    shown = service.second_person.get(checker, waiting)
    newest = Catalogue.builtin().get(TYPE)
    assert (shown.request["type"], shown.request["version"]) == (TYPE, newest.version)
    assert shown.request["profile"] == newest.default_profile
    service.second_person.decide(checker, waiting, agreed=True)
    document = json.loads(type_file().read_bytes())
    changed = json.dumps({**document, "version": newest.version + 1})
    later = Catalogue.load([type_file().read_bytes(), changed.encode()])
    after = world.make(settings=service_settings(), catalogue=later)
    assert after.issue(maker, licence(), "k").version == newest.version
    with pytest.raises(errors.ApprovalNeeded) as needed:
        after.issue(maker, licence(1), "k2")
    shown = after.second_person.get(checker, needed.value.approval_id)
    assert shown.request["version"] == newest.version + 1


def reseal(world, approval_id, request):
    sealing = Sealing(MARKET, world.keys.data_key(data_key_name(MARKET)))
    data = sealing.seal(write_json(request), row=approval_id, column="request")
    with writing(world.engine) as connection:
        connection.execute(
            sa.text("UPDATE approval SET request = :data WHERE approval_id = :id"),
            {"data": data, "id": approval_id},
        )


def test_a_request_of_before_is_issued_as_it_was(world, service, maker, checker, licence):
    """Rows of an earlier release pin nothing."""
    waiting = ask(service, maker, licence())
    reseal(world, waiting, licence().content())
    service.second_person.decide(checker, waiting, agreed=True)
    assert service.issue(maker, licence(), "k").certificate_id


def test_who_may_not_issue_a_type_agrees_to_none(world, service, maker, licence, monkeypatch):
    waiting = ask(service, maker, licence())
    bound = world.caller(
        scopes=SCOPES, client_id="checker", types=frozenset({"household-register"})
    )
    assert service.second_person.waiting(bound) == []
    with pytest.raises(errors.TypeNotGranted):
        service.second_person.get(bound, waiting)
    with pytest.raises(errors.TypeNotGranted):
        service.second_person.decide(bound, waiting, agreed=True)
    former = world.service.issue(maker, licence(1), "before-the-rule")
    change = SupersedeRequest(claims=licence(2).claims)
    world.clock.now += 1
    with pytest.raises(errors.ApprovalNeeded) as needed:
        service.supersede(maker, former.certificate_id, change, "s")
    with pytest.raises(errors.TypeNotGranted):
        service.second_person.decide(bound, needed.value.approval_id, agreed=True)
    # What a caller may not read hides nothing that it may.
    monkeypatch.setattr("certsvc.issuing.second_person.MAX_WAITING", 1)
    granted = world.caller(scopes=SCOPES, client_id="checker", types=frozenset({TYPE}))
    assert [one.approval_id for one in service.second_person.waiting(granted)] == [waiting]
    reseal(world, waiting, {"claims": {}})
    world.clock.now += 1
    later = ask(service, maker, licence(3), "later")
    found = [one.approval_id for one in service.second_person.waiting(granted)]
    assert found == [needed.value.approval_id]
    assert later not in found


def test_own_requests_do_not_hide_those_of_others(service, maker, checker, licence, monkeypatch):
    monkeypatch.setattr("certsvc.issuing.second_person.MAX_WAITING", 2)
    for number in range(2):
        ask(service, checker, licence(), f"own-{number}")
    waiting = ask(service, maker, licence())
    assert [one.approval_id for one in service.second_person.waiting(checker)] == [waiting]


def test_refused_is_refused(service, maker, checker, licence):
    waiting = ask(service, maker, licence())
    service.second_person.decide(checker, waiting, agreed=False)
    with pytest.raises(errors.ApprovalRefused):
        service.issue(maker, licence(), "k")
    with pytest.raises(errors.ApprovalUnknown):
        service.second_person.decide(checker, waiting, agreed=True)
    # The same content under another key is another request.
    assert ask(service, maker, licence(), "k2") != waiting


def test_what_was_agreed_to_is_the_request_and_nothing_else(service, maker, checker, licence):
    waiting = ask(service, maker, licence())
    service.second_person.decide(checker, waiting, agreed=True)
    with pytest.raises(errors.IdempotencyKeyReused):
        service.issue(maker, licence(name="另一家公司"), "k")
    ask(service, maker, licence(), "another-key")
    ask(service, checker, licence())
    assert not service.issue(maker, licence(), "k").replayed


def test_what_is_wrong_never_waits(service, maker, checker, licence):
    with pytest.raises(errors.ClaimsInvalid):
        service.issue(maker, licence(name=""), "k")
    assert service.second_person.waiting(checker) == []


def test_supersession_waits_too_and_batches_are_refused(world, service, maker, checker, licence):
    (refused,) = service.issue_many(maker, [(licence(), "row-1")])
    assert isinstance(refused, errors.ApprovalNeeded)
    former = world.service.issue(maker, licence(), "before-the-rule")
    request = SupersedeRequest(claims=licence(1).claims)
    with pytest.raises(errors.ApprovalNeeded) as needed:
        service.supersede(maker, former.certificate_id, request, "s")
    shown = service.second_person.get(checker, needed.value.approval_id)
    assert shown.operation == "supersede"
    assert shown.request["certificate_id"] == former.certificate_id
    service.second_person.decide(checker, shown.approval_id, agreed=True)
    made = service.supersede(maker, former.certificate_id, request, "s")
    assert made.supersedes == former.certificate_id


def test_other_types_and_other_offices(world, service, maker, checker, household, licence):
    police = world.caller(POLICE, scopes=SCOPES)
    assert service.issue(police, household(), "k")
    waiting = ask(service, maker, licence())
    for act in (service.second_person.get, service.second_person.decide):
        options = {"agreed": True} if act == service.second_person.decide else {}
        with pytest.raises(errors.ApprovalUnknown):
            act(police, waiting, **options)
    assert service.second_person.waiting(police) == []


def test_the_scope_is_needed(world, service, maker, licence):
    waiting, plain = ask(service, maker, licence()), world.caller(client_id="plain")
    for act in (
        lambda: service.second_person.waiting(plain),
        lambda: service.second_person.get(plain, waiting),
        lambda: service.second_person.decide(plain, waiting, agreed=True),
    ):
        with pytest.raises(errors.ScopeMissing):
            act()


def test_the_content_lies_sealed_and_bound_to_its_place(world, service, maker, checker, licence):
    first, second = ask(service, maker, licence(0), "a"), ask(service, maker, licence(1), "b")
    sealed = {
        row[0]: bytes(row[1]) for row in world.rows("SELECT approval_id, request FROM approval")
    }
    name = licence(0).claims["name"].encode()
    assert all(name not in data for data in sealed.values())
    with writing(world.engine) as connection:
        connection.execute(
            sa.text("UPDATE approval SET request = :data WHERE approval_id = :id"),
            {"data": sealed[second], "id": first},
        )
    with pytest.raises(errors.RecordTampered):
        service.second_person.get(checker, first)


def test_requests_are_not_kept_for_ever(world, service, maker, checker, licence):
    decided, _ = ask(service, maker, licence(0), "a"), ask(service, maker, licence(1), "b")
    service.second_person.decide(checker, decided, agreed=True)
    made = service.issue(maker, licence(0), "a")
    world.clock.now += LIFE
    late = ask(service, maker, licence(2), "c")
    assert service.second_person.forget() == 0
    world.clock.now += 1
    assert service.second_person.forget() == 2
    assert [row[0] for row in trail(world)][-2:] == ["approval.forget"] * 2
    assert decided in {row[1] for row in trail(world) if row[2] == "worker"}
    assert [one.approval_id for one in service.second_person.waiting(checker)] == [late]
    assert service.issue(maker, licence(0), "a").certificate_id == made.certificate_id


def test_a_key_that_waits_with_another_request(service, maker, licence, monkeypatch):
    ask(service, maker, licence(0))
    with pytest.raises(errors.IdempotencyKeyReused):
        service.issue(maker, licence(1), "k")
    monkeypatch.setattr("certsvc.issuing.second_person.MAX_ASKED", 2)
    ask(service, maker, licence(1), "k2")
    with pytest.raises(errors.TooManyWaiting):
        service.issue(maker, licence(2), "k3")
    # What waits already is told again.
    ask(service, maker, licence(1), "k2")


def test_what_a_stolen_client_agreed_to_waits_again(world, service, maker, checker, licence):
    used, unused = ask(service, maker, licence(0), "a"), ask(service, maker, licence(1), "b")
    for one in (used, unused):
        service.second_person.decide(checker, one, agreed=True)
    service.issue(maker, licence(0), "a")
    with writing(world.engine) as connection:
        assert Approvals(connection).reopen(MARKET, "checker") == 1
    assert ask(service, maker, licence(1), "b") == unused
    assert service.issue(maker, licence(0), "a").replayed
