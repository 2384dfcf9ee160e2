"""Discord's commands, buttons and typing, over real sockets.

Proved: commands are registered once and answered where they were given, for nobody else to see, at once and even when
the answer is lost on its way; what is late goes by direct message; only who is meant may press a button, and it
vanishes; and who takes no direct messages is told so in public, and nothing else is.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from channels._discord import phrases
from channels._discord.phrases import PHRASES
from channels.discord import Discord
from core.errors import Undeliverable
from core.messages import Choice, Raw, Reply
from core.wishing import wish
from tests.channels.discord_desk import ANN, AT_US, EVE, Echo, answering, answers, channel_at, listening, sent
from tests.site import NOW
from tests.twins.discord import GUILD_CHANNEL, DiscordTwin, Trouble

YES, NO = Choice(label="Yes", says="yes please"), Choice(label="No", says="no thanks")
WISH = PHRASES["en"].wish_for_a_code


@pytest.fixture
async def discord() -> AsyncIterator[DiscordTwin]:
    async with DiscordTwin() as twin:
        yield twin


@pytest.fixture
async def channel(discord: DiscordTwin, tmp_path: Path) -> AsyncIterator[Discord]:
    made = channel_at(discord, tmp_path)
    yield made
    await made.close()


async def test_the_commands_are_registered_once(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel):
        await discord.until(registered=1)
        discord.invalidate()
        await discord.until(sessions=2)
        discord.says(ANN, "hello")
        await discord.until(posts=1)
    async with answering(channel):
        await discord.until(sessions=3)
        discord.says(ANN, "again")
        await discord.until(posts=2)
    assert discord.interactions.registrations == 1
    assert sorted(one["name"] for one in discord.interactions.commands) == ["help", "human", "link"]


async def test_commands_that_somebody_changed_are_put_right(discord: DiscordTwin, channel: Discord) -> None:
    discord.interactions.commands = [{"id": "1", "name": "refund", "type": 1, "description": "Free money"}]
    async with answering(channel):
        await discord.until(registered=1)
    assert sorted(one["name"] for one in discord.interactions.commands) == ["help", "human", "link"]


@pytest.mark.parametrize("in_guild", [True, False])
async def test_a_command_is_answered_where_it_was_given_for_nobody_else(
    discord: DiscordTwin, channel: Discord, in_guild: bool
) -> None:
    async with answering(channel) as engine:
        await discord.until(registered=1)
        discord.commands(ANN, "link", in_guild=in_guild)
        await discord.until(shown=1)
    (message,) = engine.heard.values()
    assert (message.handle.key, message.proof.name, message.public) == (f"discord:{ANN}", "PROVEN", False)
    assert discord.interactions.shown == [(ANN, f"Re: {WISH}")]
    assert [asked.response for asked in discord.interactions.asked.values()] == [{"type": 5, "data": {"flags": 64}}]
    assert discord.posted == []


async def test_a_code_given_with_the_command_is_what_is_said(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel):
        await discord.until(registered=1)
        discord.commands(ANN, "link", code=" 482913 ")
        await discord.until(shown=1)
        discord.commands(ANN, "human", locale="de")
        await discord.until(shown=2)
    said = [text for _, text in discord.interactions.shown]
    assert said == ["Re: 482913", "Re: I would like to talk to a person."]  # this shop speaks English alone


async def test_help_is_explained_at_once_and_is_no_case(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel) as engine:
        await discord.until(registered=1)
        discord.commands(EVE, "help", in_guild=True)
        await discord.until(shown=1)
    assert not engine.heard
    assert discord.interactions.shown[0][1].startswith("I'm Throughline, an AI assistant of Acme.")


def test_a_company_without_a_name_is_not_spoken_of() -> None:
    said = phrases.explanation(phrases.Hello("Throughline", "", ["en"]), "en")
    assert said.startswith("I'm Throughline, an AI assistant. Write")


async def test_a_command_is_on_record_before_it_is_acknowledged(discord: DiscordTwin, channel: Discord) -> None:
    seen: list[object] = []

    async def deliver(raw: Raw) -> bool:
        seen.append([asked.response for asked in discord.interactions.asked.values()])
        return True

    async with listening(channel, deliver):
        await discord.until(registered=1)
        discord.commands(ANN, "human")
        await discord.until(acknowledged=1)
    assert seen == [[None]]


async def test_an_answer_whose_receipt_is_lost_is_shown_once(discord: DiscordTwin, channel: Discord) -> None:
    engine = Echo(channel)
    async with listening(channel, engine.deliver):
        await discord.until(registered=1)
        discord.commands(ANN, "human", in_guild=True)
        message = await engine.open.get()
        (wire,) = channel.render(Reply(id="rep_1", route=message.route, text="A colleague comes."))
        assert await channel.send(wire) == await channel.send(wire)
        discord.trouble_at["webhooks"] += [Trouble(status=500), Trouble(status=429, retry_after=0.01)]
        await sent(channel, wire)
    assert discord.interactions.shown == [(ANN, "A colleague comes.")]
    assert discord.posted == []


async def test_a_second_answer_and_the_rest_of_a_long_one_go_by_direct_message(
    discord: DiscordTwin, channel: Discord
) -> None:
    engine = Echo(channel)
    async with listening(channel, engine.deliver):
        await discord.until(registered=1)
        discord.commands(ANN, "human", in_guild=True)
        message = await engine.open.get()
        for number, text in enumerate(["word " * 500, "A colleague is here."]):
            for wire in channel.render(Reply(id=f"rep_{number}", route=message.route, text=text)):
                await channel.send(wire)
    assert len(discord.interactions.shown) == 1
    assert len(answers(discord, ANN)) == 2
    assert answers(discord, ANN)[1] == "A colleague is here."


async def test_an_answer_after_fifteen_minutes_goes_by_direct_message(discord: DiscordTwin, channel: Discord) -> None:
    discord.now = NOW - timedelta(minutes=16)
    engine = Echo(channel)
    async with listening(channel, engine.deliver):
        await discord.until(registered=1)
        discord.commands(ANN, "human", in_guild=True)
        message = await engine.open.get()
        discord.now = NOW
        discord.trouble_at["webhooks"].append(Trouble(status=500))  # that place is not even asked for
        (wire,) = channel.render(Reply(id="rep_1", route=message.route, text="Late, but here."))
        await channel.send(wire)
    assert answers(discord, ANN) == ["Late, but here."]
    assert discord.interactions.shown == []


async def test_an_answer_to_a_command_reaches_who_takes_no_direct_messages(
    discord: DiscordTwin, channel: Discord
) -> None:
    discord.closed_to_bots.add(ANN)
    engine = Echo(channel)
    async with listening(channel, engine.deliver):
        await discord.until(registered=1)
        discord.commands(ANN, "human", in_guild=True)
        message = await engine.open.get()
        for number in range(2):
            for wire in channel.render(Reply(id=f"rep_{number}", route=message.route, text=f"Answer {number}")):
                await channel.send(wire)
    assert discord.interactions.shown == [(ANN, "Answer 0"), (ANN, "Answer 1")]


async def test_one_answer_to_a_command_and_a_message_leaves_nothing_in_the_making(
    discord: DiscordTwin, channel: Discord
) -> None:
    engine = Echo(channel)
    async with listening(channel, engine.deliver):
        await discord.until(registered=1)
        told = discord.commands(ANN, "human")
        await engine.open.get()
        await discord.until(acknowledged=1)
        discord.says(ANN, "my parcel is lost")
        message = await engine.open.get()
        (wire,) = channel.render(Reply(id="rep_1", route=message.route, text="A colleague comes."))
        await channel.send(wire)
    assert answers(discord, ANN) == ["A colleague comes."]
    assert discord.interactions.asked[told["token"]].original is None


async def test_a_press_says_what_the_button_says_and_the_buttons_vanish(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel, YES, NO) as engine:
        await discord.until(registered=1)
        discord.says(ANN, "refund me")
        await discord.until(posts=1)
        pressed = discord.posted[0]
        discord.presses(ANN, pressed, "Yes")
        await discord.until(posts=2)
    assert [message.text for message in engine.heard.values()] == ["refund me", "yes please"]
    assert len({message.conversation for message in engine.heard.values()}) == 1
    assert pressed["components"] == []
    assert pressed["content"] == "Re: refund me"
    assert answers(discord, ANN) == ["Re: refund me", "Re: yes please"]


async def test_a_press_for_which_discord_is_busy_is_acknowledged_all_the_same(
    discord: DiscordTwin, channel: Discord
) -> None:
    async with answering(channel, YES):
        await discord.until(registered=1)
        discord.says(ANN, "refund me")
        await discord.until(posts=1)
        discord.trouble_at["interactions"] += [Trouble(status=502), Trouble(status=429, retry_after=0.01)]
        discord.presses(ANN, discord.posted[0], "Yes")
        await discord.until(posts=2)
    assert discord.posted[0]["components"] == []


async def test_only_who_is_meant_may_press(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel, YES) as engine:
        await discord.until(registered=1)
        discord.says(ANN, "refund me")
        await discord.until(posts=1)
        discord.presses(EVE, discord.posted[0], "Yes", in_guild=True)
        await discord.until(shown=1)
    assert [message.handle.address for message in engine.heard.values()] == [ANN]
    assert discord.interactions.shown == [(EVE, "This button is not meant for you.")]
    assert discord.posted[0]["components"] != []


async def test_a_press_under_an_answer_for_one_person_is_answered_by_direct_message(
    discord: DiscordTwin, channel: Discord
) -> None:
    async with answering(channel, YES) as engine:
        await discord.until(registered=1)
        told = discord.commands(ANN, "human", in_guild=True)
        await discord.until(shown=1)
        shown = discord.interactions.asked[told["token"]].original
        assert shown
        discord.presses(ANN, shown, "Yes", in_guild=True)
        await discord.until(posts=1)
    assert [message.text for message in engine.heard.values()][1:] == ["yes please"]
    assert len({message.conversation for message in engine.heard.values()}) == 1
    assert (shown["components"], shown["content"]) == ([], "Re: I would like to talk to a person.")
    assert answers(discord, ANN) == ["Re: yes please"]


async def test_buttons_stand_under_the_last_part_five_in_a_row(discord: DiscordTwin, channel: Discord) -> None:
    short = [Choice(label=str(n), says=f"choose {n}") for n in range(7)]
    choices = (*short, Choice(label="long", says="x" * 100), Choice(label="l" * 100, says="a long label"))
    route = {"channel": discord.direct(ANN), "user": ANN}
    for wire in channel.render(Reply(id="rep_1", route=route, text="word " * 500, choices=choices)):
        await channel.send(wire)
    first, last = discord.posted
    assert first["components"] == []
    assert [len(row["components"]) for row in last["components"]] == [5, 3]
    assert last["components"][1]["components"][2]["label"] == "l" * 80


async def test_who_takes_no_direct_messages_is_told_so_in_public_and_nothing_else(
    discord: DiscordTwin, channel: Discord
) -> None:
    discord.closed_to_bots.add(ANN)
    engine = Echo(channel)
    async with listening(channel, engine.deliver):
        await discord.until(sessions=1)
        discord.says(ANN, f"{AT_US} where is order W482913?", in_guild=True)
        message = await engine.open.get()
        (wire,) = channel.render(Reply(id="rep_1", route=message.route, text="Order W482913 is on its way, Ann."))
        for _ in range(2):  # the outbox is told; should it try again, nothing is repeated
            with pytest.raises(Undeliverable, match=r"50007.*share a server"):
                await channel.send(wire)
    (post,) = discord.posted
    assert post["channel"] == GUILD_CHANNEL
    assert post["content"] == f"<@{ANN}> {PHRASES['en'].closed}"
    assert post["allowed_mentions"] == {"parse": []}


async def test_typing_is_shown_where_the_answer_will_be(discord: DiscordTwin, channel: Discord) -> None:
    await channel.typing({"channel": discord.direct(EVE), "user": EVE})
    await channel.typing({"user": ANN, "asked_in": GUILD_CHANNEL})
    await channel.typing({"user": ANN, "token": "token-1", "fills": "1"})  # Discord shows it by itself
    assert discord.typed == [discord.direct(EVE), discord.direct(ANN)]


@pytest.mark.parametrize("language", PHRASES)
def test_the_link_command_is_understood_as_the_wish_for_a_code(language: str) -> None:
    assert wish(PHRASES[language].wish_for_a_code) == "code"


def test_a_language_is_one_that_the_bot_speaks() -> None:
    assert phrases.language("pt-BR", ["en", "pt"]) == "pt"
    assert phrases.language("de", ["fr", "en"]) == "fr"
    assert phrases.language("xx", ["xx"]) == "en"
