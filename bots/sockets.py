"""WebSockets that a channel's provider opens to us, each for one conversation.

The opening is answered 403 when it is not the provider's. What comes over an open one is kept before it is answered.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from core.channel import Channel, Converses, Ears
from core.errors import Unverified
from core.messages import InboundMessage, Interruption, Raw

log = logging.getLogger(__name__)

Hear = Callable[[InboundMessage, Raw], Awaitable[bool]]
Interrupted = Callable[[Interruption], Awaitable[None]]


def routes(
    channels: Sequence[Channel[Any]],
    hear: Hear,
    interrupted: Interrupted,
    *,
    base_url: str,
    now: Callable[[], datetime],
) -> Iterator[BaseRoute]:
    """The sockets of all channels that have some."""
    for channel in channels:
        if isinstance(channel, Converses):
            endpoint = _endpoint(channel, hear, interrupted, base_url, now)
            yield from (WebSocketRoute(path, endpoint) for path in channel.sockets)


def _endpoint(
    channel: Any, hear: Hear, interrupted: Interrupted, base_url: str, now: Callable[[], datetime]
) -> Callable[[WebSocket], Awaitable[None]]:
    async def keep(raw: Raw) -> bool:
        message = channel.parse(raw)
        return await hear(message, raw) if message else False

    async def endpoint(socket: WebSocket) -> None:
        try:
            channel.verify(_opening(socket, base_url, now()))
        except Unverified as error:
            log.warning("a socket to %s was refused: %s", channel.name, error)
            return await socket.close()  # before it was accepted: a plain 403
        await socket.accept()
        try:
            await channel.converse(_Socket(socket), Ears(hear=keep, interrupted=interrupted))
        finally:
            if socket.client_state is WebSocketState.CONNECTED:
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # they were quicker
                    await socket.close()

    return endpoint


def _opening(socket: WebSocket, base_url: str, now: datetime) -> Raw:
    query = f"?{socket.url.query}" if socket.url.query else ""
    return Raw(
        body=b"",
        received_at=now,
        headers={name.lower(): value for name, value in socket.headers.items()},
        url=f"ws{base_url.removeprefix('http')}{socket.url.path}{query}",
        path=socket.url.path,
        peer=socket.client.host if socket.client else "",
    )


class _Socket:
    """An accepted WebSocket, for texts."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> str | None:
        """The next text; None when the other side is gone."""
        message = await self._socket.receive()
        return (message.get("text") or "") if message["type"] == "websocket.receive" else None

    async def send(self, text: str) -> None:
        """Sends a text, if anybody is still there."""
        try:
            await self._socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            log.info("what was said on a socket came after its end")
