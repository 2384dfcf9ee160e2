"""Discord's limits, the proxies before it, and what `doctor` asks it, over real sockets.

Proved: a full bucket is waited for instead of being run against, a limit of the whole API holds up everything but
answers to commands, a page of the proxies before Discord is no refusal, one session is kept and closed; what was
said in any shape arrives whole; and doctor names what is wrong and what to click.
"""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.discord import Discord
from core.errors import TryAgain
from core.messages import Reply
from tests.channels.discord_desk import ANN, AT_US, BEN, answering, answers, channel_at
from tests.twins.discord import DiscordTwin, Trouble


@pytest.fixture
async def discord() -> AsyncIterator[DiscordTwin]:
    async with DiscordTwin() as twin:
        yield twin


@pytest.fixture
async def channel(discord: DiscordTwin, tmp_path: Path) -> AsyncIterator[Discord]:
    made = channel_at(discord, tmp_path)
    yield made
    await made.close()


async def say(channel: Discord, discord: DiscordTwin, user: str, text: str, number: int = 1) -> None:
    route = {"channel": discord.direct(user), "user": user}
    for wire in channel.render(Reply(id=f"rep_{user}_{number}", route=route, text=text)):
        await channel.send(wire)


async def test_a_full_bucket_is_waited_for(discord: DiscordTwin, channel: Discord) -> None:
    discord.bucket = 2
    for number in range(6):
        await say(channel, discord, ANN, f"part {number}", number)
    await say(channel, discord, BEN, "another's bucket")
    assert answers(discord, ANN) == [f"part {number}" for number in range(6)]
    assert discord.too_many == 0


async def test_a_long_pause_is_left_to_the_outbox_and_asks_nothing_meanwhile(
    discord: DiscordTwin, channel: Discord
) -> None:
    discord.troubles.append(Trouble(status=429, retry_after=60))
    with pytest.raises(TryAgain):
        await say(channel, discord, ANN, "one")
    asked = discord.requests
    with pytest.raises(TryAgain) as busy:
        await say(channel, discord, ANN, "two")
    assert busy.value.after is not None
    assert 50 < busy.value.after.total_seconds() <= 60
    assert discord.requests == asked
    await say(channel, discord, BEN, "another's")
    assert answers(discord, BEN) == ["another's"]


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(status=429, retry_after=60, everywhere=True),
        Trouble(status=429, retry_after=60, page="<html>1015</html>"),
    ],
)
async def test_a_limit_of_the_whole_api_holds_up_everybody(
    discord: DiscordTwin, channel: Discord, trouble: Trouble
) -> None:
    discord.troubles.append(trouble)
    for user in (ANN, BEN):
        with pytest.raises(TryAgain):
            await say(channel, discord, user, "hello")
    assert discord.requests == 1


@pytest.mark.parametrize("status", [400, 403, 404, 503])
async def test_a_page_of_the_proxies_before_discord_is_no_refusal(
    discord: DiscordTwin, channel: Discord, status: int
) -> None:
    discord.troubles.append(Trouble(status=status, page="<html>error code: 1020</html>"))
    with pytest.raises(TryAgain):
        await say(channel, discord, ANN, "hello")
    await say(channel, discord, ANN, "hello")
    assert answers(discord, ANN) == ["hello"]


async def test_one_session_is_kept_and_closed(discord: DiscordTwin, tmp_path: Path) -> None:
    channel = channel_at(discord, tmp_path)
    await say(channel, discord, ANN, "one")
    kept = channel._rest._session
    await say(channel, discord, ANN, "two", 2)
    assert channel._rest._session is kept
    await channel.close()
    assert kept is not None
    assert kept.closed
    del channel, kept
    gc.collect()


HALF = "half \ud83d a character"


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("NUL \0 here", "NUL  here"),
        (HALF, "half ? a character"),
        ("", ""),
        ("   ", ""),
        ("refund " * 1429, ("refund " * 1429).strip()),
        ("\u202e52 $\u202c and \u200b\u200d", "\u202e52 $\u202c and \u200b\u200d"),
    ],
)
async def test_whatever_is_said_is_heard_and_answered(
    discord: DiscordTwin, channel: Discord, said: str, heard: str
) -> None:
    async with answering(channel) as engine:
        await discord.until(sessions=1)
        discord.says(ANN, said)
        await discord.until(posts=1)
    (message,) = engine.heard.values()
    assert message.text == heard
    assert all(0 < len(text) <= 2_000 for text in answers(discord, ANN))


@pytest.mark.parametrize("text", ["", " \n ", "\0", "\u200b"])
async def test_nothing_to_say_is_not_sent(discord: DiscordTwin, channel: Discord, text: str) -> None:
    await say(channel, discord, ANN, text)
    assert discord.requests == 0


async def test_what_comes_beside_words_is_named(discord: DiscordTwin, channel: Discord) -> None:
    forwarded: dict[str, Any] = {"content": "Your parcel is lost.", "type": 0, "timestamp": "2026-03-01T08:00:00+00:00"}
    forwarded |= {"embeds": [], "attachments": [], "components": [], "mentions": [], "flags": 0}
    forwarded |= {"edited_timestamp": None}
    reference = {"type": 1, "message_id": "1", "channel_id": "2"}
    async with answering(channel) as engine:
        await discord.until(sessions=1)
        discord.says(ANN, "", sticker_items=[{"id": "5", "name": "Wave", "format_type": 1}])
        discord.says(ANN, "see", message_reference=reference, message_snapshots=[{"message": forwarded}])
        discord.says(ANN, f"{AT_US} hello", in_guild=True)
        await discord.until(posts=3)
    sticker, forward, plain = engine.heard.values()
    assert [one.name for one in sticker.attachments] == ["Wave (sticker)"]
    assert (forward.text, [one.content for one in forward.attachments]) == ("see", [b"Your parcel is lost."])
    assert plain.attachments == ()


async def findings(channel: Discord) -> dict[str, str]:
    return {finding.what: finding.advice for finding in await channel.examine()}


async def test_doctor_finds_all_well(discord: DiscordTwin, channel: Discord) -> None:
    found = await findings(channel)
    assert not any(found.values())
    assert "The commands are not registered yet; `run` does it when it connects." in found
    async with answering(channel):
        await discord.until(registered=1)
    assert "The commands /help, /link and /human are registered." in await findings(channel)
    assert discord.posted == []


async def test_doctor_names_what_is_wrong_and_what_to_click(discord: DiscordTwin, channel: Discord) -> None:
    discord.flags, discord.guilds, discord.endpoint = 0, [], "https://else.test/interactions"
    found = await channel.examine()
    advice = {finding.what: finding.advice for finding in found if finding.advice}
    assert [finding.what for finding in found if finding.fatal] == ['The intent "Message Content" is off']
    assert 'switch on the intent "Message Content" at discord.com' in advice['The intent "Message Content" is off']
    invitation = advice["The bot is in no server, so nobody can write to it"]
    assert "client_id=900000000000000002&scope=bot+applications.commands&permissions=274877910016" in invitation
    assert "Interactions Endpoint URL" in advice["Commands and presses of buttons go to another address"]


async def test_doctor_names_a_wrong_token_without_showing_it(discord: DiscordTwin, tmp_path: Path) -> None:
    channel = channel_at(discord, tmp_path, discord_bot_token="an-old-token")
    (finding,) = await channel.examine()
    await channel.close()
    assert finding.fatal
    assert finding.what == "DISCORD_BOT_TOKEN is refused"
    assert "an-old-token" not in json.dumps([finding.what, finding.advice])


async def test_doctor_says_when_discord_is_away(tmp_path: Path) -> None:
    async with DiscordTwin() as discord:
        channel = channel_at(discord, tmp_path)
    (finding,) = await asyncio.wait_for(channel.examine(), 5)
    await channel.close()
    assert "does not answer" in finding.what
    assert "DISCORD_API_BASE" in finding.advice
