"""`python -m bots run`: everything that is enabled, in one process."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from starlette.routing import BaseRoute

from bots import office, sockets, web
from bots.listeners import Listeners
from bots.privacy import keep_house
from bots.roster import Entry
from bots.settings import Settings, environment, load
from bots.wiring import Throughline, clock, put_together
from core.calling import Calling
from core.channel import Channel
from core.rooms import StaffRoom

log = logging.getLogger("throughline")


async def run() -> None:
    """Starts everything and runs until SIGTERM or SIGINT. Raises Misconfigured."""
    settings = load()
    bot = put_together(settings, environment())
    listeners = Listeners(bot)
    app = web.application(
        list(bot.channels.values()),
        bot.dispatch.hear,
        listeners.not_ready,
        note=bot.dispatch.note,
        base_url=settings.base_url,
        now=clock,
        extra=[*office.console(bot), *_sockets(bot)],
    )
    stop = _stop_signal()
    with web.listen(settings.web_host, settings.web_port) as listening:
        try:
            await bot.ledger.migrate()
            await bot.dispatch.resume()
            async with web.serving(app, listening):
                await _work(bot, listeners, stop)
        finally:
            await listeners.stop()
            await bot.close()


async def _work(bot: Throughline, listeners: Listeners, stop: asyncio.Event) -> None:
    await listeners.start()
    for entry in bot.roster:
        log.info("%s", _roster_line(entry, bot))
    log.info("%-8s on   %s/console", "console", bot.settings.base_url)
    log.info("%s", _play_line(bot.settings))
    log.info("ready: %s", bot.settings.base_url)
    warming = asyncio.create_task(bot.memory.warm())
    teaching = asyncio.create_task(_teach(bot, warming))
    calling = asyncio.create_task(_calling(bot).keep())
    keeping_house = asyncio.create_task(keep_house(bot.settings, bot.ledger, bot.memory))
    try:
        await listeners.until(stop)
    finally:
        keeping_house.cancel()
        calling.cancel()
        teaching.cancel()
    await asyncio.gather(warming, teaching, keeping_house, calling, return_exceptions=True)


async def _teach(bot: Throughline, warming: asyncio.Task[None]) -> None:
    """Keeps the offline writer's examples up to date, once the memory has loaded what both need."""
    await asyncio.wait([warming])
    await bot.teaching.keep()


def _calling(bot: Throughline) -> Calling:
    rooms = {name: c for name, c in bot.channels.items() if isinstance(c, StaffRoom) and c.has_room}
    return Calling(
        desk=office.desk(bot),
        ledger=bot.ledger,
        rooms=rooms,
        base_url=bot.settings.base_url,
        patience=timedelta(seconds=bot.settings.handoff_patience),
        now=clock,
    )


def _sockets(bot: Throughline) -> Iterator[BaseRoute]:
    channels, heard = list(bot.channels.values()), bot.dispatch
    return sockets.routes(channels, heard.hear, heard.interrupted, base_url=bot.settings.base_url, now=clock)


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _roster_line(entry: Entry, bot: Throughline) -> str:
    if entry.left_out:
        return f"{entry.name:8} off  (not named in CHANNELS)"
    if entry.missing:
        return f"{entry.name:8} off  (set {entry.missing})"
    return f"{entry.name:8} on   {_where(bot.channels[entry.name], bot.settings)}"


def _play_line(settings: Settings) -> str:
    """Where made-up customers can be played."""
    if settings.is_development:
        return f"{'play':8} on   {settings.base_url}/console/play  (first steps; off with PUBLIC_BASE_URL)"
    why = "PUBLIC_BASE_URL is set" if settings.public_base_url else "WEB_HOST can be reached by others"
    return f"{'play':8} off  ({why})"


def _where(channel: Channel[Any], settings: Settings) -> str:
    """Where to look: the pages that a channel shows, or where its provider calls."""
    pages = [path for path in getattr(channel, "pages", ()) if path.count("/") == 1 and "." not in path]
    paths = pages or list(getattr(channel, "paths", ()))
    return "  ".join(f"{settings.base_url}{path}" for path in paths)
