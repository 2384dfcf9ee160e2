"""How much the bot bears: turns a second, what more workers bring, and how soon a message is kept meanwhile.

    python -m benchmarks.load [--only embedded|workers|acks] [--customers N] [--each N] [--seconds N] [--workers N ...]

Processes of the bot, as an operator starts them, on SQLite and on PostgreSQL; customers text it by signed webhooks, and
it answers over the provider's REST interface, all by real sockets. No model is asked and nothing is gathered
(BURST_SECONDS=0). For throughput everybody writes at the same time, the next message once the last one is answered:
each message is a turn. For acknowledgements messages come by the clock, whether answers are there or not.

The processor time of a turn is all that the bot's processes spent, the web server and the client of the provider's
interface with it. Customers and provider are the benchmark's own process, PostgreSQL is its own; where there are two
cores all share these, so what each used is told. Afterwards the answers that the provider took are held against the
ledger: whether any is missing, came twice, or overtook another one of its customer.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.apart import ServerTime
from benchmarks.rows import Figure, keep
from benchmarks.town import Town, Wrongs, closed_books, provider, wrongs
from benchmarks.watching import Watched, ready
from tests.process.test_run import twilio_settings
from tests.twins.postgres import new_database

PARTS: Final = ("embedded", "workers", "acks")
A_CORE, ACK = 150.0, 50.0  # turns; milliseconds of 99 in 100
A_SECOND: Final = 100  # messages, while acknowledgements are measured
_COMPARED: Final = 0.2  # of the customers
_BENCHMARK, _SERVER = "the benchmark", "PostgreSQL"


@dataclass(frozen=True, kw_only=True)
class Borne:
    """What processes bore. `cpu`: seconds of each of them, of PostgreSQL and of the benchmark."""

    turns: int
    acks: Sequence[float]
    seconds: float
    cpu: Mapping[str, float]
    wrongs: Wrongs

    @property
    def a_second(self) -> float:
        """Turns, by the clock."""
        return self.turns / self.seconds

    @property
    def ours(self) -> float:
        """Seconds of processor time of all processes of the bot."""
        return sum(cpu for of, cpu in self.cpu.items() if of not in {_BENCHMARK, _SERVER})

    @property
    def p99(self) -> float:
        """Milliseconds in which 99 of 100 messages are acknowledged."""
        return quantiles(self.acks, n=100)[-1]

    def __str__(self) -> str:
        each = ", ".join(f"{of} {cpu / self.seconds:.2f}" for of, cpu in self.cpu.items())
        return f"{sum(self.cpu.values()) / self.seconds:.2f} of {cores()} cores: {each}"


def cores() -> int:
    """That we may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True, kw_only=True)
class House:
    """Processes of the bot on one database, and the customers."""

    url: str
    bots: Mapping[str, Watched]
    town: Town

    async def bears(self, load: Callable[[Town], Awaitable[None]], *, one_by_one: bool) -> Borne:
        """Puts a load on it. `one_by_one`: each message is a turn."""
        self.town.forget()
        server = ServerTime(self.url) if "host=" in self.url else None
        before, began = self._cpu(server), time.perf_counter()
        await load(self.town)
        seconds = time.perf_counter() - began
        cpu = {of: spent - before[of] for of, spent in self._cpu(server).items()}
        has = await closed_books(self.url)
        found = wrongs(self.town, has, one_by_one=one_by_one)
        return Borne(turns=self.town.count, acks=self.town.acks, seconds=seconds, cpu=cpu, wrongs=found)

    def _cpu(self, server: ServerTime | None) -> dict[str, float]:
        spent = {of: bot.cpu for of, bot in self.bots.items()}
        return spent | ({_SERVER: server.spent() / 1_000} if server else {}) | {_BENCHMARK: time.process_time()}


@asynccontextmanager
async def house(commands: Sequence[str], url: str = "", profile: str = "") -> AsyncIterator[House]:
    """A process for each command, in one folder as on one machine; ready, and at rest."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        twilio = await stack.enter_async_context(provider())
        url = url or f"sqlite:///{folder}/ledger.db"
        settings = twilio_settings(twilio) | {"CHANNELS": "sms,web", "DATABASE_URL": url}
        bots = {}
        for number, command in enumerate(commands):
            name = command if commands.count(command) == 1 else f"{command} {number}"
            bots[name] = await stack.enter_async_context(ready(folder, command, profile=profile, **settings))
        twilio.deliver_to = next(bot.url for bot in bots.values() if bot.command in {"run", "web"})
        town = Town(twilio=twilio)
        hearing = asyncio.create_task(town.hear_answers())
        stack.callback(hearing.cancel)
        await town.everybody_talks(20, 2, first=90_000)  # what is loaded at first use
        yield House(url=url, bots=bots, town=town)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many customers, how many messages of each, for how many seconds acknowledgements are measured, and beside
    how many workers."""

    customers: int
    each: int
    seconds: int
    workers: Sequence[int]
    profile: str = ""

    async def talk(self, town: Town) -> None:
        """Everybody at once."""
        await town.everybody_talks(self.customers, self.each)

    async def talk_a_little(self, town: Town) -> None:
        """A part of everybody, where several houses are compared."""
        await town.everybody_talks(max(round(self.customers * _COMPARED), 1), self.each)

    async def write(self, town: Town) -> None:
        """By the clock."""
        await town.writes_by_the_clock(A_SECOND * 2, max(self.seconds // 2, 1), A_SECOND)


async def embedded(size: Size) -> AsyncIterator[Figure]:
    """One process on SQLite."""
    async with house(["run"], profile=size.profile) as home:
        borne = await home.bears(size.talk, one_by_one=True)
    yield _told("SQLite, run: turns a second by the clock", borne.a_second, "turns", str(borne))
    yield _figure("SQLite, run: turns for each second of a core", borne.turns / borne.ours, "turns", least=A_CORE)
    yield _told("SQLite, run: processor time of a turn", borne.ours / borne.turns * 1_000, "ms")
    yield _right("SQLite, run", borne)


async def workers(size: Size) -> AsyncIterator[Figure]:
    """One `web` and more and more workers on PostgreSQL."""
    alone = 0.0
    for count in size.workers:
        async with house(["web", *["worker"] * count], await new_database()) as home:
            borne = await home.bears(size.talk_a_little, one_by_one=True)
        alone = alone or borne.a_second
        name = f"PostgreSQL, {count} worker{'s' * (count > 1)}"
        yield _told(f"{name}: turns a second by the clock", borne.a_second, "turns", str(borne))
        if borne.a_second != alone:
            yield _told(f"{name}: beside {size.workers[0]}", borne.a_second / alone, "x")
        yield _told(f"{name}: processor time of a turn", borne.ours / borne.turns * 1_000, "ms")
        yield _told(f"{name}: PostgreSQL's, of a turn", borne.cpu[_SERVER] / borne.turns * 1_000, "ms")
        yield _right(name, borne)


async def acks(size: Size) -> AsyncIterator[Figure]:
    """How soon messages are kept, while they are answered."""
    for name, commands, url in (
        ("SQLite, run", ["run"], ""),
        ("PostgreSQL, web and worker", ["web", "worker"], await new_database()),
    ):
        async with house(commands, url) as home:
            borne = await home.bears(size.write, one_by_one=False)
        yield _told(f"{name}: acknowledged, p50", median(borne.acks), "ms", str(borne))
        yield _figure(f"{name}: acknowledged, p99", borne.p99, "ms", most=ACK)
        yield _right(f"{name}, by the clock", borne)


def _right(name: str, borne: Borne) -> Figure:
    return _figure(f"{name}: lost, twice or out of order", borne.wrongs.all, "", beside=str(borne.wrongs), most=0)


def _told(name: str, value: float, unit: str, beside: str = "") -> Figure:
    return _figure(name, value, unit, beside)


def _figure(
    name: str, value: float, unit: str, beside: str = "", *, most: float | None = None, least: float | None = None
) -> Figure:
    figure = Figure(name=name, value=value, unit=unit, most=most, least=least)
    verdict = "" if figure.met is None else "missed" if figure.missed else "met"
    print(f"{name:<56} {value:9.2f} {unit:<6} {figure.goal or 'told only':<10} {verdict:<7} {beside}", flush=True)
    return figure


async def run(parts: Sequence[str], size: Size) -> list[Figure]:
    """Every row of the table, printed as it comes."""
    known = {"embedded": embedded, "workers": workers, "acks": acks}
    return [figure for part in parts async for figure in known[part](size)]


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--each", type=int, default=10, help="messages of each")
    parser.add_argument("--seconds", type=int, default=20, help="while acknowledgements are measured")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--profile", default="", metavar="FILE", help="figures of cProfile of `run`; it slows it down")
    given, _ = parser.parse_known_args()
    size = Size(**{name: value for name, value in vars(given).items() if name != "only"})
    print(f"load: {size.customers} customers with {size.each} messages each; then {A_SECOND} a second")
    figures = asyncio.run(run([given.only] if given.only else PARTS, size))
    keep(figures)
    return int(any(figure.missed for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
