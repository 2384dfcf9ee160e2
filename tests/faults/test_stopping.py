"""SIGTERM: what is in hand is finished, once; what takes too long is given back, and taken up at the next start; a
second signal ends the process at once, which loses nothing either. A process as an operator starts it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.faults.front import Front
from tests.faults.relay import WAITS, ScriptedRelay
from tests.process.running import Bot, start
from tests.twins.openai import KEY, MODEL, openai_twin

pytestmark = pytest.mark.slow

CHARGED = "I was charged $99 but I downgraded to the $49 plan last week. I already checked the invoice."


@pytest.fixture
async def relay() -> AsyncIterator[ScriptedRelay]:
    async with ScriptedRelay().open() as opened:
        yield opened


def by(relay: ScriptedRelay) -> Mapping[str, str]:
    return {"SMTP_RELAY_HOST": "127.0.0.1", "SMTP_RELAY_PORT": str(relay.port), "SMTP_RELAY_STARTTLS": "false"}


async def ready(folder: Path, settings: Mapping[str, str]) -> Bot:
    bot = await start(folder, settings)
    await bot.until("ready:")
    return bot


async def told_to_stop(bot: Bot) -> None:
    bot.process.send_signal(signal.SIGTERM)
    await bot.until("stopping")


async def ended(bot: Bot) -> int:
    await bot.process.communicate()
    assert bot.process.returncode is not None
    return bot.process.returncode


async def test_a_reply_that_is_being_sent_is_finished_and_goes_out_once(tmp_path: Path, relay: ScriptedRelay) -> None:
    relay.says["DOT"] = WAITS
    bot = await ready(tmp_path, by(relay))
    await bot.mails("john@shop.test", CHARGED)
    await relay.reached.wait()
    await told_to_stop(bot)
    relay.go_on.set()
    assert await ended(bot) == 0
    assert len(relay.taken) == 1

    again = await ready(tmp_path, by(relay))
    await again.mails("eve@shop.test", "My kettle leaks.")
    async with asyncio.timeout(20):
        while len(relay.taken) < 2:
            relay.reached.clear()
            await relay.reached.wait()
    again.process.terminate()
    await ended(again)
    assert len(relay.taken) == len(set(relay.taken)) == 2


async def test_a_turn_that_is_being_thought_about_is_answered(tmp_path: Path, relay: ScriptedRelay) -> None:
    async with openai_twin() as model, Front(behind=model.url).open() as front:
        model.says(reply="Let me look at your invoice.", asks=[])
        settings = {"OPENAI_API_KEY": KEY, "OPENAI_MODEL": MODEL, "OPENAI_BASE_URL": front.url, **by(relay)}
        bot = await ready(tmp_path, settings)
        await front.begins("slow")
        await bot.mails("john@shop.test", CHARGED)
        await front.reached.wait()
        await told_to_stop(bot)
        await front.ends()
        assert await ended(bot) == 0
    assert len(relay.taken) == 1


async def test_what_takes_too_long_is_taken_up_at_the_next_start(tmp_path: Path, relay: ScriptedRelay) -> None:
    relay.says["MAIL"] = WAITS
    bot = await ready(tmp_path, by(relay))
    await bot.mails("john@shop.test", CHARGED)
    await relay.reached.wait()
    await told_to_stop(bot)
    assert await ended(bot) == 0
    assert not relay.taken

    relay.says.clear()
    relay.says["DOT"] = WAITS
    relay.reached.clear()
    again = await ready(tmp_path, by(relay))
    await relay.reached.wait()
    relay.go_on.set()
    again.process.terminate()
    await ended(again)
    assert len(relay.taken) == 1


async def test_a_second_signal_ends_it_at_once(tmp_path: Path, relay: ScriptedRelay) -> None:
    relay.says["DOT"] = WAITS
    bot = await ready(tmp_path, by(relay))
    await bot.mails("john@shop.test", CHARGED)
    await relay.reached.wait()
    await told_to_stop(bot)
    bot.process.send_signal(signal.SIGTERM)
    assert await ended(bot) == -signal.SIGTERM
