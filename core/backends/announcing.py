"""Announcements: what one process tells all others at once, by PostgreSQL's NOTIFY. Nothing of it is kept; one that is
lost is made up for when its reader looks at the ledger again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg

log = logging.getLogger(__name__)

_NAME = "throughline"
_PAUSE = 2.0  # seconds
_LONGEST = 8_000  # bytes that a notice may have

Hear = Callable[[str, str], Awaitable[None]]


class Announcements:
    """`url` is the ledger's. What is told has a name, e.g. that of a channel, and says what it is about."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._told_over: psycopg.AsyncConnection | None = None
        self._telling = asyncio.Lock()

    async def tell(self, name: str, what: str) -> None:
        """Tells every other process. Never raises: nobody's work hangs on it."""
        told = f"{name}:{what}"
        if len(told.encode()) >= _LONGEST:
            return
        async with self._telling:
            try:
                connection = self._told_over or await self._connected()
                self._told_over = connection
                await connection.execute("SELECT pg_notify(%s, %s)", [_NAME, told])
            except psycopg.Error as error:
                self._told_over = None
                log.warning("other processes were not told at once: %s", type(error).__name__)

    async def hear(self, heard: Hear, missed: Callable[[], Awaitable[None]]) -> None:
        """Hears what is told, until cancelled. `missed` is called where something may have been told meanwhile."""
        while True:
            try:
                await self._hear(heard, missed)
            except Exception as error:  # noqa: BLE001 - whatever it is, what was missed is made up for
                log.warning("other processes are not heard for a moment: %s", type(error).__name__)
            await asyncio.sleep(_PAUSE)

    async def _hear(self, heard: Hear, missed: Callable[[], Awaitable[None]]) -> None:
        async with await self._connected() as connection:
            await connection.execute(f"LISTEN {_NAME}")
            await missed()
            async for notice in connection.notifies():
                if notice.pid != self._own:
                    name, _, what = notice.payload.partition(":")
                    await heard(name, what)

    @property
    def _own(self) -> int:
        """The number by which the database knows what we tell over."""
        return self._told_over.info.backend_pid if self._told_over else 0

    async def close(self) -> None:
        """Disconnects."""
        if self._told_over:
            await self._told_over.close()

    async def _connected(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(self._url, autocommit=True)
