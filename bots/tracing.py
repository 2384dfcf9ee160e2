"""Traces by OpenTelemetry, sent to a collector (OTLP over HTTP): loaded only where OTEL_EXPORTER_OTLP_ENDPOINT is set.

A trace holds names of steps and of channels, times and outcomes; nothing of a customer, and no exception's text. What
a collector does not take is let go: nobody waits for it, and it breaks nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import Thread
from time import perf_counter, time_ns

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags, set_span_in_context
from opentelemetry.trace.status import Status, StatusCode

from core.observing import Step, Trace

log = logging.getLogger(__name__)

TRACES = "traces"  # under which it is noted how handing them over went
_PATIENCE = 2.0  # seconds that handing over may take, also at the end
_EVERY = 2_000  # milliseconds between two of them
_KINDS = {"accept": SpanKind.SERVER, "send": SpanKind.CLIENT, "model": SpanKind.CLIENT, "action": SpanKind.CLIENT}
_TROUBLE = frozenset({"failed", "refused", "put off"})

Note = Callable[[str, str], None]  # what it is about, and why it did not go well: "" when it did


class Tracing:
    """Follows steps; `note` is told how handing them over went."""

    def __init__(self, endpoint: str, *, kind: str, version: str, note: Note) -> None:
        # What is lost is told of on the status page; the library would say so again every few seconds.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        about = Resource.create({"service.name": "throughline", "service.version": version, "service.process": kind})
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_PATIENCE)
        self._ids = _Ids()
        self._provider = TracerProvider(
            resource=about, sampler=ALWAYS_ON, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(_Noted(exporter, note), schedule_delay_millis=_EVERY))
        self._tracer = self._provider.get_tracer("throughline")

    def begin(self, name: str, channel: str, *, after: Trace | None, beside: Sequence[Trace], since: float) -> Step:
        """A step as a span, of the same trace as the one that it comes after."""
        self._ids.wanted = int(after.id, 16) if after and not after.span else 0
        span = self._tracer.start_span(
            name,
            context=_after(after),
            kind=_KINDS.get(name, SpanKind.INTERNAL),
            attributes={"throughline.channel": channel} if channel else None,
            links=[Link(_context(one)) for one in beside if one.span],
            start_time=time_ns() - int((perf_counter() - since) * 1e9),
        )
        made = span.get_span_context()
        correlation = after.id if after else f"{made.trace_id:032x}"
        return Step(name, Trace(correlation, channel, f"{made.span_id:016x}"), since, ended=partial(_end, span))

    async def close(self) -> None:
        """Hands over what is left, as far as our patience lasts."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(done.set)

        Thread(target=shut_down, daemon=True).start()
        try:
            async with asyncio.timeout(_PATIENCE):
                await done.wait()
        except TimeoutError:
            log.warning("the newest traces were not handed over: the collector takes too long")


class _Ids(RandomIdGenerator):
    """Ids at random; a trace's may be `wanted`, once: that of a message from before anything was traced."""

    wanted = 0

    def generate_trace_id(self) -> int:
        wanted, self.wanted = self.wanted, 0
        return wanted or super().generate_trace_id()


class _Noted(SpanExporter):
    """Hands spans over, and notes how that went when it went otherwise than before."""

    def __init__(self, exporter: SpanExporter, note: Note) -> None:
        self._exporter = exporter
        self._note = note
        self._loop = asyncio.get_running_loop()  # this is not the thread in which things are noted
        self._last: SpanExportResult | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is not self._last:
            self._last = result
            well = result is SpanExportResult.SUCCESS
            why = "" if well else "the collector does not take them; see OTEL_EXPORTER_OTLP_ENDPOINT"
            with suppress(RuntimeError):  # the process has ended
                self._loop.call_soon_threadsafe(self._note, TRACES, why)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _after(trace: Trace | None) -> Context:
    return set_span_in_context(NonRecordingSpan(_context(trace)), Context()) if trace and trace.span else Context()


def _context(trace: Trace) -> SpanContext:
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(trace.id, 16), int(trace.span, 16), is_remote=True, trace_flags=sampled)


def _end(span: Span, step: Step) -> None:
    span.set_attribute("throughline.outcome", step.outcome)
    if step.outcome in _TROUBLE:
        span.set_status(Status(StatusCode.ERROR))
    span.end()
