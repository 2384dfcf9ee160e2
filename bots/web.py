"""The web server: webhooks of channels, their pages, and whether we are well.

A webhook is answered 413 when its body is too large, 401 or 403 when its sender cannot be trusted (before anything is
read), 400 when it cannot be read, 503 when it could not be kept (the provider sends it again), and by its channel's
own acknowledgement once the message is durable. Every answer to one carries the delivery's correlation id.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from core.channel import Ack, Channel, Embedded, Pages, Webhook
from core.errors import Malformed, Misconfigured, Unverified
from core.messages import InboundMessage, Raw
from core.observing import UNOBSERVED, Observer

log = logging.getLogger(__name__)

Hear = Callable[[InboundMessage, Raw], Awaitable[bool]]
Note = Callable[[Channel[Any], Raw], Awaitable[None]]  # of a delivery in which no customer talks
_LARGEST_FRAME = 65_536  # bytes that may come over a WebSocket at once; more closes it

_CORRELATION = "x-request-id"
_REFUSED = 400  # statuses from here on
_PREFLIGHT_HOLDS = 7200  # seconds, the most that browsers keep to
_IDLE = 75  # seconds until an idle connection is closed: later than proxies and providers do, lest a request meet that

Endpoint = Callable[[Request], Awaitable[Response]]
Ready = Callable[[], Awaitable[Mapping[str, str]]]  # what is not ready: what, and why


class TooLarge(Exception):
    """A body is larger than its channel takes."""


def application(
    channels: Sequence[Channel[Any]],
    hear: Hear,
    ready: Ready,
    *,
    note: Note,
    base_url: str,
    now: Callable[[], datetime],
    extra: Sequence[BaseRoute] = (),
    observer: Observer = UNOBSERVED,
) -> Starlette:
    """Everything that is served over HTTP."""
    door = _Door(hear, note, base_url, now, observer)
    routes = health(ready)
    for channel in channels:
        if isinstance(channel, Webhook):
            routes += _routes(channel, channel.paths, "POST", door.webhook(channel))
        if isinstance(channel, Pages):
            routes += _routes(channel, channel.pages, "GET", door.page(channel))
    return Starlette(routes=[*routes, *extra])


def health(ready: Ready) -> list[BaseRoute]:
    """Whether the process is there, and whether it can do its work."""
    return [Route("/healthz", _healthz), Route("/readyz", _readyz(ready))]


def _routes(channel: object, paths: Sequence[str], method: str, endpoint: Endpoint) -> Iterator[BaseRoute]:
    if not isinstance(channel, Embedded) or not channel.origins:
        yield from (Route(path, endpoint, methods=[method]) for path in paths)
        return
    for path in paths:
        yield Route(path, endpoint, methods=[method], middleware=[_across(channel)])
        yield Route(path, _no_preflight, methods=["OPTIONS"], middleware=[_across(channel)])


def _across(channel: Embedded) -> Middleware:
    """Lets scripts of other websites in, to the channel's paths; refusals too are theirs to read."""
    return Middleware(
        CORSMiddleware,
        allow_origins=channel.origins,
        allow_methods=["GET", "POST"],
        allow_headers=channel.script_headers,
        expose_headers=channel.script_headers,
        max_age=_PREFLIGHT_HOLDS,
    )


async def _no_preflight(_request: Request) -> Response:
    return PlainTextResponse("", 204)


class _Door:
    """Lets requests in to the channels."""

    def __init__(self, hear: Hear, note: Note, base_url: str, now: Callable[[], datetime], observer: Observer) -> None:
        self._observer = observer
        self._hear = hear
        self._note = note
        self._base_url = base_url
        self._now = now

    def webhook(self, channel: Any) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            with self._observer.arrival(channel.name) as arriving:
                answer = await self._answer(channel, request)
                arriving.outcome = "well" if answer.status_code < _REFUSED else "refused"
            answer.headers[_CORRELATION] = arriving.trace.id
            return answer

        return endpoint

    async def _answer(self, channel: Any, request: Request) -> Response:
        try:
            raw = await self._raw(request, limit=channel.limits.inbound_bytes)
            channel.verify(raw)
            message = channel.parse(raw)
        except (TooLarge, Unverified, Malformed) as error:
            self._observer.count("messages", channel.name, "refused")
            return _refusal(channel.name, error)
        except ClientDisconnect:
            return PlainTextResponse("", 400)
        return await self._keep(channel, raw, message)

    async def _keep(self, channel: Any, raw: Raw, message: InboundMessage | None) -> Response:
        try:
            if message is None:
                await self._note(channel, raw)
            else:
                await self._hear(message, raw)
        except Exception:
            log.exception("a message by %s could not be kept; its provider will send it again", channel.name)
            return PlainTextResponse("not kept, please send it again", 503, {"retry-after": "5"})
        return _response(await channel.acknowledge(raw, message))

    def page(self, channel: Any) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return _response(await channel.get(await self._raw(request, limit=0)))
            except (Unverified, TooLarge) as error:
                return _refusal(channel.name, error)

        return endpoint

    async def _raw(self, request: Request, *, limit: int) -> Raw:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise TooLarge(f"more than {limit} bytes")
        query = f"?{request.url.query}" if request.url.query else ""
        return Raw(
            body=bytes(body),
            received_at=self._now(),
            headers={name.lower(): value for name, value in request.headers.items()},
            url=f"{self._base_url}{request.url.path}{query}",
            path=request.url.path,
            peer=request.client.host if request.client else "",
        )


def _refusal(channel: str, error: Exception) -> Response:
    log.warning("a request to %s was refused: %s", channel, error)
    if isinstance(error, Unverified):
        return PlainTextResponse(str(error), error.status)
    return PlainTextResponse(str(error), 413 if isinstance(error, TooLarge) else 400)


def _response(ack: Ack) -> Response:
    headers = {"x-content-type-options": "nosniff", **ack.headers}
    if isinstance(ack.body, str | bytes):
        return Response(ack.body, ack.status, headers, ack.media_type)
    return StreamingResponse(ack.body, ack.status, headers, ack.media_type)


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok")


def _readyz(ready: Ready) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_request: Request) -> Response:
        missing = await ready()
        lines = [f"{what}: {why}" for what, why in missing.items()]
        return PlainTextResponse("\n".join(lines) or "ready", 503 if missing else 200)

    return endpoint


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's, not the server's."""
        yield


@contextlib.asynccontextmanager
async def serving(app: Starlette, listening: socket.socket) -> AsyncIterator[None]:
    """Serves an application on a listening socket, until the block is left."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=_IDLE,
        server_header=False,
        ws_max_size=_LARGEST_FRAME,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


def listen(host: str, port: int, setting: str = "WEB_PORT") -> socket.socket:
    """A listening socket. Raises Misconfigured, naming the setting, when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise Misconfigured(setting, f"cannot listen on {host}:{port} ({error.strerror}); choose another") from None
    # asyncio sets this only on sockets of its own making; without it small answers wait for an acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
