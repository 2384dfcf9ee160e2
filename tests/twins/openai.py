"""Stands for an OpenAI-compatible server: POST /v1/chat/completions and GET /v1/models, as strict as the real one."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

KEY = "sk-test-of-the-twin"
MODEL = "twin-1"
_ROLES = ("system", "user", "assistant")

Json = dict[str, Any]


def answer(**changes: object) -> Json:
    """An answer of the schema, complete."""
    plain: Json = {
        "human_wanted": False,
        "confidence": 0.8,
        "actions": [],
        "reply": "I have noted the $99 charge.",
        "asks": [],
        "case": None,
        "issue": "charged $99",
        "category": "charge",
        "mood": "neutral",
        "urgency": "medium",
        "language": "en",
        "facts": [{"slot": "amount", "value": "$99"}],
        "preferences": [],
        "tried": [],
        "resolved": False,
        "pattern": None,
    }
    return plain | changes


@dataclass
class OpenAITwin:
    """What it was asked, and how it is to answer. `trouble` names what goes wrong."""

    url: str = ""
    content: str = field(default_factory=lambda: json.dumps(answer()))
    trouble: str = ""
    calls: int = 0
    requests: list[Json] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    pauses_before: str = ""  # words of a streamed answer before which it waits until it may `go_on`
    breaks_before: str = ""  # words of a streamed answer before which the connection is lost
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    paused: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    left_alone: asyncio.Event = field(default_factory=asyncio.Event)  # whoever asked closed the connection
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def says(self, **changes: object) -> None:
        self.content = json.dumps(answer(**changes))

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        self.asked.set()
        fault = _fault(request.headers.get("Authorization", ""), body := await request.json())
        if fault:
            self.refused.append(fault)
            return _error(401 if fault == "key" else 400, fault)
        self.requests.append(body)
        if trouble := _TROUBLES.get(self.trouble):
            response: web.StreamResponse = await trouble(self, request)
            return response
        return await self._stream(request) if body.get("stream") else web.json_response(self.completion())

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        try:
            for piece in self._pieces():
                await self._meet(piece, request)
                await response.write(self._event({"content": piece}))
            await response.write(self._event({}, finish_reason="stop") + b"data: [DONE]\n\n")
        except (asyncio.CancelledError, ConnectionError):
            self.left_alone.set()
            raise
        return response

    def _pieces(self) -> Iterator[str]:
        """The answer in pieces of a few characters; one begins where it pauses, and one where it breaks."""
        marks = {self.content.find(mark) for mark in (self.pauses_before, self.breaks_before) if mark}
        cuts = sorted({*range(0, len(self.content), 7), *marks, len(self.content)})
        return (self.content[a:b] for a, b in itertools.pairwise(cuts))

    async def _meet(self, piece: str, request: web.Request) -> None:
        if self.pauses_before and self.pauses_before.startswith(piece[: len(self.pauses_before)]):
            self.paused.set()
            await self.go_on.wait()
        if self.breaks_before and self.breaks_before.startswith(piece[: len(self.breaks_before)]):
            assert request.transport is not None
            request.transport.abort()

    @staticmethod
    def _event(delta: Json, *, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [choice]}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    async def models(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _error(401, f"Incorrect API key provided: {request.headers.get('Authorization')}")
        return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    def completion(self, *, finish_reason: str = "stop", **message: object) -> Json:
        said = {"role": "assistant", "content": self.content, "refusal": None} | message
        choice = {"index": 0, "message": said, "finish_reason": finish_reason, "logprobs": None}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": MODEL,
            "choices": [choice],
            "usage": usage,
        }


async def _hangs(twin: OpenAITwin, _request: web.Request) -> web.StreamResponse:
    await twin.released.wait()
    return web.Response()


async def _drops(_twin: OpenAITwin, request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _breaks_off(twin: OpenAITwin, request: web.Request) -> web.StreamResponse:
    """Half of the promised bytes, then nothing."""
    body = json.dumps(twin.completion()).encode()
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


def _with(make: Callable[[OpenAITwin], web.Response]) -> Any:
    async def respond(twin: OpenAITwin, _request: web.Request) -> web.StreamResponse:
        return make(twin)

    return respond


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "error", "code": None}}, status=status)


_TROUBLES: Mapping[str, Any] = {
    "in one go": _with(lambda t: web.json_response(t.completion())),
    "429": _with(lambda _: _error(429, "Rate limit reached")),
    "500": _with(lambda _: _error(500, "The server had an error")),
    "401": _with(lambda _: _error(401, f"Incorrect API key provided: {KEY}")),
    "hangs": _hangs,
    "drops": _drops,
    "breaks off": _breaks_off,
    "half a body": _with(lambda t: web.Response(text=json.dumps(t.completion())[:80], content_type="application/json")),
    "html": _with(lambda _: web.Response(text="<html>Gateway</html>", content_type="text/html")),
    "no choices": _with(lambda t: web.json_response(t.completion() | {"choices": []})),
    "null choices": _with(lambda t: web.json_response(t.completion() | {"choices": None})),
    "refuses": _with(lambda t: web.json_response(t.completion(content=None, refusal="I cannot help with that."))),
    "too long": _with(lambda t: web.json_response(t.completion(finish_reason="length"))),
    "filtered": _with(lambda t: web.json_response(t.completion(finish_reason="content_filter"))),
    "empty": _with(lambda t: web.json_response(t.completion(content=None))),
}


def _fault(authorization: str, body: Json) -> str:
    """What the real server would refuse about a request, or ""."""
    if authorization != f"Bearer {KEY}":
        return "key"
    if body.get("model") != MODEL:
        return "model"
    messages = body.get("messages") or []
    if not messages or any(m.get("role") not in _ROLES or not isinstance(m.get("content"), str) for m in messages):
        return "messages"
    wanted = body.get("response_format")
    if wanted is None:
        return ""  # plain text is asked for
    if wanted.get("type") != "json_schema" or wanted["json_schema"].get("strict") is not True:
        return "response_format"
    return _schema_fault(wanted["json_schema"].get("schema", {}))


def _schema_fault(schema: Json) -> str:
    """Strict mode: every object closed, every property required."""
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or schema.get("required") != list(properties):
            return "schema"
        return next(filter(None, map(_schema_fault, properties.values())), "")
    if schema.get("type") == "array":
        return _schema_fault(schema["items"])
    return "" if "type" in schema else "schema"


@asynccontextmanager
async def openai_twin(twin: OpenAITwin | None = None) -> AsyncIterator[OpenAITwin]:
    """A twin on a free port of the loopback."""
    twin = twin or OpenAITwin()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", twin.complete)
    app.router.add_get("/v1/models", twin.models)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    twin.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield twin
    finally:
        twin.released.set()
        await runner.cleanup()
