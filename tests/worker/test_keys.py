"""The worker's look at the keys: it warns, counts, degrades, and notes what readers can see."""

from typing import Any

import pytest

from certsvc.authority.keys_listing import republish
from certsvc.authority.records import stored_record
from certsvc.authority.world import Authority
from certsvc.publishing import TrustPublisher
from certsvc.service.engine import reading
from certsvc.service.metrics import Metrics
from certsvc.storage.key_use import KeyListings
from certsvc.worker.keys import KEYS_SECONDS, KeysDuty
from keys import State

MARKET = "119999000000000198"
DAY = 86_400
World = Any


@pytest.fixture
def authority(world: World) -> Authority:
    return Authority(
        settings=world.settings,
        keys=world.keys,
        engine=world.engine,
        tree=world.tree,
        trust=TrustPublisher(world.tree, world.keys),
    )


def shown(metrics: Metrics) -> float:
    (family,) = (one for one in metrics.families() if one.name == "certsvc_keys_overdue")
    return float(family.samples[0].value)


def test_a_key_beyond_its_limit(
    world: World, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    duty = KeysDuty(authority, clock=world.clock, metrics=metrics)
    duty.do(1)
    assert (duty.check().probe(), duty.check().needed, shown(metrics)) == (None, False, 0)
    world.clock.now += 90 * DAY
    caplog.clear()
    duty.do(1)
    assert duty.check().probe() == "key_overdue"
    assert shown(metrics) == 4  # two departments, two purposes
    assert sum("beyond its limit (age)" in line for line in caplog.messages) == 4
    world.clock.now += KEYS_SECONDS
    caplog.clear()
    duty.do(1)
    assert caplog.messages == []  # said once
    world.clock.now -= 91 * DAY  # a clock set back puts nothing off
    duty.do(1)
    assert duty.check().probe() is None


def test_since_when_readers_see_a_key(world: World, authority: Authority) -> None:
    now = int(world.clock.now)
    key = world.keys.generate(issuer_id=MARKET, alg="ES256", purpose="certificate", now=now)
    world.keys.generate(issuer_id="nobody", alg="ES256", purpose="certificate", now=now)
    for info in (key, *world.keys.list("nobody")):
        world.keys.set_state(info.issuer_id, info.kid, State.PRE_PUBLISHED, now=now)
    duty = KeysDuty(authority, clock=world.clock)

    def listed() -> dict[str, int]:
        with reading(world.engine) as connection:
            return dict(KeyListings(connection).all(MARKET))

    duty.do(1)
    assert key.kid not in listed()
    republish(authority, [stored_record(authority, MARKET)], now=now + 5)
    world.clock.now += KEYS_SECONDS
    duty.do(1)
    assert listed()[key.kid] == now + 5
