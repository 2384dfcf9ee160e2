"""PostgreSQL: any number of processes and machines on one ledger.

Writes are serializable: the database finds out where two of them cannot both have happened, and one is run again. So
every transaction may be written as if it were alone, as it is on SQLite.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.errors import Misconfigured

T = TypeVar("T")

_CONNECTIONS = 8  # of each kind
_TRIES = 12
_CROWDED = 2  # tries
_MAKING = 7_301_945  # the number of our lock in the database
_NO_TABLE = "42P01"
_PAUSE = 0.002  # seconds before a second try; about twice as long before each further one
_LONGEST_PAUSE = 0.25
_AGAIN = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_GONE = frozenset({"57P01", "57P02", "57P03", "08003", "08006", "08001"})  # the server is going, gone, or coming


class PostgresDatabase:
    """A PostgreSQL database. See core/backends/ledger/database.py for what each method promises."""

    def __init__(self, url: str) -> None:
        # A table that is read as a whole conflicts with every writer, so the index is taken on small ones too.
        self._durable = _engine(url, "SERIALIZABLE", synchronous_commit="on", enable_seqscan="off")
        self._quick = _engine(url, "SERIALIZABLE", synchronous_commit="off", enable_seqscan="off")
        self._reader = _engine(url, "REPEATABLE READ", default_transaction_read_only="on")

    async def write(self, transaction: Callable[[Connection], T], *, durable: bool = False) -> T:
        engine = self._durable if durable else self._quick
        return await _insist(partial(_write, engine, transaction))

    async def read(self, transaction: Callable[[Connection], T]) -> T:
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
    mode = "EXCLUSIVE" if crowded else "ROW EXCLUSIVE"
    async with engine.begin() as connection:
        try:
            await connection.exec_driver_sql(f"LOCK TABLE leases IN {mode} MODE")
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != _NO_TABLE:
                raise
        else:
            return await connection.run_sync(transaction)
    return await _write_first(engine, transaction)


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
    for tried in range(_TRIES):
        try:
            return await run(tried >= _CROWDED)
        except DBAPIError as error:
            if tried == _TRIES - 1 or not _may_go_well(error):
                raise
        await asyncio.sleep(min(_PAUSE * 2**tried, _LONGEST_PAUSE) * random.uniform(0.5, 1.5))  # noqa: S311 - a pause
    raise AssertionError("unreachable")


def _may_go_well(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state in _AGAIN or state in _GONE or error.connection_invalidated


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
