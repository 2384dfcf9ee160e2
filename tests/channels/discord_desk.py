"""The smallest engine behind a Discord channel, for tests over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from channels._discord.posting import Post
from channels.discord import Discord
from core.channel import Deliver
from core.errors import TryAgain
from core.messages import Choice, InboundMessage, Raw, Reply
from tests.site import make_channel
from tests.twins.discord import BOT_ID, DiscordTwin

ANN, BEN, EVE = "800000000000000011", "800000000000000012", "800000000000000013"
AT_US = f"<@{BOT_ID}>"


class Echo:
    """The smallest engine: keeps each message once, and answers one after the other with what was said."""

    def __init__(self, channel: Discord, choices: tuple[Choice, ...] = ()) -> None:
        self.channel = channel
        self.choices = choices
        self.heard: dict[str, InboundMessage] = {}
        self.open: asyncio.Queue[InboundMessage] = asyncio.Queue()

    async def deliver(self, raw: Raw) -> bool:
        message = self.channel.parse(raw)
        if message is None or message.external_id in self.heard:
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
async def answering(channel: Discord, *choices: Choice) -> AsyncIterator[Echo]:
    engine = Echo(channel, choices)
    worker = asyncio.create_task(engine.answer())
    async with listening(channel, engine.deliver):
        yield engine
    worker.cancel()


def channel_at(discord: DiscordTwin, var: Path, **settings: str) -> Discord:
    where = {"discord_api_base": discord.api_base, "discord_gateway_url": discord.gateway_url}
    made = make_channel("discord", var, **(where | settings))
    assert isinstance(made, Discord)
    made.pause = 0.01
    return made


def answers(discord: DiscordTwin, user_id: str) -> list[str]:
    """What the bot told one user, in order."""
    return [post["content"] for post in discord.posted if post["channel"] == discord.direct(user_id)]
