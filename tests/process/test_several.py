"""Several processes on one PostgreSQL: `listen` hears, `worker` answers, `web` serves; they are one bot."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import psycopg
import pytest

from tests.process.running import Bot, imports, running, start
from tests.process.test_run import CHARGED, JOHN, next_mail, twilio, twilio_settings
from tests.twins.mail import MailRelay
from tests.twins.postgres import new_database
from tests.twins.twilio import Twilio

__all__ = ["twilio"]


def mail_settings(relay: MailRelay) -> dict[str, str]:
    return {"SMTP_RELAY_HOST": "127.0.0.1", "SMTP_RELAY_PORT": str(relay.port), "SMTP_RELAY_STARTTLS": "false"}


@asynccontextmanager
async def house(folder: Path, *commands: tuple[str, ...], **settings: str) -> AsyncIterator[list[Bot]]:
    """A process for each of these commands, in one folder as on one machine."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running(folder, *command, **settings)) for command in commands]


async def test_what_one_process_heard_another_one_answers_and_a_third_one_knows(tmp_path: Path, twilio: Twilio) -> None:
    async with MailRelay().open() as relay:
        settings = {"DATABASE_URL": await new_database()} | twilio_settings(twilio) | mail_settings(relay)
        await imports(tmp_path, JOHN, DATABASE_URL=settings["DATABASE_URL"])
        async with house(tmp_path, ("listen", "email"), ("worker",), ("web",), **settings) as (ear, _, web):
            await ear.mails("john@shop.test", CHARGED)
            assert "order number" in await next_mail(relay)
            twilio.deliver_to = web.url
            await twilio.texts("+15550142", "Hello, any news?")
            text = (await twilio.outbox.get()).body
            for known in ("John", "$99", "checked the invoice", "repeat"):
                assert known in text
            call = twilio.calls("+15550142", verstat="TN-Validation-Passed-A")
            assert "$99" in await call.dials()
        assert not await jobs_left(settings["DATABASE_URL"])


async def jobs_left(url: str) -> list[str]:
    """What stands in the table of jobs, rounds apart."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        found = await connection.execute(
            "SELECT args::text FROM throughline_jobs.procrastinate_jobs WHERE task_name = 'answer'"
        )
        return [str(args) for (args,) in await found.fetchall()]


async def test_while_no_worker_is_there_nothing_is_lost(tmp_path: Path, twilio: Twilio) -> None:
    settings = {"DATABASE_URL": await new_database()} | twilio_settings(twilio)
    async with house(tmp_path, ("web",), **settings) as [web]:
        twilio.deliver_to = web.url
        _, answer = await twilio.texts("+15550142", CHARGED)
        assert answer.status == 200
    assert not twilio.sent
    async with house(tmp_path, ("worker",), **settings):
        assert "order number" in (await twilio.outbox.get()).body


async def test_a_run_beside_others_takes_its_share(tmp_path: Path, twilio: Twilio) -> None:
    settings = {"DATABASE_URL": await new_database()} | twilio_settings(twilio)
    async with house(tmp_path, ("web",), ("run",), **settings) as (web, _):
        twilio.deliver_to = web.url
        await twilio.texts("+15550142", CHARGED)
        assert "order number" in (await twilio.outbox.get()).body


async def test_a_chat_page_of_one_process_shows_what_another_one_received_and_answered(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": await new_database()}
    async with house(tmp_path, ("web",), ("web",), **settings) as (here, there), aiohttp.ClientSession() as browser:
        page = await browser.get(f"{here.url}/chat")
        cookie = {"cookie": page.headers["set-cookie"].partition(";")[0]}
        async with browser.get(f"{there.url}/api/chat/stream", headers=cookie) as stream:
            assert stream.status == 200
            await stream.content.readuntil(b"\n\n")
            message = {"id": "m1", "text": CHARGED}
            async with browser.post(f"{here.url}/api/chat/messages", json=message, headers=cookie) as posted:
                assert posted.status == 202
            said = [await said_next(stream) for _ in range(2)]
    assert [line["from"] for line in said] == ["customer", "bot"]
    assert "order number" in said[1]["text"]


async def said_next(stream: aiohttp.ClientResponse) -> dict[str, str]:
    """The next line of a chat, as its page is told of it."""
    while True:
        event = (await stream.content.readuntil(b"\n\n")).decode()
        if "data: " in event:
            said: dict[str, str] = json.loads(event.partition("data: ")[2])
            return said


@pytest.mark.parametrize(
    ("arguments", "settings", "told"),
    [
        (("worker",), {}, "DATABASE_URL: worker is for several processes"),
        (("web",), {}, "DATABASE_URL: web is for several processes"),
        (("listen", "discord"), {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "set DISCORD_BOT_TOKEN"),
        (("listen", "web"), {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "it is heard by `web`"),
    ],
)
async def test_what_cannot_be_is_said_in_a_line(
    tmp_path: Path, arguments: tuple[str, ...], settings: dict[str, str], told: str
) -> None:
    bot = await start(tmp_path, settings, *arguments)
    _, err = await bot.process.communicate()
    assert bot.process.returncode == 1
    assert told in err.decode().splitlines()[-1]
    assert "Traceback" not in err.decode()


async def test_who_starts_at_once_waits_for_the_one_that_makes_the_tables(tmp_path: Path) -> None:
    url = await new_database()
    bots = [await start(tmp_path, {"DATABASE_URL": url}, *command) for command in (("worker",), ("web",), ("worker",))]
    await asyncio.gather(*(bot.until("ready:") for bot in bots))
    for bot in bots:
        bot.process.terminate()
        await bot.process.communicate()
        assert bot.process.returncode == 0, bot.log
