"""Objects that machines pass on through a real Redis, and somebody who writes into the same one."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from certsvc.service.metrics import Metrics
from certsvc.service.shared.address import read_address
from certsvc.service.shared.connection import Shared
from certsvc.service.shared.objects import SharedObjects
from certsvc_sdk.status_holding import NEWS_SECONDS

TTL = 300


@pytest.fixture
def shared(redis_url: str) -> Iterator[Shared]:
    way = Shared(read_address(redis_url), environment="demo", metrics=Metrics())
    yield way
    way.close()


@pytest.fixture
def relay(shared: Shared) -> SharedObjects:
    return SharedObjects(shared)


@pytest.fixture
def machine(
    verifier_of: Any, server: Any, tmp_path: Path, relay: SharedObjects
) -> Callable[..., Any]:
    """Function that makes a verifier on a machine of its own."""

    def make(name: str, **options: Any) -> Any:
        values = {"url": server.url, "cache_dir": tmp_path / name, "relay": relay, **options}
        return verifier_of(**values)

    return make


@pytest.fixture
def lists_asked(server: Any) -> Callable[[], int]:
    return lambda: sum("/status/" in path for path, _ in server.requests)


def due(verifier: Any, clock: Any) -> None:
    clock.now += TTL
    verifier._holdings._fetcher.forget_failures()


def test_news_of_one_machine_reach_the_other_first(
    machine: Any, publisher: Any, issuer: Any, clock: Any, lists_asked: Any
) -> None:
    one, two = machine("one"), machine("two")
    assert {each.check(issuer.token()).code for each in (one, two)} == {"valid"}
    due(one, clock)
    publisher.status(issuer.status_token({7: 1}, version=9, iat=int(clock.now)))
    assert one.check(issuer.token()).code == "revoked"
    asked = lists_asked()
    assert two.check(issuer.token()).code == "revoked"
    assert lists_asked() == asked
    # From disk too, and the next time the source is asked.
    assert machine("two", offline=True).check(issuer.token()).code == "revoked"
    due(two, clock)
    two.check(issuer.token())
    assert lists_asked() == asked + 1


def test_a_machine_without_a_line_hears_of_it(
    machine: Any, server: Any, publisher: Any, issuer: Any, clock: Any
) -> None:
    one, two = machine("one"), machine("two")
    two.check(issuer.token())
    publisher.status(issuer.status_token({7: 1}, version=9, iat=int(clock.now)))
    due(one, clock)
    assert one.check(issuer.token()).code == "revoked"
    clock.now += 10 * NEWS_SECONDS
    server.answer = lambda handler: handler.reply(503, b"") or True
    assert two.check(issuer.token()).code == "revoked"


def test_records_come_by_their_digest(machine: Any, server: Any, issuer: Any, facts: Any) -> None:
    machine("one").check(issuer.token())
    asked = len([path for path, _ in server.requests if "/targets/" in path])
    assert asked > 0
    assert machine("two").check(issuer.token()).code == "valid"
    assert len([path for path, _ in server.requests if "/targets/" in path]) == asked


@pytest.fixture
def poisons(issuer: Any, facts: Any, make_signer: Any, clock: Any) -> dict[str, bytes]:
    """What somebody puts in the place of the list; the moment of `good` is ten seconds ago."""
    now = int(clock.now) + TTL
    good = issuer.status_token({7: 1}, version=9, iat=now)
    lists = {
        "older than the one at hand": issuer.status_token(version=1, iat=now),
        "the one at hand": issuer.status_token(version=5),
        "newer than the one at hand, but not new": issuer.status_token(
            version=6, iat=now - NEWS_SECONDS
        ),
        "from the future": issuer.status_token(version=2**40, iat=now + 10**6),
        "of another issuer": issuer.status_token(
            version=9, iat=now, signer=make_signer("ES256", 7)
        ),
        "signed with the certificate's key": issuer.status_token(
            version=9, iat=now, signer=issuer.key
        ),
        "of another address": issuer.status_token(version=9, iat=now, uri=f"{facts.prefix}2"),
        "cut short": good[: len(good) // 2],
        "one bit off": good[:-4] + ("A" if good[-4] != "A" else "B") + good[-3:],
        "of no bytes that are text": "\udcff\udcfe",
        "a certificate": issuer.token(),
        "garbage": "<html>",
    }
    return {name: text.encode("utf-8", "surrogateescape") for name, text in lists.items()}


POISONS = (
    "older than the one at hand",
    "the one at hand",
    "newer than the one at hand, but not new",
    "from the future",
    "of another issuer",
    "signed with the certificate's key",
    "of another address",
    "cut short",
    "one bit off",
    "of no bytes that are text",
    "a certificate",
    "garbage",
)


@pytest.mark.parametrize("poison", POISONS)
def test_a_poisoned_list_leads_to_the_source(
    poison: str, poisons: Any, machine: Any, publisher: Any, issuer: Any, facts: Any, clock: Any,
    relay: SharedObjects, lists_asked: Any,
) -> None:  # fmt: skip
    publisher.status(issuer.status_token(version=5))
    verifier = machine("one")
    assert verifier.check(issuer.token()).code == "valid"
    publisher.status(issuer.status_token({7: 1}, version=10, iat=int(clock.now) + TTL))
    due(verifier, clock)
    relay.put(facts.uri, poisons[poison], seconds=60)
    asked = lists_asked()
    assert verifier.check(issuer.token()).code == "revoked"
    assert lists_asked() == asked + 1


def test_every_poison_was_tried(poisons: Any) -> None:
    assert tuple(poisons) == POISONS


def test_a_poisoned_list_never_brings_back_what_another_process_saw(
    machine: Any, publisher: Any, issuer: Any, facts: Any, clock: Any, relay: SharedObjects,
    server: Any,
) -> None:  # fmt: skip
    publisher.status(issuer.status_token(version=5))
    slow, fast = machine("one"), machine("one")
    slow.check(issuer.token())
    due(fast, clock)
    publisher.status(issuer.status_token({7: 2}, version=9, iat=int(clock.now)))
    assert fast.check(issuer.token()).code == "suspended"
    relay.put(facts.uri, issuer.status_token(version=8, iat=int(clock.now)).encode(), seconds=60)
    server.answer = lambda handler: handler.reply(503, b"") or True
    slow.check(issuer.token())
    assert slow.check(issuer.token()).code == "suspended"
    assert machine("one", offline=True).check(issuer.token()).code == "suspended"
    server.answer = None
    due(slow, clock)
    assert slow.check(issuer.token()).code == "suspended"


def test_a_huge_value_and_one_of_another_type(
    machine: Any, publisher: Any, issuer: Any, facts: Any, shared: Shared, redis_server: Any,
    clock: Any,
) -> None:  # fmt: skip
    verifier = machine("one")
    verifier.check(issuer.token())
    key = shared.key("object", facts.uri)
    redis_server.command("DEL", key)
    redis_server.command("SETRANGE", key, str(100 * 1024 * 1024 - 1), "x", seconds=30)
    publisher.status(issuer.status_token({7: 1}, version=9, iat=int(clock.now) + TTL))
    due(verifier, clock)
    assert verifier.check(issuer.token()).code == "revoked"
    redis_server.command("DEL", key)
    redis_server.command("RPUSH", key, "x")
    publisher.status(issuer.status_token({7: 1}, version=10, iat=int(clock.now) + TTL))
    due(verifier, clock)
    assert verifier.check(issuer.token()).code == "revoked"


def test_a_poisoned_record_leads_to_the_source(
    machine: Any, publisher: Any, server: Any, issuer: Any, shared: Shared, redis_server: Any
) -> None:
    machine("one").check(issuer.token())
    targets = list((publisher.tree / "trust" / "targets").rglob("*.json"))
    for path in targets:
        digest = path.name.partition(".")[0]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
        redis_server.command("SET", shared.key("object", digest), '{"iss": "somebody else"}')
    assert machine("two").check(issuer.token()).code == "valid"
    server.requests.clear()
    assert machine("three").check(issuer.token()).code == "valid"  # mended on the way
    assert not [path for path, _ in server.requests if "/targets/" in path]


@pytest.mark.parametrize("harm", ["kill", "pause", "flush"])
def test_redis_gone_hung_or_flushed(
    harm: str, machine: Any, publisher: Any, issuer: Any, clock: Any, redis_server: Any
) -> None:
    verifier = machine("one")
    assert verifier.check(issuer.token()).code == "valid"
    publisher.status(issuer.status_token({7: 1}, version=9, iat=int(clock.now) + TTL))
    getattr(redis_server, harm)()
    try:
        due(verifier, clock)
        assert verifier.check(issuer.token()).code == "revoked"
        assert machine("two").check(issuer.token()).code == "revoked"
    finally:
        redis_server.start()
