"""Where nobody knows whether a provider took a message, it is asked: what it has is not sent again, and what it has not
is. What cannot be asked stays flagged."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.backends.ledger.schema import outbox
from core.errors import TryAgain
from core.messages import Reply
from tests.channels.discord_desk import ANN as DISCORD_ANN
from tests.channels.discord_desk import channel_at
from tests.channels.slack_desk import DM, MENTION, opened
from tests.channels.texting import ANN, desk, texting, twilio_twin
from tests.shop import Shop
from tests.site import NOW
from tests.twins.discord import DiscordTwin, Trouble
from tests.twins.slack import SlackTwin
from tests.twins.twilio import Twilio

THREAD = DM | {"thread_ts": "5.5"}
LONG = "a" * 2_000 + "\n\n" + "b" * 2_000


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with twilio_twin() as twin:
        yield twin


@pytest.mark.parametrize("route", [DM, THREAD], ids=["direct", "in a thread"])
async def test_slack_finds_each_part_of_a_reply_by_its_mark(tmp_path: Path, route: dict[str, str]) -> None:
    async with SlackTwin() as slack, opened(slack, tmp_path) as channel:
        first, second = channel.render(Reply(id="r1", route=route, text=LONG))
        slack.break_off.add("chat.postMessage")
        with pytest.raises(TryAgain) as broken:
            await channel.send(first)
        assert broken.value.maybe_sent
        assert await channel.taken(first, NOW) == [slack.posted[0].ts]
        assert await channel.taken(second, NOW) == []
        (same_words,) = channel.render(Reply(id="r2", route=route, text="a" * 2_000))
        assert await channel.taken(same_words, NOW) == []


async def test_slack_keeps_no_ephemeral_message_and_says_so(tmp_path: Path) -> None:
    async with SlackTwin() as slack, opened(slack, tmp_path) as channel:
        (wire,) = channel.render(Reply(id="r1", route=MENTION, text="Hello"))
        await channel.send(wire)
        assert await channel.taken(wire, NOW) is None
        (direct,) = channel.render(Reply(id="r2", route=MENTION, text="A colleague's", sender="agent"))
        assert await channel.send(direct) in await channel.taken(direct, NOW)  # type: ignore[operator]


async def test_discord_finds_it_when_the_nonce_is_forgotten(tmp_path: Path) -> None:
    async with DiscordTwin() as discord:
        channel = channel_at(discord, tmp_path)
        where = {"channel": discord.direct(DISCORD_ANN), "user": DISCORD_ANN}
        first, second = channel.render(Reply(id="r1", route=where, text=LONG))
        discord.troubles.append(Trouble(cuts_off=True, after_posting=True))
        with pytest.raises(TryAgain):
            await channel.send(first)
        discord.forgets_nonces()
        assert await channel.taken(first, NOW) == [discord.posted[0]["id"]]
        assert await channel.taken(second, NOW) == []
        assert await channel.taken(first, NOW + timedelta(hours=1)) == []
        await channel.close()


async def test_a_text_that_twilio_took_is_not_sent_again_and_is_in_doubt_no_more(
    tmp_path: Path, shop: Shop, twilio: Twilio
) -> None:
    twilio.now = lambda: shop.now
    async with texting(twilio, tmp_path) as sms, desk(shop, twilio, sms) as bot:
        twilio.break_off = True
        await twilio.texts(ANN, "I was charged twice")
        await bot.answer()
        await bot.all_is_answered()
        (row,) = await rows(shop)
        assert (row["state"], row["maybe_twice"]) == ("sent", False)
    assert len(twilio.sent) == 1


async def test_the_same_words_said_before_are_no_reason_not_to_say_them_again(
    tmp_path: Path, shop: Shop, twilio: Twilio
) -> None:
    twilio.now = lambda: shop.now
    async with texting(twilio, tmp_path) as sms, desk(shop, twilio, sms) as bot:
        await twilio.texts(ANN, "I was charged twice")
        await bot.answer()
        await bot.all_is_answered()
        twilio.break_off = True
        again = Reply(id="r9", route={"to": ANN, "from": twilio.number}, text=twilio.sent[0].body)
        taken = await sms.taken(sms.render(again)[0], NOW)
        (row,) = await rows(shop)
        assert taken == [twilio.sent[0].sid]
        assert await shop.ledger.reconciled(row["id"], taken) == ""


async def rows(shop: Shop) -> list[dict[str, Any]]:
    query = select(outbox.c.id, outbox.c.state, outbox.c.maybe_twice)
    return [dict(row._mapping) for row in await shop.ledger._database.read(lambda tx: tx.execute(query).all())]
