"""Memory that is down or asleep costs nobody a reply, and is seen."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.watched import MEMORY, WatchedMemory
from tests.faults.house import bot_with
from tests.twins.channel import ChannelTwin


@pytest.mark.parametrize("fault", ["down", "asleep"])
async def test_customers_are_answered_while_memory_is_away(tmp_path: Path, fault: str) -> None:
    async with bot_with(ChannelTwin("sms"), tmp_path) as bot:
        memory = bot.shop.memory
        watched = WatchedMemory(memory, bot.office.health.note)
        bot.dispatch._engine = replace(bot.shop.engine, memory=watched)
        memory.down = fault == "down"
        if fault == "asleep":
            memory.awake.clear()
        await bot.hears("+15550100", "My parcel W4829137 never arrived.")
        assert (await bot.channel.said()).text
        await bot.until(lambda: bot.ails(MEMORY))
        why = bot.office.health.of(MEMORY).mishaps[-1].why
        assert f"× {why}" in await bot.page()

        memory.down = False
        memory.awake.set()
        await bot.hears("+15550101", "My kettle leaks.")
        assert (await bot.channel.said()).text
        await bot.until(lambda: not bot.ails(MEMORY))
