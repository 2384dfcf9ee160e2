"""Stands for a collector of OpenTelemetry: takes traces by OTLP over HTTP, as strict as a real one.

It refuses what is no protobuf of the right kind, and keeps each span with what it was told to be part of.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Told

PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True, kw_only=True)
class Span:
    """A span, as it was told."""

    name: str
    trace: str
    id: str
    parent: str
    process: str
    attributes: dict[str, str]
    links: tuple[str, ...]
    failed: bool


@dataclass(kw_only=True)
class Collector:
    """`spans` are those that it took. With `hangs` it never answers, with `refuses` by this status."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    hangs: bool = False
    refuses: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Collector"]:
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def until(self, *names: str) -> list[Span]:
        """All spans, once there are some of each of these names."""
        async with self._came:
            await self._came.wait_for(lambda: set(names) <= {span.name for span in self.spans})
        return list(self.spans)

    async def _take(self, request: web.Request) -> web.Response:
        self.asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.refuses:
            return web.Response(status=self.refuses)
        body = await request.read()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.bodies.append(body)
        try:
            told = ExportTraceServiceRequest.FromString(body)
        except DecodeError:
            return web.Response(status=400)
        if request.content_type != PROTOBUF or not told.resource_spans:
            return web.Response(status=400)
        async with self._came:
            self.spans += _spans(told)
            self._came.notify_all()
        return web.Response(body=ExportTraceServiceResponse().SerializeToString(), content_type=PROTOBUF)


def _spans(told: ExportTraceServiceRequest) -> list[Span]:
    found: list[Span] = []
    for of_process in told.resource_spans:
        about = {one.key: one.value.string_value for one in of_process.resource.attributes}
        for scope in of_process.scope_spans:
            found += [_span(span, about.get("service.process", "")) for span in scope.spans]
    return found


def _span(span: Told, process: str) -> Span:
    return Span(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        process=process,
        attributes={one.key: one.value.string_value for one in span.attributes},
        links=tuple(link.trace_id.hex() for link in span.links),
        failed=span.status.code == 2,
    )
