"""Discord after an absence, and what its users do to what they said, over real sockets and with a real ledger.

Proved: what was said by direct message while the bot was away is heard, in order and before what is new, and only once;
trouble while it is fetched costs nothing; the ledger alone knows what was heard, so nothing of a customer who was
forgotten is left; an edit that changes words corrects, a preview of a link does not, and a deletion takes back.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from channels.discord import Discord
from core.backends.ledger.sql import SqlLedger
from core.messages import Raw, Reply
from tests.channels.discord_desk import ANN, AT_US, BEN, Echo, answering, answers, channel_at, listening
from tests.shop import Shop
from tests.site import NOW
from tests.twins.discord import BOT_ID, DiscordTwin, Trouble


@pytest.fixture
async def discord() -> AsyncIterator[DiscordTwin]:
    async with DiscordTwin() as twin:
        yield twin


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    shop = await Shop.open(tmp_path)
    yield shop.ledger
    await shop.close()


@pytest.fixture
async def channel(discord: DiscordTwin, tmp_path: Path, ledger: SqlLedger) -> AsyncIterator[Discord]:
    made = channel_at(discord, tmp_path, ledger)
    yield made
    await made.close()


async def restarted(discord: DiscordTwin, tmp_path: Path, ledger: SqlLedger, missed: list[str], then: int) -> list[str]:
    """What is heard by a process that is started after `missed` was said, until it has answered `then` messages."""
    for text in missed:
        discord.says(ANN, text)
    channel = channel_at(discord, tmp_path, ledger)
    async with answering(channel, ledger=ledger) as engine:
        await discord.until(posts=then)
    await channel.close()
    return [message.text for message in engine.heard.values()]


async def first_contact(discord: DiscordTwin, channel: Discord, ledger: SqlLedger) -> None:
    async with answering(channel, ledger=ledger):
        await discord.until(sessions=1)
        discord.says(ANN, "hello")
        await discord.until(posts=1)
    discord.forget()


async def test_what_was_said_while_no_process_ran_is_heard_in_order(
    discord: DiscordTwin, channel: Discord, tmp_path: Path, ledger: SqlLedger
) -> None:
    await first_contact(discord, channel, ledger)
    assert await restarted(discord, tmp_path, ledger, ["one", "two", "three"], 4) == ["one", "two", "three"]
    assert answers(discord, ANN) == ["Re: hello", "Re: one", "Re: two", "Re: three"]


async def test_more_than_a_page_is_fetched(
    discord: DiscordTwin, channel: Discord, tmp_path: Path, ledger: SqlLedger
) -> None:
    await first_contact(discord, channel, ledger)
    missed = [f"message {n}" for n in range(230)]
    assert await restarted(discord, tmp_path, ledger, missed, 231) == missed


async def test_what_was_said_in_a_session_that_expired_comes_before_what_is_new(
    discord: DiscordTwin, channel: Discord
) -> None:
    async with answering(channel) as engine:
        await discord.until(sessions=1)
        discord.says(ANN, "before")
        discord.says(BEN, "before")
        await discord.until(posts=2)
        discord.forget()
        discord.says(ANN, "missed")
        discord.says(BEN, "missed")
        await discord.until(sessions=2)
        discord.says(ANN, "new")
        await discord.until(posts=5)
    assert answers(discord, ANN) == ["Re: before", "Re: missed", "Re: new"]
    assert answers(discord, BEN) == ["Re: before", "Re: missed"]
    assert len(engine.heard) == 5


async def test_trouble_while_fetching_holds_up_no_new_message_and_loses_no_old_one(
    discord: DiscordTwin, channel: Discord, tmp_path: Path, ledger: SqlLedger
) -> None:
    await first_contact(discord, channel, ledger)
    page = "<html>error code: 1015</html>"
    discord.trouble_at["history"] += [Trouble(status=503), Trouble(status=429, retry_after=0.02)]
    discord.trouble_at["history"] += [Trouble(status=403, page=page), Trouble(status=200, page='[{"id"')]
    assert await restarted(discord, tmp_path, ledger, ["missed"], 2) == ["missed"]


async def test_what_could_not_be_fetched_is_fetched_by_the_next_process(
    discord: DiscordTwin, channel: Discord, tmp_path: Path, ledger: SqlLedger
) -> None:
    await first_contact(discord, channel, ledger)
    discord.says(ANN, "missed")
    discord.trouble_at["history"].extend([Trouble(status=503)] * 1_000)
    async with answering(channel, ledger=ledger):
        await discord.until(sessions=2)
        discord.says(ANN, "new")
        await discord.until(posts=2)
    discord.trouble_at.clear()
    assert (await restarted(discord, tmp_path, ledger, [], 3))[0] == "missed"
    assert answers(discord, ANN) == ["Re: hello", "Re: new", "Re: missed"]


async def test_a_conversation_that_is_gone_is_given_up(
    discord: DiscordTwin, channel: Discord, tmp_path: Path, ledger: SqlLedger
) -> None:
    async with answering(channel, ledger=ledger):
        await discord.until(sessions=1)
        discord.says(BEN, "I will leave")
        discord.says(ANN, "hello")
        await discord.until(posts=2)
    discord.forget()
    discord.leaves(BEN)
    assert await restarted(discord, tmp_path, ledger, ["missed"], 3) == ["missed"]


async def test_an_answer_to_a_direct_message_that_we_began_is_not_missed(
    discord: DiscordTwin, channel: Discord, tmp_path: Path, ledger: SqlLedger
) -> None:
    async with answering(channel, ledger=ledger):
        await discord.until(sessions=1)
        discord.says(ANN, f"{AT_US} hello", in_guild=True)
        await discord.until(posts=1)
    discord.forget()
    assert await restarted(discord, tmp_path, ledger, ["Yes, I did."], 2) == ["Yes, I did."]


async def test_what_was_missed_before_something_that_was_heard_is_found_too(
    discord: DiscordTwin, channel: Discord, tmp_path: Path, ledger: SqlLedger
) -> None:
    await first_contact(discord, channel, ledger)
    lost = discord.says(ANN, "lost on the way")
    later = Raw(body=json.dumps({"bot_id": BOT_ID, "message": discord.says(ANN, "later")}).encode(), received_at=NOW)
    message = channel.parse(later)
    assert message
    await ledger.accept(message, later)
    assert await restarted(discord, tmp_path, ledger, [], 2) == [lost["content"]]


async def test_nothing_is_left_beside_the_ledger(discord: DiscordTwin, tmp_path: Path, ledger: SqlLedger) -> None:
    earlier = tmp_path / "discord" / "heard.json"
    earlier.parent.mkdir()
    earlier.write_text(json.dumps({discord.direct(ANN): "1"}))
    channel = channel_at(discord, tmp_path, ledger)
    await first_contact(discord, channel, ledger)
    await channel.close()
    assert discord.direct(ANN) not in "".join(
        path.read_text() for path in tmp_path.rglob("*") if path.is_file() and "shop.db" not in path.name
    )
    assert not earlier.exists()


async def test_a_reply_that_was_left_over_hides_nothing_that_was_missed(
    discord: DiscordTwin, channel: Discord, tmp_path: Path, ledger: SqlLedger
) -> None:
    await first_contact(discord, channel, ledger)
    discord.says(ANN, "missed")
    later = channel_at(discord, tmp_path, ledger)
    (wire,) = later.render(Reply(id="rep_9", route={"channel": discord.direct(ANN), "user": ANN}, text="Left over."))
    await later.send(wire)
    await later.close()
    assert await restarted(discord, tmp_path, ledger, [], 3) == ["missed"]


async def test_an_edit_corrects_and_a_further_one_corrects_that(discord: DiscordTwin, channel: Discord) -> None:
    engine = Echo(channel)
    async with listening(channel, engine.deliver):
        await discord.until(sessions=1)
        said = discord.says(ANN, "charged twise")
        edited = discord.edits(said, "charged twice")
        discord.previews(edited)
        discord.now += timedelta(seconds=9)
        discord.edits(edited, "charged thrice")
        discord.says(ANN, "well?")
        heard = [await engine.open.get() for _ in range(4)]
    assert [one.text for one in heard] == ["charged twise", "charged twice", "charged thrice", "well?"]
    assert [one.replaces for one in heard] == ["", heard[0].external_id, heard[1].external_id, ""]
    assert len({one.external_id for one in heard}) == 4


async def test_an_edit_that_is_told_twice_or_changes_no_word_is_one(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel) as engine:
        await discord.until(sessions=1)
        edited = discord.edits(discord.says(ANN, "one"), "two")
        discord.edits(edited, "two")
        discord.now += timedelta(seconds=9)
        discord.edits(edited, "two", flags=4)  # its author hides the preview
        discord.says(ANN, "three")
        await discord.until(posts=3)
    assert [message.text for message in engine.heard.values()] == ["one", "two", "three"]


async def test_an_old_edit_that_comes_up_again_is_not_news(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel) as engine:
        await discord.until(sessions=1)
        old = {"id": "1", "edited_timestamp": (NOW - timedelta(days=90)).isoformat()}
        discord.edits(discord.says(BEN, "x"), "long ago", **old)  # somebody pins it
        discord.says(ANN, "hello")
        await discord.until(posts=2)
    assert [message.text for message in engine.heard.values()] == ["x", "hello"]


@pytest.mark.parametrize("in_guild", [True, False])
async def test_a_deletion_takes_back_what_was_said(discord: DiscordTwin, channel: Discord, in_guild: bool) -> None:
    engine = Echo(channel)
    async with listening(channel, engine.deliver):
        await discord.until(sessions=1)
        said = discord.says(ANN, f"{AT_US} never mind", in_guild=in_guild)
        discord.deletes(said)
        discord.deletes(said | {"id": "77"})  # one that we never heard
        heard = [await engine.open.get() for _ in range(2)]
    assert [one.takes_back for one in heard] == [False, True]
    assert heard[1].replaces == heard[0].external_id
    assert heard[1].handle == heard[0].handle


async def test_the_place_in_a_conversation_is_kept_only_when_it_is_on_record(
    discord: DiscordTwin, channel: Discord, tmp_path: Path, ledger: SqlLedger
) -> None:
    tried = asyncio.Event()
    channel.last_words = 0.05

    async def deliver(raw: Raw) -> bool:
        tried.set()
        raise OSError("the disk is full")

    async with listening(channel, deliver):
        await discord.until(sessions=1)
        discord.says(ANN, "hello")
        await tried.wait()
    assert await ledger.places("discord", since=NOW - timedelta(days=1)) == []
