"""Journeys on Discord: the real engine, ledger and delivery behind the channel, and Discord on real sockets.

Proved: a code that /link gives on Discord opens the same conversation by email, a person is asked for by a command or a
button, and a message that was taken back before its answer is not answered.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from core.delivery import Delivery
from core.dispatch import Dispatch
from core.messages import Raw
from tests.channels.discord_desk import ANN, answers, channel_at, listening
from tests.shop import HOUSE, Shop
from tests.twins.discord import DiscordTwin


@dataclass(kw_only=True)
class Desk:
    """Everything that a test may look at."""

    shop: Shop
    discord: DiscordTwin
    recorded: "asyncio.Queue[Raw]" = field(default_factory=asyncio.Queue)


@asynccontextmanager
async def desk(folder: Path, *, burst: timedelta = timedelta(0)) -> AsyncIterator[Desk]:
    shop = await Shop.open(folder, house=replace(HOUSE, burst=burst))
    async with DiscordTwin() as discord:
        channel = channel_at(discord, folder)
        delivery = Delivery(shop.ledger, {"discord": channel}, lambda: shop.now)
        shop.engine = replace(shop.engine, typing=delivery.shows_typing)
        dispatch = Dispatch(shop.engine, shop.ledger, delivery, {"discord": channel})
        made = Desk(shop=shop, discord=discord)

        async def deliver(raw: Raw) -> bool:
            is_new = await dispatch.deliver(channel, raw)
            made.recorded.put_nowait(raw)
            return is_new

        async with listening(channel, deliver):
            await discord.until(registered=1)
            yield made
        await dispatch.close()
        await channel.close()
    await shop.close()


async def test_a_code_from_discord_opens_the_conversation_by_email(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.discord.says(ANN, "I was charged $49.37 twice, order W4829137.")
        await at.discord.until(posts=1)
        at.discord.commands(ANN, "link")
        await at.discord.until(shown=1)
        ((who, shown),) = at.discord.interactions.shown
        code = re.search(r"\d{6}", shown)
        assert code
        assert who == ANN
        greeted = await at.shop.hears("email", "ann@shop.test", f"My code is {code[0]}")
    assert "Discord" in greeted
    assert len(answers(at.discord, ANN)) == 1  # the code stands where nobody else reads it, and nowhere else


async def test_a_person_is_asked_for_by_a_button(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.discord.says(ANN, "I was charged $49.37 twice.")
        await at.discord.until(posts=1)
        at.discord.presses(ANN, at.discord.posted[0], "Talk to a person")
        await at.discord.until(posts=2)
    assert "colleague" in answers(at.discord, ANN)[1]
    assert at.discord.typed == [at.discord.direct(ANN)] * 2


async def test_a_person_is_asked_for_by_a_command(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.discord.commands(ANN, "human", in_guild=True)
        await at.discord.until(shown=1)
    assert "colleague" in at.discord.interactions.shown[0][1]
    assert at.discord.posted == []


async def test_what_is_corrected_or_taken_back_before_its_answer_is_answered_as_it_stands(tmp_path: Path) -> None:
    async with desk(tmp_path, burst=timedelta(seconds=0.3)) as at:
        at.discord.edits(at.discord.says(ANN, "Where is order W1111111?"), "Where is order W4829137?")
        at.discord.deletes(at.discord.says(ANN, "Where is order W2222222?"))
        for _ in range(4):
            await at.recorded.get()
        at.shop.later(seconds=5)
        await at.discord.until(posts=1)
    (answer,) = answers(at.discord, ANN)
    assert "9137" in answer
    assert not re.search("1111|2222", answer)
