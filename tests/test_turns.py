"""Turns under a lease: one at a time for a customer, fenced off when taken over, and answered whatever happens."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.sqlite import SqliteDatabase
from core.backends.rules.writer import RulesWriter
from core.delivery import Delivery
from core.dispatch import Dispatch
from core.errors import Fenced, WriterFailed
from core.ledger import Settlement, Turn, Wait, line_of
from core.messages import Raw
from core.writing import Answer, Brief, WithFallback
from identity.proof import Proof
from tests.shop import HOUSE, Shop
from tests.twins.channel import ChannelTwin

NOTHING = Raw(body=b"", received_at=Shop.now)


class Scripted:
    """A writer that does what the test says."""

    def __init__(self, script: Callable[[Brief], Awaitable[Answer]]) -> None:
        self._script = script

    async def answer(self, brief: Brief) -> Answer:
        return await self._script(brief)


async def opened(shop: Shop, line: str, *, live: bool = False, token: str = "t") -> Turn:
    turn = await shop.ledger.open_turn(line, token=token, now=shop.now, burst=HOUSE.burst * 0, live=live)
    assert isinstance(turn, Turn)
    return turn


async def test_two_handles_of_one_customer_are_not_answered_at_once(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "email:john@shop.test", "slack:T1/U1")
    await shop.accept(shop.message("slack", "T1/U1", "one"))
    await shop.accept(shop.message("email", "john@shop.test", "two"))
    first = await opened(shop, "slack:T1/U1", token="a")
    second = await shop.ledger.open_turn(
        "email:john@shop.test", token="b", now=shop.now, burst=HOUSE.burst * 0, live=False
    )
    assert isinstance(second, Wait)
    await shop.ledger.settle(Settlement(turn=first, now=shop.now, keeper=first.standing.keeper))
    await opened(shop, "email:john@shop.test", token="b")


async def test_a_live_turn_takes_the_lease_and_the_other_one_cannot_settle(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1", "phone:+15550142")
    await shop.accept(shop.message("slack", "T1/U1", "one"))
    await shop.accept(shop.message("voice", "+15550142", "two"))
    slow = await opened(shop, "slack:T1/U1", token="a")
    call = await opened(shop, "voice:+15550142", token="b", live=True)
    with pytest.raises(Fenced):
        await shop.ledger.settle(Settlement(turn=slow, now=shop.now, keeper=slow.standing.keeper))
    await shop.ledger.settle(Settlement(turn=call, now=shop.now, keeper=call.standing.keeper))
    again = await opened(shop, "slack:T1/U1", token="c")
    assert again.text == "one"


async def test_messages_of_different_proof_are_never_gathered(shop: Shop) -> None:
    await shop.accept(shop.message("email", "john@shop.test", "proven", conversation="thread"))
    forged = shop.message("email", "john@shop.test", "forged", proof=Proof.CLAIMED, conversation="thread")
    await shop.accept(forged)
    assert line_of(forged) != "email:john@shop.test"
    assert (await opened(shop, "email:john@shop.test")).text == "proven"


async def test_the_proof_found_before_a_crash_is_kept(shop: Shop) -> None:
    await shop.accept(shop.message("sms", "+15550177", "Hello"))
    before = await opened(shop, "sms:+15550177", token="a")
    assert before.standing.proof is Proof.PLAUSIBLE
    await shop.ledger.begin_alone()
    assert (await opened(shop, "sms:+15550177", token="b")).standing.proof is Proof.PLAUSIBLE


async def test_of_two_times_the_later_told_value_holds(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", "I was charged $49.37 for order W4829137")
    shop.later(minutes=10)
    older = shop.now.replace(hour=8)
    await shop.hears("slack", "T1/U1", "It was order W1111111", sent_at=older)
    shop.later(days=1)
    assert "9137" in await shop.hears("slack", "T1/U1", "Any news on my charge?")


async def test_a_failing_model_is_answered_by_the_rules_and_flagged(tmp_path: Path) -> None:
    async def fails(_brief: Brief) -> Answer:
        raise WriterFailed("429 Too Many Requests")

    shop = await Shop.open(tmp_path, writer=WithFallback(Scripted(fails), RulesWriter()))
    assert "order number" in await shop.hears("slack", "T1/U1", "I was charged $49.37 twice")
    await shop.close()


async def test_a_memory_that_is_away_costs_nobody_a_reply(shop: Shop) -> None:
    shop.memory.awake.clear()
    assert "order number" in await shop.hears_without_learning("slack", "T1/U1", "I was charged $49.37 twice")


async def working(shop: Shop, channel: ChannelTwin) -> Dispatch:
    delivery = Delivery(shop.ledger, {channel.name: channel}, lambda: shop.now)
    return Dispatch(shop.engine, shop.ledger, delivery)


class Long(ChannelTwin):
    """Its delivery is read only once somebody else has had a turn."""

    def __init__(self) -> None:
        super().__init__()
        self.others_went_on = threading.Event()

    def parse(self, raw: Raw) -> None:
        assert self.others_went_on.wait(3), f"{len(raw.body)} bytes keep everybody waiting"


async def test_nobody_waits_while_a_long_delivery_is_read(shop: Shop) -> None:
    channel = Long()
    dispatch = await working(shop, channel)
    asyncio.get_running_loop().call_soon(channel.others_went_on.set)
    parked = await dispatch.deliver(channel, replace(NOTHING, body=b"x" * 50_000))
    assert not parked


async def test_a_bug_in_a_turn_still_ends_in_an_answer_and_a_case_for_a_human(tmp_path: Path) -> None:
    async def breaks(_brief: Brief) -> Answer:
        raise RuntimeError("a bug")

    shop = await Shop.open(tmp_path, writer=Scripted(breaks), house=replace(HOUSE, burst=HOUSE.burst * 0))
    channel = ChannelTwin("slack")
    dispatch = await working(shop, channel)
    await dispatch.hear(shop.message("slack", "T1/U1", "Hello"), NOTHING)
    assert "kept" in (await channel.said()).text
    await dispatch.close()
    await shop.close()


async def test_lines_are_served_side_by_side_and_each_in_order(tmp_path: Path) -> None:
    ann_is_answered, order = asyncio.Event(), list[str]()

    async def waits_for_ann(brief: Brief) -> Answer:
        if brief.text == "slow":
            await ann_is_answered.wait()
        order.append(brief.text)
        return Answer(human_wanted=False, confidence=1, reply=f"heard {brief.text}")

    shop = await Shop.open(tmp_path, writer=Scripted(waits_for_ann), house=replace(HOUSE, burst=HOUSE.burst * 0))
    channel = ChannelTwin("slack")
    dispatch = await working(shop, channel)
    await dispatch.hear(shop.message("slack", "T1/BEN", "slow"), NOTHING)
    await dispatch.hear(shop.message("slack", "T1/ANN", "quick"), NOTHING)
    assert "quick" in (await channel.said()).text
    await dispatch.hear(shop.message("slack", "T1/BEN", "after"), NOTHING)
    ann_is_answered.set()
    assert "slow" in (await channel.said()).text
    assert "after" in (await channel.said()).text
    assert order == ["quick", "slow", "after"]
    await dispatch.close()
    await shop.close()


async def test_what_an_earlier_process_left_is_answered_and_sent(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path, house=replace(HOUSE, burst=HOUSE.burst * 0))
    await shop.accept(shop.message("slack", "T1/U1", "I was charged $49.37 twice"))
    await opened(shop, "slack:T1/U1", token="of the process that died")
    await shop.accept(shop.message("slack", "T1/U2", "Hello"))
    await shop.engine.take_turn("slack:T1/U2")
    channel = ChannelTwin("slack")
    dispatch = await working(shop, channel)
    await dispatch.resume()
    routes = {(await channel.said()).route["to"] for _ in range(2)}
    assert routes == {"T1/U1", "T1/U2"}
    await dispatch.close()
    await shop.close()


async def test_a_correction_is_answered_instead_of_what_it_replaces_while_that_still_waits(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path)
    first = shop.message("slack", "T1/U1", "Where is order W1111111?")
    await shop.accept(first)
    assert await shop.accept(shop.message("slack", "T1/U1", "Where is order W2222222?", replaces=first.external_id))
    assert "2222" in (said := await shop.answers("slack:T1/U1"))
    assert "1111" not in said
    again = shop.message("slack", "T1/U1", "Where is order W3333333?", replaces=first.external_id)
    assert await shop.accept(again)
    assert "3333" in await shop.answers("slack:T1/U1")
    await shop.close()


async def test_what_is_taken_back_is_not_answered_and_nobody_takes_back_what_is_anothers(tmp_path: Path) -> None:
    shop = await Shop.open(tmp_path)
    first = shop.message("slack", "T1/U1", "I was charged $49.37 twice")
    await shop.accept(first)
    assert not await shop.accept(shop.message("slack", "T1/U2", "", replaces=first.external_id))
    assert await shop.ledger.open_lines() == ["slack:T1/U1"]
    assert not await shop.accept(shop.message("slack", "T1/U1", "", replaces=first.external_id))
    assert await shop.ledger.open_lines() == []
    await shop.close()


async def test_accepting_is_once_even_from_two_processes(tmp_path: Path) -> None:
    first, second = SqlLedger(SqliteDatabase(tmp_path / "l.db")), SqlLedger(SqliteDatabase(tmp_path / "l.db"))
    await first.migrate()
    shop = await Shop.open(tmp_path)
    message = shop.message("slack", "T1/U1", "Hello")
    news = await asyncio.gather(*(ledger.accept(message, NOTHING) for ledger in (first, second) * 10))
    assert sum(news) == 1
    for ledger in (first, second, shop.ledger):
        await ledger.close()
