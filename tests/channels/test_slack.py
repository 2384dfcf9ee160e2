"""Slack over real sockets: nothing is lost, doubled or reordered by redelivery, rate limits and broken connections;
nothing is acknowledged before it is kept; no unsigned request is heard; nothing personal is said in public."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from channels._slack.posting import Post
from channels.slack import Slack, SlackSettings
from core.errors import TryAgain, Undeliverable, Unverified
from core.messages import Raw, Reply
from tests.channels.slack_desk import DM, MENTION, Clock, Echo, connected, host, opened, running
from tests.site import NOW
from tests.twins.slack import CHANNEL, SlackTwin


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as slack:
        yield slack


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def channel(twin: SlackTwin, clock: Clock, tmp_path: Path) -> AsyncIterator[Slack]:
    async with opened(twin, tmp_path, clock) as slack:
        yield slack


async def test_a_direct_message_is_heard_and_answered(twin: SlackTwin, channel: Slack) -> None:
    echo = Echo(channel)
    async with connected(twin, channel, echo.deliver, echo.answer()):
        envelope = await twin.emits(twin.says("U1ANN", "charged twice"))
        answer = await twin.next_post()
        await envelope.acked.wait()
    assert (answer.channel, answer.text, answer.user) == ("DU1ANN", "You said: charged twice", "")


async def test_when_it_stops_its_connection_is_closed(twin: SlackTwin, channel: Slack) -> None:
    async with connected(twin, channel, Echo(channel).deliver):
        pass
    await twin.disconnections.get()


async def test_a_first_connection_that_fails_is_made_again_with_a_new_address(twin: SlackTwin, channel: Slack) -> None:
    twin.fail("apps.connections.open")
    twin.refuse_sockets = 2
    echo = Echo(channel)
    async with connected(twin, channel, echo.deliver, echo.answer()):
        await twin.emits(twin.says("U1ANN", "hello"))
        assert (await twin.next_post()).text == "You said: hello"
    assert twin.opened >= 3


async def test_drops_redelivery_and_rate_limits_change_neither_number_nor_order(
    twin: SlackTwin, channel: Slack, clock: Clock
) -> None:
    echo = Echo(channel, clock)
    twin.rate_limit("chat.postMessage", seconds=7, times=2)
    first, second, third = (twin.says("U1ANN", text) for text in ("one", "two", "three"))
    async with connected(twin, channel, echo.deliver, echo.answer()):
        for callback in (first, second, first):
            await twin.emits(callback)
        twin.drop()
        await twin.connections.get()
        for callback in (second, third):
            await twin.emits(callback)
        posts = [await twin.next_post() for _ in range(3)]
        for envelope in twin.envelopes:
            await envelope.acked.wait()
    assert [post.text for post in posts] == ["You said: one", "You said: two", "You said: three"]
    assert twin.posted == posts
    assert echo.pauses == [timedelta(seconds=7)] * 2


async def test_nothing_is_acknowledged_before_it_is_kept(twin: SlackTwin, channel: Slack) -> None:
    reached, may_commit = asyncio.Event(), asyncio.Event()

    async def slowly(_raw: Raw) -> bool:
        reached.set()
        await may_commit.wait()
        return True

    async with connected(twin, channel, slowly):
        envelope = await twin.emits(twin.says("U1ANN", "charged twice"))
        await reached.wait()
        await twin.disconnect()
        await twin.disconnections.get()  # all that was sent on the old connection has been read
        assert not envelope.acked.is_set()
        may_commit.set()
        await envelope.acked.wait()


async def test_what_could_not_be_kept_is_delivered_again(twin: SlackTwin, channel: Slack) -> None:
    echo, failures = Echo(channel), iter([True])

    async def at_first_unable(raw: Raw) -> bool:
        if next(failures, False):
            failed.set()
            raise OSError("the disk is full")
        return await echo.deliver(raw)

    failed = asyncio.Event()
    async with connected(twin, channel, at_first_unable, echo.answer()):
        envelope = await twin.emits(twin.says("U1ANN", "do not lose me"))
        await failed.wait()
        await twin.disconnect()
        assert (await twin.next_post()).text == "You said: do not lose me"
        await envelope.acked.wait()
    assert envelope.attempts == 1


async def test_messages_are_kept_one_after_the_other(twin: SlackTwin, channel: Slack) -> None:
    kept: list[str] = []
    may_commit = asyncio.Event()

    async def in_turn(raw: Raw) -> bool:
        message = channel.parse(raw)
        assert message
        if message.text == "one":
            await may_commit.wait()
        kept.append(message.text)
        return True

    async with connected(twin, channel, in_turn):
        first, second = [await twin.emits(twin.says("U1ANN", text)) for text in ("one", "two")]
        await twin.disconnect()
        await twin.connections.get()  # so the client has taken up both
        assert kept == []
        may_commit.set()
        await first.acked.wait()
        await second.acked.wait()
    assert kept[:2] == ["one", "two"]


async def test_a_web_api_that_is_away_loses_no_message(twin: SlackTwin, channel: Slack) -> None:
    twin.refuse("auth.test", "ratelimited")
    echo = Echo(channel)
    async with connected(twin, channel, echo.deliver):
        await twin.emits(twin.says("U1ANN", "hello"))
        assert await echo.heard.get()


async def test_a_mention_is_answered_to_its_writer_alone(twin: SlackTwin, channel: Slack) -> None:
    echo = Echo(channel)
    async with connected(twin, channel, echo.deliver, echo.answer()):
        await twin.emits(twin.mentions("U1ANN", "my invoice is wrong", thread_ts="1772440000.000100"))
        answer = await twin.next_post()
    assert (answer.channel, answer.user, answer.thread_ts) == (CHANNEL, "U1ANN", "1772440000.000100")
    assert answer.text == "You said: my invoice is wrong"


@pytest.mark.parametrize("left", ["customer", "bot", "channel"])
async def test_who_cannot_be_shown_it_in_the_channel_gets_it_directly(
    twin: SlackTwin, channel: Slack, left: str
) -> None:
    if left == "customer":
        twin.members[CHANNEL].remove("U1ANN")
    elif left == "bot":
        twin.refuse("chat.postEphemeral", "not_in_channel")
    else:
        del twin.members[CHANNEL]
    [wire] = channel.render(Reply(id="r1", route=MENTION | {"thread_ts": "1.1"}, text="Your refund is on its way."))
    ts = await channel.send(wire)
    [direct] = twin.posted
    assert (direct.channel, direct.user, direct.thread_ts, direct.ts) == ("DU1ANN", "", "", ts)
    assert direct.arguments["metadata"]["event_payload"] == {"id": "r1", "part": 0}


def test_the_two_events_of_one_message_have_one_id(twin: SlackTwin, channel: Slack) -> None:
    message = twin.says("U1ANN", "<@U0BOT> hello")
    mention = message | {"event": message["event"] | {"type": "app_mention"}, "event_id": "Ev99"}
    heard = [channel.parse(Raw(body=json.dumps(c).encode(), received_at=NOW)) for c in (message, mention)]
    assert heard[0]
    assert heard[0] == heard[1]
    assert heard[0].text == "hello"


async def test_a_message_carries_the_mark_of_its_reply_and_unfolds_nothing(twin: SlackTwin, channel: Slack) -> None:
    wires = channel.render(Reply(id="r7", route=DM | {"thread_ts": "5.5"}, text="a" * 2_000 + "\n\n" + "b" * 2_000))
    for wire in wires:
        await channel.send(wire)
    marks = [post.arguments["metadata"] for post in twin.posted]
    assert marks == [
        {"event_type": "throughline_reply", "event_payload": {"id": "r7", "part": part}} for part in (0, 1)
    ]
    for post in twin.posted:
        assert post.thread_ts == "5.5"
        assert (post.arguments["unfurl_links"], post.arguments["unfurl_media"]) == (False, False)


def wire_to(route: dict[str, str]) -> Post:
    return Post(method="chat.postMessage", payload=route | {"text": "hi", "metadata": {}})


@pytest.mark.parametrize(
    ("status", "body", "media_type"),
    [
        (500, "", "text/html"),
        (503, "upstream is away", "text/plain"),
        (429, "slow down", "text/html"),
        (200, "{broken", "application/json"),
        (200, "[1]", "application/json"),
        (200, "welcome to the airport", "text/plain"),
        (200, json.dumps({"ok": False, "error": "internal_error"}), "application/json"),
    ],
)
async def test_a_server_in_trouble_is_tried_again(
    twin: SlackTwin, channel: Slack, status: int, body: str, media_type: str
) -> None:
    twin.fail("chat.postMessage", status, body, media_type)
    with pytest.raises(TryAgain):
        await channel.send(wire_to(DM))


async def test_what_may_have_been_said_is_left_to_the_outbox(twin: SlackTwin, channel: Slack) -> None:
    twin.break_off.add("chat.postMessage")
    [wire] = channel.render(Reply(id="r1", route=DM, text="hi"))
    with pytest.raises(TryAgain):
        await channel.send(wire)
    assert len(twin.posted) == 1


async def test_a_server_that_is_not_there_is_tried_again(twin: SlackTwin, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:1/api/"
    async with opened(twin, tmp_path, slack_app_token=twin.app_token, slack_api_url=nobody) as gone:
        with pytest.raises(TryAgain):
            await gone.send(wire_to(DM))


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("invalid_auth", "SLACK_BOT_TOKEN"),
        ("token_revoked", "SLACK_BOT_TOKEN"),
        ("account_inactive", "SLACK_BOT_TOKEN"),
        ("not_in_channel", "the bot in it"),
        ("is_archived", "open"),
        ("missing_scope", "scope"),
        ("something_new", "docs.slack.dev"),
    ],
)
async def test_a_refusal_is_final_and_says_what_to_do(twin: SlackTwin, channel: Slack, error: str, advice: str) -> None:
    twin.refuse("chat.postMessage", error)
    with pytest.raises(Undeliverable, match=f"{error}.*{advice}"):
        await channel.send(wire_to(DM))


async def test_a_channel_that_is_not_there_and_a_wrong_token_are_final(
    twin: SlackTwin, channel: Slack, tmp_path: Path
) -> None:
    with pytest.raises(Undeliverable, match="channel_not_found"):
        await channel.send(wire_to({"channel": "C9NOWHERE"}))
    async with opened(twin, tmp_path, slack_app_token=twin.app_token, slack_bot_token="xoxb-other") as stranger:
        with pytest.raises(Undeliverable, match="invalid_auth"):
            await stranger.send(wire_to(DM))


def shown(channel: Slack, text: str) -> list[str]:
    return [str(wire.payload["text"]) for wire in channel.render(Reply(id="r", route=DM, text=text))]


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("This is **bold**, and **so is this**.", "This is *bold*, and *so is this*."),
        ("See [our page](https://shop.test/a?b=1&c=2).", "See <https://shop.test/a?b=1&amp;c=2|our page>."),
        ("[click](javascript:alert(1))", "[click](javascript:alert(1))"),
        ("- one\n- two\n  * three\n1. four", "• one\n• two\n  • three\n\n1. four"),
        ("3 < 4 && 5 > 4", "3 &lt; 4 &amp;&amp; 5 &gt; 4"),
        (
            "<!channel> <@U1ANN> <https://evil.test|bank>",
            "&lt;!channel&gt; &lt;@U1ANN&gt; &lt;https://evil.test|bank&gt;",
        ),
        ("ask @here or @channel, not ann@hereford.test", "ask @\u200bhere or @\u200bchannel, not ann@hereford.test"),
        ("run `a **b** <c>` now", "run `a **b** &lt;c&gt;` now"),
        ("so:\n\n```python\nx = '**y**' # <z>\n```\n\ndone", "so:\n\n```\nx = '**y**' # &lt;z&gt;\n```\n\ndone"),
    ],
)
def test_markdown_becomes_what_slack_shows(channel: Slack, markdown: str, mrkdwn: str) -> None:
    assert shown(channel, markdown) == [mrkdwn]


def test_a_long_reply_is_parted_between_paragraphs(channel: Slack) -> None:
    paragraphs = [f"{n} " + "&words " * 120 for n in range(12)]
    parts = shown(channel, "\n\n".join(paragraphs))
    assert all(len(part) <= 3_000 for part in parts)
    assert all(part[0].isdigit() for part in parts)
    assert "\n\n".join(parts).split() == "\n\n".join(paragraphs).replace("&", "&amp;").split()


def test_a_message_never_ends_within_a_code_block(channel: Slack) -> None:
    lines = [f"line {n} of a < log" for n in range(400)]
    parts = shown(channel, "Intro.\n\n" + "word " * 500 + "\n\n```\n" + "\n".join(lines) + "\n```\n\nThe end.")
    assert all(len(part) <= 3_000 and part.count("```") in (0, 2) for part in parts)
    assert [line.replace("&lt;", "<") for part in parts for line in part.split("\n") if "line" in line] == lines
    assert parts[-1].endswith("The end.")


def test_a_word_longer_than_a_message_is_cut(channel: Slack) -> None:
    parts = shown(channel, "&" * 4_000)
    assert all(len(part) <= 3_000 for part in parts)
    assert "".join(parts) == "&amp;" * 4_000


def test_an_empty_reply_is_no_message(channel: Slack) -> None:
    assert shown(channel, " \n") == []


@pytest.fixture
async def by_http(twin: SlackTwin, tmp_path: Path) -> AsyncIterator[Slack]:
    async with opened(twin, tmp_path, slack_signing_secret=twin.signing_secret) as slack:
        yield slack


async def test_a_signed_event_is_heard_and_answered_once(twin: SlackTwin, by_http: Slack) -> None:
    echo = Echo(by_http)
    callback = twin.says("U1ANN", "charged twice")
    async with host(by_http, echo.deliver) as url, running(echo.answer()):
        assert await twin.calls(url, callback, NOW) == (200, "")
        assert await twin.calls(url, callback, NOW - timedelta(minutes=4), x_slack_retry_num="1") == (200, "")
        assert (await twin.next_post()).text == "You said: charged twice"
    assert [await echo.heard.get() for _ in range(2)] == [True, False]


async def test_slack_may_test_the_address(twin: SlackTwin, by_http: Slack) -> None:
    async with host(by_http, Echo(by_http).deliver) as url:
        challenge = {"type": "url_verification", "challenge": "3eZbrw1a", "token": "t"}
        assert await twin.calls(url, challenge, NOW) == (200, "3eZbrw1a")


@pytest.mark.parametrize(
    "headers",
    [
        {"x_slack_request_timestamp": "now"},
        {"x_slack_request_timestamp": "1772441000.5"},
        {"x_slack_request_timestamp": "٣٣٣٣"},
        {"x_slack_request_timestamp": "9" * 30},
        {"x_slack_request_timestamp": ""},
        {"x_slack_signature": ""},
        {"x_slack_signature": "v0=é"},
        {"x_slack_signature": "v1=" + "0" * 64},
        {"x_slack_signature": "v0=" + "0" * 64},
    ],
)
async def test_a_request_with_a_bad_signature_is_refused(
    twin: SlackTwin, by_http: Slack, headers: dict[str, str]
) -> None:
    echo = Echo(by_http)
    async with host(by_http, echo.deliver) as url:
        assert (await twin.calls(url, twin.says("U1ANN", "hi"), NOW, **headers))[0] == 403
    assert echo.heard.empty()


async def test_a_request_signed_long_ago_or_ahead_or_by_another_is_refused(twin: SlackTwin, by_http: Slack) -> None:
    async with host(by_http, Echo(by_http).deliver) as url:
        for age in (timedelta(minutes=6), timedelta(minutes=-6)):
            assert (await twin.calls(url, twin.says("U1ANN", "hi"), NOW - age))[0] == 403
        twin.signing_secret = "another secret"
        assert (await twin.calls(url, twin.says("U1ANN", "hi"), NOW))[0] == 403


def test_in_socket_mode_no_request_is_heard(twin: SlackTwin, channel: Slack) -> None:
    assert channel.paths == ()
    twin.signing_secret = ""
    with pytest.raises(Unverified):
        channel.verify(Raw(body=b"{}", received_at=NOW, headers=twin.signed(b"{}", NOW)))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"slack_bot_token": "xoxb-secret"}, "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET is missing"),
        ({"slack_bot_token": "xapp-secret", "slack_app_token": "xapp-secret"}, "xoxb- is the bot's"),
        ({"slack_bot_token": "xoxb-secret", "slack_app_token": "xoxb-secret"}, "xapp- the app's"),
        ({"slack_bot_token": "xoxb-secret", "slack_app_token": "xapp-secret", "slack_api_url": "slack"}, "valid URL"),
        ({"slack_app_token": "xapp-secret"}, "slack_bot_token"),
    ],
)
def test_wrong_settings_are_named_without_showing_a_secret(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        SlackSettings(**settings)
    assert complaint in str(wrong.value)
    assert "secret" not in str(wrong.value).lower().replace("slack_signing_secret", "")
