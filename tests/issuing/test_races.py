"""Workers that meet on one row: what SQLite puts in a queue, PostgreSQL lets happen (R08)."""

import os
from collections.abc import Callable, Iterator
from threading import Barrier, Thread
from typing import Any

import pytest

from certsvc.issuing import errors
from certsvc.issuing.model import Issued, SupersedeRequest
from certsvc.service.engine import make_engine, reading, writing
from certsvc.service.retries import Retries
from certsvc.storage.audit import Audit
from certsvc.storage.status_lists import StatusLists

MARKET = "119999000000000198"
# R08: duplicates under parallel retries; the full size is 100,000.
RETRIES = int(os.environ.get("CERTSVC_RETRIES", "2000"))


@pytest.fixture
def pauses() -> list[float]:
    """Pauses before a second attempt: one order of locks needs none."""
    return []


@pytest.fixture
def workers(world, pauses) -> Iterator[list[Any]]:
    """Two workers, each with an engine of its own, as two processes have them."""
    engines = [make_engine(world.url) for _ in range(2)]
    yield [world.make(engine=one, retries=Retries(sleep=pauses.append)) for one in engines]
    for one in engines:
        one.dispose()


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Do all at once; what one returns or raises, in order."""
    barrier, results = Barrier(len(acts)), [None] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        barrier.wait(60)
        try:
            results[number] = act()
        except errors.IssuingError as error:
            results[number] = error

    threads = [Thread(target=run, args=one) for one in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


def check_whole(world) -> None:
    """No place, key or row of the trail is missing or twice."""
    ((total, places),) = world.rows("SELECT count(*), count(DISTINCT list_index) FROM certificate")
    assert total == places
    assert world.rows("SELECT sum(used) FROM status_list") == [(total,)]
    keys = "SELECT count(DISTINCT certificate_id) FROM idempotency WHERE answer IS NOT NULL"
    assert world.rows(keys) == [(total,)]
    with reading(world.engine) as connection:
        assert Audit(connection).first_fault(MARKET) is None


def test_sixty_four_posts_with_one_key_make_one_certificate(world, workers, licence, pauses):
    found = together(
        *[
            lambda worker=workers[number % 2]: worker.issue(world.caller(), licence(), "key-1")
            for number in range(64)
        ]
    )
    issued = [one for one in found if isinstance(one, Issued)]
    refused = [one for one in found if not isinstance(one, Issued)]
    assert len({one.certificate_id for one in issued}) == 1
    assert sum(not one.replayed for one in issued) == 1
    assert {type(one) for one in refused} <= {errors.RequestInProgress}
    assert world.counts()["certificate"] == 1
    check_whole(world)
    assert pauses == []


def test_retries_of_many_clients_make_no_duplicate(world, workers, licence):
    """Each client repeats its keys until it is answered, as the SDK does."""
    keys, clients = 40, 16
    answers: dict[int, set[str]] = {number: set() for number in range(keys)}

    def post(mine: int) -> None:
        for turn in range(RETRIES // clients):
            number = (turn * 7 + mine) % keys
            try:
                issued = workers[mine % 2].issue(
                    world.caller(), licence(number % 20), f"key-{number}"
                )
            except errors.RequestInProgress:
                continue
            answers[number].add(issued.certificate_id)

    assert together(*[lambda mine=mine: post(mine) for mine in range(clients)]) == [None] * clients
    assert all(len(ids) == 1 for ids in answers.values())
    assert world.counts()["certificate"] == keys
    check_whole(world)


def test_two_files_in_opposite_order_do_not_wait_for_each_other(world, workers, licence, pauses):
    requests = [(licence(number), f"key-{number}") for number in range(12)]
    for _round in range(3):
        found = together(
            lambda: workers[0].issue_many(world.caller(), requests),
            lambda: workers[1].issue_many(world.caller(), requests[::-1]),
        )
        assert not any(isinstance(one, errors.IssuingError) for one in found)
    assert world.counts()["certificate"] == 12
    check_whole(world)
    assert pauses == []


@pytest.mark.parametrize("operation", ["suspend", "revoke"])
def test_one_change_sent_twice_at_once_is_made_once(world, workers, licence, operation, pauses):
    issued = world.service.issue(world.caller(), licence(), "key-1")
    found = together(
        *[
            lambda worker=worker: worker.change_status(
                world.caller(), issued.certificate_id, operation, idempotency_key="key-2"
            )
            for worker in workers * 4
        ]
    )
    assert {one.status_changed_at for one in found} == {world.clock.now}
    assert world.counts()["status_event"] == 1
    assert pauses == []


def test_one_key_for_two_certificates_changes_one(world, workers, licence):
    ids = [
        world.service.issue(world.caller(), licence(number), f"key-{number}").certificate_id
        for number in range(2)
    ]
    found = together(
        *[
            lambda worker=worker, one=one: worker.change_status(
                world.caller(), one, "suspend", idempotency_key="shared"
            )
            for worker, one in zip(workers, ids, strict=True)
        ]
    )
    refused = [one for one in found if isinstance(one, errors.IssuingError)]
    assert len(refused) == 1
    assert isinstance(refused[0], (errors.IdempotencyKeyReused, errors.RequestInProgress))
    assert world.counts()["status_event"] == 1


def test_one_certificate_superseded_twice_at_once_has_one_successor(world, workers, licence):
    first = world.service.issue(world.caller(), licence(), "key-1")
    request = SupersedeRequest(claims=licence(0, domicile="咸阳市新址一号").claims)
    found = together(
        *[
            lambda worker=worker, key=key: worker.supersede(
                world.caller(), first.certificate_id, request, key
            )
            for worker, key in zip(workers * 2, "abcd", strict=True)
        ]
    )
    issued = [one for one in found if isinstance(one, Issued)]
    assert len(issued) == 1
    assert {type(one) for one in found} == {Issued, errors.StateConflict}
    former = world.service.get(world.caller(), first.certificate_id)
    assert former.superseded_by == issued[0].certificate_id
    assert world.counts()["status_event"] == 1


def test_changes_and_supersessions_of_the_same_rows_take_turns(world, workers, licence, pauses):
    """Locks are taken in one order: nobody is chosen as a deadlock's victim."""
    ids = [
        world.service.issue(world.caller(), licence(number), f"key-{number}").certificate_id
        for number in range(8)
    ]

    def change(worker: Any, order: list[str], operation: str) -> None:
        for one in order:
            try:
                worker.change_status(world.caller(), one, operation)
            except errors.StateConflict:
                continue

    def supersede(worker: Any, number: int) -> Issued:
        request = SupersedeRequest(claims=licence(number, domicile="示例路 2 号").claims)
        return worker.supersede(world.caller(), ids[number], request, f"next-{number}")

    acts = [
        lambda: change(workers[0], ids, "suspend"),
        lambda: change(workers[1], ids[::-1], "suspend"),
        lambda: change(workers[0], ids[::-1], "resume"),
        *[lambda number=number: supersede(workers[number % 2], number) for number in range(8)],
    ]
    found = together(*acts)
    made = [one for one in found[3:] if isinstance(one, Issued)]
    assert len(made) == 8
    check_whole(world)
    assert pauses == []


def test_the_last_places_of_a_list_go_round_once(world, workers, licence, pauses):
    """Who waited for the last place in vain finds the next list."""
    with writing(world.engine) as connection:
        connection.exec_driver_sql(
            f"UPDATE status_list SET size = 5, used = 4 WHERE issuer_id = '{MARKET}'"
        )
        sealing = world.service._resources.sealing(MARKET)
        lists = StatusLists(connection)
        made = lists.ensure_open(sealing, now=world.clock.now)
        lists.mark_published(MARKET, made.list_no, 1, now=world.clock.now)
    found = together(
        *[
            lambda worker=workers[number % 2], number=number: worker.issue(
                world.caller(), licence(number), f"key-{number}"
            )
            for number in range(8)
        ]
    )
    assert all(isinstance(one, Issued) for one in found), found
    assert sorted(one.list_no for one in found) == [1] + [2] * 7
    assert pauses == []
