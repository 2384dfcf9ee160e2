"""The channels that keep a connection or a server of their own, supervised."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from bots.wiring import Throughline
from core.channel import Channel, Listener, Serves
from core.errors import Misconfigured
from core.ledger import LEDGER
from core.messages import Raw
from core.pausing import growing, jittered

log = logging.getLogger("throughline")

_START = 5.0  # seconds in which a channel that cannot start ends the process; later the others go on without it
_LONGEST_PAUSE = timedelta(minutes=1)  # before a channel that broke off is started again
_PROBED_WITHIN = 3.0  # seconds


class Listeners:
    """Hears what comes in by these channels."""

    def __init__(self, bot: Throughline, listeners: Mapping[str, Listener]) -> None:
        self._bot = bot
        self._listeners = listeners
        self._tasks: list[asyncio.Task[None]] = []
        self._down: dict[str, str] = {}
        self._probing: asyncio.Task[None] | None = None
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._started_at = asyncio.get_running_loop().time()

    async def start(self) -> None:
        """Starts every listener; returns when those that serve on a port of their own do. Raises Misconfigured."""
        for name, listener in self._listeners.items():
            self._tasks.append(asyncio.create_task(self._keep(self._bot.channels[name], listener)))
        for listener in self._listeners.values():
            if isinstance(listener, Serves):
                await self._served(listener)

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
        if self._bot.health.of(LEDGER).ails and not await self._is_written_again():
            return {**self._down, "ledger": "nothing can be written"}
        return dict(self._down)

    async def _is_written_again(self) -> bool:
        """Tried once at a time: while the file is locked each try keeps others waiting."""
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._bot.ledger.probe())
        await asyncio.wait([self._probing], timeout=_PROBED_WITHIN)
        return self._probing.done() and self._probing.exception() is None

    async def _keep(self, channel: Channel[Any], listener: Listener) -> None:
        listening, attempt, now = f"listening {channel.name}", 0, asyncio.get_running_loop().time
        while True:
            began = now()
            self._bot.health.note(listening)
            try:
                await listener.listen(partial(self._deliver, channel))
            except Misconfigured as error:
                return self._give_up(channel, error)
            except Exception as error:
                self._bot.health.note(listening, f"broke off ({type(error).__name__})")
                log.exception("%s broke off; it is started again", channel.name)
            attempt = 1 if now() - began > _LONGEST_PAUSE.total_seconds() else attempt + 1
            await asyncio.sleep(jittered(growing(attempt, _LONGEST_PAUSE)).total_seconds())

    async def _deliver(self, channel: Channel[Any], raw: Raw) -> bool:
        with self._bot.observer.arrival(channel.name):
            return await self._bot.dispatch.deliver(channel, raw)

    def _give_up(self, channel: Channel[Any], error: Misconfigured) -> None:
        self._down[channel.name] = str(error)
        self._bot.health.note(f"listening {channel.name}", str(error))
        starting = asyncio.get_running_loop().time() - self._started_at < _START
        if starting and not self._failed.done():
            self._failed.set_exception(error)
        else:
            log.error("%s is down: %s", channel.name, error)
