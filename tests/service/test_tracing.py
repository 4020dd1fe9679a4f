"""Traces with the in-memory exporter, and nothing of OpenTelemetry without the extra."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from certsvc.service.engine import make_engine, reading, writing
from certsvc.service.http import HttpOptions, new_app
from certsvc.service.settings import Settings, SettingsInvalid, Traces
from certsvc.service.tracing import (
    NO_TRACER,
    OpenTelemetryTracer,
    open_tracer,
    trace_transactions,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(spans: InMemorySpanExporter) -> OpenTelemetryTracer:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return OpenTelemetryTracer(provider)


def an_app(tracer: Any) -> Flask:
    options = HttpOptions(
        max_body=10, monotonic=lambda: 0.0, new_request_id=lambda: "made-0001", tracer=tracer
    )
    app = new_app("certsvc", options, {})

    @app.get("/seen/<name>")
    def seen(name: str) -> str:
        with tracer.span("inside", inside_count=2):
            return "ok"

    return app


def test_a_request_continues_its_callers_trace(
    tracer: OpenTelemetryTracer, spans: Any, log_lines: Callable[[], Any]
) -> None:
    answer = (
        an_app(tracer)
        .test_client()
        .get("/seen/330102199003070010", headers={"traceparent": PARENT})
    )
    assert answer.status_code == 200
    inside, request = spans.get_finished_spans()
    assert (request.name, inside.name) == ("/seen/<name>", "inside")
    assert f"{request.context.trace_id:032x}" == TRACE
    assert f"{request.parent.span_id:016x}" == "b7ad6b7169203331"
    assert inside.parent.span_id == request.context.span_id
    assert dict(request.attributes) == {"http.method": "GET", "http.status": 200}
    assert dict(inside.attributes) == {"inside.count": 2}
    assert "3301" not in request.to_json() + inside.to_json()
    assert log_lines()[-1]["trace_id"] == TRACE


@pytest.mark.parametrize(
    "given", ["", "nonsense", PARENT.replace("00-", "ff-"), PARENT.replace(TRACE, "0" * 32)]
)
def test_what_is_no_trace_is_not_followed(
    given: str, tracer: OpenTelemetryTracer, spans: Any, log_lines: Callable[[], Any]
) -> None:
    for each in (tracer, NO_TRACER):
        an_app(each).test_client().get("/seen/a", headers={"traceparent": given})
    assert f"{spans.get_finished_spans()[-1].context.trace_id:032x}" not in (TRACE, "0" * 32)
    assert log_lines()[-1].get("trace_id") is None


def test_without_traces_the_log_names_the_callers(log_lines: Callable[[], Any]) -> None:
    an_app(NO_TRACER).test_client().get("/seen/a", headers={"traceparent": PARENT})
    assert log_lines()[-1]["trace_id"] == TRACE


def test_what_was_nothing_is_not_sent(tracer: OpenTelemetryTracer, spans: Any) -> None:
    with tracer.span("idle") as span:
        span.drop()
    assert spans.get_finished_spans() == ()


def test_an_exceptions_text_stays_out(tracer: OpenTelemetryTracer, spans: Any) -> None:
    with pytest.raises(RuntimeError), tracer.span("failing"):
        raise RuntimeError("330102199003070010")
    (span,) = spans.get_finished_spans()
    assert "330102199003070010" not in span.to_json()


def test_transactions_are_noted(tracer: OpenTelemetryTracer, spans: Any, tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/a.db")
    trace_transactions(engine, tracer)
    with writing(engine) as connection:
        connection.execute(sa.text("CREATE TABLE person (name TEXT)"))
    with suppress(KeyError), writing(engine) as connection:
        connection.execute(sa.text("INSERT INTO person VALUES ('somebody')"))
        raise KeyError
    with reading(engine) as connection:
        connection.execute(sa.text("SELECT 1"))
    engine.dispose()
    ends = [span.attributes["database.end"] for span in spans.get_finished_spans()]
    assert ends == ["commit", "rollback", "commit"]
    assert not any("person" in span.to_json() for span in spans.get_finished_spans())


def test_off_unless_a_collector_is_set() -> None:
    collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    assert open_tracer(Settings(), {}, service="s") is NO_TRACER
    off = Settings(traces=Traces.OFF)
    assert open_tracer(off, collector, service="s") is NO_TRACER
    on = open_tracer(Settings(), collector, service="s")
    assert isinstance(on, OpenTelemetryTracer)
    on.close()


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    assert open_tracer(Settings(), collector, service="s") is NO_TRACER
    with pytest.raises(SettingsInvalid, match=r"CERTSVC_TRACES: .*certsvc\[otel\]"):
        open_tracer(Settings(traces=Traces.ON), {}, service="s")


def test_nothing_of_opentelemetry_is_imported_without_need() -> None:
    code = (
        "import sys, certsvc.app, verifier.app, certsvc.worker.running;"
        "print([n for n in sys.modules if n.startswith(('opentelemetry', 'redis'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
