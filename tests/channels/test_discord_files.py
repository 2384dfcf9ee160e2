"""Files that colleagues send by Discord: they arrive whole and once, where the text went, and privately."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.discord import Discord
from core.errors import TryAgain, Undeliverable
from core.messages import Reply, Route
from tests.channels.discord_desk import ANN, channel_at, listening
from tests.enclosures import FILES, PDF, PNG, file
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


def reply(route: Route, text: str = "Here is your invoice.") -> Reply:
    return Reply(id="r", route=route, text=text, sender="agent", files=FILES)


async def test_the_files_follow_the_text(discord: DiscordTwin, channel: Discord) -> None:
    for wire in channel.render(reply({"user": ANN})):
        await channel.send(wire)
    text, files = discord.posted
    assert text["content"] == "Here is your invoice."
    assert (files["content"], files["channel"]) == ("", discord.direct(ANN))
    assert files["files"] == {"Kettle Ö.png": PNG, "invoice 12.pdf": PDF}


async def test_files_alone_need_no_text(discord: DiscordTwin, channel: Discord) -> None:
    (wire,) = channel.render(reply({"channel": discord.direct(ANN), "user": ANN}, ""))
    await channel.send(wire)
    assert len(discord.posted) == 1


async def test_files_whose_answer_is_lost_are_shown_once(discord: DiscordTwin, channel: Discord) -> None:
    _, wire = channel.render(reply({"user": ANN}))
    discord.troubles.append(Trouble(after_posting=True, cuts_off=True))
    with pytest.raises(TryAgain):
        await channel.send(wire)
    await channel.send(wire)
    assert len(discord.posted) == 1


async def test_a_file_that_is_too_large_for_discord_is_refused_for_good(discord: DiscordTwin, channel: Discord) -> None:
    large = file("large.bin", bytes(10_485_761), "application/octet-stream")
    (wire,) = channel.render(Reply(id="r", route={"user": ANN}, text="", files=(large,)))
    with pytest.raises(Undeliverable, match="40005"):
        await channel.send(wire)


async def test_after_a_command_of_somebody_without_direct_messages_only_they_see_the_files(
    discord: DiscordTwin, channel: Discord
) -> None:
    async def deliver(_raw: object) -> bool:
        return True

    async with listening(channel, deliver):
        await discord.until(sessions=1, registered=1)
        told = discord.commands(ANN, "human", in_guild=True)
        await discord.until(acknowledged=1)
        discord.closed_to_bots.add(ANN)
        route = {"user": ANN, "answers": told["id"], "application": told["application_id"], "token": told["token"]}
        (wire,) = channel.render(reply(route, ""))
        assert await channel.send(wire)
    assert discord.posted == []
