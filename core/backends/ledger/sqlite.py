"""One SQLite file: a writer thread and a reader thread, one hop per transaction.

The driver is used synchronously in threads of our own; an async wrapper around it costs two to three times as much.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from core.backends.ledger import folding
from core.errors import LedgerAway, Misconfigured

T = TypeVar("T")

_BUSY_SECONDS = 10
_TOGETHER = 16  # transactions of one commit; the first waits for the last
# What may go well later: somebody else holds the file, it cannot be read or written, or there is no room.
_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    }
)


class SqliteDatabase:
    """A SQLite database. `write` and `read` run one transaction each and return what it returned.

    A durable write has reached the disk when it returns; another one may be lost with the power, but never half.
    """

    def __init__(self, path: Path) -> None:
        self._writer = _Writer(path, "ledger-writer", "IMMEDIATE")
        self._reader = _Thread(path, "ledger-reader", "DEFERRED")

    async def write(
        self,
        transaction: Callable[[Connection], T],
        *,
        durable: bool = False,
        beside: str = "",  # noqa: ARG002 - every writer is alone here
    ) -> T:
        """Runs `transaction` alone among all writers; commits, or rolls back when it raises, and then perhaps runs it
        again."""
        return await self._writer.write(transaction, durable=durable)

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

    async def run(self, transaction: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, transaction)

    def _run(self, transaction: Callable[[Connection], T], *, durable: bool = False) -> T:
        try:
            connection = self._connection = self._connection or self._connect()
            _driver(connection).execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            with connection.begin():
                return transaction(connection)
        except (DBAPIError, sqlite3.Error) as error:
            if away := _away(error):
                raise away from error
            raise

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


@dataclass(frozen=True, kw_only=True)
class _Writing:
    """A transaction that waits for its turn to be written, or was: then `done` tells what it returned or raised."""

    transaction: Callable[[Connection], Any]
    durable: bool
    done: asyncio.Future[Any]


class _Writer(_Thread):
    """The thread that writes. What waits together is committed together: one trip to the disk for all of it."""

    def __init__(self, path: Path, name: str, begin: str) -> None:
        super().__init__(path, name, begin)
        self._waiting: deque[_Writing] = deque()

    async def write(self, transaction: Callable[[Connection], T], *, durable: bool) -> T:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Writing(transaction=transaction, durable=durable, done=done))
        self._executor.submit(self._write_what_waits)
        return await done

    def _write_what_waits(self) -> None:
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER))]
        wanted = [one for one in taken if not one.done.cancelled()]
        if wanted:
            wanted[0].done.get_loop().call_soon_threadsafe(_tell, wanted, self._outcomes(wanted))

    def _outcomes(self, wanted: Sequence[_Writing]) -> list[Any]:
        """What each returned or raised. Where one raises, each is written by itself."""
        durable = any(one.durable for one in wanted)
        try:
            return self._run(lambda tx: [one.transaction(tx) for one in wanted], durable=durable)
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            return [error] if len(wanted) == 1 else [self._outcomes([one])[0] for one in wanted]


def _tell(written: Sequence[_Writing], outcomes: Sequence[Any]) -> None:
    for one, outcome in zip(written, outcomes, strict=True):
        if one.done.cancelled():
            continue
        if isinstance(outcome, Exception):
            one.done.set_exception(outcome)
        else:
            one.done.set_result(outcome)


def _away(error: Exception) -> LedgerAway | None:
    """Set where it may go well later."""
    orig = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(orig, "sqlite_errorcode", 0) & 0xFF  # without what kind of it
    return LedgerAway(f"the database is away: {orig}") if code in _PASSING else None


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
