"""Requests that meet share a run; what spoils the run spoils only the request that did it."""

from collections import deque
from threading import Event, Semaphore, Thread
from typing import Any

import pytest

from certsvc.issuing import errors
from certsvc.issuing.combining import MAX_TOGETHER, Combiner


class Queue(deque):
    """Tells whenever somebody has queued behind the first."""

    def __init__(self) -> None:
        super().__init__()
        self.came = Semaphore(0)
        self.first = True

    def append(self, entry: Any) -> None:
        super().append(entry)
        if not self.first:
            self.came.release()
        self.first = False


class Desk:
    """Runs jobs (here: numbers) and holds the first run until the others have queued."""

    def __init__(self, spoiler: int | None = None, *, turn: float = 0.001) -> None:
        self.runs: list[list[int]] = []
        self.alone: list[int] = []
        self.started, self.go = Event(), Event()
        self.spoiler = spoiler
        self.combiner = Combiner(self.run, self.run_alone, turn=turn)
        self.queue = self.combiner._waiting = Queue()

    def run(self, jobs: list[int]) -> list[Any]:
        self.runs.append(list(jobs))
        self.started.set()
        assert self.go.wait(30)
        if self.spoiler in jobs:
            raise KeyError(self.spoiler)
        return [f"done {job}" for job in jobs]

    def run_alone(self, job: int) -> Any:
        self.alone.append(job)
        if job == self.spoiler:
            raise KeyError(job)
        return f"alone {job}"

    def post(self, count: int) -> dict[int, Any]:
        """Send the numbers below `count` while the first one's run is held."""
        answers: dict[int, Any] = {}

        def send(job: int) -> None:
            try:
                answers[job] = self.combiner.submit(job)
            except KeyError as error:
                answers[job] = error

        threads = [Thread(target=send, args=(job,)) for job in range(count)]
        threads[0].start()
        assert self.started.wait(30)
        for thread in threads[1:]:
            thread.start()
            assert self.queue.came.acquire(timeout=30)
        self.go.set()
        for thread in threads:
            thread.join(30)
        return answers


def test_those_who_wait_go_together():
    desk = Desk()
    count = MAX_TOGETHER + 5
    answers = desk.post(count)
    assert answers == {job: f"done {job}" for job in range(count)}
    assert desk.runs[0] == [0]
    assert [len(run) for run in desk.runs] == [1, MAX_TOGETHER, 4]
    assert sorted(job for run in desk.runs for job in run) == list(range(count))


def test_one_that_fails_spoils_no_other():
    desk = Desk(spoiler=3)
    answers = desk.post(6)
    assert isinstance(answers.pop(3), KeyError)
    assert answers == {0: "done 0"} | {job: f"alone {job}" for job in (1, 2, 4, 5)}
    assert sorted(desk.alone) == [1, 2, 3, 4, 5]


def test_alone_an_exception_is_ones_own():
    desk = Desk(spoiler=7)
    desk.go.set()
    with pytest.raises(KeyError):
        desk.combiner.submit(7)
    assert desk.alone == []
    assert desk.combiner.submit(8) == "done 8"


def test_an_outage_is_told_to_everybody_and_passes(world, licence):
    """A real one: the shared transaction fails, each request says so, the next one works."""
    calls = []

    def fail_once(step: int) -> None:
        if step == 3 and len(calls) < 1:
            calls.append(step)
            raise errors.StorageUnavailable("the disk is full")

    service = world.make(checkpoint=fail_once)
    with pytest.raises(errors.StorageUnavailable):
        service.issue(world.caller(), licence(), "key-1")
    assert world.counts()["certificate"] == 0
    assert not service.issue(world.caller(), licence(), "key-1").replayed


def test_callers_of_different_issuers_share_a_run(world, licence, household):
    """Each gets its own certificate, seal and audit row."""
    answers: dict[str, Any] = {}
    police = "119999000000000273"

    def send(office: str, request: Any, key: str) -> None:
        answers[key] = world.service.issue(world.caller(office), request, key)

    threads = [
        Thread(target=send, args=arguments)
        for number in range(4)
        for arguments in (
            ("119999000000000198", licence(number), f"m{number}"),
            (police, household(number), f"p{number}"),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {answers[f"m{number}"].type for number in range(4)} == {"business-licence"}
    assert {answers[f"p{number}"].type for number in range(4)} == {"household-register"}
    for key, issued in answers.items():
        office = police if key[0] == "p" else "119999000000000198"
        assert world.service.get(world.caller(office), issued.certificate_id).token == issued.token


def test_behind_a_group_with_company_one_waits_for_more():
    desk = Desk(turn=1.0)
    desk.post(3)
    assert [len(run) for run in desk.runs] == [1, 2]
    desk.queue.first = False
    threads = [Thread(target=desk.combiner.submit, args=(job,)) for job in (10, 11)]
    for thread in threads:
        thread.start()
        assert desk.queue.came.acquire(timeout=30)
    for thread in threads:
        thread.join(30)
    assert desk.runs[2] == [10, 11]


def test_who_comes_alone_runs_at_once_again():
    # The first has no company, and neither has the second: an hour would not be waited for.
    desk = Desk(turn=3600.0)
    desk.go.set()
    assert [desk.combiner.submit(job) for job in (1, 2, 3)] == ["done 1", "done 2", "done 3"]
    # Behind a group one waits a turn for nothing, once.
    desk = Desk(turn=0.01)
    desk.post(2)
    desk.post(3)
    desk.go.set()
    assert desk.combiner.submit(7) == "done 7"
    assert desk.combiner._last == 1


def test_a_full_group_waits_for_nobody():
    desk = Desk(turn=3600.0)
    desk.post(2 * MAX_TOGETHER + 1)
    assert [len(run) for run in desk.runs] == [1, MAX_TOGETHER, MAX_TOGETHER]
