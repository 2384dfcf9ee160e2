"""PostgreSQL: any number of processes and machines on one ledger.

Writes are serializable: the database finds out where two of them cannot both have happened, and one is run again. So
every transaction may be written as if it were alone, as it is on SQLite.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import Misconfigured

T = TypeVar("T")

_CONNECTIONS = 8  # of each kind
_TRIES = 30
_CROWDED = 2  # tries
_LINE = 7_301_945  # the number of our lock in the database
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
        return await _run(self._durable if durable else self._quick, transaction)

    async def read(self, transaction: Callable[[Connection], T]) -> T:
        return await _run(self._reader, transaction)

    async def scour(self) -> bool:
        """Erased rows leave the tables' files when nobody can see them any more."""
        async with self._durable.connect() as connection:
            alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await alone.exec_driver_sql("VACUUM")
        return True

    async def close(self) -> None:
        for engine in (self._durable, self._quick, self._reader):
            await engine.dispose()


async def _run(engine: AsyncEngine, transaction: Callable[[Connection], T]) -> T:
    for tried in range(_TRIES):
        try:
            async with engine.connect() as connection, _in_line(connection, tried >= _CROWDED), connection.begin():
                return await connection.run_sync(transaction)
        except DBAPIError as error:
            if tried == _TRIES - 1 or not _may_go_well(error):
                raise
        await asyncio.sleep(min(_PAUSE * 2**tried, _LONGEST_PAUSE) * random.uniform(0.5, 1.5))  # noqa: S311 - a pause
    raise AssertionError("unreachable")


@asynccontextmanager
async def _in_line(connection: AsyncConnection, crowded: bool) -> AsyncIterator[None]:
    """Who was turned back several times waits in line with others like that, so that they do not meet again."""
    if not crowded:
        yield
        return
    await connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LINE})")
    await connection.commit()  # what the transaction sees begins after the wait
    try:
        yield
    finally:
        await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LINE})")
        await connection.commit()


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
