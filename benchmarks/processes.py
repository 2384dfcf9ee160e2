"""What a process of the bot costs while nobody writes: until it is ready, memory, and processor time at rest.

    python -m benchmarks.processes [--starts N] [--seconds N]

Each is started as an operator starts it. `run` on SQLite has mail and web chat, and once more all six channels, beside
servers that stand for their providers; `web`, `worker` and `listen email` share a PostgreSQL. Ready is the first 200 to
/readyz; what a start costs is the median of some starts, one after the other. Memory is what the process holds when it
gets ready, and once it has loaded and learnt everything; then all are left alone, side by side. Beside the wall clock
of a start stands its processor time: a busy machine stretches the one and hardly the other.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.rows import Figure, keep
from benchmarks.town import provider
from benchmarks.watching import Watched, is_ready, started
from tests.process.test_run import twilio_settings
from tests.twins.discord import DiscordTwin
from tests.twins.mail import MailRelay
from tests.twins.openai import KEY, MODEL, openai_twin
from tests.twins.postgres import new_database
from tests.twins.slack import SlackTwin

START: Final = 2.0  # seconds to /readyz
WITHOUT_MODELS, WITH_MODELS = 120.0, 260.0  # megabytes
IDLE: Final = 1.0  # percent of a core
RUN, ALL, WEB, WORKER, EAR = "run, mail and web", "run, six channels", "web", "worker", "listen email"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A process to be measured. `loads`: it loads the models once it is ready."""

    command: Sequence[str]
    settings: Mapping[str, str]
    loads: bool = True


@dataclass(kw_only=True)
class Started:
    """Seconds until it was ready, those of the processor, and megabytes."""

    wall: float
    cpu: float
    memory: float
    loaded: float = 0.0
    most: float = 0.0
    idle: float = 0.0


async def kinds(stack: AsyncExitStack) -> dict[str, Kind]:
    """Every process, with the servers that it needs."""
    slack, discord = await stack.enter_async_context(SlackTwin()), await stack.enter_async_context(DiscordTwin())
    relay, model = await stack.enter_async_context(MailRelay().open()), await stack.enter_async_context(openai_twin())
    twilio = await stack.enter_async_context(provider())
    mail = {"SMTP_RELAY_HOST": "127.0.0.1", "SMTP_RELAY_PORT": str(relay.port), "SMTP_RELAY_STARTTLS": "false"}
    every = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "DISCORD_BOT_TOKEN": discord.token,
        "DISCORD_API_BASE": discord.api_base,
        "DISCORD_GATEWAY_URL": discord.gateway_url,
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": model.url,
        "OPENAI_MODEL": MODEL,
    }
    shared = mail | {"DATABASE_URL": await new_database(), "SECRET_KEY": token_hex(32)}
    return {
        RUN: Kind(command=["run"], settings=mail),
        ALL: Kind(command=["run"], settings=mail | every | twilio_settings(twilio)),
        WEB: Kind(command=["web"], settings=shared),
        WORKER: Kind(command=["worker"], settings=shared),
        EAR: Kind(command=["listen", "email"], settings=shared, loads=False),
    }


async def cold(kind: Kind) -> Started:
    """One start, in a folder of its own."""
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        async with started(Path(folder), *kind.command, **kind.settings) as bot:
            return await _until_ready(bot, began)


async def _until_ready(bot: Watched, began: float) -> Started:
    await is_ready(bot)
    return Started(wall=time.perf_counter() - began, cpu=bot.cpu, memory=bot.memory)


async def left_alone(all_kinds: Mapping[str, Kind], seconds: float) -> dict[str, Started]:
    """All of them side by side, once they have loaded what they load."""
    async with AsyncExitStack() as stack:
        folder, bots, found = stack.enter_context(TemporaryDirectory()), dict[str, Watched](), dict[str, Started]()
        for number, (name, kind) in enumerate(all_kinds.items()):
            home, began = Path(folder) / str(number), time.perf_counter()
            home.mkdir()
            bots[name] = await stack.enter_async_context(started(home, *kind.command, **kind.settings))
            found[name] = await _until_ready(bots[name], began)
            await bots[name].at_rest()
        before = {name: bot.cpu for name, bot in bots.items()}
        await asyncio.sleep(seconds)
        for name, bot in bots.items():
            found[name].idle = 100 * (bot.cpu - before[name]) / seconds
            found[name].loaded, found[name].most = bot.memory, bot.most_memory
        return found


async def run(starts: int, seconds: float) -> list[Figure]:
    """Every row of the table, printed as it comes."""
    async with AsyncExitStack() as stack:
        all_kinds = await kinds(stack)
        figures = [figure async for figure in _starting(all_kinds, starts)]
        alone = await left_alone(all_kinds, seconds)
    figures += [_shown(figure) for name, one in alone.items() for figure in _resting(name, one, all_kinds[name])]
    return figures


async def _starting(all_kinds: Mapping[str, Kind], starts: int) -> AsyncIterator[Figure]:
    for name, kind in all_kinds.items():
        found = [await cold(kind) for _ in range(starts)]
        wall, cpu = median(one.wall for one in found), median(one.cpu for one in found)
        yield _shown(Figure(name=f"{name}: ready after", value=wall, unit="s", most=START))
        yield _shown(Figure(name=f"{name}: processor time until ready", value=cpu, unit="s"))
        memory = median(one.memory for one in found)
        most = None if name == ALL else WITHOUT_MODELS  # vendors of every channel are no models
        yield _shown(Figure(name=f"{name}: memory when ready", value=memory, unit="MB", most=most))


def _resting(name: str, one: Started, kind: Kind) -> Iterator[Figure]:
    most = WITH_MODELS if kind.loads else WITHOUT_MODELS
    yield Figure(name=f"{name}: memory at rest", value=one.loaded, unit="MB", most=most)
    yield Figure(name=f"{name}: memory at most, while it learnt", value=one.most, unit="MB")
    yield Figure(name=f"{name}: processor time at rest", value=one.idle, unit="% of a core", most=IDLE)


def _shown(figure: Figure) -> Figure:
    verdict = "" if figure.met is None else "missed" if figure.missed else "met"
    print(
        f"{figure.name:<52} {figure.value:8.2f} {figure.unit:<12} {figure.goal or 'told only':<10} {verdict}",
        flush=True,
    )
    return figure


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processes")
    parser.add_argument("--starts", type=int, default=3, help="of each")
    parser.add_argument("--seconds", type=float, default=30.0, help="that all are left alone")
    given, _ = parser.parse_known_args()
    figures = asyncio.run(run(given.starts, given.seconds))
    keep(figures)
    return int(any(figure.missed for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
