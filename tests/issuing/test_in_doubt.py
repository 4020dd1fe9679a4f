"""A connection lost at COMMIT is read again, never assumed, wherever something is written."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from servers.commit_proxy import CommitProxy
from sqlalchemy.engine import make_url

from certsvc.issuing import errors
from certsvc.issuing.model import SupersedeRequest
from certsvc.issuing.plan import PLAN_SECONDS
from certsvc.service.engine import CommitInDoubt, make_engine, reading, writing
from certsvc.service.retries import Retries
from certsvc.storage.audit import Audit
from certsvc.storage.leases import Leases

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

MARKET = "119999000000000198"
CUTS = ["lost", "kept", "late"]


@dataclass
class Line:
    """A worker whose connections run through a relay."""

    proxy: CommitProxy
    engine: Any
    service: Any
    pauses: list[float]


@pytest.fixture
def line(world, postgres_server, wait_until) -> Iterator[Line]:
    proxy, pauses, helpers = CommitProxy(postgres_server.port), [], []
    url = make_url(world.url).set(port=proxy.port).render_as_string(hide_password=False)

    def somebody_waits() -> bool:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return postgres_server.execute(waiting) != [(0,)]

    def release_when_waited_for() -> None:
        wait_until(somebody_waits, "the second attempt's wait for the first", seconds=10)
        proxy.release()

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if proxy.holding and not helpers:
            helpers.append(threading.Thread(target=release_when_waited_for))
            helpers[0].start()

    engine = make_engine(url)
    service = world.make(engine=engine, retries=Retries(sleep=sleep))
    yield Line(proxy, engine, service, pauses)
    engine.dispose()
    proxy.end()
    for helper in helpers:
        helper.join()


def check_whole(world, *, certificates: int, events: int = 0) -> None:
    """One of everything for each certificate and each event."""
    counts = world.counts()
    assert (counts["certificate"], counts["status_event"]) == (certificates, events)
    assert world.rows("SELECT count(*) FROM certificate WHERE state = 'planned'") == [(0,)]
    assert world.rows("SELECT sum(used) FROM status_list") == [(certificates,)]
    acts = dict(world.rows("SELECT action, count(*) FROM audit GROUP BY action"))
    assert acts["certificate.plan"] == acts["certificate.issue"] == certificates
    with reading(world.engine) as connection:
        assert Audit(connection).first_fault(MARKET) is None


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("commit", ["plan", "store"])
def test_an_issue_in_doubt_has_one_effect(world, line, licence, commit, cut):
    line.proxy.cut(*([None] if commit == "store" else []), cut)
    issued = line.service.issue(world.caller(), licence(), "key-1")
    assert line.proxy.pending == 0
    assert len(line.pauses) == 1
    check_whole(world, certificates=1)
    again = world.service.issue(world.caller(), licence(), "key-1")
    assert (again, again.replayed) == (issued, True)


def test_both_commits_may_be_in_doubt_again_and_again(world, line, licence):
    line.proxy.cut("kept", "lost", "lost", "kept")
    issued = line.service.issue(world.caller(), licence(), "key-1")
    check_whole(world, certificates=1)
    assert world.service.issue(world.caller(), licence(), "key-1") == issued


def test_what_stays_in_doubt_is_said_and_settled_by_the_next_request(world, line, licence):
    line.proxy.cut(*["lost"] * (len(Retries(sleep=id).pauses) + 1))
    with pytest.raises(errors.StorageUnavailable):
        line.service.issue(world.caller(), licence(), "key-1")
    assert line.pauses == list(Retries(sleep=id).pauses)
    assert not line.service.issue(world.caller(), licence(), "key-1").replayed
    check_whole(world, certificates=1)


def test_many_in_one_transaction_in_doubt(world, line, licence):
    requests = [(licence(number), f"key-{number}") for number in range(6)]
    line.proxy.cut("kept", "kept")
    issued = line.service.issue_many(world.caller(), requests)
    check_whole(world, certificates=6)
    assert world.service.issue_many(world.caller(), requests) == issued


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("key", ["key-2", None])
def test_a_change_in_doubt_has_one_effect(world, line, licence, cut, key):
    issued = world.service.issue(world.caller(), licence(), "key-1")
    line.proxy.cut(cut)
    found = line.service.change_status(
        world.caller(), issued.certificate_id, "suspend", idempotency_key=key
    )
    assert found.state == "suspended"
    assert line.proxy.pending == 0
    check_whole(world, certificates=1, events=1)
    assert world.rows(f"SELECT version FROM status_list WHERE issuer_id = '{MARKET}'") == [(2,)]


def test_a_change_that_somebody_else_made_meanwhile_is_not_ours(world, line, licence):
    issued = world.service.issue(world.caller(), licence(), "key-1")
    others = world.caller(client_id="other", request_id="req-2")

    def meanwhile(_seconds: float) -> None:
        world.service.change_status(others, issued.certificate_id, "suspend")

    service = world.make(engine=line.engine, retries=Retries(sleep=meanwhile))
    line.proxy.cut("lost")
    with pytest.raises(errors.StateConflict):
        service.change_status(world.caller(), issued.certificate_id, "suspend")
    check_whole(world, certificates=1, events=1)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("commit", ["plan", "store"])
def test_a_supersession_in_doubt_has_one_effect(world, line, licence, commit, cut):
    first = world.service.issue(world.caller(), licence(), "key-1")
    request = SupersedeRequest(claims=licence(0, domicile="咸阳市新址一号").claims)
    line.proxy.cut(*([None] if commit == "store" else []), cut)
    second = line.service.supersede(world.caller(), first.certificate_id, request, "key-2")
    check_whole(world, certificates=2, events=1)
    former = world.service.get(world.caller(), first.certificate_id)
    assert (former.state, former.superseded_by) == ("superseded", second.certificate_id)


@pytest.mark.parametrize("cut", ["lost", "kept"])
def test_a_new_plan_in_doubt_is_signed_once(world, line, licence, cut):
    class Stop(BaseException):
        pass

    def stop(step: int) -> None:
        if step == 4:
            raise Stop

    with pytest.raises(Stop):
        world.make(checkpoint=stop).issue(world.caller(), licence(), "key-1")
    world.clock.now += PLAN_SECONDS + 1
    line.proxy.cut(cut)
    assert line.service.sweep(world.clock.now).finished == 1
    assert world.rows("SELECT plan_no FROM certificate") == [(2,)]
    acts = dict(world.rows("SELECT action, count(*) FROM audit GROUP BY action"))
    assert acts["certificate.replan"] == acts["certificate.issue"] == 1


def test_doubt_has_a_name_of_its_own(world, line):
    line.proxy.cut("kept")
    with pytest.raises(CommitInDoubt) as caught, writing(line.engine) as connection:
        Leases(connection).acquire("name", "holder", 1, 10)
    assert caught.value.code == "commit_in_doubt"
    # The same holder asks again and finds what it has: no other fencing number.
    with writing(line.engine) as connection:
        assert Leases(connection).acquire("name", "holder", 1, 10) == 1
