"""Memory by Aegis, in local mode: one SQLite file beside the ledger. What is done in the file stands in
aegis_store.py.

Aegis keeps owners apart by namespace alone, so every handle has its own. All work is done on one thread of ours, since
its connection blocks and must not be shared. The file can be dropped at any time and filled again from the ledger.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from core.backends.aegis_client import LIVE_ROWS, VERSION, by_handle, line, name_of, offline_embedder
from core.errors import Problem
from core.memory import Hit, Lesson, Note, PatternHit, Vote
from core.writing import Category

__all__ = ["LIVE_ROWS", "VERSION", "AegisMemory", "require_version"]

_QUERY_LENGTH = 2_000  # characters
_ATTEMPTS = 5

if TYPE_CHECKING:
    from core.backends.aegis_store import Store
    from core.backends.embedding import Embedder

R = TypeVar("R")


def require_version(installed: str) -> None:
    """Raises Problem when the installed Aegis is not the one that this module was written against."""
    if installed != VERSION:
        raise Problem(f"memory: aegis-memory {installed} is installed, {VERSION} is needed; run `make venv`")


class AegisMemory:
    """Implements core.memory.Memory. Cheap to make: the file and the embedder are opened at first use, or by `warm`.

    Raises Problem when the file holds another embedder's vectors, sqlite3.Error when it stays locked or cannot be
    written, ValueError for a handle or voter that is none.
    """

    def __init__(self, path: Path, embedder: "Callable[[], Embedder]" = offline_embedder) -> None:
        require_version(version("aegis-memory"))
        self._path = path
        self._make_embedder = embedder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="memory")
        self._changing = asyncio.Lock()

    async def warm(self) -> None:
        """Opens the file and loads the embedder, so that the first customer need not wait for them."""
        await self._run(lambda store: store.require_same_embedder())

    async def remember(self, notes: Sequence[Note]) -> None:
        """Adds or replaces the notes of these rows; the newest LIVE_ROWS of each handle stay."""
        for namespace, rows in by_handle(notes).items():
            await self._remember(namespace, rows)

    async def retract(self, notes: Sequence[Note]) -> None:
        """Takes back rows that were superseded."""
        for namespace, rows in by_handle(notes).items():
            await self._retract(namespace, rows)

    async def recall(self, handles: Sequence[int], query: str, *, limit: int) -> Sequence[Hit]:
        """The rows of these handles, and of no other, that bear most on `query`; best first."""
        namespaces = {name_of(handle): handle for handle in handles}
        asked = line(query)[:_QUERY_LENGTH]
        if not namespaces or not asked or limit < 1:
            return []
        return await self._run(lambda store: store.recall(namespaces, asked, limit))

    async def learn(self, lesson: Lesson) -> None:
        """Puts a pattern into the playbook, or replaces it; its votes stay."""
        await self._change(lambda store: store.learn(lesson))

    async def unlearn(self, rows: Sequence[int]) -> None:
        """Takes these patterns out of the playbook, with all votes on them."""
        if rows:
            await self._change(lambda store: store.unlearn(rows))

    async def vote(self, votes: Sequence[Vote]) -> None:
        """Counts the newest vote of a case on a pattern, and none on a pattern that is not in the playbook."""
        for vote in votes:
            name_of(vote.handle)
        if votes:
            await self._change(lambda store: store.vote(votes))

    async def suggest(self, issue: str, category: Category | None, *, limit: int) -> Sequence[PatternHit]:
        """Patterns of this category by how near their issue is and how well they worked, new ones included."""
        asked = line(issue)[:_QUERY_LENGTH]
        if not asked or limit < 1:
            return []
        return await self._run(lambda store: store.suggest(asked, category, limit))

    async def erase(self, handles: Sequence[int]) -> None:
        """Returns when nothing of these handles is left in the file and its log. Raises Problem if that fails."""
        if not handles:
            return
        try:
            await self._change(lambda store: store.erase([name_of(handle) for handle in handles]))
        except sqlite3.OperationalError as error:
            raise Problem(f"memory: {self._path} could not be cleaned ({error}); erase again") from error

    async def size(self) -> int:
        """How many rows it holds, patterns included."""
        return await self._run(lambda store: store.size())

    async def clear(self) -> None:
        """Empties the file, before a rebuild from the ledger."""
        await self._change(lambda store: store.clear())

    async def close(self) -> None:
        """Lets go of the file; work that was begun is finished first. It opens again when used again."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)

    async def _remember(self, namespace: str, rows: Sequence[Note]) -> None:
        await self._change(lambda store: store.remember(namespace, rows))

    async def _retract(self, namespace: str, rows: Sequence[Note]) -> None:
        await self._change(lambda store: store.retract(namespace, rows))

    async def _change(self, work: "Callable[[Store], None]") -> None:
        """In order, and one at a time: who asks waits for one change, not for all that is yet to be remembered."""
        async with self._changing:
            await self._run(work)

    async def _run(self, work: "Callable[[Store], R]") -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._attempt, work)

    def _attempt(self, work: "Callable[[Store], R]") -> R:
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._all_or_nothing(work)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
        return self._all_or_nothing(work)

    def _all_or_nothing(self, work: "Callable[[Store], R]") -> R:
        store = self._store
        try:
            return work(store)
        except BaseException:
            store.db.rollback()  # Aegis leaves its transaction open after an error, and with it the file locked
            raise

    @cached_property
    def _embedder(self) -> "Embedder":
        return self._make_embedder()

    @cached_property
    def _store(self) -> "Store":
        from core.backends.aegis_store import Store  # noqa: PLC0415 - loads numpy, only where memory is used

        return Store(self._path, self._embedder)

    def _close(self) -> None:
        if "_store" in vars(self):
            vars(self).pop("_store").client.close()
