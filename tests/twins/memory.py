"""Memory without a file or a model: rows are near a query when they share its words."""

import asyncio
import re
from collections.abc import Iterable, Sequence

from core.errors import Problem
from core.memory import Hit, Lesson, Note, PatternHit, Vote
from core.writing import Category


class MemoryTwin:
    """Stands for the memory in tests of the engine. `down` makes every call fail, a cleared `awake` makes it wait, and
    `asked` is set by any call."""

    def __init__(self) -> None:
        self.down = False
        self.asked = asyncio.Event()
        self.awake = asyncio.Event()
        self.awake.set()
        self._notes: dict[tuple[int, str, int], Note] = {}
        self._lessons: dict[int, Lesson] = {}
        self._votes: dict[int, dict[int, Vote]] = {}  # of a pattern, by case

    async def remember(self, notes: Sequence[Note]) -> None:
        await self._reached(note.handle for note in notes)
        self._notes |= {(note.handle, note.kind, note.row): note for note in notes}

    async def retract(self, notes: Sequence[Note]) -> None:
        await self._reached(note.handle for note in notes)
        for note in notes:
            self._notes.pop((note.handle, note.kind, note.row), None)

    async def recall(self, handles: Sequence[int], query: str, *, limit: int) -> Sequence[Hit]:
        await self._reached(handles)
        if not query.strip():
            return []
        hits = [
            Hit(handle=note.handle, kind=note.kind, row=note.row, score=_shared(query, note.text))
            for note in self._notes.values()
            if note.handle in handles
        ]
        return sorted(hits, key=lambda hit: hit.score, reverse=True)[:limit]

    async def learn(self, lesson: Lesson) -> None:
        await self._reached()
        self._lessons[lesson.row] = lesson

    async def unlearn(self, rows: Sequence[int]) -> None:
        await self._reached()
        for row in rows:
            self._lessons.pop(row, None)
            self._votes.pop(row, None)

    async def vote(self, votes: Sequence[Vote]) -> None:
        await self._reached(vote.handle for vote in votes)
        for vote in votes:
            if vote.row in self._lessons:
                self._votes.setdefault(vote.row, {})[vote.case] = vote

    async def suggest(self, issue: str, category: Category | None, *, limit: int) -> Sequence[PatternHit]:
        await self._reached()
        hits = [self._hit(one, issue) for one in self._lessons.values() if category in (None, one.category)]
        return sorted((hit for hit in hits if hit.score > 0), key=lambda hit: hit.score, reverse=True)[:limit]

    async def erase(self, handles: Sequence[int]) -> None:
        if not handles:
            return
        await self._reached(handles)
        self._notes = {key: note for key, note in self._notes.items() if note.handle not in handles}
        for row, votes in self._votes.items():
            self._votes[row] = {case: vote for case, vote in votes.items() if vote.handle not in handles}

    async def size(self) -> int:
        await self._reached()
        return len(self._notes) + len(self._lessons)

    async def clear(self) -> None:
        await self._reached()
        self._notes.clear()
        self._lessons.clear()
        self._votes.clear()

    async def close(self) -> None:
        await self._reached()

    async def _reached(self, handles: Iterable[int] = ()) -> None:
        self.asked.set()
        await self.awake.wait()
        if self.down:
            raise Problem("memory: down, as the test asked")
        for handle in handles:
            if handle < 1:
                raise ValueError(f"memory: {handle} is no handle")

    def _hit(self, lesson: Lesson, issue: str) -> PatternHit:
        votes = [vote.helpful for vote in self._votes.get(lesson.row, {}).values()]
        effectiveness = (2 * sum(votes) - len(votes)) / (len(votes) + 1)
        score = _shared(issue, lesson.issue) * (1 + effectiveness / 2)
        return PatternHit(row=lesson.row, score=score, effectiveness=effectiveness)


def _shared(query: str, text: str) -> float:
    wanted, given = (set(re.findall(r"\w+", words.casefold())) for words in (query, text))
    return len(wanted & given) / max(len(wanted), 1)
