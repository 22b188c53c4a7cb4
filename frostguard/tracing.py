"""Traces of single messages and requests, for a collector that speaks OTLP over HTTP.

Only here OpenTelemetry is imported, and only by `begin` of a program that names a collector: any other neither loads it
nor needs it installed. What is traced is chosen by the programs (one in so many); what is chosen is always told. Spans
leave in a thread of their own, at most 2,048 wait, and what is more is dropped: no reading ever waits for a collector.
"""

import atexit
import itertools
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from frostguard.errors import UsageError
from frostguard.groups import Group, HttpUrl

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span as Span  # noqa: PLC0414 - for the programs

__all__ = ["Facts", "Tracing", "TracingSettings", "begin", "current", "traceparent"]

Facts = Mapping[str, str | int | float | bool]
EXPORT_SECONDS = 5.0
CLOSE_SECONDS = 1.5  # a stop is no time to wait for a collector that is away

current: ContextVar["Span | None"] = ContextVar("span", default=None)
"""The span of what this task does, where it is traced."""


class TracingSettings(Group):
    """Traces, which are off until TRACE_ENDPOINT names a collector. Needs the extra `tracing`."""

    endpoint: HttpUrl = Field(
        None, alias="TRACE_ENDPOINT", description="where spans go, OTLP over HTTP: http://localhost:4318/v1/traces"
    )
    one_message_in: int = Field(
        1000,
        alias="TRACE_ONE_MESSAGE_IN",
        ge=1,
        le=1_000_000_000,
        description="the daemon traces one in so many",
    )
    one_request_in: int = Field(
        100, alias="TRACE_ONE_REQUEST_IN", ge=1, le=1_000_000_000,
        description="the API traces one in so many, and those whose traceparent asks for it",
    )  # fmt: skip


class Tracing:
    """Makes spans. Times are nanoseconds since 1970; a span without one begins or ends now."""

    def __init__(self, processor: "SpanProcessor", service: str, instance: str = "") -> None:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        about = {"service.name": service, "service.instance.id": instance or service}
        provider = TracerProvider(sampler=ALWAYS_ON, resource=Resource.create(about), shutdown_on_exit=False)
        provider.add_span_processor(processor)
        self._provider = provider
        self._tracer = provider.get_tracer("frostguard")
        self._propagator = TraceContextTextMapPropagator()
        self._below: Callable[[Span], object] = set_span_in_context
        self._kinds = {"internal": SpanKind.INTERNAL, "server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER,
                       "client": SpanKind.CLIENT}  # fmt: skip
        self._failed = Status(StatusCode.ERROR)
        self._turns = itertools.count()
        self.give_up: Callable[[], object] = lambda: None  # ends what is still being sent

    def turn(self, one_in: int) -> bool:
        """Tell whether it is the turn of this one, of so many."""
        return next(self._turns) % one_in == 0

    def open(
        self,
        name: str,
        facts: Facts,
        *,
        kind: Literal["internal", "server", "consumer", "client"] = "internal",
        began: int | None = None,
        under: "Span | str | None" = None,
    ) -> "Span":
        """Begin a span: a trace of its own, or below a span of ours or of a caller (a traceparent)."""
        context = self._propagator.extract({"traceparent": under}) if isinstance(under, str) else None
        if under is not None and not isinstance(under, str):
            context = self._below(under)  # type: ignore[assignment]
        return self._tracer.start_span(name, context, self._kinds[kind], dict(facts), start_time=began)

    def piece(self, under: "Span", name: str, began: int, ended: int, facts: Facts | None = None) -> None:
        """Tell a part of a span that is over."""
        self.open(name, facts or {}, began=began, under=under).end(max(began, ended))

    def fail(self, span: "Span") -> None:
        """Mark a span as failed."""
        span.set_status(self._failed)

    def close(self) -> None:
        """Send what waits, but do not wait for long."""
        atexit.unregister(self.close)
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            self.give_up()


def begin(settings: TracingSettings, service: str, instance: str = "") -> Tracing | None:
    """Return what makes spans, until the process ends; None where no collector is named.

    Raises UsageError where OpenTelemetry is not installed.
    """
    if settings.endpoint is None:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise UsageError("TRACE_ENDPOINT needs the extra `tracing` (make production LOCK=tracing)") from None
    exporter = OTLPSpanExporter(endpoint=settings.endpoint, timeout=EXPORT_SECONDS)
    tracing = Tracing(BatchSpanProcessor(exporter), service, instance)
    tracing.give_up = exporter.shutdown
    atexit.register(tracing.close)
    return tracing


def traceparent(span: "Span | None") -> str | None:
    """Return what hands a span on to others (W3C Trace Context); None for none."""
    if span is None:
        return None
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
