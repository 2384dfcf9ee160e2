"""What a turn costs: from the call of accept to the call of the channel's send, beside the floor of the same disk.

    python -m benchmarks.turn [--sqlite] [--postgres]

The real engine, dispatch, delivery, ledger, offline writer and Aegis answer customers who have written before; the
channel notes when its send is called. Nothing is gathered (the burst window is 0). Customers with one handle of about
30 rows, with four of them, and with one whose turns ask a model by the openai client take turns with the floor (see
benchmarks/floor.py), so that a busy machine slows all of them alike. Processor time is that of the whole process until
it is at rest again: the note that a reply was sent, and learning, are in it. The model's server and PostgreSQL are
processes of their own; what PostgreSQL spent is told apart. Then everybody writes at once.

Beside it, with `--sqlite`, the recipe: its turn as benchmarks/llm_cost.py has it, on the real Aegis in local mode, with
1,000 messages on record and four calls of the openai client one after the other.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import Connection, text

from benchmarks import gate, history
from benchmarks.apart import ServerTime, model_server
from benchmarks.floor import Floor, PostgresFloor, SqliteFloor
from benchmarks.recipe_turn import recipe
from core.backends.aegis import AegisMemory
from core.backends.ledger import recall
from core.backends.ledger.database import open_database
from core.backends.ledger.sql import SqlLedger
from core.backends.openai_writer import OpenAIWriter
from core.backends.proofreading import Proofread
from core.backends.rules.writer import RulesWriter
from core.delivery import Delivery
from core.dispatch import Dispatch
from core.messages import InboundMessage, Raw, Reply
from core.writing import WithFallback, Writer
from tests.shop import HOUSE, Shop
from tests.twins.channel import ChannelTwin
from tests.twins.openai import KEY, MODEL
from tests.twins.postgres import new_database

KINDS: Final = ("sqlite", "postgresql")
CUSTOMERS: Final = 30  # of each kind
ROUNDS: Final = 4  # the first is not measured
CROWD: Final = 60  # customers who write at once, a message of each kind
MESSAGES: Final = 7  # on record of each customer: with answers, cases and facts about 30 rows
LONG: Final = 1_000  # messages on record, beside the recipe
LONG_RUNS: Final = 20
SAID = (
    "My toaster number {} does not heat.",
    "The order was W10{}00.",
    "It shows the error E-{}.",
    "I was charged ${} for it.",
)
WALL: Final = {"sqlite": 5.0, "postgresql": 12.0}
FOUR_HANDLES, OVER_THE_FLOOR = 12.0, 3.0
_SILENT: Final = 20  # seconds after which an answer is not coming
CPU, CPU_WITH_SDK, A_CORE, BESIDE_RECIPE = 6.0, 10.0, 150.0, 20.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure, its goal, and whether it is missed."""

    name: str
    shown: str
    goal: str = "told only"
    missed: bool = False
    figures: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        verdict = "missed" if self.missed else "" if self.goal == "told only" else "met"
        return f"{self.name:<44} {self.shown:<50} {self.goal:<22} {verdict}"


@dataclass(kw_only=True)
class Spent:
    """Milliseconds, turn by turn: by the wall clock, of the processor, and of PostgreSQL's."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, float]:
        """The medians, and the slowest."""
        walls = quantiles(self.wall, n=100)
        told = {"p50": median(self.wall), "p95": walls[94], "p99": walls[98], "cpu": median(self.cpu)}
        return told | ({"server": sum(self.server) / len(self.server)} if self.server else {})

    def __str__(self) -> str:
        told = self.figures
        walls = f"p50 {told['p50']:5.2f}  p95 {told['p95']:5.1f}  p99 {told['p99']:5.1f} ms"
        server = f"  server {told['server']:.1f}" if "server" in told else ""
        return f"{walls}  cpu {told['cpu']:5.2f}{server}"


class Noting(ChannelTwin):
    """A channel that notes when its send is called."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.called: asyncio.Queue[float] = asyncio.Queue()

    async def send(self, wire: Reply) -> str:
        self.called.put_nowait(time.perf_counter())
        return f"sent {wire.id}"


def clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


class Bot:
    """The engine with its dispatch, and customers who write to it over their first handle."""

    def __init__(self, shop: Shop, memory: AegisMemory, writer: Writer, handles: int, numbers: Sequence[int]) -> None:
        self.channel = Noting("email")
        self.customers = numbers
        self.handles = handles
        self._shop = shop
        house = replace(HOUSE, burst=timedelta(0), turns_an_hour=10_000, sent_an_hour=10_000)
        engine = replace(shop.engine, memory=memory, writer=writer, house=house, now=clock)
        channels = {"email": self.channel}
        self._delivery = Delivery(shop.ledger, channels, clock)
        self._dispatch = Dispatch(engine, shop.ledger, self._delivery, channels)

    def message(self, customer: int, said: str) -> InboundMessage:
        """What a customer says."""
        who = gate.addresses(customer, self.handles)[0]
        return self._shop.message(*who, said, received_at=clock())

    async def hear(self, message: InboundMessage) -> None:
        """As a door does."""
        await self._dispatch.hear(message, Raw(body=message.text.encode(), received_at=message.received_at))

    async def turn(self, customer: int, said: str) -> float:
        """One turn, until the channel's send was called: milliseconds."""
        message = self.message(customer, said)
        began = time.perf_counter()
        await self.hear(message)
        async with asyncio.timeout(_SILENT):
            return (await self.channel.called.get() - began) * 1_000

    async def at_rest(self) -> None:
        """Returns when nothing is left to do."""
        while busy := [*self._dispatch._serving.values(), *self._dispatch._learning, *self._delivery._tasks]:
            await asyncio.gather(*busy)

    async def all_at_once(self) -> tuple[float, float]:
        """Turns a second, of the clock and of one core, while everybody writes at the same time."""
        messages = [self.message(customer, said.format(customer)) for said in SAID for customer in self.customers]
        began, ran = time.perf_counter(), time.process_time()
        for wave in range(len(SAID)):
            here = messages[wave * len(self.customers) : (wave + 1) * len(self.customers)]
            await asyncio.gather(*(self.hear(message) for message in here))
            async with asyncio.timeout(_SILENT):
                for _ in here:
                    await self.channel.called.get()
            await self.at_rest()
        spent, worked = time.perf_counter() - began, time.process_time() - ran
        return len(messages) / spent, len(messages) / worked

    async def close(self) -> None:
        """Stops."""
        await self._dispatch.close()


async def settle_in(shop: Shop, memory: AegisMemory, bot: Bot, told: int = MESSAGES) -> None:
    """Customers in the directory, with rows on every handle, in the ledger and in memory."""
    now = clock()
    for customer in bot.customers:
        keys = {shop.message(*held, "").handle.key for held in gate.addresses(customer, bot.handles)}
        shop.now = now - timedelta(days=60)
        await shop.knows(f"cus_{customer}", "John Miller", *sorted(keys), plan="Pro")
    last = await shop.ledger._database.write(partial(_tell, bot=bot, told=told, now=now))
    notes = await shop.ledger._database.read(lambda tx: recall.notes_after(tx, last, 100_000))
    await memory.remember(notes)


def _tell(tx: Connection, bot: Bot, told: int, now: datetime) -> int:
    """The number of the newest fact before these."""
    last = tx.execute(text("SELECT coalesce(max(id), 0) FROM facts")).scalar_one()
    for customer in bot.customers:
        for channel, who in gate.addresses(customer, bot.handles):
            history.tell(tx, [history.person(tx, channel, who, now)], told, now - timedelta(minutes=5))
    if tx.dialect.name == "postgresql":
        for table in ("messages", "cases"):  # whose rows were given numbers
            tx.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"))  # noqa: S608
    return int(last)


class Scene:
    """Everything on one database."""

    def __init__(self, floor: Floor, bots: Mapping[str, Bot], crowd: Bot, url: str) -> None:
        self.crowd = crowd
        self.floor = floor
        self.bots = bots
        self._server = ServerTime(url) if "host=" in url else None
        self._turns = 0

    async def taken_in_turns(self) -> dict[str, Spent]:
        """The floor and a turn of each kind, one after the other, again and again."""
        spent = {name: Spent() for name in ("floor", *self.bots)}
        for number in range(ROUNDS):
            for at in range(CUSTOMERS):
                for name, times in spent.items():
                    measured = times if number else Spent()
                    await (
                        self._turn(self.bots[name], at, number, measured)
                        if name in self.bots
                        else self._floor(measured)
                    )
        return spent

    async def _turn(self, bot: Bot, at: int, number: int, times: Spent) -> None:
        customer = bot.customers[at]
        worked, ran = self._spent_by_server(), time.process_time()
        times.wall.append(await bot.turn(customer, SAID[number % len(SAID)].format(customer)))
        await bot.at_rest()
        self._note(times, worked, ran)

    async def _floor(self, times: Spent) -> None:
        self._turns += 1
        worked, ran = self._spent_by_server(), time.process_time()
        began = time.perf_counter()
        self.floor.turn(self._turns)
        times.wall.append((time.perf_counter() - began) * 1_000)
        self._note(times, worked, ran)

    def _note(self, times: Spent, worked: float, ran: float) -> None:
        times.cpu.append((time.process_time() - ran) * 1_000)
        if self._server:
            times.server.append(self._spent_by_server() - worked)

    def _spent_by_server(self) -> float:
        return self._server.spent() if self._server else 0.0


async def scene(stack: AsyncExitStack, kind: str) -> Scene:
    """A bot with customers of each kind on a new database."""
    folder = Path(stack.enter_context(TemporaryDirectory()))
    floor: SqliteFloor | PostgresFloor
    if kind == "postgresql":
        floor, url = PostgresFloor(await new_database()), await new_database()
    else:
        floor, url = SqliteFloor(folder / "floor.db"), f"sqlite:///{folder}/ledger.db"
    stack.callback(floor.close)
    ledger = SqlLedger(open_database(url))
    stack.push_async_callback(ledger.close)
    await ledger.migrate()
    shop = await Shop.open(folder, ledger=ledger)
    memory = AegisMemory(folder / "memory.db")
    stack.push_async_callback(memory.close)
    await memory.warm()
    model = OpenAIWriter(KEY, stack.enter_context(model_server()), MODEL, 20.0)
    stack.push_async_callback(model.close)
    rules = RulesWriter()
    with_model = WithFallback(Proofread(model), rules)
    one, four, sdk = (range(first, first + CUSTOMERS) for first in (1_000, 2_000, 3_000))
    crowd = Bot(shop, memory, rules, 1, range(4_000, 4_000 + CROWD))
    bots = {
        "one handle": Bot(shop, memory, rules, 1, one),
        "four handles": Bot(shop, memory, rules, 4, four),
        "one handle, a model asked": Bot(shop, memory, with_model, 1, sdk),
    }
    for bot in (*bots.values(), crowd):
        stack.push_async_callback(bot.close)
        await settle_in(shop, memory, bot)
    return Scene(floor, bots, crowd, url)


async def measure(kind: str) -> list[Row]:
    """Every row on one kind of database."""
    async with AsyncExitStack() as stack:
        set_up = await scene(stack, kind)
        gc.collect()
        gc.freeze()
        spent = await set_up.taken_in_turns()
        cores = await one_core(set_up.crowd)
    return [*_turns(kind, spent), _throughput(kind, *cores)]


async def one_core(bot: Bot) -> tuple[float, float]:
    """Turns a second by the clock, and for each second of one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        return await bot.all_at_once()
    finally:
        os.sched_setaffinity(0, allowed)


def _turns(kind: str, spent: Mapping[str, Spent]) -> Iterator[Row]:
    floor, plain, four, sdk = spent.values()
    yield Row(name=f"{kind}: the floor", shown=str(floor), figures=floor.figures)
    yield _timed(kind, "one handle", plain, WALL[kind])
    yield _timed(kind, "four handles", four, FOUR_HANDLES)
    yield Row(name=f"{kind}: one handle, a model asked", shown=str(sdk), figures=sdk.figures)
    ratio = plain.figures["p50"] / floor.figures["p50"]
    goal, missed = ("told only", False) if kind != "sqlite" else (f"<= {OVER_THE_FLOOR:g}x", ratio > OVER_THE_FLOOR)
    name = f"{kind}: one handle beside the floor"
    yield Row(name=name, shown=f"{ratio:.2f}x", goal=goal, missed=missed, figures={"ratio": ratio})
    for name, one, most in (("one handle", plain, CPU), ("a model asked", sdk, CPU_WITH_SDK)):
        cpu = one.figures["cpu"]
        shown, goal = f"{cpu:.2f} ms of our processor time", f"<= {most:g} ms"
        yield Row(name=f"{kind}: {name}, CPU", shown=shown, goal=goal, missed=cpu > most, figures={"cpu": cpu})


def _timed(kind: str, name: str, spent: Spent, most: float) -> Row:
    missed = spent.figures["p50"] > most
    return Row(
        name=f"{kind}: {name}", shown=str(spent), goal=f"p50 <= {most:g} ms", missed=missed, figures=spent.figures
    )


def _throughput(kind: str, by_the_clock: float, a_core: float) -> Row:
    shown = f"{a_core:.0f} turns for a second of it; {by_the_clock:.0f} a second by the clock"
    embedded = kind == "sqlite"
    return Row(
        name=f"{kind}: everybody at once, on one core",
        shown=shown,
        goal=f">= {A_CORE:g} a core" if embedded else "told only",
        missed=embedded and a_core < A_CORE,
        figures={"a core": a_core, "by the clock": by_the_clock},
    )


async def beside_recipe() -> list[Row]:
    """The processor time of a turn at a long history: ours with a model, and the recipe's."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        url = stack.enter_context(model_server())
        shop = await Shop.open(folder)
        stack.push_async_callback(shop.close)
        memory = AegisMemory(folder / "memory.db")
        stack.push_async_callback(memory.close)
        model = OpenAIWriter(KEY, url, MODEL, 20.0)
        stack.push_async_callback(model.close)
        bot = Bot(shop, memory, WithFallback(Proofread(model), RulesWriter()), 1, [1])
        stack.push_async_callback(bot.close)
        await settle_in(shop, memory, bot, told=LONG)
        theirs = await stack.enter_async_context(recipe(folder, LONG))
        ours, recipes = list[float](), list[float]()
        for number in range(LONG_RUNS):
            ran = time.process_time()
            await bot.turn(1, SAID[number % len(SAID)].format(number))
            await bot.at_rest()
            ours.append((time.process_time() - ran) * 1_000)
            ran = time.process_time()
            await theirs(f"My toaster number {number} arrived with a crack and I was charged $59.")
            recipes.append((time.process_time() - ran) * 1_000)
    return [_beside(median(ours[2:]), median(recipes[2:]))]


def _beside(ours: float, recipes: float) -> Row:
    return Row(
        name=f"history {LONG:,}: the recipe's CPU beside ours",
        shown=f"{recipes / ours:.1f}x ({recipes:.0f} ms and {ours:.1f} ms, both with the SDK)",
        goal=f">= {BESIDE_RECIPE:g}x",
        missed=recipes / ours < BESIDE_RECIPE,
        figures={"ratio": recipes / ours, "ours": ours, "recipe": recipes},
    )


async def run(kinds: Sequence[str] = KINDS) -> list[Row]:
    """Every row of the table."""
    rows = [row for kind in kinds for row in await measure(kind)]
    return rows + (await beside_recipe() if "sqlite" in kinds else [])


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    asked = [kind for kind in KINDS if f"--{kind.removesuffix('ql')}" in sys.argv]
    rows = asyncio.run(run(asked or KINDS))
    print(f"a turn from accept to send, {CUSTOMERS * (ROUNDS - 1)} of each kind in turns with the floor")
    for row in rows:
        print(row)
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
