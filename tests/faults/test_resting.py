"""A provider that is away as a whole is left alone: replies wait without being tried, one is tried for all once the
rest is over, and then all go. What one refuses about a single reply rests nothing.
"""

import asyncio
from pathlib import Path

import pytest

from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.sqlite import SqliteDatabase
from core.breaker import IN_A_ROW, Breaker, Resting
from core.delivery import Delivery
from core.errors import TryAgain, Undeliverable
from core.ledger import Outgoing
from tests.faults.house import bot_with
from tests.shop import START, Shop
from tests.twins.channel import ChannelTwin

AWAY = TryAgain("503", away=True)


class Counting(ChannelTwin):
    """Counts what it is asked."""

    asked = 0

    async def send(self, wire: object) -> str:
        self.asked += 1
        return await super().send(wire)  # type: ignore[arg-type]


async def test_replies_wait_while_their_provider_rests_and_use_up_no_patience(tmp_path: Path) -> None:
    channel = Counting("sms")
    channel.troubles.extend([AWAY] * 1_000)
    async with bot_with(channel, tmp_path) as bot:
        sending = "sending sms"
        for number in range(8):
            await bot.hears(f"+1555010{number}", "My kettle leaks.")
        await bot.until(lambda: bot.office.health.of(sending).rests_until is not None)
        assert "resting until" in await bot.page()
        asked = channel.asked
        await bot.hears("+15550108", "My lamp is broken.")
        while bot.dispatch._serving:
            pass_on = next(iter(bot.dispatch._serving.values()))
            await pass_on
        assert channel.asked <= asked + 1  # who tried for all

        channel.troubles.clear()
        await bot.all_is_sent()
        assert len(channel.sent) == 9
        assert await bot.states() == [("sent", False)] * 9
        assert bot.office.health.of(sending).rests_until is None
        assert "resting until" not in await bot.page()


class Trying(ChannelTwin):
    """A provider that takes its time with the first one."""

    def __init__(self) -> None:
        super().__init__("sms")
        self.tried, self.goes_on = asyncio.Event(), asyncio.Event()

    async def send(self, wire: object) -> str:
        self.tried.set()
        await self.goes_on.wait()
        return await super().send(wire)  # type: ignore[arg-type]


class LetsGo(SqlLedger):
    """A ledger that tells what was given back to it."""

    given_back: "asyncio.Queue[int]"

    async def let_go(self, outgoing: int) -> None:
        await super().let_go(outgoing)
        self.given_back.put_nowait(outgoing)


async def test_who_comes_second_gives_its_reply_back_while_the_first_one_tries_for_all(tmp_path: Path) -> None:
    ledger = LetsGo(SqliteDatabase(tmp_path / "shop.db"))
    ledger.given_back = asyncio.Queue()
    await ledger.migrate()
    shop, channel = await Shop.open(tmp_path, ledger=ledger), Trying()
    rows: list[Outgoing] = []
    for number in ("+15550101", "+15550102"):
        await shop.accept(shop.message("sms", number, "My kettle leaks."))
        shop.later(seconds=3)
        settled = await shop.engine.take_turn(f"sms:{number}")
        rows += settled.outbox  # type: ignore[union-attr]
    delivery = Delivery(ledger, {"sms": channel}, lambda: shop.now)
    breaker = delivery._breaker(rows[0])
    for _ in range(IN_A_ROW):
        with pytest.raises(TryAgain), breaker.asked():
            raise AWAY
    delivery.post(rows)
    await channel.tried.wait()
    second = await ledger.given_back.get()
    elsewhere = SqlLedger(SqliteDatabase(tmp_path / "shop.db"))
    taken = await elsewhere.claim(second, now=shop.now)
    assert taken
    assert not taken.maybe_twice
    await elsewhere.let_go(second)
    channel.goes_on.set()
    assert {(await channel.said()).route["to"] for _ in rows} == {"+15550101", "+15550102"}
    await delivery.close()
    await elsewhere.close()
    await shop.close()


async def test_one_tries_for_all(tmp_path: Path) -> None:
    told: list[object] = []
    breaker = Breaker(lambda: START, told.append)
    for _ in range(IN_A_ROW):
        assert not breaker.rests
        with pytest.raises(TryAgain), breaker.asked():
            raise AWAY
    assert breaker.rests
    with pytest.raises(Resting), breaker.asked():
        raise AssertionError("nobody is asked")

    await breaker.rested()
    with breaker.asked(), pytest.raises(Resting), breaker.asked():
        raise AssertionError("the first one tries for all")
    assert told[-1] is None
    with breaker.asked(), breaker.asked():
        pass


async def test_a_trial_that_fails_begins_a_longer_rest() -> None:
    told: list[object] = []
    breaker = Breaker(lambda: START, told.append)
    for _ in range(IN_A_ROW):
        with pytest.raises(TryAgain), breaker.asked():
            raise AWAY
    await breaker.rested()
    with pytest.raises(TryAgain), breaker.asked():
        raise AWAY
    first, second = told
    assert second - START == 2 * (first - START)  # type: ignore[operator]


@pytest.mark.parametrize("refusal", [Undeliverable("550"), TryAgain("429")])
async def test_what_is_about_one_reply_or_the_pace_rests_nothing(refusal: Exception) -> None:
    breaker = Breaker(lambda: START, lambda _until: None)
    for _ in range(IN_A_ROW - 1):
        with pytest.raises(TryAgain), breaker.asked():
            raise AWAY
    with pytest.raises(type(refusal)), breaker.asked():
        raise refusal
    with pytest.raises(TryAgain), breaker.asked():
        raise AWAY
    assert not breaker.rests
