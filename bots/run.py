"""`python -m bots run|web|listen|worker`: everything in one process, or a part of it in each of several.

On a file there is one process, `run`. On PostgreSQL there may be any number of each, on any number of machines: `web`
serves pages and webhooks and answers live conversations, `listen` hears channels that keep a connection or a server of
their own, `worker` answers what these hand over; a `run` does all three.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from bots import logs, monitoring, sockets, web
from bots.desk import desk
from bots.givens import clock
from bots.ledger import open_for_work
from bots.listeners import Listeners
from bots.privacy import keep_house
from bots.pulse import pulse
from bots.roster import Entry
from bots.settings import Settings, environment, load
from bots.wiring import Throughline, put_together
from core.backends.ledger.database import is_sqlite
from core.calling import Calling
from core.channel import Channel, Listener, Refreshes
from core.errors import Misconfigured, Problem
from core.relearning import Relearning
from core.rooms import StaffRoom
from core.rounds import Round, make

if TYPE_CHECKING:
    from core.backends.jobs import Jobs

log = logging.getLogger("throughline")

_FINISHED_WITHIN = 8.0  # seconds; who runs containers gives a process 10 to stop
_AFTER_READY = 0.5  # seconds until models are loaded: whoever asks whether it is ready is answered first
_OFTEN, _NOW_AND_THEN, _HOURLY = timedelta(seconds=5), timedelta(seconds=15), timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Duties:
    """What a process does. `hears`: the channels whose listeners it has, None for all."""

    command: str
    serves: bool = False  # pages, webhooks, and live conversations
    hears: Collection[str] | None = ()
    answers: bool = False  # what was heard, by itself or by others; and makes the rounds

    @property
    def hands_over(self) -> bool:
        """Whether what it hears is answered by whichever process is free."""
        return not (self.serves and self.answers)


async def run() -> None:
    """Everything, until SIGTERM or SIGINT. Raises Misconfigured."""
    await _do(Duties(command="run", serves=True, hears=None, answers=True))


async def serve() -> None:
    """Pages, webhooks and live conversations. Raises Misconfigured."""
    await _do(Duties(command="web", serves=True))


async def listen(channels: Sequence[str]) -> None:
    """What comes in by channels that keep a connection or a server of their own. Raises Problem."""
    await _do(Duties(command="listen", hears=channels))


async def work() -> None:
    """Answers what other processes heard. Raises Misconfigured."""
    await _do(Duties(command="worker", answers=True))


async def _do(duties: Duties) -> None:
    settings = load()
    logs.to(sys.stderr, settings.log_format)
    jobs = _jobs(settings, duties)
    hand_over = jobs.hand_over if jobs and duties.hands_over else None
    bot = put_together(settings, environment(), duties.command, hand_over=hand_over)
    listeners = Listeners(bot, _heard(bot, duties))
    stop = _stop_signal()
    with web.listen(settings.web_host, settings.web_port) if duties.serves else nullcontext() as listening:
        try:
            await open_for_work(bot)
            await (jobs.open() if jobs else bot.dispatch.resume())
            served = (
                web.serving(_application(bot, listeners), listening)
                if listening
                else monitoring.serving_metrics(bot, listeners.not_ready)
            )
            async with served:
                await listeners.start()
                async with _beside(bot, duties, jobs):
                    _tell(bot, duties)
                    await listeners.until(stop)
        finally:
            await listeners.stop()
            await _finish(bot)
            await bot.close()
            await (jobs.close() if jobs else asyncio.sleep(0))


async def _finish(bot: Throughline) -> None:
    """Turns and replies that are in hand are finished; what takes too long is given back, for the next start."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_FINISHED_WITHIN):
            await bot.dispatch.finish()


def _jobs(settings: Settings, duties: Duties) -> "Jobs | None":
    """How processes hand over work, where there may be several."""
    if is_sqlite(settings.database_url):
        if duties.command != "run":
            why = f"{duties.command} is for several processes, which share a postgresql:// database; on a file say run"
            raise Misconfigured("DATABASE_URL", why)
        return None
    from core.backends.jobs import Jobs  # noqa: PLC0415 - loads its vendor

    return Jobs(settings.database_url)


def _heard(bot: Throughline, duties: Duties) -> Mapping[str, Listener]:
    """The listeners that a process has. Raises Problem."""
    able = {name: channel for name, channel in bot.channels.items() if isinstance(channel, Listener)}
    for name in duties.hears or ():
        if name not in able:
            raise Problem(f"listen {name}: {_why_not(bot, name)}")
    return able if duties.hears is None else {name: able[name] for name in duties.hears}


def _why_not(bot: Throughline, name: str) -> str:
    if name in bot.channels:
        return "it is heard by `web`"
    return f"it is {_why_off(next(entry for entry in bot.roster if entry.name == name))}"


def _application(bot: Throughline, listeners: Listeners) -> Starlette:
    from bots import office  # noqa: PLC0415 - loads the console, only where it is served

    return web.application(
        list(bot.channels.values()),
        bot.dispatch.hear,
        listeners.not_ready,
        note=bot.dispatch.note,
        base_url=bot.settings.base_url,
        now=clock,
        extra=[*monitoring.routes(bot), *office.console(bot), *_sockets(bot)],
        observer=bot.observer,
    )


@asynccontextmanager
async def _beside(bot: Throughline, duties: Duties, jobs: "Jobs | None") -> AsyncIterator[None]:
    """What goes on beside: models are loaded and taught, what others heard is answered, rounds are made."""
    calling = _calling(bot)
    calling.join()
    relearning = Relearning(bot.ledger, bot.engine.memory, clock)
    kind = " ".join((duties.command, *(duties.hears or ())))
    chores = [pulse(bot, kind, relearning, takes_up=duties.serves).keep()]
    warming = asyncio.create_task(_warm(bot) if duties.serves or duties.answers else asyncio.sleep(0))
    if duties.serves or duties.answers:
        chores.append(_teach(bot, warming))
    if duties.answers:
        rounds = list(_rounds(bot, calling, relearning))
        chores.append(jobs.work(bot.dispatch.answer, rounds) if jobs else make(rounds))
    if duties.serves and bot.announcements:
        chores.append(bot.announcements.hear(partial(_refresh, bot), partial(_refresh, bot)))
    tasks = [asyncio.create_task(chore) for chore in chores]
    try:
        yield
    finally:
        for task in (warming, *tasks):
            task.cancel()
        await asyncio.gather(warming, *tasks, return_exceptions=True)


def _rounds(bot: Throughline, calling: Calling, relearning: Relearning) -> Iterator[Round]:
    yield Round(name="sweep", every=_OFTEN, work=bot.dispatch.sweep)
    yield Round(name="keep house", every=_HOURLY, work=partial(keep_house, bot.settings, bot.ledger, bot.memory))
    yield Round(name="learn what was cut off", every=_NOW_AND_THEN, work=relearning.look)
    if calling.rooms:
        yield Round(name="call colleagues", every=_OFTEN, work=calling.look)


async def _refresh(bot: Throughline, name: str = "", conversation: str = "") -> None:
    """Open pages show what other processes received or sent: in a channel's conversation, or in all."""
    for of, channel in bot.channels.items():
        if name in {"", of} and isinstance(channel, Refreshes):
            await channel.refresh(conversation)


async def _warm(bot: Throughline) -> None:
    await asyncio.sleep(_AFTER_READY)
    await bot.warm()


async def _teach(bot: Throughline, warming: asyncio.Task[None]) -> None:
    """Keeps the offline writer's examples up to date, once the memory has loaded what both need."""
    await asyncio.wait([warming])
    await bot.teaching.keep()


def _calling(bot: Throughline) -> Calling:
    rooms = {name: c for name, c in bot.channels.items() if isinstance(c, StaffRoom) and c.has_room}
    return Calling(
        desk=desk(bot),
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
    """Set by the first signal. A second one ends the process at once: what is in hand is in the ledger."""
    loop, stop, signals = asyncio.get_running_loop(), asyncio.Event(), (signal.SIGTERM, signal.SIGINT)

    def asked() -> None:
        log.info("stopping: what is in hand is finished, within %g seconds", _FINISHED_WITHIN)
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, asked)
    return stop


def _tell(bot: Throughline, duties: Duties) -> None:
    """Writes down what this process does."""
    if not duties.serves:
        log.info("ready: %s", " ".join((duties.command, *(duties.hears or ()))))
        return
    for entry in bot.roster:
        log.info("%s", _roster_line(entry, bot, duties))
    log.info("%-8s on   %s/console", "console", bot.settings.base_url)
    log.info("%s", _play_line(bot))
    log.info("ready: %s", bot.settings.base_url)


def _roster_line(entry: Entry, bot: Throughline, duties: Duties) -> str:
    """What this process does for a channel."""
    if entry.name not in bot.channels:
        return f"{entry.name:8} {_why_off(entry)}"
    where = _where(bot.channels[entry.name], bot.settings)
    if not where and duties.hears is not None:
        return f"{entry.name:8} off  (heard by a process of its own: `listen {entry.name}`)"
    return f"{entry.name:8} on   {where}".rstrip()


def _why_off(entry: Entry) -> str:
    return "off  (not named in CHANNELS)" if entry.left_out else f"off  (set {entry.missing})"


def _play_line(bot: Throughline) -> str:
    """Where made-up customers can be played."""
    if bot.plays:
        return f"{'play':8} on   {bot.settings.base_url}/console/play  (first steps; off with PUBLIC_BASE_URL)"
    if bot.settings.is_development:
        return f"{'play':8} off  (for one process alone: say run)"
    why = "PUBLIC_BASE_URL is set" if bot.settings.public_base_url else "WEB_HOST can be reached by others"
    return f"{'play':8} off  ({why})"


def _where(channel: Channel[Any], settings: Settings) -> str:
    """Where to look: the pages that a channel shows, or where its provider calls."""
    pages = [path for path in getattr(channel, "pages", ()) if path.count("/") == 1 and "." not in path]
    paths = pages or list(getattr(channel, "paths", ()))
    return "  ".join(f"{settings.base_url}{path}" for path in paths)
