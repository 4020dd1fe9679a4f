"""Redis gone, hung, flushed, poisoned, talking nonsense: nothing fails over HTTP (R11, T66).

What a fault costs is counted and not timed: one command a process waits for its time-out of
100 ms, and none after it, since the breaker is open; the next probe is beside the requests.
"""

import secrets

import pytest
import redis
from servers.fault_proxy import FaultProxy
from servers.faults import BlackHole, CutAfter, Nonsense, Reset

ROUNDS = 4
NAMES = ("issuer", "verifier")


@pytest.fixture(scope="module")
def proxy(redis_server):
    made = FaultProxy(redis_server.port)
    yield made
    made.end()


@pytest.fixture(scope="module")
def services(new_services, proxy):
    # A limit that nobody reaches lets each request ask Redis.
    url = f"redis://127.0.0.1:{proxy.port}/0"
    return new_services(redis_url=url, rate_per_second=10_000.0)


def rounds(services, count, *, prefix):
    """Issue, verify and revoke; returns the tokens that are revoked now."""
    gone = []
    for number in range(count):
        made = services.issuer().issue(number, f"{prefix}-{number}")
        assert services.verifier.verdict(made["token"])["outcome"] == "VALID"
        assert services.issuer().change(made["id"], "revoke")["state"] == "revoked"
        assert services.verifier.nonce().status == 201
        gone.append(made["token"])
    return gone


def failures(services):
    return {name: services.counted(name, "redis_calls_total").get("failed", 0) for name in NAMES}


def all_calm(services):
    """Whether both services use Redis again; asking for it lets their probes go out."""
    return not any("degraded" in services.ready(name) for name in NAMES)


@pytest.fixture
def calm(services, redis_server, proxy, wait_until):
    """Redis as it should be, before and after."""
    redis_server.start()
    wait_until(lambda: all_calm(services), "Redis, used again")
    yield
    proxy.become(None, fresh=True)
    redis_server.start()
    wait_until(lambda: all_calm(services), "Redis, used again")


@pytest.mark.usefixtures("calm")
@pytest.mark.parametrize("harm", ["kill", "pause", "black hole", "nonsense", "reset", "cut"])
def test_without_redis_everything_goes_on(services, redis_server, proxy, harm, large):
    if harm in ("reset", "cut") and not large:
        pytest.skip("CERTSVC_FAULTS=large")
    before = failures(services)
    faults = {
        "black hole": BlackHole(),
        "nonsense": Nonsense(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        "reset": Reset(),
        "cut": CutAfter(2),
    }
    if harm in faults:
        proxy.become(faults[harm])
    else:
        getattr(redis_server, harm)()
    rounds(services, ROUNDS, prefix=f"{harm}-{secrets.token_hex(4)}")
    for name, count in failures(services).items():
        # One request a process; who holds several connections may lose one to each.
        assert 1 <= count - before[name] <= 2
        assert services.counted(name, "redis_calls_total")["skipped"] >= ROUNDS - 1
        assert {"check": "redis", "reason": "redis_unavailable"} in services.ready(name)["degraded"]


@pytest.mark.usefixtures("calm")
def test_flushed_between_any_two_requests(services, redis_server):
    before = failures(services)
    for number in range(ROUNDS):
        rounds(services, 1, prefix=f"flush-{secrets.token_hex(4)}-{number}")
        redis_server.flush()
    assert failures(services) == before


@pytest.mark.usefixtures("calm")
def test_poison_changes_no_verdict(services, redis_server, wait_until):
    """Somebody who may write into Redis puts back what was true once, then nonsense."""
    prefix = f"poison-{secrets.token_hex(4)}"
    made = services.issuer().issue(0, prefix)
    with redis.Redis(port=redis_server.port) as attacker:

        def passed_on():
            assert services.verifier.verdict(made["token"])["outcome"] == "VALID"
            return any(b":object:" in key for key in attacker.keys("*"))

        wait_until(passed_on, "a status list in Redis")
        former = {key: attacker.dump(key) for key in attacker.keys("*")}
        services.issuer().change(made["id"], "revoke")
        wait_until(
            lambda: services.verifier.verdict(made["token"])["outcome"] == "INVALID", "revoked"
        )
        for key, value in former.items():
            attacker.restore(key, 60_000, value, replace=True)
        assert services.verifier.verdict(made["token"])["outcome"] == "INVALID"
        for value in (b"", b"\xff" * 40, b"x" * 100_000):
            for key in attacker.keys("*"):
                attacker.set(key, value)
            (gone,) = rounds(services, 1, prefix=f"{prefix}-{len(value)}")
            assert services.verifier.verdict(made["token"])["outcome"] == "INVALID"
            assert gone
        for key in attacker.keys("*"):
            attacker.delete(key)
            attacker.rpush(key, "of another type")
        rounds(services, 1, prefix=f"{prefix}-type")
