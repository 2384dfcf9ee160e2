"""Slack's manners: replies stay in their thread, buttons are for one person and pressed once, edits and deletions are
heard, the slash command is answered privately, the assistant's pane offers what is true."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr

from channels._slack.phrases import PHRASES
from channels.slack import Slack, SlackSettings
from core.channel import Closes, Examined, Typing
from core.errors import Malformed, SendProblem
from core.messages import Choice, InboundMessage, Raw, Reply
from core.phrases import say
from tests.channels.slack_desk import DM, MENTION, Echo, connected, host, opened
from tests.shop import Shop
from tests.site import NOW, site
from tests.twins.slack import CHANNEL, SlackTwin

RATING = (Choice(label="4", says="4"), Choice(label="5", says="5"))
THREAD = "1772440000.000100"


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as slack:
        yield slack


@pytest.fixture
async def channel(twin: SlackTwin, tmp_path: Path) -> AsyncIterator[Slack]:
    async with opened(twin, tmp_path) as slack:
        yield slack


@pytest.fixture
async def by_http(twin: SlackTwin, tmp_path: Path) -> AsyncIterator[Slack]:
    async with opened(twin, tmp_path, slack_signing_secret=twin.signing_secret) as slack:
        yield slack


def heard(channel: Slack, payload: dict[str, Any]) -> InboundMessage | None:
    return channel.parse(Raw(body=json.dumps(payload).encode(), received_at=NOW))


def understood(channel: Slack, payload: dict[str, Any]) -> InboundMessage:
    message = heard(channel, payload)
    assert message
    return message


async def asks(channel: Slack, twin: SlackTwin, route: dict[str, str], text: str = "How did we do?") -> dict[str, Any]:
    """The bot asks for a rating; gives what it posted."""
    [wire] = channel.render(Reply(id="rep1", route=route, text=text, choices=RATING))
    await channel.send(wire)
    return twin.posted[-1].arguments


def words(message: dict[str, Any]) -> list[str]:
    """What stands in the blocks of a message, one after the other."""
    parts = [part for block in message["blocks"] for part in block.get("elements", [block])]
    return [part["text"]["text"] if isinstance(part["text"], dict) else part["text"] for part in parts]


def test_the_channel_has_what_a_channel_may_have(channel: Slack) -> None:
    assert isinstance(channel, Typing)
    assert isinstance(channel, Closes)
    assert isinstance(channel, Examined)


# Threads.


async def test_what_is_asked_in_a_thread_is_answered_there(twin: SlackTwin, channel: Slack) -> None:
    echo = Echo(channel)
    async with connected(twin, channel, echo.deliver, echo.answer()):
        for callback in (twin.says("U1ANN", "one"), twin.says("U1ANN", "two", thread_ts=THREAD)):
            await twin.emits(callback)
        posts = [await twin.next_post() for _ in range(2)]
    assert [(post.channel, post.thread_ts) for post in posts] == [("DU1ANN", ""), ("DU1ANN", THREAD)]


def test_each_thread_is_a_conversation_of_its_own(twin: SlackTwin, channel: Slack) -> None:
    said = [twin.says("U1ANN", "one"), twin.says("U1ANN", "two", thread_ts=THREAD)]
    said += [twin.mentions(user, "three", thread_ts=THREAD) for user in ("U1ANN", "U2BEN")]
    assert [understood(channel, one).conversation for one in said] == [
        "DU1ANN",
        f"DU1ANN:{THREAD}",
        f"{CHANNEL}:{THREAD}:U1ANN",
        f"{CHANNEL}:{THREAD}:U2BEN",
    ]


async def test_a_colleague_who_may_answer_hours_later_answers_by_direct_message(
    twin: SlackTwin, channel: Slack
) -> None:
    for number in range(2):
        [wire] = channel.render(Reply(id=f"r{number}", route=MENTION, text="It is on its way.", sender="agent"))
        assert await channel.send(wire) == twin.posted[-1].ts
    assert [(post.channel, post.user) for post in twin.posted] == [("DU1ANN", "")] * 2
    called = [twin.called.get_nowait() for _ in range(twin.called.qsize())]
    assert called == ["conversations.open", "chat.postMessage", "chat.postMessage"]


# Buttons.


async def test_a_press_in_socket_mode_says_what_the_button_says(twin: SlackTwin, channel: Slack) -> None:
    echo = Echo(channel)
    posted = await asks(channel, twin, DM)
    assert words(posted) == ["How did we do?", "4", "5"]
    await twin.next_post()
    async with connected(twin, channel, echo.deliver, echo.answer()):
        envelope = await twin.emits(twin.presses("U1ANN", posted, 1, ts=twin.posted[0].ts))
        await envelope.acked.wait()
        assert (await twin.next_post()).text == "You said: 5"
        settled = await twin.replaced.get()
    assert settled["replace_original"]
    assert words(settled) == ["How did we do?", "✓ 5"]


async def test_a_press_over_http_is_a_signed_form(twin: SlackTwin, by_http: Slack) -> None:
    echo = Echo(by_http)
    posted = await asks(by_http, twin, DM)
    async with host(by_http, echo.deliver) as url:
        press = twin.presses("U1ANN", posted, ts=twin.posted[0].ts)
        assert (await twin.calls(url, press, NOW, x_slack_signature="v0=" + "0" * 64))[0] == 403
        assert await twin.calls(url, press, NOW) == (200, "")
        assert words(await twin.replaced.get()) == ["How did we do?", "✓ 4"]
    assert await echo.heard.get()


async def test_of_two_presses_under_one_reply_the_first_counts(twin: SlackTwin, channel: Slack) -> None:
    echo = Echo(channel)
    posted = await asks(channel, twin, DM)
    async with connected(twin, channel, echo.deliver):
        for number in (1, 0):
            envelope = await twin.emits(twin.presses("U1ANN", posted, number, ts=twin.posted[0].ts))
            await envelope.acked.wait()
        assert words(await twin.replaced.get())[-1] == "✓ 5"
    assert [echo.heard.get_nowait() for _ in range(2)] == [True, False]
    assert twin.replaced.empty()


async def test_an_ephemeral_question_is_settled_though_slack_does_not_tell_its_text(
    twin: SlackTwin, channel: Slack
) -> None:
    posted = await asks(channel, twin, MENTION | {"thread_ts": THREAD})
    press = twin.presses("U1ANN", posted, ts=twin.posted[0].ts)
    message = understood(channel, press)
    assert (message.conversation, message.public) == (f"{CHANNEL}:{THREAD}:U1ANN", False)
    assert message.route == MENTION | {"thread_ts": THREAD}
    async with connected(twin, channel, Echo(channel).deliver):
        await twin.emits(press)
        assert words(await twin.replaced.get()) == ["How did we do?", "✓ 4"]


async def test_a_question_that_went_by_direct_message_instead_belongs_where_it_was_asked(
    twin: SlackTwin, channel: Slack
) -> None:
    twin.members[CHANNEL].remove("U1ANN")
    posted = await asks(channel, twin, MENTION | {"thread_ts": THREAD})
    message = understood(channel, twin.presses("U1ANN", posted, ts=twin.posted[0].ts))
    assert message.conversation == f"{CHANNEL}:{THREAD}:U1ANN"
    assert message.route == DM


async def test_only_who_was_asked_may_press(twin: SlackTwin, channel: Slack) -> None:
    posted = await asks(channel, twin, DM)
    assert heard(channel, twin.presses("U2BEN", posted, ts="1.1")) is None
    async with connected(twin, channel, Echo(channel).deliver):
        for user, number in (("U2BEN", 1), ("U1ANN", 0)):
            await (await twin.emits(twin.presses(user, posted, number, ts="1.1"))).acked.wait()
        assert words(await twin.replaced.get())[-1] == "✓ 4"
    assert twin.replaced.empty()


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.slack.com.evil.test/x",
        "http://hooks.slack.com/x",
        "https://a@evil.test/",
        "http://[",
        "ftp://127.0.0.1/x",
    ],
)
async def test_nothing_is_written_to_an_address_that_is_not_slack_s(
    twin: SlackTwin, channel: Slack, address: str
) -> None:
    posted = await asks(channel, twin, DM)
    async with connected(twin, channel, Echo(channel).deliver):
        await twin.emits(twin.presses("U1ANN", posted, ts=twin.posted[0].ts, response_url=address))
        settled = await twin.replaced.get()
    assert (settled["channel"], settled["ts"]) == ("DU1ANN", twin.posted[0].ts)


async def test_buttons_stand_under_the_last_part_and_fit(twin: SlackTwin, channel: Slack) -> None:
    choices = [Choice(label="&" * 100, says="yes"), Choice(label="no", says="n" * 2_001), Choice(label="", says="x")]
    text = "\n\n".join(["word " * 500] * 3)
    for wire in channel.render(Reply(id="r", route=DM, text=text, choices=tuple(choices))):
        await channel.send(wire)
    assert ["blocks" in post.arguments for post in twin.posted] == [False, False, True]
    assert words(twin.posted[-1].arguments)[1:] == ["&" * 75]


def test_without_knowing_whom_for_there_are_no_buttons(channel: Slack) -> None:
    [wire] = channel.render(Reply(id="r", route={"channel": "DU1ANN"}, text="How?", choices=RATING))
    assert "blocks" not in wire.payload


# Edits and deletions.


def test_edits_and_deletions_name_what_they_replace(twin: SlackTwin, channel: Slack) -> None:
    said = twin.says("U1ANN", "charged twice")
    once = twin.edits(said, "charged thrice")
    again = twin.edits(once, "charged four times")
    gone = twin.deletes(again)
    messages = [understood(channel, one) for one in (said, once, again, gone)]
    assert [message.text for message in messages] == ["charged twice", "charged thrice", "charged four times", ""]
    assert [message.replaces for message in messages[1:]] == [message.external_id for message in messages[:-1]]
    assert len({message.external_id for message in messages}) == 4
    assert [message.takes_back for message in messages] == [False, False, False, True]
    assert len({(message.handle, message.conversation) for message in messages}) == 1


def test_an_edit_that_changes_no_word_is_none(twin: SlackTwin, channel: Slack) -> None:
    assert heard(channel, twin.edits(twin.says("U1ANN", "see shop.test"), "see shop.test")) is None


async def test_what_is_taken_back_before_its_answer_is_not_answered(
    twin: SlackTwin, channel: Slack, shop: Shop
) -> None:
    said = twin.says("U1ANN", "I was charged $49 twice")
    for payload in (said, twin.edits(said, "My kettle leaks")):
        assert await shop.accept(replace(understood(channel, payload), unchecked=False))
    answer = await shop.answers("slack:T1ACME/U1ANN")
    assert answer
    assert "$49" not in answer


# The slash command.


async def test_the_command_asks_for_a_code_and_is_answered_to_its_writer_alone(twin: SlackTwin, channel: Slack) -> None:
    echo = Echo(channel)
    async with connected(twin, channel, echo.deliver, echo.answer()):
        envelope = await twin.emits(twin.commands("U1ANN", "link"))
        answer = await twin.next_post()
        await envelope.acked.wait()
    assert (answer.channel, answer.user) == (CHANNEL, "U1ANN")
    assert answer.text == "You said: I would like a code to link my other account."
    assert envelope.answer is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [("help", "/throughline link"), ("", "AI assistant"), ("what now", "AI assistant"), ("forget", "nothing is")],
)
async def test_the_command_is_answered_at_once_for_their_eyes_only(
    twin: SlackTwin, channel: Slack, by_http: Slack, typed: str, said: str
) -> None:
    async with connected(twin, channel, Echo(channel).deliver):
        envelope = await twin.emits(twin.commands("U1ANN", typed))
        await envelope.acked.wait()
    assert envelope.answer
    async with host(by_http, Echo(by_http).deliver) as url:
        status, body = await twin.calls(url, twin.commands("U1ANN", typed), NOW)
    assert (status, json.loads(body)) == (200, envelope.answer)
    assert envelope.answer["response_type"] == "ephemeral"
    assert said in envelope.answer["text"]


async def test_a_company_without_a_name_is_not_spoken_of(twin: SlackTwin, tmp_path: Path) -> None:
    settings = SlackSettings(
        slack_bot_token=SecretStr(twin.bot_token),
        slack_signing_secret=SecretStr(twin.signing_secret),
        slack_api_url=HttpUrl(twin.api_url),
    )
    channel = Slack(settings, replace(site(tmp_path), brand="", now=lambda: NOW))
    async with host(channel, Echo(channel).deliver) as url:
        _, body = await twin.calls(url, twin.commands("U1ANN", "help"), NOW)
    await channel.close()
    assert json.loads(body)["text"].startswith("I'm Throughline, an AI assistant. Write")


@pytest.mark.parametrize("language", ["en", "es", "de", "fr", "pt", "it", "nl"])
async def test_who_wants_to_be_forgotten_gets_a_colleague(shop: Shop, language: str) -> None:
    wish = f"{PHRASES[language].wish_to_be_forgotten} {say('wish_for_a_person', language)}"
    answer = await shop.hears("slack", "T1ACME/U1ANN", wish)
    [case] = await shop.ledger.queue(now=shop.now)
    assert case.case.status == "handed_off"
    assert answer


def test_also_in_direct_messages_a_command_is_answered_ephemerally(twin: SlackTwin, channel: Slack) -> None:
    message = understood(channel, twin.commands("U1ANN", "link", channel="DU1ANN"))
    assert message.route == DM | {"ephemeral": "1"}
    assert (message.conversation, message.public, message.unchecked) == ("DU1ANN", False, True)


# The assistant's pane.


async def test_the_pane_offers_what_we_can_do(twin: SlackTwin, channel: Slack) -> None:
    async with connected(twin, channel, Echo(channel).deliver):
        opened_pane = twin.opens_pane("U1ANN")
        await (await twin.emits(opened_pane)).acked.wait()
        offer = await twin.panes.get()
    thread = opened_pane["event"]["assistant_thread"]
    assert (offer["channel_id"], offer["thread_ts"]) == ("DU1ANN", thread["thread_ts"])
    assert "AI assistant of Acme" in offer["title"]
    assert [prompt["message"] for prompt in offer["prompts"]] == [
        "I need help with an order.",
        "I would like a code to link my other account.",
        "I would like to talk to a person.",
    ]


async def test_in_a_thread_it_shows_that_it_writes_and_elsewhere_it_cannot(twin: SlackTwin, channel: Slack) -> None:
    await channel.typing(DM)
    await channel.typing(MENTION | {"thread_ts": THREAD})
    await channel.typing(DM | {"thread_ts": THREAD})
    assert twin.panes.get_nowait() == {"channel_id": "DU1ANN", "thread_ts": THREAD, "status": "is writing…"}
    assert twin.panes.empty()


async def test_a_pane_that_fails_loses_nothing(
    twin: SlackTwin, channel: Slack, caplog: pytest.LogCaptureFixture
) -> None:
    twin.refuse("assistant.threads.setSuggestedPrompts", "channel_not_found")
    twin.refuse("assistant.threads.setStatus", "invalid_thread_ts")
    echo = Echo(channel)
    with pytest.raises(SendProblem):
        await channel.typing(DM | {"thread_ts": THREAD})
    async with connected(twin, channel, echo.deliver, echo.answer()):
        await twin.emits(twin.opens_pane("U1ANN"))
        await twin.emits(twin.says("U1ANN", "hello"))
        assert (await twin.next_post()).text == "You said: hello"
        await twin.emits(twin.opens_pane("U1ANN"))
        await twin.panes.get()
    assert "what follows a delivery was not done" in caplog.text


# Bad input.


async def test_forty_thousand_characters_come_in_and_go_out(twin: SlackTwin, channel: Slack) -> None:
    words_said = " ".join(f"word{n}" for n in range(4_500))[:40_000]
    echo = Echo(channel)
    async with connected(twin, channel, echo.deliver, echo.answer()):
        await twin.emits(twin.says("U1ANN", words_said))
        said = [(await twin.next_post()).text]
        while not said[-1].endswith(words_said[-20:]):
            said.append((await twin.next_post()).text)
    assert " ".join(said).removeprefix("You said: ").split() == words_said.split()


@pytest.mark.parametrize(
    "body", [b"", b"payload=", b"payload=[1]", b"payload=%00", b"a=" + b"&a=" * 5_000, b"\xff", b"[" * 90_000]
)
def test_a_signed_body_that_is_nothing_is_refused(by_http: Slack, body: bytes) -> None:
    with pytest.raises(Malformed):
        by_http.parse(Raw(body=body, received_at=NOW))
