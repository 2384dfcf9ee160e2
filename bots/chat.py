"""`python -m bots chat`: web chat in the terminal, with the bot that runs, or with one that is started for it."""

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from bots import web
from bots.givens import clock
from bots.ledger import open_for_work
from bots.settings import Settings, environment, load
from bots.wiring import put_together
from core.errors import Problem

_PATIENCE = 30.0  # seconds to wait for an answer


async def chat() -> None:
    """Reads lines from standard input until it ends, and prints what is answered."""
    settings = load()
    async with _bot(settings) as address, _browser(address) as browser:
        await _say_hello(browser)
        replies: asyncio.Queue[str] = asyncio.Queue()
        listening = asyncio.create_task(listen(browser, replies))
        try:
            while line := await asyncio.to_thread(sys.stdin.readline):
                if line.strip():
                    await _say(browser, line.strip())
                    await _print_reply(replies)
        finally:
            listening.cancel()


def _browser(address: str) -> aiohttp.ClientSession:
    # The jar keeps no cookies of bare IP addresses unless it is told to.
    return aiohttp.ClientSession(address, cookie_jar=aiohttp.CookieJar(unsafe=True))


@asynccontextmanager
async def _bot(settings: Settings) -> AsyncIterator[str]:
    """The address of a running bot; one of our own, while we chat, where none runs."""
    if await _runs(settings.base_url):
        yield settings.base_url
        return
    bot = put_together(settings, environment())
    app = web.application(
        [bot.channels["web"]], bot.dispatch.hear, _ready, note=bot.dispatch.note, base_url=settings.base_url, now=clock
    )
    with web.listen(settings.web_host, settings.web_port) as listening:
        try:
            await open_for_work(bot)
            await bot.memory.warm()
            async with web.serving(app, listening):
                yield f"http://{settings.web_host}:{listening.getsockname()[1]}"
        finally:
            await bot.close()


async def _ready() -> dict[str, str]:
    return {}


async def _runs(address: str) -> bool:
    try:
        async with aiohttp.ClientSession() as browser, browser.get(f"{address}/healthz") as answer:
            return answer.ok
    except aiohttp.ClientError:
        return False


async def _say_hello(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/chat") as page:
        if not page.ok:
            raise Problem(f"chat: {page.url} answers {page.status}; is web chat on?")
    sys.stdout.write("Write something; end with Ctrl-D.\n")
    sys.stdout.flush()


async def _say(browser: aiohttp.ClientSession, text: str) -> None:
    async with browser.post("/api/chat/messages", json={"id": uuid.uuid4().hex, "text": text}) as answer:
        if answer.status >= 400:  # noqa: PLR2004 - HTTP
            raise Problem(f"chat: {await answer.text()}")


async def listen(browser: aiohttp.ClientSession, replies: asyncio.Queue[str]) -> None:
    """Puts what is answered into `replies`, until it is cancelled."""
    forever = aiohttp.ClientTimeout(total=None)
    had = ""
    while True:  # the server ends a stream on which nobody says anything
        async with browser.get("/api/chat/stream", timeout=forever, headers={"last-event-id": had}) as stream:
            stream.raise_for_status()
            async for line in stream.content:
                field, _, value = line.decode().strip().partition(": ")
                if field == "id":
                    had = value
                elif field == "data" and (said := json.loads(value))["from"] != "customer":
                    replies.put_nowait(said["text"])


async def _print_reply(replies: asyncio.Queue[str]) -> None:
    try:
        text = await asyncio.wait_for(replies.get(), _PATIENCE)
    except TimeoutError:
        text = "(no answer; after a handoff a colleague answers in the console)"
    sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()
