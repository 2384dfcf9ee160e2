"""The smallest engine behind a Discord channel, for tests over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from channels._discord.posting import Post
from channels.discord import Discord, DiscordSettings
from core.backends.ledger.sql import SqlLedger
from core.channel import Deliver
from core.errors import TryAgain
from core.messages import Choice, InboundMessage, Raw, Reply
from tests.site import NOW, SAMPLES, site
from tests.twins.discord import BOT_ID, DiscordTwin

ANN, BEN, EVE = "800000000000000011", "800000000000000012", "800000000000000013"
AT_US = f"<@{BOT_ID}>"


class Echo:
    """The smallest engine: keeps each message once, and answers one after the other with what was said. What it keeps
    outlives it where it has a ledger."""

    def __init__(self, channel: Discord, choices: tuple[Choice, ...] = (), ledger: SqlLedger | None = None) -> None:
        self.channel = channel
        self.choices = choices
        self.ledger = ledger
        self.heard: dict[str, InboundMessage] = {}
        self.open: asyncio.Queue[InboundMessage] = asyncio.Queue()

    async def deliver(self, raw: Raw) -> bool:
        message = self.channel.parse(raw)
        if message is None or message.external_id in self.heard:
            return False
        if self.ledger and not await self.ledger.accept(message, raw):
            return False
        self.heard[message.external_id] = message
        self.open.put_nowait(message)
        return True

    async def answer(self) -> None:
        while True:
            message = await self.open.get()
            if message.takes_back:
                continue
            reply = Reply(
                id=f"rep_{message.external_id}", route=message.route, text=f"Re: {message.text}", choices=self.choices
            )
            for wire in self.channel.render(reply):
                await sent(self.channel, wire)


async def sent(channel: Discord, wire: Post) -> str:
    """Sends until it is sent, as the outbox does."""
    while True:
        try:
            return await channel.send(wire)
        except TryAgain as busy:
            await asyncio.sleep(busy.after.total_seconds() if busy.after else 0)


@asynccontextmanager
async def listening(channel: Discord, deliver: Deliver) -> AsyncIterator[None]:
    listener = asyncio.create_task(channel.listen(deliver))
    try:
        yield
    finally:
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


@asynccontextmanager
async def answering(channel: Discord, *choices: Choice, ledger: SqlLedger | None = None) -> AsyncIterator[Echo]:
    engine = Echo(channel, choices, ledger)
    worker = asyncio.create_task(engine.answer())
    async with listening(channel, engine.deliver):
        yield engine
    worker.cancel()


def channel_at(discord: DiscordTwin, var: Path, ledger: SqlLedger | None = None, **settings: str) -> Discord:
    """The channel; with a ledger it learns what an earlier process heard."""
    where = {"discord_api_base": discord.api_base, "discord_gateway_url": discord.gateway_url}
    given: dict[str, Any] = json.loads((SAMPLES / "discord" / "settings.json").read_text()) | where | settings
    here = site(var)
    if ledger:
        kept = ledger
        here = replace(here, places=lambda: kept.places("discord", since=NOW - timedelta(days=30)))
    made = Discord(DiscordSettings(**given), here)
    made.pause = 0.01
    return made


def answers(discord: DiscordTwin, user_id: str) -> list[str]:
    """What the bot told one user, in order."""
    return [post["content"] for post in discord.posted if post["channel"] == discord.direct(user_id)]
