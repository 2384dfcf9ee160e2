"""The whole bot of somebody who tries it out: no setting but a token, its own folder, and its console over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, chdir
from dataclasses import dataclass
from pathlib import Path

import httpx

from bots import office, web
from bots.givens import clock
from bots.play import CAST
from bots.settings import Settings
from bots.wiring import Throughline, put_together
from tests.console.office import TOKEN


@dataclass(kw_only=True)
class Trial:
    """A bot that is tried out, and a browser that has signed in to its console."""

    bot: Throughline
    url: str
    browser: httpx.AsyncClient

    async def says(self, who: str, channel: str, text: str) -> None:
        """Somebody made-up says something, and the bot has answered when this returns."""
        await self.does("say", who=who, on=channel, text=text)

    async def does(self, deed: str, **form: str) -> httpx.Response:
        """Sends a form of the stage, and waits until nothing there waits."""
        answer = await self.browser.post(f"/console/play/{deed}", data=form)
        while [line for who in CAST for line in await self.bot.ledger.played(who) if line.waits]:
            await self.browser.get("/healthz")
        return answer

    async def told(self, who: str) -> str:
        """All that the bot has told somebody made-up."""
        return "\n".join(line.text for line in await self.bot.ledger.played(who) if line.sender == "bot")


@asynccontextmanager
async def trying(folder: Path, **settings: object) -> AsyncIterator[Trial]:
    """A bot in this folder, until the block is left."""
    given = {"console_token": TOKEN, "burst_seconds": 0} | settings
    with chdir(folder), web.listen("127.0.0.1", 0) as listening:
        bot = put_together(Settings.model_validate(given), {})
        await bot.ledger.migrate()
        app = web.application(
            list(bot.channels.values()),
            bot.dispatch.hear,
            _ready,
            note=bot.dispatch.note,
            base_url=bot.settings.base_url,
            now=clock,
            extra=office.console(bot),
        )
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        ours = {"origin": url, "sec-fetch-site": "same-origin"}
        async with (
            web.serving(app, listening),
            httpx.AsyncClient(base_url=url, headers=ours, follow_redirects=True, timeout=30) as browser,
        ):
            await browser.post("/console/login", data={"password": TOKEN})
            yield Trial(bot=bot, url=url, browser=browser)
        await bot.close()


async def _ready() -> dict[str, str]:
    return {}
