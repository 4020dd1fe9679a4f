"""What the issuer counts, looks up and notes; who may read it; and that it names nobody."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from certsvc.app import create_app
from certsvc.service.metrics import Metrics
from certsvc.service.tracing import OpenTelemetryTracer


@pytest.fixture
def page(world: Any) -> Callable[..., dict[tuple[str, tuple[str, ...]], float]]:
    """Function that reads the page: name and label values → number."""

    def read(app: Any = None) -> dict[tuple[str, tuple[str, ...]], float]:
        answer = (app or world.app).test_client().get("/metrics")
        assert answer.status_code == 200
        assert answer.content_type.startswith("text/plain; version=0.0.4")
        return {
            (one.name.removeprefix("certsvc_"), tuple(one.labels.values())): one.value
            for family in text_string_to_metric_families(answer.text)
            for one in family.samples
        }

    return read


def test_it_counts_issues_replays_and_refusals(
    world: Any, licence: Any, licence_claims: Any, new_key: Any, page: Any
) -> None:
    before, key = page(), new_key()
    body = {"type": "business-licence", "claims": licence_claims[1]}
    made = licence.post("/v1/certificates", body, key=key).get_json()
    licence.post("/v1/certificates", body, key=key)
    licence.post("/v1/certificates", {**body, "claims": {}}, key=new_key())
    licence.post(made["links"]["self"] + "/revoke", {"reason": "cancelled"})
    after = page()

    def grown(name: str, *labels: str) -> float:
        return after.get((name, labels), 0.0) - before.get((name, labels), 0.0)

    assert grown("issued_total", "business-licence") == 1
    assert grown("issue_replays_total") == 1
    assert grown("issue_refused_total", "claims_invalid") == 1
    assert grown("issue_seconds_count") == 3
    assert grown("status_changes_total", "revoke") == 1
    assert grown("http_requests_total", "POST", "/v1/certificates", "201") == 2
    assert grown("http_requests_total", "POST", "/v1/certificates", "422") == 1
    assert after["waiting", ("lists",)] == 1
    assert after["waiting", ("log",)] >= 2
    world.publish()
    world.merge()
    assert (page()["waiting", ("lists",)], page()["waiting", ("log",)]) == (0, 0)


def test_what_is_looked_up(world: Any, page: Any) -> None:
    world.publish()
    world.merge()
    numbers = page()
    names = {name for name, _ in numbers}
    assert {
        "build_info", "status_list_version", "status_list_age_seconds", "status_list_free",
        "key_age_seconds", "lease_held", "log_size", "disk_free_bytes", "waiting_oldest_seconds",
    } <= names  # fmt: skip
    assert numbers["lease_held", ()] == 1
    assert numbers["status_list_age_seconds", ("119999000000000198", "1")] < 300


def test_it_names_nobody(issued: Any, world: Any, licence: Any, licence_claims: Any) -> None:
    licence.get(issued["links"]["self"])
    text = world.app.test_client().get("/metrics").text
    values = [value for value in licence_claims[0].values() if isinstance(value, str)]
    hidden = [issued["id"], issued["certificate_identifier"], issued["token"][:40], *values]
    assert not [one for one in hidden if len(one) > 3 and one in text]


@pytest.mark.parametrize(
    ("address", "headers", "allowed"),
    [
        ("127.0.0.1", {}, True),
        ("127.9.9.9", {}, True),
        ("::1", {}, True),
        ("::ffff:127.0.0.1", {}, True),
        ("10.1.2.3", {}, False),
        ("", {}, False),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, False),
        ("127.0.0.1", {"Forwarded": "for=10.1.2.3"}, False),
        ("127.0.0.1", {"X-Real-IP": "10.1.2.3"}, False),
        ("127.0.0.1", {"Via": "1.1 proxy"}, False),
    ],
)
def test_strangers_find_no_page(
    address: str, headers: dict[str, str], allowed: bool, world: Any
) -> None:
    answer = world.app.test_client().get(
        "/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )
    assert answer.status_code == (200 if allowed else 404)
    if not allowed:
        assert answer.get_json()["code"] == "not_found"


def test_other_networks_by_setting(world: Any) -> None:
    def status(allow: str, address: str) -> int:
        settings = world.settings.model_copy(update={"metrics_allow": allow})
        client = create_app(settings, clock=world.clock).test_client()
        return int(client.get("/metrics", environ_overrides={"REMOTE_ADDR": address}).status_code)

    assert status("10.0.0.0/8,192.168.1.7", "10.1.2.3") == 200
    assert status("10.0.0.0/8,192.168.1.7", "192.168.1.7") == 200
    assert status("10.0.0.0/8,192.168.1.7", "127.0.0.1") == 404
    assert status("none", "127.0.0.1") == 404


def test_methods_and_addresses_that_somebody_made_up(world: Any, page: Any) -> None:
    client = world.app.test_client()
    client.open("/made/up/330102199003070010", method="GET")
    client.open("/v1/types", method="BREW")
    routes = {labels for name, labels in page() if name == "http_requests_total"}
    assert ("GET", "none", "404") in routes
    assert ("other", "none", "405") in routes or ("other", "/v1/types", "405") in routes
    assert not [labels for labels in routes if "made" in str(labels) or "BREW" in labels]


def test_each_step_of_an_issue_is_noted(
    world: Any, licence: Any, licence_claims: Any, new_key: Any
) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    app = create_app(world.settings, clock=world.clock, tracer=OpenTelemetryTracer(provider))
    caller = replace(licence, client=app.test_client())
    body = {"type": "business-licence", "claims": licence_claims[2]}
    made = caller.post("/v1/certificates", body, key=new_key()).get_json()
    found = spans.get_finished_spans()
    steps = [span.name for span in found if span.name.startswith("issuing.")]
    assert [name.partition("_")[0] for name in steps] == [f"issuing.{n}" for n in range(1, 8)]
    (request,) = [span for span in found if span.name == "/v1/certificates"]
    traces = {span.context.trace_id for span in found if span.name.startswith("issuing.")}
    assert traces == {request.context.trace_id}
    text = "".join(span.to_json() for span in found)
    assert not [one for one in licence_claims[2].values() if str(one) in text and len(str(one)) > 5]
    assert made["id"] not in text
    assert caller.auth[1] not in text


def test_ready_says_what_is_low_and_late(world: Any) -> None:
    def reasons(clock: Any = world.clock, **changes: Any) -> dict[str, str]:
        settings = world.settings.model_copy(update=changes)
        answer = create_app(settings, clock=clock).test_client().get("/readyz").get_json()
        return {one["check"]: one["reason"] for one in answer["reasons"]}

    world.publish()
    world.merge()
    assert reasons() == {}
    assert reasons(disk_reserve_mb=1_000_000_000) == {"disk": "disk_low"}
    assert reasons(clock=lambda: world.clock() - 200).get("clock") is None
    assert reasons(clock=lambda: world.clock() - 400)["clock"] == "clock_untrusted"


def test_redis_is_missed_but_not_needed(world: Any, redis_url: str, redis_server: Any) -> None:
    settings = world.settings.model_copy(update={"redis_url": redis_url, "rate_per_second": 50.0})
    world.publish()
    world.merge()
    metrics = Metrics()
    client = create_app(settings, clock=world.clock, metrics=metrics).test_client()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json().get("degraded")) == (200, None)
    assert "redis" in answer.get_json()["checks"]
    redis_server.kill()
    try:
        answer = client.get("/readyz")
        assert answer.status_code == 200
        assert answer.get_json()["degraded"] == [{"check": "redis", "reason": "redis_unavailable"}]
    finally:
        redis_server.start()


@pytest.mark.parametrize("harm", ["none", "kill", "pause", "flush", "poison"])
def test_issue_and_revoke_whatever_redis_does(
    harm: str, world: Any, licence: Any, licence_claims: Any, new_key: Any, redis_url: str,
    redis_server: Any,
) -> None:  # fmt: skip
    settings = world.settings.model_copy(update={"redis_url": redis_url, "rate_per_second": 3.0})
    caller = replace(licence, client=create_app(settings, clock=world.clock).test_client())
    body = {"type": "business-licence", "claims": licence_claims[3]}
    assert caller.post("/v1/certificates", body, key=new_key()).status_code == 201
    if harm == "poison":
        with redis.Redis.from_url(redis_url) as attacker:
            keys = list(attacker.scan_iter("certsvc:*"))
            assert keys
            for key in keys:
                attacker.set(key, "9" * 300)
    elif harm != "none":
        getattr(redis_server, harm)()
    try:
        for _ in range(5):
            made = caller.post("/v1/certificates", body, key=new_key())
            assert made.status_code == 201
            path = made.get_json()["links"]["self"] + "/revoke"
            assert caller.post(path, {"reason": "cancelled"}).status_code == 200
    finally:
        redis_server.start()
