"""How the verifier service is run: metrics, readiness, and verdicts whatever Redis does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families


def numbers(client: Any) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (one.name.removeprefix("certsvc_"), *one.labels.values()): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }


def ask(client: Any, token: str) -> str:
    answer = client.post("/v1/verifications", json={"text": token})
    assert answer.status_code == 200, answer.text
    code: str = answer.get_json()["verifications"][0]["verdict"]["code"]
    return code


def test_it_counts_verdicts_by_both_ways(client: Any, world: Any) -> None:
    token = world.issue()
    assert ask(client, token) == "valid"
    assert ask(client, world.forge(token)) == "signature_invalid"
    client.post("/", data={"text": token})
    client.post("/v1/verifications", data=world.image(world.text(token)), content_type="image/png")
    found = numbers(client)
    assert found["verifications_total", "valid", "VALID"] == 3
    assert found["verifications_total", "signature_invalid", "INVALID"] == 1
    assert found["http_requests_total", "POST", "/v1/verifications", "200"] == 3
    assert found["http_request_seconds_count", "/"] == 1
    assert found["trust_age_seconds",] == 0
    assert found["clock_behind_seconds",] == 0
    assert found["disk_free_bytes", "verifier-cache"] > 0


def test_it_names_nobody(client: Any, world: Any) -> None:
    token = world.issue()
    ask(client, token)
    client.post("/v1/nonces", json={"audience": "https://verifier.example/"})
    text = client.get("/metrics").text
    assert "verifier.example" not in text
    assert token[:30] not in text
    assert "certificate_identifier" not in text


def test_over_the_rate(make_app: Callable[..., Any], world: Any) -> None:
    client = make_app(rate_per_second=0.001).test_client()
    statuses = [client.post("/v1/verifications", json={"text": "x"}).status_code for _ in range(3)]
    assert statuses == [200, 429, 429]
    assert numbers(client)["rate_limited_total", "verifier"] == 2


def test_ready_and_not(make_app: Callable[..., Any], clock: Any, world: Any) -> None:
    def answer(**changes: Any) -> tuple[int, Any]:
        found = make_app(**changes).test_client().get("/readyz")
        return found.status_code, found.get_json()

    ready = {"status": "ready", "checks": ["trust", "clock", "disk"], "reasons": []}
    assert answer() == (200, ready)
    assert answer(disk_reserve_mb=0) == (200, ready)
    low = [{"check": "disk", "reason": "disk_low"}]
    assert answer(disk_reserve_mb=1_000_000)[1]["reasons"] == low
    clock.now -= 1000
    late = [{"check": "clock", "reason": "clock_untrusted"}]
    status, body = answer()
    assert (status, body["reasons"]) == (503, late)


@pytest.mark.parametrize("harm", ["none", "kill", "pause", "flush"])
def test_verdicts_whatever_redis_does(
    harm: str, make_app: Callable[..., Any], world: Any, clock: Any, redis_url: str,
    redis_server: Any, tmp_path: Path,
) -> None:  # fmt: skip
    options = {"redis_url": redis_url, "rate_per_second": 1000.0}
    one = make_app(**options).test_client()
    two = make_app(**options, verifier_cache=tmp_path / "another").test_client()
    token = world.issue()
    assert [ask(each, token) for each in (one, two)] == ["valid", "valid"]
    if harm != "none":
        getattr(redis_server, harm)()
    try:
        clock.now += 3
        world.set_status(token, 1, int(clock.now))
        assert [ask(each, token) for each in (one, two)] == ["revoked", "revoked"]
        assert one.post("/v1/nonces", json={"audience": "a"}).status_code == 201
        ready = one.get("/readyz")
        assert ready.status_code == 200
        missed = [{"check": "redis", "reason": "redis_unavailable"}]
        gone = harm in ("kill", "pause")
        assert ready.get_json().get("degraded") == (missed if gone else None)
    finally:
        redis_server.start()
