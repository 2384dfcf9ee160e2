"""What is told to a memory that is away is told later, in order, to nobody's harm; and the status page hears of it."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

import pytest

from core.backends.aegis_server import AegisServerMemory
from core.backends.backlog import Backlog
from core.backends.embedding import WordLlamaEmbedder
from core.watched import MEMORY
from tests.memory.contract import ANN, BOB, CHARGE, KETTLE, MONDAY, lesson, note, rows, vote
from tests.twins.aegis_server import KEY, SECRET, AegisServerTwin, aegis_server

wordllama = cache(WordLlamaEmbedder)


@dataclass
class Told:
    """What the status page hears, and who was erased elsewhere."""

    of: list[str] = field(default_factory=list)
    well: asyncio.Event = field(default_factory=asyncio.Event)
    erased: list[int] = field(default_factory=list)

    def note(self, what: str, why: str) -> None:
        assert what == MEMORY
        self.of.append(why)
        if not why:
            self.well.set()

    async def erased_among(self, handles: Collection[int]) -> Collection[int]:
        return [handle for handle in handles if handle in self.erased]


@pytest.fixture
async def twin() -> AsyncIterator[AegisServerTwin]:
    async with aegis_server() as server:
        yield server


@pytest.fixture
def told() -> Told:
    return Told()


def backlog_of(twin: AegisServerTwin, told: Told, most: int = 10_000) -> Backlog:
    memory = AegisServerMemory(twin.url, KEY, database_url=twin.database_url, embedder=wordllama)
    return Backlog(memory, told.note, told.erased_among, first=timedelta(milliseconds=10), most=most)


@pytest.fixture
async def memory(twin: AegisServerTwin, told: Told) -> AsyncIterator[Backlog]:
    backlog = backlog_of(twin, told)
    yield backlog
    await backlog.close()


async def test_what_was_told_while_it_was_away_is_there_when_it_is_back(
    twin: AegisServerTwin, memory: Backlog, told: Told
) -> None:
    twin.trouble = "fails"
    await memory.remember([note("lives near the harbour"), note(KETTLE, row=2)])
    await memory.remember([note("moved to the mountains")])
    await memory.retract([note(KETTLE, row=2)])
    await memory.learn(lesson(1, CHARGE))
    await memory.learn(lesson(2, CHARGE, resolution="another way"))
    await memory.unlearn([2])
    await memory.vote([vote(1)])
    assert memory.waiting == 8
    assert told.of[0].startswith("2 rows wait: memory: 127.0.0.1:")
    twin.trouble = ""
    await told.well.wait()
    assert memory.waiting == 0
    assert rows(await memory.recall([ANN], "moved to the mountains", limit=9)) == [(ANN, "fact", 1)]
    assert [(hit.row, hit.effectiveness) for hit in await memory.suggest(CHARGE, None, limit=9)] == [(1, 0.5)]
    assert "harbour" not in await twin.kept()


async def test_what_is_told_while_something_is_on_its_way_comes_after_it(
    twin: AegisServerTwin, memory: Backlog, told: Told
) -> None:
    twin.trouble = "hangs"
    first = asyncio.create_task(memory.remember([note("lives near the harbour")]))
    await twin.hanging.wait()
    await memory.remember([note("moved to the mountains")])
    twin.trouble = "fails"
    twin.released.set()
    await first
    assert memory.waiting == 2
    twin.trouble = ""
    await told.well.wait()
    assert "mountains" in await twin.kept()
    assert "harbour" not in await twin.kept()


async def test_a_busy_server_is_told_when_it_said(twin: AegisServerTwin, memory: Backlog, told: Told) -> None:
    twin.a_minute = 0
    await memory.remember([note(CHARGE)])
    assert "429" in told.of[0]
    asked = len(twin.asked)
    twin.a_minute = 100
    await told.well.wait()
    assert len(twin.asked) == asked + 2, "it asked nothing in between"
    assert await memory.size() == 1


async def test_what_an_erased_customer_told_is_not_told_any_more(
    twin: AegisServerTwin, memory: Backlog, told: Told
) -> None:
    twin.trouble = "fails"
    await memory.remember([note(CHARGE), note(CHARGE, handle=BOB), note(CHARGE, handle=3)])
    await memory.learn(lesson(1, CHARGE))
    await memory.vote([vote(1), vote(1, case=2, handle=BOB, helpful=False)])
    await memory.erase([ANN])  # here
    told.erased.append(BOB)  # in another process
    twin.trouble = ""
    await told.well.wait()
    kept = await twin.kept()
    assert "handle:3" in kept
    assert "handle:1" not in kept
    assert "handle:2" not in kept
    assert rows(await memory.recall([ANN, BOB, 3], CHARGE, limit=9)) == [(3, "fact", 1)]
    assert [hit.effectiveness for hit in await memory.suggest(CHARGE, None, limit=9)] == [0.0]


async def test_what_is_refused_for_good_does_not_hold_up_the_rest(
    twin: AegisServerTwin, memory: Backlog, told: Told
) -> None:
    twin.trouble = "fails"
    await memory.remember([note(f"the key is {SECRET}1")])
    await memory.remember([note(CHARGE, row=2)])
    twin.trouble = ""
    await told.well.wait()
    assert any(why.startswith("1 rows were given up: memory: ") and "CONTENT_POLICY" in why for why in told.of)
    assert rows(await memory.recall([ANN], CHARGE, limit=9)) == [(ANN, "fact", 2)]


async def test_more_than_may_wait_is_left_to_the_ledger_and_said(twin: AegisServerTwin, told: Told) -> None:
    memory = backlog_of(twin, told, most=2)
    twin.trouble = "refuses"
    for row in (1, 2, 3):
        await memory.remember([note(CHARGE, row=row, at=MONDAY)])
    assert memory.waiting == 2
    assert any("1 rows are in the ledger only: run `python -m bots memory rebuild`" in why for why in told.of)
    await memory.close()


async def test_what_still_waits_at_the_end_is_said(
    twin: AegisServerTwin, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    memory = backlog_of(twin, told)
    twin.trouble = "fails"
    await memory.remember([note(CHARGE), note(CHARGE, row=2)])
    await memory.close()
    assert "2 rows were not told to it; run `python -m bots memory rebuild`" in caplog.text
    assert CHARGE not in caplog.text
