"""Traces by OpenTelemetry where the extra `otel` is installed and a collector is set; else nothing.

Attributes hold methods, routes, statuses, codes and counts: never a person, a token or an address
of a request. Without the extra nothing of OpenTelemetry is imported.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from certsvc.service.logs import current_trace
from certsvc.service.settings import Settings, SettingsInvalid, Traces, variable

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from sqlalchemy.engine import Connection, Engine

#: The standard's own variable; an address there asks for traces.
COLLECTOR: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
#: W3C Trace Context, section 3.2.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)

_TRANSACTION: Final = "certsvc_trace"

Value = str | int | float | bool


class Span(Protocol):
    """Something that takes time."""

    def note(self, **attributes: Value) -> None:
        """Say more about it; names with `_` for the first `.`."""
        ...

    def drop(self) -> None:
        """Forget it: there was nothing to do."""
        ...


class Tracer(Protocol):
    """Notes what takes time. No method raises."""

    def span(self, name: str, **attributes: Value) -> AbstractContextManager[Span]:
        """Note what the block does, inside what is noted around it."""
        ...

    def request(self, name: str, traceparent: str) -> AbstractContextManager[Span]:
        """Note a request, inside its caller's trace."""
        ...


class _Nothing:
    def note(self, **attributes: Value) -> None:
        return

    def drop(self) -> None:
        return


_NOTHING: Final = _Nothing()


class NoTracer:
    """Notes nothing, and keeps the caller's trace for the log."""

    def span(self, name: str, **attributes: Value) -> AbstractContextManager[Span]:
        """Do the block."""
        return nullcontext(_NOTHING)

    @contextmanager
    def request(self, name: str, traceparent: str) -> Iterator[Span]:
        """Do the block."""
        found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
        if found is None:
            yield _NOTHING
            return
        with _traced(found[1]):
            yield _NOTHING


NO_TRACER: Final = NoTracer()


class OpenTelemetryTracer:
    """Notes spans in OpenTelemetry.

    Args:
        provider: from the SDK, with its exporter.
    """

    def __init__(self, provider: "TracerProvider") -> None:
        # Imported here: the extra may be missing, and then nobody makes one.
        from opentelemetry.propagators.textmap import default_getter
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._tracer = provider.get_tracer("certsvc")
        self._provider = provider
        self._propagator = TraceContextTextMapPropagator()
        self._getter = default_getter
        self._server = SpanKind.SERVER

    @contextmanager
    def span(self, name: str, **attributes: Value) -> Iterator[Span]:
        """Note what the block does, inside what is noted around it."""
        with self._tracer.start_as_current_span(
            name,
            attributes=_dotted(attributes),
            record_exception=False,
            set_status_on_exception=False,
            end_on_exit=False,
        ) as span:
            noted = _Noted(span)
            try:
                yield noted
            finally:
                # One that never ends is never sent.
                if not noted.dropped:
                    span.end()

    @contextmanager
    def request(self, name: str, traceparent: str) -> Iterator[Span]:
        """Note a request, inside its caller's trace."""
        carrier = {"traceparent": traceparent} if traceparent else {}
        context = self._propagator.extract(carrier, getter=self._getter)
        with (
            self._tracer.start_as_current_span(
                name,
                context=context,
                kind=self._server,
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
            _traced(f"{span.get_span_context().trace_id:032x}"),
        ):
            yield _Noted(span)

    def close(self) -> None:
        """Send what was noted."""
        self._provider.shutdown()


class _Noted:
    def __init__(self, span: Any) -> None:  # noqa: ANN401
        self._span = span
        self.dropped = False

    def drop(self) -> None:
        self.dropped = True

    def note(self, **attributes: Value) -> None:
        self._span.set_attributes(_dotted(attributes))


def _dotted(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {name.replace("_", ".", 1): value for name, value in attributes.items()}


@contextmanager
def _traced(trace_id: str) -> Iterator[None]:
    token = current_trace.set(trace_id)
    try:
        yield
    finally:
        current_trace.reset(token)


def trace_transactions(engine: "Engine", tracer: Tracer) -> None:
    """Note each transaction of a database, with how it ended and without what it said."""
    if tracer is NO_TRACER:
        return
    from sqlalchemy import event

    def begin(connection: "Connection") -> None:
        stack = ExitStack()
        span = stack.enter_context(tracer.span("database"))
        connection.info[_TRANSACTION] = stack, span

    def end(how: str) -> Callable[["Connection"], None]:
        def ended(connection: "Connection") -> None:
            stack, span = connection.info.pop(_TRANSACTION, (None, None))
            if stack is not None:
                span.note(database_end=how)
                stack.close()

        return ended

    event.listen(engine, "begin", begin)
    event.listen(engine, "commit", end("commit"))
    event.listen(engine, "rollback", end("rollback"))


def open_tracer(settings: Settings, environ: Mapping[str, str], *, service: str) -> Tracer:
    """The tracer that the settings ask for.

    Args:
        settings: `traces` says whether.
        environ: variables such as `os.environ`; OpenTelemetry reads its own there.
        service: name of the service.

    Raises:
        SettingsInvalid: traces are asked for and the extra `otel` is not installed.
    """
    wanted = settings.traces is Traces.ON or (
        settings.traces is Traces.AUTO and bool(environ.get(COLLECTOR))
    )
    if not wanted:
        return NO_TRACER
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        if settings.traces is Traces.ON:
            message = f"{variable('traces')}: traces need the extra: pip install 'certsvc[otel]'"
            raise SettingsInvalid(message) from error
        return NO_TRACER
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetryTracer(provider)
