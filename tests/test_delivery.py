"""Delivery: in order for each destination, through trouble, never silently given up."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest_asyncio
from sqlalchemy import delete, select

from core.backends.ledger.schema import outbox
from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.sqlite import SqliteDatabase
from core.channel import Report
from core.delivery import Delivery, attempts_within, longest_pause
from core.dispatch import Dispatch
from core.errors import TryAgain, Undeliverable
from core.ledger import Outgoing
from core.messages import InboundMessage, Raw, Route
from tests.shop import START, Shop
from tests.twins.channel import ChannelTwin

AT_ONCE = timedelta(0)


@pytest_asyncio.fixture
async def channel() -> ChannelTwin:
    return ChannelTwin("slack", parts=2)


@pytest_asyncio.fixture
async def delivery(shop: Shop, channel: ChannelTwin) -> AsyncIterator[Delivery]:
    made = Delivery(shop.ledger, {"slack": channel}, lambda: shop.now)
    yield made
    await made.close()


async def replies(shop: Shop, *texts: str) -> list[Outgoing]:
    """So many replies stand in the outbox for one customer."""
    rows: list[Outgoing] = []
    for text in texts:
        await shop.accept(shop.message("slack", "T1/U1", text))
        shop.later(seconds=3)
        settled = await shop.engine.take_turn("slack:T1/U1")
        rows += settled.outbox  # type: ignore[union-attr]
    return rows


async def test_a_busy_provider_is_tried_again_and_the_order_is_kept(
    shop: Shop, channel: ChannelTwin, delivery: Delivery
) -> None:
    rows = await replies(shop, "I was charged $49.37 twice", "order W4829137")
    channel.troubles.extend([TryAgain("429", after=AT_ONCE), TryAgain("503", after=AT_ONCE)])
    delivery.post(rows)
    said = [(await channel.said()).text for _ in range(4)]
    assert said[0] == said[1] != said[2] == said[3]
    assert "order number" in said[0]


async def test_parts_that_went_are_not_sent_again(shop: Shop, channel: ChannelTwin, delivery: Delivery) -> None:
    rows = await replies(shop, "I was charged $49.37 twice")

    class SecondPartFails(ChannelTwin):
        async def send(self, wire: object) -> str:
            if len(self.sent) == 1 and not self.troubles:
                self.troubles.append(TryAgain("not now", after=AT_ONCE))
                raise self.troubles[0]
            self.troubles.clear()
            return await super().send(wire)  # type: ignore[arg-type]

    failing = SecondPartFails("slack", parts=2)
    careful = Delivery(shop.ledger, {"slack": failing}, lambda: shop.now)
    careful.post(rows)
    for _ in range(2):
        await failing.said()
    assert len(failing.sent) == 2
    await careful.close()


async def test_what_cannot_be_delivered_is_parked_and_holds_up_nothing(
    shop: Shop, channel: ChannelTwin, delivery: Delivery
) -> None:
    rows = await replies(shop, "I was charged $49.37 twice", "order W4829137")
    channel.troubles.append(Undeliverable("the customer left"))
    delivery.post(rows)
    assert "9137" in (await channel.said()).text
    assert rows[0].id not in await shop.waiting()


async def test_an_unforeseen_exception_is_trouble_like_any_other(
    shop: Shop, channel: ChannelTwin, delivery: Delivery
) -> None:
    rows = await replies(shop, "I was charged $49.37 twice")
    channel.troubles.append(ZeroDivisionError("a vendor's bug"))
    delivery.post(rows)
    assert "order number" in (await channel.said()).text


async def test_a_reply_for_a_channel_that_is_off_waits(shop: Shop) -> None:
    rows = await replies(shop, "I was charged $49.37 twice")
    off = Delivery(shop.ledger, {}, lambda: shop.now)
    off.post(rows)
    await off.close()
    assert await shop.waiting() == [row.id for row in rows]


async def test_only_what_was_in_hand_when_its_process_died_is_flagged(shop: Shop) -> None:
    [sending, not_yet] = await replies(shop, "I was charged $49.37 twice", "order W4829137")
    assert await shop.ledger.claim(sending.id, now=shop.now)
    await shop.ledger.begin_alone()
    left = await shop.ledger.left_over(now=shop.now)
    assert [(row.id, row.maybe_twice) for row in left] == [(sending.id, True), (not_yet.id, False)]


async def test_a_reply_is_sent_by_one_process_and_after_those_before_it(shop: Shop, tmp_path: Path) -> None:
    [first, second] = await replies(shop, "I was charged $49.37 twice", "order W4829137")
    other = SqlLedger(SqliteDatabase(tmp_path / "shop.db"))
    claimed = await asyncio.gather(*(one.claim(first.id, now=shop.now) for one in (shop.ledger, other)))
    mine, theirs = (shop.ledger, other) if claimed[0] else (other, shop.ledger)
    assert [row is None for row in claimed].count(True) == 1
    assert await mine.claim(second.id, now=shop.now) is None
    assert await theirs.neglected(before=shop.now + timedelta(1), now=shop.now) == [first.destination]

    shop.later(seconds=14)
    await mine.hold(now=shop.now)
    shop.later(seconds=14)
    assert await theirs.claim(first.id, now=shop.now) is None
    shop.later(seconds=2)
    taken_over = await theirs.claim(first.id, now=shop.now)
    assert taken_over
    assert taken_over.maybe_twice
    await theirs.part_sent(first.id, parts=1, done=True, provider_id="p1", now=shop.now)
    assert await mine.claim(first.id, now=shop.now) is None
    after = await mine.claim(second.id, now=shop.now)
    assert after
    assert not after.maybe_twice
    await other.close()


async def test_a_claim_that_is_given_back_is_free_at_once_and_leaves_no_doubt(shop: Shop, tmp_path: Path) -> None:
    [row] = await replies(shop, "I was charged $49.37 twice")
    other = SqlLedger(SqliteDatabase(tmp_path / "shop.db"))
    assert await shop.ledger.claim(row.id, now=shop.now)
    await other.let_go(row.id)  # which is not theirs to give back
    assert await other.claim(row.id, now=shop.now) is None
    await shop.ledger.let_go(row.id)
    taken = await other.claim(row.id, now=shop.now)
    assert taken
    assert not taken.maybe_twice
    await shop.ledger.let_go(row.id)
    assert await shop.ledger.claim(row.id, now=shop.now) is None
    await other.close()


class Telling(SqlLedger):
    """A ledger that tells when it refused a claim."""

    def __init__(self, path: Path) -> None:
        super().__init__(SqliteDatabase(path))
        self.refused = asyncio.Event()

    async def claim(self, outgoing: int, *, now: datetime) -> Outgoing | None:
        claimed = await super().claim(outgoing, now=now)
        if claimed is None:
            self.refused.set()
        return claimed


async def test_a_reply_waits_for_the_process_that_is_at_an_earlier_one(
    shop: Shop, channel: ChannelTwin, tmp_path: Path
) -> None:
    [first, second] = await replies(shop, "I was charged $49.37 twice", "order W4829137")
    assert await shop.ledger.claim(first.id, now=shop.now)
    theirs = Telling(tmp_path / "shop.db")
    behind = Delivery(theirs, {"slack": channel}, lambda: shop.now)
    behind.post([second])
    await theirs.refused.wait()
    await shop.ledger.part_sent(first.id, parts=1, done=True, provider_id="p1", now=shop.now)
    assert "9137" in (await channel.said()).text
    await behind.close()
    await theirs.close()


async def test_what_a_provider_may_have_when_it_broke_off_is_flagged_and_sent_again(
    shop: Shop, channel: ChannelTwin, delivery: Delivery
) -> None:
    [surely, maybe] = await replies(shop, "I was charged $49.37 twice", "order W4829137")
    channel.troubles.append(TryAgain("busy", after=AT_ONCE))
    await gone(shop, delivery, [surely])
    channel.troubles.append(TryAgain("it broke off", after=AT_ONCE, maybe_sent=True))
    await gone(shop, delivery, [maybe])
    flagged = select(outbox.c.id).where(outbox.c.maybe_twice)
    assert await shop.ledger._database.read(lambda tx: tx.scalars(flagged).all()) == [maybe.id]


def test_a_patient_channel_is_tried_for_days_with_growing_pauses() -> None:
    for patience in (timedelta(hours=2), timedelta(days=5)):
        longest = longest_pause(patience)
        pauses = [min(timedelta(seconds=2 ** min(n, 20)), longest) for n in range(attempts_within(patience) - 1)]
        assert patience - longest < sum(pauses, timedelta(0)) <= patience
    assert longest_pause(timedelta(hours=2)) == timedelta(minutes=15)
    assert longest_pause(timedelta(days=5)) == timedelta(hours=3)


async def test_who_has_no_patience_gives_up(shop: Shop, channel: ChannelTwin, delivery: Delivery) -> None:
    rows = await replies(shop, "I was charged $49.37 twice")
    channel.limits = replace(channel.limits, patience=timedelta(seconds=3))  # type: ignore[misc]
    channel.troubles.extend([TryAgain("busy", after=AT_ONCE)] * 99)
    await gone(shop, delivery, rows)
    assert [one.error for one in await shop.ledger.undelivered()] == ["given up after 3 attempts"]


class Reporting(ChannelTwin):
    """A channel whose provider says later what became of a message: `ID failure`, or `ID stop`."""

    def report(self, raw: Raw) -> Report | None:
        provider_id, _, what = raw.body.decode().rpartition(" ")
        return Report(provider_id=provider_id, failure=what, opted_out=what == "stop") if provider_id else None

    def parse(self, raw: Raw) -> InboundMessage | None:
        return None


async def gone(shop: Shop, delivery: Delivery, rows: list[Outgoing]) -> None:
    """All of these were sent, and that is on record."""
    delivery.post(rows)
    async with asyncio.timeout(10):
        while {row.id for row in rows} & set(await shop.waiting()):
            pass


def delivered(text: str) -> Raw:
    return Raw(body=text.encode(), received_at=START)


async def test_what_a_provider_reports_later_finds_its_reply_by_any_of_its_parts(shop: Shop) -> None:
    channel = Reporting("slack", parts=2)
    delivery = Delivery(shop.ledger, {"slack": channel}, lambda: shop.now)
    dispatch = Dispatch(shop.engine, shop.ledger, delivery, {"slack": channel})
    await gone(shop, delivery, await replies(shop, "I was charged $49.37 twice"))
    for nothing in ("", "sent 9 unknown"):
        assert not await dispatch.deliver(channel, delivered(nothing))
    assert await shop.ledger.undelivered() == []
    await dispatch.deliver(channel, delivered("sent 1 unreachable"))
    assert [one.error for one in await shop.ledger.undelivered()] == ["unreachable"]
    await dispatch.close()


async def test_a_report_that_overtakes_the_sending_is_noted_once_that_is_on_record(shop: Shop) -> None:
    class Hasty(Reporting):
        async def send(self, wire: object) -> str:
            await dispatch.deliver(self, delivered(f"sent {len(self.sent) + 1} unreachable"))
            return await super().send(wire)  # type: ignore[arg-type]

    channel = Hasty("slack")
    delivery = Delivery(shop.ledger, {"slack": channel}, lambda: shop.now)
    dispatch = Dispatch(shop.engine, shop.ledger, delivery, {"slack": channel})
    await gone(shop, delivery, await replies(shop, "I was charged $49.37 twice"))
    assert await shop.ledger.undelivered() == []
    async with asyncio.timeout(10):
        while not await shop.ledger.undelivered():
            pass
    await dispatch.close()


async def test_somebody_whose_network_reports_a_stop_is_not_written_to_first(shop: Shop) -> None:
    channel = Reporting("slack")
    delivery = Delivery(shop.ledger, {"slack": channel}, lambda: shop.now)
    dispatch = Dispatch(shop.engine, shop.ledger, delivery, {"slack": channel})
    await gone(shop, delivery, await replies(shop, "I was charged $49.37 twice"))
    assert await shop.ledger.reaches([1], now=shop.now)
    await dispatch.deliver(channel, delivered("sent 1 stop"))
    assert not await shop.ledger.reaches([1], now=shop.now)
    await dispatch.close()


async def test_typing_is_shown_while_an_answer_is_written_and_not_while_a_colleague_has_the_case(shop: Shop) -> None:
    class Showing(ChannelTwin):
        shown: ClassVar[list[str]] = []

        async def typing(self, route: Route) -> None:
            self.shown.append(route["to"])
            raise RuntimeError("nobody misses it")

    channel = Showing("slack")
    delivery = Delivery(shop.ledger, {"slack": channel}, lambda: shop.now)
    shop.engine = replace(shop.engine, typing=delivery.shows_typing)
    await shop.hears("slack", "T1/U1", "I was charged $49.37 twice")
    await shop.hears("slack", "T1/U1", "I want to talk to a human.")
    await shop.hears("slack", "T1/U1", "Are you there?")
    await delivery.close()
    assert channel.shown == ["T1/U1", "T1/U1"]


async def test_a_reply_of_which_one_part_never_arrived_stays_undelivered_when_the_last_one_goes(shop: Shop) -> None:
    (row,) = await replies(shop, "I was charged $49.37 twice")
    await shop.ledger.part_sent(row.id, parts=1, done=False, provider_id="first", now=shop.now)
    await shop.ledger.reported("slack", Report(provider_id="first", failure="unreachable"), now=shop.now)
    await shop.ledger.part_sent(row.id, parts=2, done=True, provider_id="second", now=shop.now)
    assert [one.error for one in await shop.ledger.undelivered()] == ["unreachable"]


async def test_a_reply_that_is_erased_while_it_is_sent_holds_up_nothing(shop: Shop) -> None:
    [row] = await replies(shop, "I was charged $49.37 twice")
    assert await shop.ledger.claim(row.id, now=shop.now)
    await shop.ledger._database.write(lambda tx: tx.execute(delete(outbox)))
    await shop.ledger.part_sent(row.id, parts=1, done=True, provider_id="p1", now=shop.now)
    assert not await shop.waiting()


async def test_what_a_provider_does_not_show_yet_stays_in_doubt(shop: Shop) -> None:
    [row] = await replies(shop, "I was charged $49.37 twice")
    due_at = shop.now + timedelta(seconds=1)
    await shop.ledger.sending_failed(row.id, error="no answer", due_at=due_at, maybe_sent=True)
    assert not await shop.ledger.reconciled(row.id, [])
    assert [left.maybe_twice for left in await shop.ledger.left_over(now=shop.now)] == [True]
    assert await shop.ledger.reconciled(row.id, ["p1"]) == "p1"
    assert [left.maybe_twice for left in await shop.ledger.left_over(now=shop.now)] == [False]
