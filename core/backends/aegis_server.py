"""Memory by an Aegis server: the same port as on one machine's file, for several machines.

The server keeps the rows; which of them bear on a question is decided here, by the same embedder and the same fusion
as in local mode, so that recall does not depend on where it is kept, and no question of a customer ever gets there.
What its endpoints cannot do (erase, take a vote back) is done in its database, where we are told its address.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from typing import TypeVar

from core.backends.aegis import require_version
from core.backends.aegis_calls import OURS, Away, Calls, Entry, Held, Operation, adding, dropping
from core.backends.aegis_client import (
    LIVE_ROWS,
    Provider,
    by_handle,
    lesson_content,
    lesson_metadata,
    line,
    meaning,
    name_of,
    note_content,
    note_metadata,
)
from core.backends.aegis_database import AegisDatabase
from core.backends.embedding import Embedder, Vectors, WordLlamaEmbedder
from core.backends.nearness import Kept, Playbook, recalled
from core.errors import Problem
from core.memory import CannotErase, Hit, Lesson, Note, PatternHit, Vote
from core.writing import Category

_AGENT = "support"
_QUERY_LENGTH = 2_000  # characters
_TEXT_LENGTH = 4_000  # characters of a note; an embedder refuses what is much longer
_SHELVES = 8  # into which the playbook is parted by row: the server gives no more than 100 patterns of one at once
_FRESH = 60.0  # seconds in which the playbook is not asked for again

T = TypeVar("T")


class AegisServerMemory:
    """Implements core.memory.Memory. Cheap to make; nothing is connected to before first use.

    Every call raises Away when the server cannot do it now, and Problem for what it will never take.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        database_url: str = "",
        embedder: Callable[[], Embedder] = WordLlamaEmbedder,
        calls: Calls | None = None,
    ) -> None:
        require_version(version("aegis-memory"))
        self._calls = calls or Calls(base_url, api_key)
        self._database = AegisDatabase(database_url) if database_url else None
        self._make_embedder = embedder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="memory")
        self._cleared: Counter[str] | None = None  # rows of each namespace since all of them were dropped
        self._playbook = _Shared(self._fetched)

    async def warm(self) -> None:
        """Loads the embedder and the client, so that nobody has to wait for them; asks for the playbook."""
        await self._think(self._calls.load)
        await self._think(lambda: self._provider)
        self._playbook.begin()

    # ── notes ──
    async def remember(self, notes: Sequence[Note]) -> None:
        """Adds or replaces the notes of these rows; the newest LIVE_ROWS of each handle stay."""
        changes: list[Operation] = []
        told = {_namespace(name): rows for name, rows in by_handle(notes).items()}
        for namespace, rows in told.items():
            changes += _changes(namespace, rows, await self._held(namespace, rows))
        await self._apply(changes, told)

    async def retract(self, notes: Sequence[Note]) -> None:
        """Takes back rows that were superseded; they leave the server only where we know its database."""
        changes: list[Operation] = []
        told = {_namespace(name): rows for name, rows in by_handle(notes).items()}
        for namespace, rows in told.items():
            gone = {(note.kind, note.row) for note in rows}
            held = await self._calls.notes(namespace)
            changes += [dropping(one.id, agent=namespace) for one in held if (one.kind, one.row) in gone]
        await self._apply(changes, told)

    async def recall(self, handles: Sequence[int], query: str, *, limit: int) -> Sequence[Hit]:
        """The rows of these handles, and of no other, that bear most on `query`; best first."""
        namespaces = {_namespace(name_of(handle)): handle for handle in handles}
        asked = line(query)[:_QUERY_LENGTH]
        if not namespaces or not asked or limit < 1:
            return []
        found = await asyncio.gather(*map(self._calls.notes, namespaces))
        of_handle = zip(namespaces.values(), found, strict=True)
        rows = [(handle, one) for handle, held in of_handle for one in _newest(held).values()]
        return await self._think(lambda: self._ranked(asked, rows, limit))

    # ── patterns ──
    async def learn(self, lesson: Lesson) -> None:
        """Puts a pattern into the playbook, or replaces it; its votes go along where we know the server's database."""
        shelf, content = _shelf(lesson.row), lesson_content(lesson)
        held = [entry for entry in await self._calls.entries(shelf, _AGENT) if entry.row == lesson.row]
        if [entry.content for entry in held] == [content]:
            return
        metadata = lesson_metadata(lesson)
        new = adding(content, metadata, namespace=shelf, scope="global", kind="reflection", agent=_AGENT)
        self._playbook.drop()
        await self._calls.apply([new])
        await self._move_votes(shelf, lesson.row, held)
        await self._apply([dropping(entry.id, agent=_AGENT) for entry in held], [shelf])

    async def unlearn(self, rows: Sequence[int]) -> None:
        """Takes these patterns out of the playbook, with all votes on them."""
        shelves = {_shelf(row) for row in rows}
        found = [entry for shelf in shelves for entry in await self._calls.entries(shelf, _AGENT)]
        self._playbook.drop()
        await self._apply([dropping(entry.id, agent=_AGENT) for entry in found if entry.row in rows], shelves)

    async def vote(self, votes: Sequence[Vote]) -> None:
        """Counts the newest vote of a case on a pattern, and none on a pattern that is not in the playbook.

        Where we do not know the server's database, a case that changes its mind is counted twice until a rebuild.
        """
        for vote in votes:
            name_of(vote.handle)
        shelves = {_shelf(vote.row) for vote in votes}
        found = {entry.row: entry for shelf in shelves for entry in await self._calls.entries(shelf, _AGENT)}
        self._playbook.drop()
        for vote in votes:
            if entry := found.get(vote.row):
                if self._database:
                    await self._database.withdraw(entry.id, vote.voter)
                await self._calls.vote(entry.id, helpful=vote.helpful, voter=vote.voter)

    async def suggest(self, issue: str, category: Category | None, *, limit: int) -> Sequence[PatternHit]:
        """Patterns of this category by how near their issue is and how well they worked, new ones included."""
        asked = line(issue)[:_QUERY_LENGTH]
        if not asked or limit < 1:
            return []
        playbook = await self._playbook.get()
        return await self._think(lambda: playbook.suggested(asked, self._provider.embed_single(asked), category, limit))

    # ── the whole ──
    async def erase(self, handles: Sequence[int]) -> None:
        """Returns when nothing of these handles is left in the server's database. Raises CannotErase without it."""
        names = [name_of(handle) for handle in handles]
        if self._database is None:
            raise CannotErase(
                f"memory: nothing was erased: the Aegis server at {self._calls.where} cannot erase;"
                " set AEGIS_DATABASE_URL to its PostgreSQL database"
            )
        self._playbook.drop()
        if names:
            await self._database.erase([_namespace(name) for name in names], names)
            return
        try:
            await self._database.check()
        except Away as error:
            raise CannotErase(f"{error}; nothing was erased") from None

    async def size(self) -> int:
        """How many rows of ours it holds, patterns included. Raises Problem where we do not know its database."""
        if self._database is None:
            raise Problem("memory: only the Aegis server's database can be counted; set AEGIS_DATABASE_URL")
        return await self._database.size()

    async def clear(self) -> None:
        """Drops everything of ours, before a rebuild from the ledger."""
        self._playbook.drop()
        if self._database:
            await self._database.clear()
        else:
            await self._calls.apply([dropping(row, agent=_AGENT) for row in await self._calls.everything()])
        self._cleared = Counter()

    async def close(self) -> None:
        """Lets go of the connections."""
        await self._playbook.close()
        await self._calls.close()

    # ── how ──
    async def _held(self, namespace: str, notes: Sequence[Note]) -> list[Held]:
        """What the server has of a handle. A rebuild, which dropped all, need not ask while there is room."""
        if self._cleared is not None:
            self._cleared[namespace] += len(notes)
            if self._cleared[namespace] <= LIVE_ROWS:
                return []
        return await self._calls.notes(namespace)

    async def _apply(self, changes: Sequence[Operation], namespaces: Collection[str]) -> None:
        if not changes:
            return
        try:
            await self._calls.apply(changes)
        finally:
            if self._database and any(one["type"] == "deprecate" for one in changes):
                await self._database.sweep(namespaces)

    async def _move_votes(self, shelf: str, row: int, replaced: Sequence[Entry]) -> None:
        if not self._database or not replaced:
            return
        known = {entry.id for entry in replaced}
        now = [
            entry for entry in await self._calls.entries(shelf, _AGENT) if entry.row == row and entry.id not in known
        ]
        if now:
            await self._database.move_votes(list(known), now[-1].id)

    async def _fetched(self) -> Playbook:
        shelves = await asyncio.gather(*(self._calls.entries(_shelf(n), _AGENT) for n in range(_SHELVES)))
        newest = {entry.row: entry for shelf in shelves for entry in shelf}
        return await self._think(lambda: self._made(list(newest.values())))

    def _made(self, entries: Sequence[Entry]) -> Playbook:
        metadata = [json.dumps({"row": entry.row, "category": entry.category}) for entry in entries]
        kept = self._kept([entry.content for entry in entries], metadata)
        return Playbook(kept=kept, effectiveness=[entry.effectiveness for entry in entries])

    def _ranked(self, asked: str, rows: Sequence[tuple[int, Held]], limit: int) -> list[Hit]:
        metadata = [json.dumps({"kind": one.kind, "row": one.row}) for _, one in rows]
        kept = self._kept([one.content for _, one in rows], metadata)
        return recalled(asked, self._provider.embed_single(asked), kept, [handle for handle, _ in rows], limit)

    def _kept(self, contents: Sequence[str], metadata: Sequence[str]) -> Kept:
        vectors: Vectors = self._provider.embed(list(contents))
        return Kept(
            vectors=[vector.tobytes() for vector in vectors],
            texts=[meaning(content) for content in contents],
            metadata=metadata,
        )

    async def _think(self, work: Callable[[], T]) -> T:
        """Work that would hold up the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    @cached_property
    def _provider(self) -> Provider:
        return Provider(self._make_embedder())


def _namespace(name: str) -> str:
    return f"{OURS}{name}"


def _shelf(row: int) -> str:
    return f"{OURS}playbook:{row % _SHELVES}"


def _newest(held: Sequence[Held]) -> dict[tuple[str, int], Held]:
    """Each row once: two processes may have told it at the same time."""
    return {(one.kind, one.row): one for one in sorted(held, key=lambda one: one.told)}


def _changes(namespace: str, notes: Sequence[Note], held: Sequence[Held]) -> list[Operation]:
    """What has to be added, and then dropped, so that these notes are there, and no more rows than may be."""
    told = {(note.kind, note.row): replace(note, text=note.text[:_TEXT_LENGTH]) for note in notes}
    newest = _newest(held)
    stay = {key: one for key, one in newest.items() if key not in told or one.content == note_content(told[key])}
    new = {key: note for key, note in told.items() if key not in stay}
    ages = {key: one.told[0] for key, one in stay.items()} | {
        key: note.told_at.timestamp() for key, note in new.items()
    }
    live = set(sorted(ages, key=ages.__getitem__, reverse=True)[:LIVE_ROWS])
    kept = {one.id for key, one in stay.items() if key in live}
    return [
        *(_adding(namespace, note) for key, note in new.items() if key in live),
        *(dropping(one.id, agent=namespace) for one in held if one.id not in kept),
    ]


def _adding(namespace: str, note: Note) -> Operation:
    content, metadata = note_content(note), note_metadata(note)
    return adding(content, metadata, namespace=namespace, scope="agent-private", kind="standard", agent=namespace)


class _Shared:
    """The playbook as this process knows it: fetched anew after a minute, and used as it was until that is done."""

    def __init__(self, fetch: Callable[[], Coroutine[None, None, Playbook]]) -> None:
        self._fetch = fetch
        self._known: Playbook | None = None
        self._asked_at = 0.0
        self._fetching: set[asyncio.Task[Playbook]] = set()
        self._newest: asyncio.Task[Playbook] | None = None

    async def get(self) -> Playbook:
        """Whoever stops waiting for it does not stop it from being fetched."""
        if self._known is None:
            return await asyncio.shield(self.begin())
        if asyncio.get_running_loop().time() - self._asked_at > _FRESH:
            self.begin()
        return self._known

    def begin(self) -> asyncio.Task[Playbook]:
        """Fetches it, unless that has begun."""
        if self._newest is None:
            self._asked_at = asyncio.get_running_loop().time()
            self._newest = asyncio.create_task(self._fetch())
            self._fetching.add(self._newest)
            self._newest.add_done_callback(self._done)
        return self._newest

    def drop(self) -> None:
        """It has just been changed."""
        self._known = self._newest = None

    async def close(self) -> None:
        """Fetches nothing any more."""
        fetching = list(self._fetching)
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)

    def _done(self, task: asyncio.Task[Playbook]) -> None:
        self._fetching.discard(task)
        failed = task.cancelled() or task.exception() is not None
        if task is self._newest:
            self._newest = None
            self._known = self._known if failed else task.result()
