"""What a turn recalls, and what that costs, from 10 to 10,000 messages of a customer.

    python -m benchmarks.recall

Measured is the processor time of a context's assembly on the real ledger and the real Aegis: what the ledger gives to
the permit, what memory recalls and suggests, and the brief of both; the wall clock is told beside it. Customers of
every size take turns, so that a busy machine slows all of them alike; each has a mailbox and a number on record. Then
other customers' rows grow a hundredfold. The floor are as many hops to the ledger's and the memory's threads with
nothing to do there; as much as its median is above its best twentieth the machine was busy, and the goals in
milliseconds stretch with it.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import TypeVar

from sqlalchemy import Connection, text

from benchmarks import history
from benchmarks.rows import Figure, keep
from core.backends.aegis import LIVE_ROWS, AegisMemory
from core.backends.aegis_store import Store
from core.backends.ledger import recall
from core.ledger import Turn, line_of
from core.memory import Lesson
from core.writing import Brief
from tests.shop import Shop

GOALS = {10: 5.0, 1_000: 10.0, 10_000: 15.0}  # messages of the customer: milliseconds, the median
RECALLED = (10, 2, 1)  # lines, cases and episodes, at least
GROWN = 1.25  # at most so much slower when other customers' rows are a hundredfold
RUNS = 150
WARM_UP = 5
OTHERS = 10  # customers, at first
OTHERS_MESSAGES = 40  # of each
TIMES = 100
PATTERNS = 200  # in the playbook
ASKED = "My kettle does not work again and I was charged $49. Any news?"

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure, its goal, and whether it is missed; `figures` go into the table over all benchmarks."""

    name: str
    shown: str
    goal: str
    figures: Sequence[Figure]

    @property
    def missed(self) -> bool:
        """Whether one of them misses its goal."""
        return any(figure.missed for figure in self.figures)

    def __str__(self) -> str:
        verdict = "missed" if self.missed else "" if self.goal == "told only" else "met"
        return f"{self.name:<38} {self.shown:<52} {self.goal:<10} {verdict}"


class Scene:
    """A shop with the real memory, and a turn of each measured customer that is opened and never settled."""

    def __init__(self, shop: Shop, memory: AegisMemory) -> None:
        self.shop = shop
        self.memory = memory
        shop.engine = replace(shop.engine, memory=memory)
        self.turns: dict[int, Turn] = {}
        self.held: dict[int, list[int]] = {}

    async def settle_in(self) -> None:
        """Everybody's rows, a playbook, and a message of each measured customer."""
        sizes = list(GOALS)
        for size in sizes:
            keys = [f"{'phone' if channel == 'sms' else channel}:{who}" for channel, who in history.addresses(size)]
            await self.shop.knows(f"cus_{size}", "John Miller", *keys, plan="Pro")
        self.held = await self._write(lambda tx: history.people(tx, sizes, self.shop.now))
        for size in sizes:
            told = await self._write(partial(history.tell, held=self.held[size], count=size, now=self.shop.now))
            await self._remember(told)
        await self.more_customers(range(1, OTHERS + 1))
        for number in range(PATTERNS):
            issue = f"The {history._THINGS[number % 8]} shows error KX-{number} after {number} days."
            await self.memory.learn(
                Lesson(row=number + 1, category="fault", issue=issue, resolution="It was replaced.")
            )
        for size in sizes:
            self.turns[size] = await self._turn(size)

    async def more_customers(self, numbers: Sequence[int]) -> None:
        """Other customers, with as much on record in the ledger and in memory each."""
        others = [100_000 + number for number in numbers]
        held = await self._write(lambda tx: history.people(tx, others, self.shop.now))

        def tell(tx: Connection) -> None:
            for other in others:
                history.tell(tx, held[other], OTHERS_MESSAGES, self.shop.now)

        await self._write(tell)
        mine = self.held[1_000][0]
        await self.memory._run(
            lambda store: _copied(store, mine, [handle for other in others for handle in held[other]])
        )

    async def assemble(self, size: int) -> Brief:
        """The context of one turn, as the engine assembles it."""
        turn, engine = self.turns[size], self.shop.engine
        return await engine.briefing.brief(turn, await engine.briefing.recall(turn.standing))

    async def floor(self) -> None:
        """The same hops with nothing to do at their ends."""
        for _ in range(3):
            await self.shop.ledger._database.read(lambda tx: tx.execute(text("SELECT 1")).scalar())
        for _ in range(2):
            await self.memory._run(lambda _: None)

    async def live_rows(self, size: int) -> int:
        """The most rows in memory that a handle of this customer has."""
        return await self.memory._run(lambda store: _rows_of(store, self.held[size]))

    async def _remember(self, cases: Sequence[int]) -> None:
        """The closed cases, by the way that every turn's rows take; those that would be dropped again are left out."""
        newest = cases[:-2][-3 * LIVE_ROWS :]
        notes = await self._write(lambda tx: [recall.case_note(tx, case) for case in newest])
        await self.memory.remember(notes)

    async def _turn(self, size: int) -> Turn:
        channel, who = history.addresses(size)[0]
        message = self.shop.message(channel, who, ASKED)
        await self.shop.accept(message)
        self.shop.later(seconds=3)
        opened = await self.shop.ledger.open_turn(
            line_of(message), token=f"of {size}", now=self.shop.now, burst=timedelta(0), live=False
        )
        assert isinstance(opened, Turn)
        assert len(opened.standing.nodes) == 3, opened.standing  # noqa: PLR2004 - the mailbox, the number, the person
        return opened

    async def _write(self, work: Callable[[Connection], R]) -> R:
        return await self.shop.ledger._database.write(work)


def _copied(store: Store, source: int, handles: Sequence[int]) -> None:
    """Gives handles what another one has in memory; adding each row would take minutes."""
    columns = [row[1] for row in store.db.execute("PRAGMA table_info(memories)")]
    new = {"id": "id || '-' || :new", "namespace": "'handle:' || :new", "user_id": "'handle:' || :new"}
    new["content_hash"] = "content_hash || '-' || :new"
    chosen = ", ".join(new.get(column, column) for column in columns)
    copy = f"INSERT INTO memories SELECT {chosen} FROM memories WHERE namespace = 'handle:{source}'"  # noqa: S608
    store.db.executemany(copy, [{"new": str(handle)} for handle in handles])
    store.db.commit()


def _rows_of(store: Store, handles: Sequence[int]) -> int:
    count = "SELECT count(*) FROM memories WHERE namespace = ?"
    return max(int(store.db.execute(count, (f"handle:{handle}",)).fetchone()[0]) for handle in handles)


@dataclass(kw_only=True)
class Spent:
    """Milliseconds of a work, run by run: of the processor, and by the wall clock."""

    processor: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


async def interleaved(scene: Scene) -> dict[int, Spent]:
    """The floor (0) and every size, one after the other, again and again."""
    spent = {size: Spent() for size in (0, *GOALS)}
    for turn in range(RUNS + WARM_UP):
        for size, times in spent.items():
            began, ran = time.perf_counter(), time.process_time()
            await (scene.assemble(size) if size else scene.floor())
            if turn >= WARM_UP:
                times.processor.append((time.process_time() - ran) * 1_000)
                times.wall.append((time.perf_counter() - began) * 1_000)
    return spent


async def run() -> list[Row]:
    """Every row of the table."""
    with TemporaryDirectory() as folder:
        shop = await Shop.open(Path(folder))
        scene = Scene(shop, AegisMemory(Path(folder) / "memory.db"))
        await scene.memory.warm()
        await scene.settle_in()
        before = await interleaved(scene)
        await scene.more_customers(range(OTHERS + 1, OTHERS * TIMES + 1))
        after = await interleaved(scene)
        most = max([await scene.live_rows(size) for size in GOALS])
        briefs = {size: await scene.assemble(size) for size in GOALS}
        await scene.memory.close()
        await shop.close()
    return [*_times(before), *_growth(before, after), _bounded(most), *_kept(briefs)]


def _times(spent: Mapping[int, Spent]) -> Iterator[Row]:
    floor = median(spent[0].processor)
    noise = floor / quantiles(spent[0].processor, n=20)[0]
    hops = Figure(name="the floor: hops to threads alone", value=floor, unit="ms CPU")
    yield Row(name=hops.name, shown=f"{floor:.2f} ms, {noise:.2f}x its best", goal="told only", figures=[hops])
    for size, goal in GOALS.items():
        p50, wall = median(spent[size].processor), quantiles(spent[size].wall, n=20)
        yield Row(
            name=f"{size:,} messages of the customer",
            shown=f"{p50:5.2f} ms, {p50 / floor:4.1f}x the floor; wall {wall[9]:.1f}, p95 {wall[-1]:.1f}",
            goal=f"<= {goal:g} ms",
            figures=[Figure(name=f"context at {size:,} messages", value=p50, unit="ms CPU", most=goal * noise)],
        )


def _growth(before: Mapping[int, Spent], after: Mapping[int, Spent]) -> Iterator[Row]:
    drift = median(after[0].processor) / median(before[0].processor)
    for size in GOALS:
        now = median(after[size].processor)
        ratio = now / median(before[size].processor) / drift
        shown = f"{ratio:.2f}x of the above ({now:.2f} ms)"
        name = f"{size:,}, other customers' rows {TIMES}x"
        grown = Figure(name=f"context, {name}", value=ratio, unit="x", most=GROWN)
        yield Row(name=name, shown=shown, goal=f"<= {GROWN}x", figures=[grown])


def _bounded(most: int) -> Row:
    rows = Figure(name="rows of a handle in memory, at most", value=most, least=1, most=LIVE_ROWS)
    return Row(name=rows.name, shown=str(most), goal=rows.goal, figures=[rows])


def _kept(briefs: Mapping[int, Brief]) -> Iterator[Row]:
    for size, brief in briefs.items():
        told = len(brief.said), len(brief.cases), len(brief.remembered)
        kept = zip(("lines", "cases", "episodes"), told, RECALLED, strict=True)
        yield Row(
            name=f"{size:,}: lines, cases, episodes recalled",
            shown=", ".join(map(str, told)),
            goal=f">= {', '.join(map(str, RECALLED))}",
            figures=[
                Figure(name=f"{what} recalled of {size:,} messages", value=count, least=least)
                for what, count, least in kept
            ],
        )


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    rows = asyncio.run(run())
    print(f"context assembly, medians of {RUNS} interleaved runs")
    for row in rows:
        print(row)
    keep(figure for row in rows for figure in row.figures)
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
