"""The PostgreSQL database of an Aegis server, for what its endpoints cannot do: erase, and take a vote back."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from core.backends.aegis_calls import OURS, Away

_PATIENCE = 5  # seconds for a connection
_NEEDED = ("memories", "memory_events", "vote_history", "embedding_cache")

# Whatever a version of the server keeps beside its memories, it keeps by namespace or by the memory's id.
_TABLES_WITH = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %s AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace AND c.relname <> 'memories'
ORDER BY c.relname
"""
_RECOUNT = """
UPDATE memories SET
bullet_helpful = (SELECT count(*) FROM vote_history WHERE memory_id = memories.id AND vote = 'helpful'),
bullet_harmful = (SELECT count(*) FROM vote_history WHERE memory_id = memories.id AND vote = 'harmful')
WHERE id = ANY(%s)
"""
_BY_VOTER = "voter_agent_id LIKE ANY(%s) AND memory_id IN (SELECT id FROM memories WHERE starts_with(namespace, %s))"
_VOTING = "DELETE FROM memory_events WHERE agent_id LIKE ANY(%s) AND starts_with(namespace, %s)"

Connection = psycopg.AsyncConnection[str]


class AegisDatabase:
    """Connects for each piece of work. Raises Away when it cannot be done."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+asyncpg://", "postgresql://", 1)

    async def check(self) -> None:
        """Raises Away unless everything of a customer could be erased."""
        async with self._open() as db:
            for table in _NEEDED:
                query = await db.execute("SELECT has_table_privilege(to_regclass(%s), 'DELETE')::text", (table,))
                if await query.fetchone() != "true":
                    raise Away(f"memory: AEGIS_DATABASE_URL: {table} is not there, or its rows may not be deleted")

    async def erase(self, namespaces: Sequence[str], voters: Sequence[str]) -> None:
        """Leaves nothing of these namespaces, and no vote of these voters, in any table. `voters` begin like this."""
        async with self._open() as db:
            theirs = [f"{voter} %" for voter in voters], OURS
            await self._withdraw(db, _BY_VOTER, theirs)
            await db.execute(_VOTING, theirs)
            await _delete(db, "namespace = ANY(%s)", (list(namespaces),))
            await _delete_beside(db, "DELETE FROM {} WHERE namespace = ANY(%s)", list(namespaces))
        await self._scour()

    async def clear(self) -> None:
        """Leaves nothing of ours."""
        async with self._open() as db:
            await _delete(db, "starts_with(namespace, %s)", (OURS,))
            await _delete_beside(db, "DELETE FROM {} WHERE starts_with(namespace, %s)", OURS)
        await self._scour()

    async def sweep(self, namespaces: Collection[str]) -> None:
        """Deletes the dead rows of these namespaces; the server would keep them for good."""
        async with self._open() as db:
            await _delete(db, "is_deprecated AND namespace = ANY(%s)", (list(namespaces),))

    async def withdraw(self, memory_id: str, voter: str) -> None:
        """Takes a vote back."""
        async with self._open() as db:
            await self._withdraw(db, "memory_id = %s AND voter_agent_id = %s", (memory_id, voter))

    async def move_votes(self, sources: Sequence[str], target: str) -> None:
        """The votes on these rows are votes on another."""
        async with self._open() as db:
            await db.execute("UPDATE vote_history SET memory_id = %s WHERE memory_id = ANY(%s)", (target, sources))
            await db.execute(_RECOUNT, ([target],))

    async def size(self) -> int:
        """How many live rows of ours there are."""
        async with self._open() as db:
            live = "NOT is_deprecated AND starts_with(namespace, %s)"
            query = await db.execute(f"SELECT count(*)::text FROM memories WHERE {live}", (OURS,))  # noqa: S608 - ours
            return int(await query.fetchone() or 0)

    async def _withdraw(self, db: Connection, which: str, values: tuple[object, ...]) -> None:
        gone = await db.execute(f"DELETE FROM vote_history WHERE {which} RETURNING memory_id", values)  # noqa: S608 - ours
        await db.execute(_RECOUNT, (await gone.fetchall(),))

    async def _scour(self) -> None:
        """Deleted rows leave the tables' files when nobody can see them any more."""
        async with self._open() as db:
            await db.set_autocommit(True)
            await db.execute("VACUUM memories, memory_events, vote_history, embedding_cache")

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Connection]:
        try:
            async with await psycopg.AsyncConnection.connect(
                self._url, connect_timeout=_PATIENCE, row_factory=scalar_row
            ) as db:
                yield db
        except psycopg.Error as error:
            said = (str(error).strip().splitlines() or [""])[0] if isinstance(error, psycopg.OperationalError) else ""
            why = said[:200] or type(error).__name__
            raise Away(f"memory: AEGIS_DATABASE_URL: the database of the Aegis server fails ({why})") from None


async def _delete(db: Connection, which: str, values: tuple[object, ...]) -> None:
    """Deletes memories with everything that hangs on them: events, votes, shares, and vectors kept by their hash."""
    found = await db.execute(f"SELECT id FROM memories WHERE {which}", values)  # noqa: S608 - ours
    ids = await found.fetchall()
    if not ids:
        return
    for table in await _tables_with(db, "memory_id"):
        await db.execute(sql.SQL("DELETE FROM {} WHERE memory_id = ANY(%s)").format(sql.Identifier(table)), (ids,))
    hashes = await db.execute("DELETE FROM memories WHERE id = ANY(%s) RETURNING content_hash", (ids,))
    await db.execute("DELETE FROM embedding_cache WHERE content_hash = ANY(%s)", (await hashes.fetchall(),))


async def _delete_beside(db: Connection, deletion: LiteralString, value: object) -> None:
    """Deletes from every other table that has a namespace."""
    for table in await _tables_with(db, "namespace"):
        await db.execute(sql.SQL(deletion).format(sql.Identifier(table)), (value,))


async def _tables_with(db: Connection, column: str) -> list[str]:
    return await (await db.execute(_TABLES_WITH, (column,))).fetchall()
