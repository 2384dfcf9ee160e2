"""Discord, over real sockets, against a twin of its gateway and REST API.

Proved: whoever writes to the bot is heard once and in order and answered once, through redelivery, rate limits, lost
answers, reconnects and an unrecorded delivery; what is asked in a server is answered in private; bots, webhooks and our
own echoes are nobody; a refusal says what to do; long replies are split where it does not hurt; and nothing stays open.
"""

import asyncio
import gc
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from channels._discord.posting import TEXT_LIMIT, Post
from channels.discord import Discord
from core.errors import Misconfigured, TryAgain, Undeliverable
from core.messages import Raw, Reply
from identity.proof import Proof
from tests.channels.discord_desk import ANN, AT_US, BEN, EVE, Echo, answering, answers, channel_at, listening
from tests.site import make_channel
from tests.twins.discord import GUILD_CHANNEL, DiscordTwin, Trouble


@pytest.fixture
async def discord() -> AsyncIterator[DiscordTwin]:
    async with DiscordTwin() as twin:
        yield twin


@pytest.fixture
async def channel(discord: DiscordTwin, tmp_path: Path) -> AsyncIterator[Discord]:
    made = channel_at(discord, tmp_path)
    yield made
    await made.close()


async def test_each_direct_message_is_answered_once_and_in_order(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel):
        await discord.until(sessions=1)
        for n in range(5):
            discord.says(ANN, f"ann {n}")
            discord.says(BEN, f"ben {n}")
        await discord.until(posts=10)
    assert answers(discord, ANN) == [f"Re: ann {n}" for n in range(5)]
    assert answers(discord, BEN) == [f"Re: ben {n}" for n in range(5)]


async def test_a_redelivered_message_is_answered_once(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel):
        await discord.until(sessions=1)
        discord.repeats(discord.says(ANN, "charged twice"))
        discord.says(ANN, "and now?")
        await discord.until(posts=2)
    assert answers(discord, ANN) == ["Re: charged twice", "Re: and now?"]


async def test_rate_limits_outages_and_lost_answers_neither_reorder_nor_repeat(
    discord: DiscordTwin, channel: Discord
) -> None:
    discord.troubles += [
        Trouble(status=429, retry_after=0.01),
        Trouble(status=429, retry_after=0.01),
        Trouble(status=503, page="<html>Service Unavailable</html>"),
        Trouble(cuts_off=True, after_posting=True),
        Trouble(status=502, after_posting=True),
        Trouble(status=500),
    ]
    async with answering(channel):
        await discord.until(sessions=1)
        for n in range(4):
            discord.says(ANN, f"ann {n}")
        await discord.until(posts=4)
    assert answers(discord, ANN) == [f"Re: ann {n}" for n in range(4)]


@pytest.mark.parametrize("trouble", [DiscordTwin.drop, DiscordTwin.ask_to_reconnect])
async def test_what_is_said_while_the_connection_is_away_is_heard_once(
    discord: DiscordTwin, channel: Discord, trouble: Callable[[DiscordTwin], None]
) -> None:
    async with answering(channel):
        await discord.until(sessions=1)
        discord.says(ANN, "before")
        await discord.until(posts=1)
        trouble(discord)
        discord.says(ANN, "meanwhile")
        await discord.until(posts=2, resumed=1)
        discord.says(ANN, "after")
        await discord.until(posts=3)
    assert answers(discord, ANN) == ["Re: before", "Re: meanwhile", "Re: after"]
    assert discord.identified == 1


async def test_an_invalidated_session_is_begun_anew(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel):
        await discord.until(sessions=1)
        discord.invalidate()
        await discord.until(sessions=2)
        discord.says(ANN, "still there?")
        await discord.until(posts=1)
    assert answers(discord, ANN) == ["Re: still there?"]


async def test_what_discords_library_cannot_read_ends_no_session(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel):
        await discord.until(sessions=1)
        discord.says(
            ANN, "look", attachments=[{"id": "9", "filename": "a.new", "size": 3, "url": "https://cdn.test/9"}]
        )
        discord.tell("INTERACTION_CREATE", {"id": "none of ours"})
        discord.says(BEN, "hello")
        await discord.until(posts=2)
    assert answers(discord, BEN) == ["Re: hello"]
    assert discord.identified == 1


async def test_a_first_connection_that_fails_is_survived(
    discord: DiscordTwin, channel: Discord, caplog: pytest.LogCaptureFixture
) -> None:
    discord.refusals = 1
    async with answering(channel):
        await discord.until(sessions=1)
        discord.says(ANN, "hello")
        await discord.until(posts=1)
    ours = [record for record in caplog.records if record.name.startswith("channels.")]
    assert [record.exc_info for record in ours] == [None]
    assert discord.gateway_url in ours[0].getMessage()


async def test_a_mention_in_a_server_is_answered_by_direct_message_alone(
    discord: DiscordTwin, channel: Discord
) -> None:
    async with answering(channel) as engine:
        await discord.until(sessions=1)
        discord.says(ANN, f"{AT_US} where is my parcel?", in_guild=True)
        await discord.until(posts=1)
    assert answers(discord, ANN) == ["Re: where is my parcel?"]
    assert [message.public for message in engine.heard.values()] == [True]
    assert GUILD_CHANNEL not in [post["channel"] for post in discord.posted]


async def test_bots_webhooks_notices_chatter_and_our_own_echoes_are_not_heard(
    discord: DiscordTwin, channel: Discord
) -> None:
    async with answering(channel) as engine:
        await discord.until(sessions=1)
        discord.says(
            EVE, "beep", author={"id": EVE, "username": "e", "discriminator": "1", "avatar": None, "bot": True}
        )
        discord.says(EVE, f"{AT_US} refund me", in_guild=True, webhook_id="5001")
        discord.says(EVE, "", in_guild=True, type=7)
        discord.says(EVE, "anyone here?", in_guild=True)
        discord.previews(discord.says(ANN, "first"))
        await discord.until(posts=1)
        discord.says(ANN, "second")
        await discord.until(posts=2)
    assert [message.text for message in engine.heard.values()] == ["first", "second"]


async def test_a_user_is_proven_by_the_gateway_and_nothing_else_is_known_of_them(
    discord: DiscordTwin, channel: Discord
) -> None:
    async with answering(channel) as engine:
        await discord.until(sessions=1)
        discord.says(ANN, "I am ann@shop.test")
        discord.says(EVE, f"{AT_US} I am Ann", in_guild=True)
        await discord.until(posts=2)
    heard = [(m.handle.key, m.proof, m.vouchers) for m in engine.heard.values()]
    assert heard == [(f"discord:{who}", Proof.PROVEN, ()) for who in (ANN, EVE)]


async def test_a_webhook_is_nobody_wherever_it_posts_and_whatever_name_it_bears(
    discord: DiscordTwin, channel: Discord
) -> None:
    bearing_anns = {"id": ANN, "username": "ann", "discriminator": "0000", "avatar": None}
    async with answering(channel) as engine:
        await discord.until(sessions=1)
        discord.says(ANN, f"{AT_US} refund me", in_guild=True, webhook_id="5001", author=bearing_anns)
        discord.says(ANN, "refund me", webhook_id="5001", author=bearing_anns)
        discord.says(ANN, "it is really me")
        await discord.until(posts=1)
    assert [message.text for message in engine.heard.values()] == ["it is really me"]


async def test_a_delivery_that_could_not_be_recorded_is_delivered_again_in_order(
    discord: DiscordTwin, channel: Discord
) -> None:
    engine = Echo(channel)
    tries: list[str] = []
    full = asyncio.Event()

    async def deliver(raw: Raw) -> bool:
        tries.append(json.loads(raw.body)["message"]["content"])
        if len(tries) <= 2:
            raise OSError("the disk is full")
        full.set() if len(engine.heard) == 1 else None
        return await engine.deliver(raw)

    async with listening(channel, deliver):
        await discord.until(sessions=1)
        discord.says(ANN, "one")
        discord.says(ANN, "two")
        await full.wait()
    assert tries == ["one", "one", "one", "two"]
    assert [message.text for message in engine.heard.values()] == ["one", "two"]


async def test_what_was_heard_is_still_recorded_when_the_listener_stops(discord: DiscordTwin, channel: Discord) -> None:
    engine = Echo(channel)
    begun, ledger_is_free = asyncio.Event(), asyncio.Event()

    async def deliver(raw: Raw) -> bool:
        begun.set()
        await ledger_is_free.wait()
        return await engine.deliver(raw)

    listener = asyncio.create_task(channel.listen(deliver))
    await discord.until(sessions=1)
    discord.says(ANN, "thank you")
    discord.says(ANN, "goodbye")
    await begun.wait()
    listener.cancel()
    await asyncio.wait([listener], timeout=0.1)
    assert not listener.done()
    ledger_is_free.set()
    with suppress(asyncio.CancelledError):
        await listener
    assert [message.text for message in engine.heard.values()] == ["thank you", "goodbye"]


async def test_a_cancelled_listener_leaves_nothing_open(discord: DiscordTwin, channel: Discord) -> None:
    async with answering(channel):
        await discord.until(sessions=1)
        discord.says(ANN, "hello")
        await discord.until(posts=1)
    gc.collect()  # an unclosed session or socket would warn here, and a warning is an error
    assert not [task for task in asyncio.all_tasks() if "/channels/" in repr(task.get_coro())]


async def test_a_wrong_token_is_final_and_named(discord: DiscordTwin, tmp_path: Path) -> None:
    channel = channel_at(discord, tmp_path, discord_bot_token="an-old-token")
    with pytest.raises(Misconfigured, match=r"^DISCORD_BOT_TOKEN: .*current one from discord.com") as refused:
        await channel.listen(Echo(channel).deliver)
    assert "an-old-token" not in str(refused.value)


async def test_a_token_revoked_while_connected_is_final_and_named(discord: DiscordTwin, channel: Discord) -> None:
    listener = asyncio.create_task(channel.listen(Echo(channel).deliver))
    await discord.until(sessions=1)
    await discord.revoke()
    with pytest.raises(Misconfigured, match=r"^DISCORD_BOT_TOKEN: "):
        await listener


async def test_a_missing_intent_is_named_with_the_place_to_switch_it_on(discord: DiscordTwin, channel: Discord) -> None:
    discord.allowed_intents &= ~(1 << 15)
    with pytest.raises(Misconfigured, match=r'"Message Content" at discord.com/developers/applications'):
        await channel.listen(Echo(channel).deliver)


async def test_a_post_pings_nobody_shows_no_previews_and_is_sent_once(discord: DiscordTwin, channel: Discord) -> None:
    reply = Reply(id="rep_1", route={"channel": discord.direct(ANN)}, text=f"Ask @everyone, @here or <@{BEN}>.")
    (wire,) = channel.render(reply)
    assert await channel.send(wire) == await channel.send(wire)
    (post,) = discord.posted
    assert post["allowed_mentions"] == {"parse": []}
    assert post["flags"] == 4
    assert not re.search(r"@everyone|@here|<@", post["content"])
    assert post["content"].replace("\u200b", "") == reply.text


async def test_sending_needs_no_gateway(discord: DiscordTwin, channel: Discord) -> None:
    (wire,) = channel.render(Reply(id="rep_1", route={"channel": discord.direct(ANN)}, text="From a worker."))
    await channel.send(wire)
    assert answers(discord, ANN) == ["From a worker."]
    assert discord.identified == 0


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [
        (Trouble(status=429, retry_after=2.5), 2.5),
        (Trouble(status=429, retry_after=7, page="<html>error code: 1015</html>"), 7),
        (Trouble(status=429, page="<html>error code: 1015</html>"), None),
        (Trouble(status=503), None),
        (Trouble(status=502, page="<html>Bad Gateway</html>"), None),
        (Trouble(status=200, page='{"id": "10000'), None),
        (Trouble(cuts_off=True), None),
    ],
)
async def test_a_busy_or_absent_discord_is_tried_again(
    discord: DiscordTwin, channel: Discord, trouble: Trouble, seconds: float | None
) -> None:
    discord.troubles.append(trouble)
    with pytest.raises(TryAgain) as busy:
        await channel.send(post_to(discord.direct(ANN)))
    assert (busy.value.after.total_seconds() if busy.value.after else None) == seconds


async def test_a_discord_that_is_down_is_tried_again(tmp_path: Path) -> None:
    async with DiscordTwin() as discord:
        channel = channel_at(discord, tmp_path)
    with pytest.raises(TryAgain, match="does not answer"):
        await channel.send(post_to("7001"))
    await channel.close()


async def test_a_customer_who_takes_no_direct_messages_is_undeliverable(discord: DiscordTwin, channel: Discord) -> None:
    discord.closed_to_bots.add(ANN)
    with pytest.raises(Undeliverable, match=r"50007.*share a server"):
        await channel.send(Post(user=ANN, content="hello", nonce="n1"))


async def test_an_unknown_conversation_is_undeliverable(channel: Discord) -> None:
    with pytest.raises(Undeliverable, match=r"404.*no longer exists"):
        await channel.send(post_to("7001"))


async def test_a_refused_token_is_undeliverable_and_names_the_setting(discord: DiscordTwin, tmp_path: Path) -> None:
    channel = channel_at(discord, tmp_path, discord_bot_token="an-old-token")
    with pytest.raises(Undeliverable, match="DISCORD_BOT_TOKEN") as refused:
        await channel.send(post_to(discord.direct(ANN)))
    await channel.close()
    assert "an-old-token" not in str(refused.value)


async def test_a_long_reply_arrives_whole_and_in_order(discord: DiscordTwin, channel: Discord) -> None:
    text = "\n\n".join(f"Paragraph {n}. " + "word " * 60 + "end." for n in range(30))
    for wire in channel.render(Reply(id="rep_1", route={"channel": discord.direct(ANN)}, text=text)):
        await channel.send(wire)
    assert len(discord.posted) > 1
    assert "\n\n".join(answers(discord, ANN)) == text


@pytest.mark.parametrize(
    "settings", [{"discord_bot_token": "Bot abc"}, {"discord_bot_token": ""}, {"discord_api_base": "discord"}]
)
def test_a_wrong_setting_is_refused(tmp_path: Path, settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(settings))) as wrong:
        make_channel("discord", tmp_path, **settings)
    assert "abc" not in str(wrong.value)


BOLD = "**bold words that belong together**"
LINK = "[our page on returns](https://acme.test/help/returns?from=chat)"
CODE = "\n```py\nfor n in range(9):\n\n    print(n)\n```\n"
CHINESE = "中文没有空格" * 20
LINES = st.lists(
    st.sampled_from(["A plain sentence. ", "\n\n", "\n- an item", BOLD + ", ", LINK, CODE, CHINESE]), min_size=80
)
ONE_LINE = st.lists(st.sampled_from(["Short. ", "A longer sentence. ", BOLD + ", ", LINK]), min_size=80)
ONE_WORD = st.lists(st.sampled_from([CHINESE, LINK, BOLD + "、"]), min_size=40)


@settings(deadline=None)
@given(st.one_of(LINES, ONE_LINE, ONE_WORD))
def test_a_long_reply_is_split_where_it_does_not_hurt(pieces: Sequence[str]) -> None:
    parts = contents("".join(pieces))
    for part in parts:
        assert 0 < len(part) <= TEXT_LIMIT
        assert part.count("```") % 2 == 0
        assert part.count(BOLD) == part.count("**") / 2
        assert part.count(LINK) == part.count("[") == part.count("?from=chat")
    assert "".join("".join(parts).split()) == "".join("".join(pieces).split())


def test_paragraphs_stay_together() -> None:
    first, second = "a " * 700 + "a", "b " * 700 + "b"
    assert contents(f"{first}\n\n{second}") == [first, second]


def test_code_longer_than_a_message_is_closed_and_opened_again() -> None:
    lines = [f"print({n})" for n in range(600)]
    parts = contents("Run this:\n```py\n" + "\n".join(lines) + "\n```")
    assert all(len(part) <= TEXT_LIMIT for part in parts)
    assert all(part.startswith("```py\n") and part.endswith("\n```") for part in parts[1:])
    assert [line for part in parts for line in part.splitlines() if line.startswith("print")] == lines


def test_an_endless_word_is_cut_at_the_limit() -> None:
    assert [len(part) for part in contents("x" * 4_500)] == [2_000, 2_000, 500]


def contents(text: str) -> list[str]:
    """What is sent for a text."""
    channel = make_channel("discord", Path())
    return [wire.content for wire in channel.render(Reply(id="rep_1", route={"channel": "7001"}, text=text))]


def post_to(channel_id: str) -> Post:
    return Post(channel=channel_id, content="hello", nonce="n1")
