"""Slack on its own for tests: the channel on the twin, a stand-in for the engine, and a stand-in for the web server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from channels._slack.posting import Post
from channels.slack import Slack, SlackSettings
from core.channel import Deliver
from core.errors import TryAgain, Unverified
from core.messages import InboundMessage, Raw, Reply
from tests.site import NOW, site
from tests.twins.slack import CHANNEL, SlackTwin

DM = {"channel": "DU1ANN", "user": "U1ANN", "home": "T1ACME"}
MENTION = {"channel": CHANNEL, "user": "U1ANN", "home": "T1ACME", "ephemeral": "1"}


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def make(twin: SlackTwin, var: Path, clock: Clock | None = None, **settings: str) -> Slack:
    """The channel; it notices a lost connection in a moment, so that no test waits for it."""
    given: dict[str, Any] = {"slack_bot_token": twin.bot_token, "slack_api_url": twin.api_url} | settings
    channel = Slack(SlackSettings(**given), replace(site(var), now=clock or Clock()))
    channel.connection.ping_seconds = 0.5
    return channel


@asynccontextmanager
async def opened(twin: SlackTwin, var: Path, clock: Clock | None = None, **settings: str) -> AsyncIterator[Slack]:
    """The channel, closed in the end; in Socket Mode where nothing else is said."""
    channel = make(twin, var, clock, **settings or {"slack_app_token": twin.app_token})
    try:
        yield channel
    finally:
        await channel.close()


class Echo:
    """Stands for the engine: keeps each message once, and answers in the order in which they were kept."""

    def __init__(self, channel: Slack, clock: Clock | None = None) -> None:
        self.channel = channel
        self.clock = clock or Clock()
        self.pauses: list[timedelta | None] = []
        self.heard: asyncio.Queue[bool] = asyncio.Queue()
        self._kept: set[str] = set()
        self._open: asyncio.Queue[InboundMessage] = asyncio.Queue()

    async def deliver(self, raw: Raw) -> bool:
        message = self.channel.parse(raw)
        new = message is not None and message.external_id not in self._kept
        if message and new:
            self._kept.add(message.external_id)
            self._open.put_nowait(message)
        self.heard.put_nowait(new)
        return new

    async def answer(self) -> None:
        while True:
            message = await self._open.get()
            reply = Reply(id=message.external_id, route=message.route, text=f"You said: {message.text}")
            for wire in self.channel.render(reply):
                await self._send(wire)

    async def _send(self, wire: Post) -> None:
        while True:
            try:
                await self.channel.send(wire)
            except TryAgain as busy:
                self.pauses.append(busy.after)
                self.clock.now += busy.after or timedelta(0)
            else:
                return


@asynccontextmanager
async def running(*works: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def connected(twin: SlackTwin, channel: Slack, deliver: Deliver, *works: Any) -> AsyncIterator[None]:
    async with running(channel.listen(deliver), *works):
        await twin.connections.get()
        yield


@asynccontextmanager
async def host(channel: Slack, deliver: Deliver) -> AsyncIterator[str]:
    """The web server that a webhook channel lives in, reduced to what matters here; gives its address."""

    async def receive(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        raw = Raw(body=await request.read(), received_at=NOW, headers=headers, path=request.path)
        try:
            channel.verify(raw)
        except Unverified as refusal:
            return web.Response(status=refusal.status)
        await deliver(raw)
        ack = await channel.acknowledge(raw, channel.parse(raw))
        assert isinstance(ack.body, str)
        return web.Response(status=ack.status, text=ack.body, content_type=ack.media_type)

    app = web.Application()
    for path in channel.paths:
        app.router.add_post(path, receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{channel.paths[0]}"
    finally:
        await runner.cleanup()
