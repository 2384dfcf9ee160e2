"""The whole bot as one process, over real sockets, beside servers that stand for the outside services."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.process.running import Bot, imports, running, start
from tests.twins.discord import DiscordTwin
from tests.twins.mail import MailRelay
from tests.twins.openai import KEY, MODEL, openai_twin
from tests.twins.slack import SlackTwin
from tests.twins.twilio import Twilio

CHARGED = "I was charged $99 but I downgraded to the $49 plan last week. I already checked the invoice."
JOHN = {"external_id": "cus_1", "name": "John Miller", "email": "john@shop.test", "phone": "+15550142"}


@pytest_asyncio.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with Twilio(account_sid="AC" + "1" * 32, auth_token="t0ken", number="+15550100") as twin:
        yield twin


def twilio_settings(twin: Twilio) -> dict[str, str]:
    return {
        "TWILIO_ACCOUNT_SID": twin.account_sid,
        "TWILIO_AUTH_TOKEN": twin.auth_token,
        "TWILIO_FROM_NUMBER": twin.number,
        "VOICE_MODE": "gather",
        "TWILIO_API_BASE": twin.base,
    }


async def next_mail(relay: MailRelay) -> str:
    """The text of the next mail that goes out."""
    mail = await relay.arrived.get()
    body = mail.message.get_body(("plain",))
    assert body
    return str(body.get_content())


def without_ids(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


async def test_what_was_mailed_is_known_in_a_text_message_and_forgers_learn_nothing(
    tmp_path: Path, twilio: Twilio
) -> None:
    await imports(tmp_path, JOHN)
    async with MailRelay().open() as relay:
        mail = {"SMTP_RELAY_HOST": "127.0.0.1", "SMTP_RELAY_PORT": str(relay.port), "SMTP_RELAY_STARTTLS": "false"}
        async with running(tmp_path, **twilio_settings(twilio), **mail) as bot:
            await bot.mails("john@shop.test", CHARGED)
            assert "order number" in await next_mail(relay)
            twilio.deliver_to = bot.url
            await twilio.texts("+15550142", "Hello, any news?")
            text = (await twilio.outbox.get()).body
            for known in ("John", "$99", "checked the invoice", "repeat"):
                assert known in text
            await bot.mails("john@shop.test", "Any news?", dmarc="fail")
            forged = await next_mail(relay)
            await bot.mails("nobody@else.test", "Any news?", dmarc="fail")
            assert without_ids(forged) == without_ids(await next_mail(relay))


async def test_a_call_goes_on_where_the_text_message_ended(tmp_path: Path, twilio: Twilio) -> None:
    await imports(tmp_path, JOHN)
    async with running(tmp_path, **twilio_settings(twilio)) as bot:
        twilio.deliver_to = bot.url
        await twilio.texts("+15550142", CHARGED)
        await twilio.outbox.get()
        call = twilio.calls("+15550142", verstat="TN-Validation-Passed-A")
        greeting = await call.dials()
        for known in ("John", "$99", "checked the invoice", "repeat"):
            assert known in greeting
        assert "colleague" in await call.says("I want to talk to a real person please")
        stranger = twilio.calls("+15550142", verstat="TN-Validation-Failed-C")
        assert "$99" not in await stranger.dials()


async def test_killed_between_accepting_and_answering_it_answers_once(tmp_path: Path, twilio: Twilio) -> None:
    settings = twilio_settings(twilio)
    async with running(tmp_path, **settings, BURST_SECONDS="60") as bot:
        twilio.deliver_to = bot.url
        delivery, answer = await twilio.texts("+15550142", CHARGED)
        assert answer.status == 200
        await bot.killed()
    assert not twilio.sent
    async with running(tmp_path, **settings) as bot:
        twilio.deliver_to = bot.url
        assert "order number" in (await twilio.outbox.get()).body
        assert (await twilio.deliver(delivery)).status == 200
        await twilio.texts("+15550142", "thanks")
        await twilio.outbox.get()
    assert len(twilio.sent) == 2


async def test_slack_and_discord_are_answered_in_order_through_trouble(tmp_path: Path) -> None:
    async with SlackTwin() as slack, DiscordTwin() as discord:
        settings = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "DISCORD_BOT_TOKEN": discord.token,
            "DISCORD_API_BASE": discord.api_base,
            "DISCORD_GATEWAY_URL": discord.gateway_url,
        }
        async with running(tmp_path, **settings):
            await slack.connections.get()
            slack.rate_limit("chat.postMessage", seconds=0, times=2)
            first = slack.says("U1ANN", CHARGED)
            await slack.emits(first)
            assert "order number" in (await slack.next_post()).text
            slack.drop()
            await slack.connections.get()
            await slack.emits(first)
            await slack.emits(slack.says("U1ANN", "The order is W4829137, and I want to talk to a human"))
            assert "colleague" in (await slack.next_post()).text
            await discord.until(sessions=1)
            told = discord.says("800000000000000011", CHARGED)
            await discord.until(posts=1)
            discord.repeats(told)
            discord.says("800000000000000011", "The order is W4829137, and I want to talk to a human")
            await discord.until(posts=2)
        assert len(slack.posted) == 2
        assert ["order number" in post["content"] for post in discord.posted] == [True, False]


async def test_a_model_is_asked_once_a_turn_and_its_failure_is_answered_honestly(
    tmp_path: Path, twilio: Twilio
) -> None:
    async with openai_twin() as model:
        key = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": model.url, "OPENAI_MODEL": MODEL, "OPENAI_TIMEOUT": "1"}
        async with running(tmp_path, **twilio_settings(twilio), **key) as bot:
            twilio.deliver_to = bot.url
            model.says(reply="Let me see what happened with that charge.", confidence=0.9)
            await twilio.texts("+15550142", CHARGED)
            assert "Let me see" in (await twilio.outbox.get()).body
            assert model.calls == 1
            model.trouble = "hangs"
            await twilio.texts("+15550143", CHARGED)
            assert "order number" in (await twilio.outbox.get()).body
            assert not model.refused


async def test_requests_that_nobody_may_make_are_refused(tmp_path: Path, twilio: Twilio) -> None:
    async with running(tmp_path, **twilio_settings(twilio)) as bot, aiohttp.ClientSession(bot.url) as outside:

        async def status(path: str, **request: object) -> int:
            async with outside.post(path, **request) as answer:  # type: ignore[arg-type]
                return answer.status

        assert await status("/twilio/sms", data={"From": "+15550142", "Body": "x"}) == 403
        assert await status("/twilio/sms", data=b"x" * 100_000) == 413
        assert await status("/api/chat/messages", json={"id": "1", "text": "x"}) == 401
        forged = {"authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}
        assert await status("/api/chat/messages", json={"id": "1", "text": "x"}, headers=forged) == 401
        async with outside.get("/api/chat/stream", headers=forged) as answer:
            assert answer.status == 401
        async with outside.get("/chat") as page:
            assert page.status == 200
            cookie = page.headers["set-cookie"].partition(";")[0]
        ours = {"cookie": cookie}
        assert await status("/api/chat/messages", data=b"{", headers=ours) == 400
        assert await status("/api/chat/messages", data=b"x" * 70_000, headers=ours) == 413
        assert await status("/api/chat/messages", json={"id": "1", "text": "x"}, headers=ours) == 202
        for path in ("/healthz", "/readyz"):
            async with outside.get(path) as answer:
                assert answer.status == 200


async def test_each_channel_says_whether_it_is_on(tmp_path: Path) -> None:
    async with running(tmp_path) as bot:
        lines = "\n".join(bot.log)
        for on in ("email", "web"):
            assert re.search(rf"{on} +on\b", lines)
        for off, missing in (
            ("slack", "SLACK_BOT_TOKEN"),
            ("sms", "TWILIO_ACCOUNT_SID"),
            ("discord", "DISCORD_BOT_TOKEN"),
        ):
            assert re.search(rf"{off} +off +\(set {missing}\)", lines)
        assert (tmp_path / "var").is_dir()
        assert [path.name for path in tmp_path.iterdir()] == ["var"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEB_PORT", "http"),
        ("DATABASE_URL", "mysql://nowhere"),
        ("SECRET_KEY", "short"),
        ("LANGUAGES", "en,xx"),
        ("CHANNELS", "web,fax"),
        ("CHANNELS", "web,slack"),
        ("MAIL_TRUSTED_RELAYS", "not-an-address"),
        ("WEBCHAT_JWT_KEYS", "{"),
        ("KNOWLEDGE_DIR", "/nowhere/at/all"),
    ],
)
async def test_a_wrong_setting_stops_the_start_with_one_line(tmp_path: Path, name: str, value: str) -> None:
    bot: Bot = await start(tmp_path, {name: value})
    _, err = await bot.process.communicate()
    assert bot.process.returncode
    last = err.decode().strip().splitlines()[-1]
    assert (name in last) or (name == "CHANNELS" and "SLACK_BOT_TOKEN" in last)
    assert b"Traceback" not in err


async def test_a_taken_port_stops_the_start_with_one_line(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    async with taken:
        port = str(taken.sockets[0].getsockname()[1])
        for name in ("WEB_PORT", "SMTP_LISTEN_PORT"):
            bot = await start(tmp_path, {name: port})
            _, err = await bot.process.communicate()
            assert bot.process.returncode
            assert name in err.decode().strip().splitlines()[-1]
            assert b"Traceback" not in err
