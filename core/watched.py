"""Memory and model, watched: what they do is noted, and nothing else about them changes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from core.actions import ActionRefused, Carrier
from core.errors import Problem, WriterFailed
from core.memory import Hit, Lesson, Memory, Note, PatternHit, Vote
from core.observing import UNOBSERVED, Observer
from core.runs import Outcome, Request
from core.writing import Answer, Brief, Category, Draft, Writer, write

MEMORY, MODEL = "memory", "model"  # under which they are noted

# Told what it was about, and why it did not go well: "" when it did.
Tell = Callable[[str, str], None]


class WatchedMemory:
    """A memory whose answers, failures and silences are noted."""

    def __init__(self, memory: Memory, tell: Tell, observer: Observer = UNOBSERVED) -> None:
        self._memory = memory
        self._tell = tell
        self._observer = observer

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        try:
            with self._observer.step(MEMORY):
                yield
        except asyncio.CancelledError:  # whoever asked waited no longer
            self._tell(MEMORY, "no answer in time")
            raise
        except Exception as error:
            self._tell(MEMORY, str(error) if isinstance(error, Problem) else type(error).__name__)
            raise
        self._tell(MEMORY, "")

    async def remember(self, notes: Sequence[Note]) -> None:
        async with self._watched():
            await self._memory.remember(notes)

    async def retract(self, notes: Sequence[Note]) -> None:
        async with self._watched():
            await self._memory.retract(notes)

    async def recall(self, handles: Sequence[int], query: str, *, limit: int) -> Sequence[Hit]:
        async with self._watched():
            return await self._memory.recall(handles, query, limit=limit)

    async def learn(self, lesson: Lesson) -> None:
        async with self._watched():
            await self._memory.learn(lesson)

    async def unlearn(self, rows: Sequence[int]) -> None:
        async with self._watched():
            await self._memory.unlearn(rows)

    async def vote(self, votes: Sequence[Vote]) -> None:
        async with self._watched():
            await self._memory.vote(votes)

    async def suggest(self, issue: str, category: Category | None, *, limit: int) -> Sequence[PatternHit]:
        async with self._watched():
            return await self._memory.suggest(issue, category, limit=limit)

    async def erase(self, handles: Sequence[int]) -> None:
        async with self._watched():
            await self._memory.erase(handles)

    async def clear(self) -> None:
        await self._memory.clear()

    async def close(self) -> None:
        await self._memory.close()


class WatchedWriter:
    """A model whose answers and failures are noted."""

    def __init__(self, writer: Writer, tell: Tell, observer: Observer = UNOBSERVED) -> None:
        self._writer = writer
        self._tell = tell
        self._observer = observer

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        try:
            with self._observer.step(MODEL):
                yield
        except WriterFailed as failure:
            self._tell(MODEL, str(failure).splitlines()[0][:200] or type(failure).__name__)
            raise
        self._tell(MODEL, "")

    async def answer(self, brief: Brief) -> Answer:
        """As the writer's own."""
        async with self._watched():
            return await self._writer.answer(brief)

    async def answer_aloud(self, brief: Brief, draft: Draft) -> Answer:
        """As the writer's own."""
        async with self._watched():
            return await write(self._writer, brief, draft)


class FollowedWriter:
    """A writer whose work is a step of a turn, whoever words the answer in the end."""

    def __init__(self, writer: Writer, observer: Observer) -> None:
        self._writer = writer
        self._observer = observer

    async def answer(self, brief: Brief) -> Answer:
        """As the writer's own."""
        with self._observer.step("writer"):
            return await self._writer.answer(brief)

    async def answer_aloud(self, brief: Brief, draft: Draft) -> Answer:
        """As the writer's own."""
        with self._observer.step("writer"):
            return await write(self._writer, brief, draft)


class FollowedCarrier:
    """Whoever carries out actions, followed in it."""

    def __init__(self, carrier: Carrier, observer: Observer) -> None:
        self._carrier = carrier
        self._observer = observer

    async def carry_out(self, request: Request) -> Outcome:
        """As the carrier's own."""
        with self._observer.step("action") as step:
            try:
                return await self._carrier.carry_out(request)
            except ActionRefused:
                step.outcome = "refused"
                raise
