"""The model fails in every way there is: the customer is answered by the rules meanwhile, staff see why, and once it is
well the model answers again. One that fails on and on is left alone, so that nobody waits for it in vain."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from core.backends.openai_writer import OpenAIWriter
from core.backends.rules import RulesWriter
from core.breaker import IN_A_ROW, Breaker
from core.sparing import SparedWriter, model_is_away
from core.watched import MODEL, WatchedWriter
from core.writing import WithFallback
from tests.faults.front import FAULTS, Front
from tests.faults.house import Bot, bot_with
from tests.twins.channel import ChannelTwin
from tests.twins.openai import KEY, OpenAITwin, openai_twin
from tests.twins.openai import MODEL as NAME


@pytest.fixture
async def twin() -> AsyncIterator[OpenAITwin]:
    async with openai_twin() as opened:
        opened.says(reply="Let me look at your kettle.", asks=[])
        yield opened


@pytest.fixture
async def front(twin: OpenAITwin) -> AsyncIterator[Front]:
    async with Front(behind=twin.url).open() as opened:
        yield opened


@pytest.fixture
async def bot(front: Front, tmp_path: Path) -> AsyncIterator[Bot]:
    model = OpenAIWriter(KEY, front.url, NAME, timeout=2.0)
    async with bot_with(ChannelTwin("sms"), tmp_path) as made:
        health, now = made.office.health, lambda: made.shop.now
        breaker = Breaker(now, partial(health.rests, MODEL), model_is_away)
        writer = WithFallback(WatchedWriter(SparedWriter(model, breaker), health.note), RulesWriter())
        object.__setattr__(made.shop.engine, "writer", writer)
        yield made
    await model.close()


async def answered(bot: Bot, number: int) -> str:
    """What a customer is told."""
    await bot.hears(f"+1555010{number}", "My kettle leaks.")
    return str((await bot.channel.said()).text)


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_rules_answer_while_the_model_fails(bot: Bot, front: Front, fault: str) -> None:
    await front.begins(fault)
    said = await answered(bot, 1)
    assert said
    assert "Let me look" not in said
    assert front.met or fault == "refused"
    assert "1 × The language model twin-1" in await bot.page()

    await front.ends()
    assert "Let me look at your kettle." in await answered(bot, 2)
    assert not bot.ails(MODEL)


async def test_a_model_that_is_away_is_not_asked_again_and_again(bot: Bot, front: Front) -> None:
    await front.begins("503")
    for number in range(IN_A_ROW + 1):
        assert await answered(bot, number)
    assert front.met == IN_A_ROW
    page = await bot.page()
    assert "resting until" in page
    assert "it was not asked" in page

    await front.ends()
    rested = bot.shop.engine.writer._primary._writer._breaker  # type: ignore[attr-defined]
    await rested.rested()
    assert "Let me look at your kettle." in await answered(bot, 9)
    assert "resting until" not in await bot.page()
