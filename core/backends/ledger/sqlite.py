"""One SQLite file: a writer thread and a reader thread, one hop per transaction.

The driver is used synchronously in threads of our own; an async wrapper around it costs two to three times as much.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from core.backends.ledger import folding
from core.errors import Misconfigured

T = TypeVar("T")

_BUSY_SECONDS = 10


class SqliteDatabase:
    """A SQLite database. `write` and `read` run one transaction each and return what it returned.

    A durable write has reached the disk when it returns; another one may be lost with the power, but never half.
    """

    def __init__(self, path: Path) -> None:
        self._writer = _Thread(path, "ledger-writer", "IMMEDIATE")
        self._reader = _Thread(path, "ledger-reader", "DEFERRED")

    async def write(self, transaction: Callable[[Connection], T], *, durable: bool = False) -> T:
        """Runs `transaction` alone among all writers; commits, or rolls back when it raises."""
        return await self._writer.run(transaction, durable=durable)

    async def read(self, transaction: Callable[[Connection], T]) -> T:
        """Runs `transaction` on a snapshot, beside a writer."""
        return await self._reader.run(transaction)

    async def scour(self) -> bool:
        """Leaves nothing of erased rows in the file and its log; False while another connection reads there.

        `secure_delete` alone does not: a page that was split may keep a copy of the rows that moved.
        """
        return await self._writer.scour()

    async def close(self) -> None:
        """Lets the file go."""
        await self._reader.close()
        await self._writer.close()


class _Thread:
    """A thread with one connection of its own."""

    def __init__(self, path: Path, name: str, begin: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._path = path
        self._engine = _engine(path, begin)
        self._connection: Connection | None = None

    async def run(self, transaction: Callable[[Connection], T], *, durable: bool = False) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, transaction, durable)

    def _run(self, transaction: Callable[[Connection], T], durable: bool) -> T:
        connection = self._connection = self._connection or self._connect()
        _driver(connection).execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        with connection.begin():
            return transaction(connection)

    async def scour(self) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._scour)

    def _scour(self) -> bool:
        self._connection = self._connection or self._connect()
        driver = _driver(self._connection)
        try:
            driver.execute("VACUUM")
            busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            return False
        return not busy

    def _connect(self) -> Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._engine.connect()

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, self._disconnect)
        self._executor.shutdown()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


def _engine(path: Path, begin: str) -> Engine:
    waiting = {"timeout": _BUSY_SECONDS}
    # An error of the driver would repeat what customers said, into the log.
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args=waiting, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def connected(driver: sqlite3.Connection, _record: Any) -> None:
        driver.isolation_level = (
            None  # the driver's own BEGIN would be deferred, and fail at once when it turns to write
        )
        folding.teach(driver)
        try:
            for pragma in ("journal_mode=WAL", "foreign_keys=ON", "secure_delete=ON"):
                driver.execute(f"PRAGMA {pragma}")
        except sqlite3.DatabaseError as error:
            raise Misconfigured(
                "DATABASE_URL", f"{path} is not a SQLite database ({error}); name another file"
            ) from error

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {begin}")

    return engine
