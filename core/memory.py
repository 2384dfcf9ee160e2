"""The memory port: what recalls. A projection of the ledger: dropped and rebuilt at will, never the record itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from core.errors import Problem
from core.writing import Category


class CannotErase(Problem):
    """Memory is set up in a way in which nothing can be erased from it. Nothing was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """One row to be remembered: a fact or a case's summary, on the handle that it came through.

    `kind` and `row` lead back to the ledger's row; `told_at` also makes equal sentences of two days two memories.
    """

    handle: int
    kind: Literal["fact", "case"]
    row: int
    text: str
    told_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A row that bears on a query. Only a pointer: the ledger says whether it still holds and may be recalled."""

    handle: int
    kind: Literal["fact", "case"]
    row: int
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """A resolution that worked, redacted, to be offered for similar issues. `row` is the ledger's pattern row."""

    row: int
    category: Category
    issue: str
    resolution: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """What a case says of a pattern: it helped, or it did not. A later vote of the case takes this one's place."""

    row: int
    case: int
    handle: int  # that the case hangs on
    helpful: bool

    @property
    def voter(self) -> str:
        """Who votes, by a name that leads to the handle: erasing it takes the vote back."""
        return f"handle:{self.handle} case:{self.case}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PatternHit:
    """A pattern that bears on an issue; effectiveness from its votes, -1 to 1."""

    row: int
    score: float
    effectiveness: float


class Memory(Protocol):
    """Facts and case summaries per handle, and the shared playbook of patterns.

    Every call may be slow or fail: callers bound it and go on without. Rows of one handle can never be returned for
    another's.
    """

    async def remember(self, notes: Sequence[Note]) -> None:
        """Adds or replaces the notes of these rows."""
        ...

    async def retract(self, notes: Sequence[Note]) -> None:
        """Takes back rows that were superseded."""
        ...

    async def recall(self, handles: Sequence[int], query: str, *, limit: int) -> Sequence[Hit]:
        """The rows of these handles, and of no other, that bear most on `query`; best first."""
        ...

    async def learn(self, lesson: Lesson) -> None:
        """Puts a pattern into the playbook, or replaces it."""
        ...

    async def unlearn(self, rows: Sequence[int]) -> None:
        """Takes these patterns out of the playbook, with all votes on them. None that is not in it is missed."""
        ...

    async def vote(self, votes: Sequence[Vote]) -> None:
        """One vote per case and pattern: the newest."""
        ...

    async def suggest(self, issue: str, category: Category | None, *, limit: int) -> Sequence[PatternHit]:
        """Patterns for an issue, ranked by similarity and effectiveness; None for those of every category."""
        ...

    async def erase(self, handles: Sequence[int]) -> None:
        """Returns when nothing of these handles is left in any file or cache of the memory, their votes included.

        Raises CannotErase where that is never possible as things are set up; asked for no handle it does nothing else.
        """
        ...

    async def clear(self) -> None:
        """Drops everything, before a rebuild from the ledger."""
        ...

    async def close(self) -> None:
        """Lets go of files and connections."""
        ...
