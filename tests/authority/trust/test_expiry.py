"""Roles that run out: told by the readiness check, the worker's log and the picture of the tree."""

import logging
from typing import Any

import pytest

from certsvc.api.readiness import TRUST_EXPIRES, trust_check
from certsvc.authority import trust_work
from certsvc.publishing import PublishedTree
from certsvc.publishing.expiring import expiring
from certsvc.service.metrics import Metrics
from certsvc.worker.tenure import Tenure
from certsvc.worker.upkeep import UpkeepDuty

NOW = 1_800_000_000
DAY = 86_400


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def test_nothing_expires_before_there_is_anything(tmp_path: Any) -> None:
    check = trust_check(PublishedTree(tmp_path), Clock())
    assert check.probe() is None
    assert not check.needed


def test_the_readiness_check_names_it_and_forgets_it(begun: Any) -> None:
    clock = Clock()
    check = trust_check(begun.authority.tree, clock)
    assert check.probe() is None
    clock.now = NOW + 340 * DAY
    assert check.probe() == TRUST_EXPIRES
    names = [name for name, _ in expiring(begun.authority.trust.files, int(clock.now))]
    assert names == ["root", "targets"]
    trust_work.renew(begun.authority, ["targets"], now=int(clock.now))
    begun.sign_and_publish("ab", now=int(clock.now))
    trust_work.rotate_root(begun.authority, trust_work.RootChange(), now=int(clock.now))
    begun.sign_and_publish("ab", now=int(clock.now))
    assert check.probe() == TRUST_EXPIRES  # looked at every ten minutes
    clock.now += 600
    assert check.probe() is None


def test_the_worker_warns_once_a_day(begun: Any, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    clock.now = NOW + 340 * DAY
    issuing: Any = None  # plans and lists are not looked at here
    duty = UpkeepDuty(
        begun.authority.engine,
        begun.authority.tree,
        begun.authority.trust,
        issuing,
        Tenure(begun.authority.engine, holder="worker", clock=clock),
        clock=clock,
        metrics=Metrics(),
    )
    with caplog.at_level(logging.WARNING, "certsvc.worker"):
        assert duty._warn()
        assert not duty._warn()
        clock.now += DAY
        assert duty._warn()
    said = [record.getMessage() for record in caplog.records]
    assert said[:2] == [
        "trust role root expires in 25 days: its officers sign",
        "trust role targets expires in 25 days: its officers sign",
    ]
    assert len(said) == 4
