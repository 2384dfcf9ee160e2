"""Colleagues are called in their room: once for each handoff, once more after a while, and what they answer there is
done in their name and in nobody else's."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest_asyncio

from bots.console import passwords
from core.accounts import NewAccount, Role
from core.calling import Calling
from core.desk import Desk
from core.errors import TryAgain, Undeliverable
from core.hours import hours
from core.house import House
from core.ledger import Outgoing
from core.rooms import Act, Call, Deed, Done
from tests.shop import HOUSE, Shop

EVE = "slack:T1/EVE"
WHO = ("slack", "T1/ANN")


class Room:
    """A room for colleagues that remembers what it was told."""

    has_room = True

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.troubles: deque[Exception] = deque()

    def join(self, act: Act) -> None:
        self.act = act

    async def call(self, call: Call) -> str:
        if self.troubles:
            raise self.troubles.popleft()
        self.calls.append(call)
        return f"post {len(self.calls)}"


class Staff:
    """The room, who calls it, and what colleagues sent to customers."""

    def __init__(self, shop: Shop, house: House = HOUSE) -> None:
        self.shop, self.room, self.house = shop, Room(), house
        self.sent: list[Outgoing] = []
        desk = Desk(
            ledger=shop.ledger,
            memory=shop.memory,
            house=self.house,
            actions=shop.engine.actions,
            post=self.sent.extend,
            now=lambda: shop.now,
            new_id=shop.engine.new_id,
        )
        self.calling = Calling(
            desk=desk,
            ledger=shop.ledger,
            rooms={"slack": self.room},
            base_url="https://bot.example",
            patience=timedelta(minutes=15),
            now=lambda: shop.now,
        )

    async def told(self) -> list[Call]:
        """What the room is told now."""
        before = len(self.room.calls)
        await self.calling.look()
        return self.room.calls[before:]

    async def hires(self, name: str, key: str) -> None:
        account = NewAccount(name=name, role=Role.ADMIN, password_hash=passwords.hashed("long enough for a test"))
        await self.shop.ledger.add_account(account, by="boss", now=self.shop.now)
        await self.shop.ledger.tie(name, key, by="boss", now=self.shop.now)


@pytest_asyncio.fixture
async def staff(shop: Shop) -> AsyncIterator[Staff]:
    yield Staff(shop)


async def hands_over(shop: Shop) -> None:
    await shop.hears(*WHO, "I was charged $99 twice, my mail is ann@shop.test. I want to talk to a human.")


async def test_a_room_is_told_once_and_once_more_when_nobody_took_it(shop: Shop, staff: Staff) -> None:
    await shop.hears(*WHO, "I was charged $99 twice.")
    assert await staff.told() == []
    await shop.hears(*WHO, "I want to talk to a human.")
    (call,) = await staff.told()
    assert "$99" in call.packet
    assert call.url == "https://bot.example/console/cases/1"
    assert not call.again
    assert await staff.told() == []
    shop.later(minutes=16)
    (second,) = await staff.told()
    assert second.again
    assert second.id != call.id
    shop.later(days=1)
    assert await staff.told() == []


async def test_a_room_is_called_again_after_open_time_only(shop: Shop) -> None:
    staff = Staff(shop, replace(HOUSE, hours=hours("Mon-Fri 09:00-17:00 UTC")))
    shop.later(hours=7, minutes=50)
    await hands_over(shop)
    assert len(await staff.told()) == 1, "the first word comes at once, and waits for who comes in"
    shop.later(hours=12)
    assert await staff.told() == [], "nobody was there for more than ten minutes"
    shop.later(hours=4, minutes=16)
    (second,) = await staff.told()
    assert second.again


async def test_nothing_that_is_masked_at_large_stands_in_a_room(shop: Shop, staff: Staff) -> None:
    await hands_over(shop)
    (call,) = await staff.told()
    assert "ann@shop.test" not in call.packet + call.title
    (reading,) = [r for r in await readings(shop) if r.startswith("call by")]
    assert reading == "call by slack"


async def readings(shop: Shop) -> list[str]:
    from core.backends.ledger.schema import access_log  # noqa: PLC0415

    rows = await shop.ledger._database.read(lambda tx: tx.execute(access_log.select()).all())
    return list(dict.fromkeys(row.reader for row in rows))


async def test_a_case_that_somebody_took_is_told_no_more_and_one_that_is_handed_over_again_is(
    shop: Shop, staff: Staff
) -> None:
    await staff.hires("eve", EVE)
    await hands_over(shop)
    await staff.told()
    assert await staff.calling.act(deed("take")) == Done(line="It is yours.", by="eve")
    shop.later(hours=1)
    assert await staff.told() == []
    assert (await staff.calling.act(deed("hand_back"))).line == "The bot has it again."
    await hands_over(shop)
    assert len(await staff.told()) == 1


def deed(what: str, key: str = EVE, post: str = "post 1", text: str = "", id: str = "") -> Deed:  # noqa: A002
    return Deed(room="slack", post=post, key=key, what=what, text=text, id=id)  # type: ignore[arg-type]


async def test_what_is_written_under_the_post_goes_to_the_customer_once(shop: Shop, staff: Staff) -> None:
    await staff.hires("eve", EVE)
    await hands_over(shop)
    await staff.told()
    for _ in range(2):
        assert await staff.calling.act(deed("reply", text="I am looking into it.", id="m1")) == Done(by="eve")
    assert [(row.channel, row.reply.text, row.reply.sender) for row in staff.sent] == [
        ("slack", "I am looking into it.", "agent")
    ]
    assert (await staff.calling.act(deed("resolve", text="Refunded by hand."))).line == "It is resolved."
    assert await shop.ledger.queue(now=shop.now) == []


async def test_nobody_acts_who_is_not_tied_to_an_account_that_is_open(shop: Shop, staff: Staff) -> None:
    await staff.hires("boss", "slack:T1/BOSS")
    await staff.hires("eve", EVE)
    await hands_over(shop)
    await staff.told()
    for key in ("slack:T1/ANN", "slack:T2/EVE", ""):
        assert "do not know you" in (await staff.calling.act(deed("take", key=key))).line
    await shop.ledger.disable_account("eve", by="boss", now=shop.now)
    assert "do not know you" in (await staff.calling.act(deed("take"))).line
    assert "no case" in (await staff.calling.act(deed("take", key="slack:T1/BOSS", post="post 7"))).line
    (waiting,) = await shop.ledger.queue(now=shop.now)
    assert waiting.case.assignee == ""


async def test_a_key_is_one_colleagues_alone_and_can_be_taken_back(shop: Shop, staff: Staff) -> None:
    await staff.hires("boss", EVE)
    await staff.hires("eve", EVE)
    assert await shop.ledger.tied(EVE) == "eve"
    await shop.ledger.tie("eve", "", by="boss", now=shop.now)
    assert await shop.ledger.tied(EVE) is None
    assert await shop.ledger.tied("") is None


async def test_a_room_that_is_away_is_told_later_and_one_that_refuses_is_not_asked_for_ever(
    shop: Shop, staff: Staff
) -> None:
    await hands_over(shop)
    staff.room.troubles.extend([TryAgain("429"), Undeliverable("channel_not_found")])
    assert await staff.told() == []
    assert await staff.told() == []
    assert not staff.room.troubles
    assert await staff.told() == []
