"""`python -m bots run`: everything that is enabled, in one process."""

import asyncio
import logging
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from starlette.routing import BaseRoute

from bots import office, sockets, web
from bots.privacy import keep_house
from bots.roster import Entry
from bots.settings import Settings, environment, load
from bots.wiring import Throughline, clock, put_together
from core.calling import Calling
from core.channel import Channel, Listener, Serves
from core.errors import Misconfigured
from core.rooms import StaffRoom

log = logging.getLogger("throughline")

_START = 5.0  # seconds in which a channel that cannot start ends the process; later the others go on without it
_PAUSE = 5.0


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


async def _work(bot: Throughline, listeners: "Listeners", stop: asyncio.Event) -> None:
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


class Listeners:
    """The channels that keep a connection or a server of their own, supervised."""

    def __init__(self, bot: Throughline) -> None:
        self._bot = bot
        self._tasks: list[asyncio.Task[None]] = []
        self._down: dict[str, str] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._started_at = asyncio.get_running_loop().time()

    async def start(self) -> None:
        """Starts every listener; returns when those that serve on a port of their own do. Raises Misconfigured."""
        for channel in self._bot.channels.values():
            if isinstance(channel, Listener):
                self._tasks.append(asyncio.create_task(self._keep(channel, channel)))
        for channel in self._bot.channels.values():
            if isinstance(channel, Serves):
                await self._served(channel)

    async def _served(self, channel: Serves) -> None:
        serving = asyncio.create_task(channel.started())
        awaited: set[asyncio.Future[Any]] = {serving, self._failed}
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        if self._failed.done():
            serving.cancel()
            self._failed.result()

    async def until(self, stop: asyncio.Event) -> None:
        """Runs until the process is told to stop. Raises Misconfigured when a listener cannot start."""
        stop_asked = asyncio.create_task(stop.wait())
        stop_asked.add_done_callback(lambda _: None if self._failed.done() else self._failed.set_result(None))
        try:
            await self._failed
        finally:
            stop_asked.cancel()

    async def stop(self) -> None:
        """Closes every listener."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def not_ready(self) -> Mapping[str, str]:
        """What is down, and why."""
        try:
            await self._bot.ledger.open_lines()
        except Exception as error:  # noqa: BLE001 - whatever it is, we are not ready
            return {**self._down, "ledger": type(error).__name__}
        return dict(self._down)

    async def _keep(self, channel: Channel[Any], listener: Listener) -> None:
        listening = f"listening {channel.name}"
        while True:
            self._bot.health.note(listening)
            try:
                await listener.listen(lambda raw: self._bot.dispatch.deliver(channel, raw))
            except Misconfigured as error:
                return self._give_up(channel, error)
            except Exception as error:
                self._bot.health.note(listening, f"broke off ({type(error).__name__})")
                log.exception("%s broke off; it is started again", channel.name)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), _PAUSE)

    def _give_up(self, channel: Channel[Any], error: Misconfigured) -> None:
        self._down[channel.name] = str(error)
        self._bot.health.note(f"listening {channel.name}", str(error))
        starting = asyncio.get_running_loop().time() - self._started_at < _START
        if starting and not self._failed.done():
            self._failed.set_exception(error)
        else:
            log.error("%s is down: %s", channel.name, error)
