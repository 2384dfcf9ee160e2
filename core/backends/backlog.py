"""What memory is to learn while it is away: kept here, in order, and told when it is back.

In RAM only, since the ledger has all of it: what does not get there before the process ends, `memory rebuild` brings.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any, Generic, Protocol, TypeVar

from core.backends.aegis_calls import Away
from core.errors import Problem
from core.memory import Hit, Lesson, Memory, Note, PatternHit, Vote
from core.pausing import a_little_longer, growing, jittered
from core.watched import MEMORY, Tell
from core.writing import Category

log = logging.getLogger(__name__)

_MOST = 10_000  # rows
_FIRST, _LAST = timedelta(seconds=1), timedelta(seconds=60)  # before it is tried again
_AT_ONCE, _AT_THE_END = 5.0, 2.0  # seconds for it to be taken: at first, and when the process ends
_REBUILD = "run `python -m bots memory rebuild`"

Row = TypeVar("Row", bound=Note | Vote | Lesson | int)


@dataclass(frozen=True, kw_only=True)
class _Kept(Generic[Row]):
    """What is to be told of some rows."""

    deed: Callable[[Sequence[Row]], Awaitable[None]]
    rows: Sequence[Row]

    @property
    def handles(self) -> set[int]:
        """Of those who told it."""
        return {row.handle for row in self.rows if isinstance(row, Note | Vote)}

    def without(self, gone: Collection[int]) -> "_Kept[Row]":
        """The same but for what some handles told."""
        return replace(
            self, rows=[row for row in self.rows if not (isinstance(row, Note | Vote) and row.handle in gone)]
        )

    async def deliver(self) -> None:
        """Tells it."""
        if self.rows:
            await self.deed(self.rows)


class Recalling(Memory, Protocol):
    """A memory as it is run: with what it may do before anybody waits, and how many rows it holds."""

    async def warm(self) -> None:
        """Loads what the first customer would wait for."""
        ...

    async def size(self) -> int:
        """How many rows it holds, patterns included."""
        ...


class Backlog:
    """A memory that may be away: nothing of what it is told is lost while the process lives.

    `tell` hears how many rows wait and why, and "" when none do any more. They are tried again after `first`,
    then ever more seldom, or when the server says; of more than `most` rows the oldest are let go. `erased` says which
    of some handles were erased since, in any process: what they told is not told any more.
    """

    def __init__(
        self,
        memory: Recalling,
        tell: Tell,
        erased: Callable[[Collection[int]], Awaitable[Collection[int]]],
        *,
        first: timedelta = _FIRST,
        most: int = _MOST,
    ) -> None:
        self._memory = memory
        self._tell = tell
        self._erased = erased
        self._first = first
        self._most = most
        self._waiting: deque[_Kept[Any]] = deque()
        self._one_at_a_time = asyncio.Lock()
        self._retrying: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many rows wait."""
        return sum(len(kept.rows) for kept in self._waiting)

    async def warm(self) -> None:
        """As the memory's own."""
        await self._memory.warm()

    async def size(self) -> int:
        """As the memory's own."""
        return await self._memory.size()

    async def remember(self, notes: Sequence[Note]) -> None:
        """Now or later."""
        await self._put(_Kept(deed=self._memory.remember, rows=notes))

    async def retract(self, notes: Sequence[Note]) -> None:
        """Now or later."""
        await self._put(_Kept(deed=self._memory.retract, rows=notes))

    async def learn(self, lesson: Lesson) -> None:
        """Now or later."""
        await self._put(_Kept(deed=self._learn, rows=[lesson]))

    async def unlearn(self, rows: Sequence[int]) -> None:
        """Now or later."""
        await self._put(_Kept(deed=self._memory.unlearn, rows=rows))

    async def vote(self, votes: Sequence[Vote]) -> None:
        """Now or later."""
        await self._put(_Kept(deed=self._memory.vote, rows=votes))

    async def recall(self, handles: Sequence[int], query: str, *, limit: int) -> Sequence[Hit]:
        """As the memory's own."""
        return await self._memory.recall(handles, query, limit=limit)

    async def suggest(self, issue: str, category: Category | None, *, limit: int) -> Sequence[PatternHit]:
        """As the memory's own."""
        return await self._memory.suggest(issue, category, limit=limit)

    async def erase(self, handles: Sequence[int]) -> None:
        """As the memory's own; what waits of these handles is let go."""
        gone = set(handles)
        async with self._one_at_a_time:
            self._waiting = deque(kept.without(gone) for kept in self._waiting)
            await self._memory.erase(handles)

    async def clear(self) -> None:
        """As the memory's own; nothing waits any more."""
        self._waiting.clear()
        await self._memory.clear()

    async def close(self) -> None:
        """Lets go of the memory. What waits is in the ledger."""
        if self._retrying:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
        with suppress(Exception):  # what does not get there now is said below
            async with asyncio.timeout(_AT_THE_END):
                await self._drain()
        if self._waiting:
            log.warning("memory: %d rows were not told to it; %s", self.waiting, _REBUILD)
        await self._memory.close()

    async def _learn(self, lessons: Sequence[Lesson]) -> None:
        for lesson in lessons:
            await self._memory.learn(lesson)

    async def _put(self, kept: _Kept[Any]) -> None:
        if self._waiting or self._one_at_a_time.locked():
            self._waiting.append(kept)
        elif await self._told(kept):
            return
        self._let_go_of_the_oldest()
        if self._waiting and (self._retrying is None or self._retrying.done()):
            self._retrying = asyncio.create_task(self._retry())

    async def _told(self, kept: _Kept[Any]) -> bool:
        """Tells it now, or puts it before whatever has begun to wait meanwhile."""
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(_AT_ONCE):
                    await kept.deliver()
            except (Away, TimeoutError) as error:
                self._waiting.appendleft(kept)
                self._says(error)
                return False
        return True

    async def _retry(self) -> None:
        """Tries until nothing waits: after as long as the server asks for, or ever more seldom."""
        for attempt in count(1):
            try:
                await self._drain()
            except Exception as error:  # noqa: BLE001 - whatever keeps it from learning, it is tried again
                asked = error.after if isinstance(error, Away) else None
                pause = a_little_longer(asked) if asked else jittered(growing(attempt, _LAST, self._first))
                await asyncio.sleep(pause.total_seconds())
            else:
                break
        self._tell(MEMORY, "")

    async def _drain(self) -> None:
        while self._waiting:
            async with self._one_at_a_time:
                if self._waiting:
                    await self._deliver_first()
                    self._waiting.popleft()

    async def _deliver_first(self) -> None:
        first = self._waiting[0]
        gone = await self._erased(first.handles) if first.handles else ()
        try:
            await first.without(gone).deliver()
        except Away as error:
            self._says(error)
            raise
        except Exception as error:  # noqa: BLE001 - it never will be told: the rest must not wait for it
            why = str(error) if isinstance(error, Problem) else type(error).__name__
            self._tell(MEMORY, f"{len(first.rows)} rows were given up: {why}")

    def _says(self, error: Exception) -> None:
        why = str(error) if isinstance(error, Problem) else f"memory: no answer within {_AT_ONCE:g} s"
        self._tell(MEMORY, f"{self.waiting} rows wait: {why}")

    def _let_go_of_the_oldest(self) -> None:
        dropped = 0
        while self.waiting > self._most:
            dropped += len(self._waiting.popleft().rows)
        if dropped:
            self._tell(MEMORY, f"{dropped} rows are in the ledger only: {_REBUILD}")
