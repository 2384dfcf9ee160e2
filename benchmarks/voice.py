"""What a telephone call adds: until the model is asked, and from the model's first words to the caller's ear.

    python -m benchmarks.voice

A caller on a real socket tells one thing after the other to a bot with a long history of hers; the model is a server
of ours that streams, on a socket as well. Measured in the same run: from sending the frame with what she said to the
moment at which the model's server has the request, whole; and from the moment at which that server sends the end of
its first sentence to that at which she has it, though the model goes on for seconds more. The floor are a few hops
to the ledger's threads and a fixed sum, in turns with these; by as much as its 99th of 100 is above its best twentieth
the machine was busy, and that is added to the goals.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from aiohttp import web
from sqlalchemy import text

from benchmarks.rows import Figure, keep
from channels._voice.conversation import Patience
from channels.voice import Voice
from core.backends.aegis import AegisMemory
from core.backends.embedding import WordLlamaEmbedder
from tests.channels.switchboard import ANN, Switchboard, switchboard
from tests.twins.openai import OpenAITwin, openai_twin
from tests.twins.relay import RelayCall

TURNS = 300
HISTORY = 30  # messages of hers, before she calls
BEFORE_GOAL, AFTER_GOAL = 30.0, 30.0  # milliseconds, p99
FIRST, REST = "I have noted the charge.", "A second sentence follows, and it is longer than the first one was."


class Unhurried(Voice):
    """Voice that says nothing of itself."""

    waits = Patience(filler=60, silence=600)


@dataclass
class Clock(OpenAITwin):
    """A model that notes when it was asked, and when it had said its first sentence; there it waits."""

    asked_at: float = 0.0
    said_at: float = 0.0

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """As the twin does."""
        await request.read()
        self.asked_at = time.perf_counter()
        return await super().complete(request)

    async def _meet(self, piece: str, request: web.Request) -> None:
        if piece.startswith(REST[:5]):
            self.said_at = time.perf_counter()
        await super()._meet(piece, request)


@dataclass(frozen=True)
class Spent:
    """Milliseconds of each turn, and how many at most 99 of 100 may take."""

    what: str
    times: Sequence[float]
    goal: float = 0.0  # 0: told only
    busy: float = 0.0  # milliseconds that a busy machine adds to it

    @property
    def p99(self) -> float:
        """What 99 of 100 turns stay under."""
        return quantiles(self.times, n=100)[-1]

    @property
    def missed(self) -> bool:
        """Whether the goal is missed."""
        return self.goal > 0 and self.p99 > self.goal + self.busy

    @property
    def figure(self) -> Figure:
        """For the table over all benchmarks."""
        return Figure(name=f"{self.what}, p99", value=self.p99, unit="ms", most=self.goal + self.busy or None)

    def __str__(self) -> str:
        verdict = f"p99 <= {self.goal:g} ms   {'missed' if self.missed else 'met'}" if self.goal else "told only"
        best = quantiles(self.times, n=20)[0]
        return f"{self.what:<44} {best:8.2f} {median(self.times):8.2f} {self.p99:8.2f}   {verdict}"


async def floor(board: Switchboard) -> float:
    """Milliseconds that a few hops and a sum take."""
    began = time.perf_counter()
    for _ in range(3):
        await board.shop.ledger._database.read(lambda tx: tx.execute(text("SELECT 1")).scalar())
        await board.shop.ledger._database.write(lambda tx: tx.execute(text("SELECT 1")).scalar())
        sum(range(60_000))
    return (time.perf_counter() - began) * 1_000


async def talk(board: Switchboard, call: RelayCall, model: Clock) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of each turn: the floor's, before the model is asked, and from its first sentence to the caller."""
    idle, before, after = [], [], []
    for turn in range(TURNS):
        model.go_on.clear()
        idle.append(await floor(board))
        began = time.perf_counter()
        await call.says(f"My kettle number {turn} is broken, and I was charged ${turn + 10}.")
        while not (await call.hears_token()).startswith(FIRST):
            pass
        heard = time.perf_counter()
        before.append((model.asked_at - began) * 1_000)
        after.append((heard - model.said_at) * 1_000)
        model.go_on.set()
        await call.hears()
        await all_is_written(board)  # nobody speaks again within milliseconds
        board.shop.later(minutes=1)
    return idle, before, after


async def all_is_written(board: Switchboard) -> None:
    """Waits until the turn is settled, sent and learnt from."""
    while tasks := [*board.dispatch._serving.values(), *board.delivery._tasks, *board.dispatch._learning]:
        await asyncio.wait(tasks)


async def run() -> list[Spent]:
    """Every row of the table."""
    with TemporaryDirectory() as folder:
        async with openai_twin(Clock()) as model, switchboard(Path(folder), model=model, kind=Unhurried) as board:
            assert isinstance(model, Clock)
            memory = AegisMemory(Path(folder, "aegis.db"), WordLlamaEmbedder)
            await memory.warm()
            house = replace(board.shop.engine.house, turns_an_hour=10_000, sent_an_hour=10_000)
            for name, part in (("memory", memory), ("house", house)):
                object.__setattr__(board.shop.engine, name, part)  # the dispatch has this one
            await board.shop.knows("cus_1", "Ann Miller", f"phone:{ANN}")
            for told in range(HISTORY):
                await board.shop.hears("sms", ANN, f"My toaster {told} is broken. I already restarted it.")
            board.shop.later(days=8)
            model.says(reply=f"{FIRST} {REST}", confidence=0.9, facts=[], issue="")
            model.pauses_before = REST[:5]
            call = board.call()
            await call.dials()
            await call.hears()
            idle, before, after = await talk(board, call, model)
            await memory.close()
    still = Spent("the floor", idle)
    busy = still.p99 - quantiles(idle, n=20)[0]
    return [
        still,
        Spent("from her last word until the model is asked", before, BEFORE_GOAL, busy),
        Spent("from the model's first sentence to her ear", after, AFTER_GOAL, busy),
    ]


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    found = asyncio.run(run())
    print(f"milliseconds, {TURNS} turns of one call over ConversationRelay")
    print(f"{'':<44} {'best 5 %':>8} {'p50':>8} {'p99':>8}   goal")
    for one in found:
        print(one)
    keep(one.figure for one in found)
    return int(any(one.missed for one in found))


if __name__ == "__main__":
    sys.exit(main())
