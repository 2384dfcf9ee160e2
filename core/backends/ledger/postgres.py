"""PostgreSQL: any number of processes and machines on one ledger.

Writes are serializable: the database finds out where two of them cannot both have happened, and one is run again. So
every transaction may be written as if it were alone, as it is on SQLite.

Where the connection is lost while a transaction is committed, the server is asked afterwards what became of it: it is
neither run twice nor taken for lost.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import LedgerAway, Misconfigured
from core.pausing import insisting

T = TypeVar("T")

_CONNECTIONS = 8  # of each kind
_TRIES = 12
_CROWDED = 2  # tries
_MAKING = 7_301_945  # the number of our lock in the database
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=2), timedelta(milliseconds=250)
_LONGEST_UNSURE = timedelta(seconds=2)  # between two questions what became of a transaction
_AGAIN = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_GONE = frozenset({"57P01", "57P02", "57P03", "08003", "08006", "08001"})  # the server is going, gone, or coming
_FULL = "53"  # how the states begin that tell of no room: on the disk, in memory, for connections
_READ_ONLY = "25006"  # another server took over


class _Undecided(Exception):
    """The server still works on a transaction whose connection is lost."""


class PostgresDatabase:
    """A PostgreSQL database. See core/backends/ledger/database.py for what each method promises."""

    def __init__(self, url: str) -> None:
        # A table that is read as a whole conflicts with every writer, so the index is taken on small ones too.
        self._durable = _engine(url, "SERIALIZABLE", synchronous_commit="on", enable_seqscan="off")
        self._quick = _engine(url, "SERIALIZABLE", synchronous_commit="off", enable_seqscan="off")
        self._reader = _engine(url, "REPEATABLE READ", default_transaction_read_only="on")

    async def write(self, transaction: Callable[[Connection], T], *, durable: bool = False) -> T:
        engine = self._durable if durable else self._quick
        async with _away_named():
            return await _insist(partial(_write, engine, transaction))

    async def read(self, transaction: Callable[[Connection], T]) -> T:
        async with _away_named():
            return await _insist(partial(_read, self._reader, transaction))

    async def scour(self) -> bool:
        """Erased rows leave the tables' files when nobody can see them any more."""
        async with self._durable.connect() as connection:
            alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await alone.exec_driver_sql("VACUUM")
        return True

    async def close(self) -> None:
        for engine in (self._durable, self._quick, self._reader):
            await engine.dispose()


async def _read(engine: AsyncEngine, transaction: Callable[[Connection], T], _crowded: bool) -> T:
    async with engine.begin() as connection:
        return await connection.run_sync(transaction)


async def _write(engine: AsyncEngine, transaction: Callable[[Connection], T], crowded: bool) -> T:
    """Side by side with other writers; who was turned back several times waits for these and goes alone.

    LOCK takes no snapshot yet, so what the transaction sees begins after the wait.
    """
    async with engine.connect() as connection, connection.begin() as doing:
        number = await _lock(connection, "EXCLUSIVE" if crowded else "ROW EXCLUSIVE")
        if number:
            result = await connection.run_sync(transaction)
            try:
                await doing.commit()
            except DBAPIError as error:
                if not (_is_gone(error) and await _was_committed(engine, number)):
                    raise
            return result
    return await _write_first(engine, transaction)


async def _lock(connection: AsyncConnection, mode: str) -> str:
    """Takes the lock, and gives the transaction's number; "" where there are no tables yet."""
    driver = cast("psycopg.AsyncConnection[tuple[str]]", (await connection.get_raw_connection()).driver_connection)
    try:
        # Both in one go; only the driver itself can do that.
        numbered = await driver.execute(f"LOCK TABLE leases IN {mode} MODE; SELECT pg_current_xact_id()::text")
        numbered.nextset()
        (number,) = await numbered.fetchone() or ("",)
    except psycopg.errors.UndefinedTable:
        return ""
    except psycopg.Error as error:
        if driver.closed:
            await connection.invalidate(error)
        raise
    return number


async def _was_committed(engine: AsyncEngine, number: str) -> bool:
    """What became of a transaction whose end was not seen."""
    when = lambda error: isinstance(error, _Undecided) or _is_gone(error)  # noqa: E731
    return await insisting(_LONGEST_UNSURE, tries=_TRIES, when=when)(_ask_about, engine, number)


async def _ask_about(engine: AsyncEngine, number: str) -> bool:
    async with engine.connect() as connection:
        asked = await connection.exec_driver_sql("SELECT pg_xact_status(%s::xid8)", (number,))
        found = asked.scalar_one()
    if found == "in progress":
        raise _Undecided
    return bool(found == "committed")


async def _write_first(engine: AsyncEngine, transaction: Callable[[Connection], T]) -> T:
    """Makes the tables, while another process that would waits."""
    async with engine.connect() as connection:
        await connection.exec_driver_sql(f"SELECT pg_advisory_lock({_MAKING})")
        await connection.commit()
        try:
            async with connection.begin():
                return await connection.run_sync(transaction)
        finally:
            await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_MAKING})")
            await connection.commit()


async def _insist(run: Callable[[bool], Awaitable[T]]) -> T:
    """Runs what the database turned back again; from the third time on it is `crowded`."""
    async for attempt in insisting(_LONGEST_PAUSE, first=_FIRST_PAUSE, tries=_TRIES, when=_may_go_well):
        with attempt:
            return await run(attempt.retry_state.attempt_number > _CROWDED)
    raise AssertionError("unreachable")


def _may_go_well(error: BaseException) -> bool:
    return _state(error) in _AGAIN or _is_gone(error)


def _is_gone(error: BaseException) -> bool:
    """Whether the server went away, or could not be reached."""
    if isinstance(error, psycopg.OperationalError):
        return error.sqlstate is None or error.sqlstate in _GONE
    return isinstance(error, DBAPIError) and (error.connection_invalidated or _is_gone(cast(BaseException, error.orig)))


def _state(error: BaseException) -> str:
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")


@asynccontextmanager
async def _away_named() -> AsyncIterator[None]:
    """Raises LedgerAway for what may go well later."""
    try:
        yield
    except (DBAPIError, psycopg.Error, NoneFree) as error:
        state = _state(error)
        passing = _may_go_well(error) or isinstance(error, NoneFree) or state == _READ_ONLY or state.startswith(_FULL)
        if not passing:
            raise
        said = str(getattr(error, "orig", error)).strip().splitlines() or [type(error).__name__]
        raise LedgerAway(f"the database is away: {said[-1].strip()[:200]}") from error


def _engine(url: str, isolation: Any, **server: str) -> AsyncEngine:
    try:
        address = make_url(url).set(drivername="postgresql+psycopg")
    except ArgumentError:
        raise Misconfigured("DATABASE_URL", "is no address; write postgresql://USER@HOST/NAME") from None
    options = " ".join(f"-c {name}={value}" for name, value in server.items())
    return create_async_engine(
        address,
        isolation_level=isolation,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        connect_args={"options": options},
        execution_options={"preserve_rowcount": True},  # an insert that changed nothing is told by it
        # An error of the driver would repeat what customers said, into the log.
        hide_parameters=True,
    )
