"""PostgreSQL: any number of processes and machines on one ledger.

Writes are serializable: the database finds out where two of them cannot both have happened, and one is run again. So
every transaction may be written as if it were alone, as it is on SQLite.

Where the connection is lost while a transaction is committed, the server is asked afterwards what became of it: it is
neither run twice nor taken for lost.

The driver is used synchronously in a few threads of our own, one hop per transaction: through the event loop each of a
turn's statements would cost a switch of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoneFree

from core.errors import LedgerAway, Misconfigured
from core.pausing import insisting

T = TypeVar("T")

_THREADS = 8  # and as many connections of each kind
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


class _EndUnseen(Exception):
    """The connection was lost while a transaction was committed; the error of it is the cause."""

    def __init__(self, number: str, result: object) -> None:
        super().__init__(number)
        self.number = number
        self.result = result


class PostgresDatabase:
    """A PostgreSQL database. See core/backends/ledger/database.py for what each method promises."""

    def __init__(self, url: str) -> None:
        # A table that is read as a whole conflicts with every writer, so the index is taken on small ones too.
        self._durable = _engine(url, "SERIALIZABLE", synchronous_commit="on", enable_seqscan="off")
        self._quick = _engine(url, "SERIALIZABLE", synchronous_commit="off", enable_seqscan="off")
        self._reader = _engine(url, "REPEATABLE READ", default_transaction_read_only="on")
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ledger")

    async def write(self, transaction: Callable[[Connection], T], *, durable: bool = False) -> T:
        engine = self._durable if durable else self._quick
        async with _away_named():
            return await _insist(partial(self._write, engine, transaction))

    async def read(self, transaction: Callable[[Connection], T]) -> T:
        async with _away_named():
            return await _insist(lambda _crowded: self._run(_read, self._reader, transaction))

    async def scour(self) -> bool:
        """Erased rows leave the tables' files when nobody can see them any more."""
        await self._run(_vacuum, self._durable)
        return True

    async def close(self) -> None:
        for engine in (self._durable, self._quick, self._reader):
            await self._run(engine.dispose)
        self._threads.shutdown()

    async def _run(self, work: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)

    async def _write(self, engine: Engine, transaction: Callable[[Connection], T], crowded: bool) -> T:
        try:
            return await self._run(_write, engine, transaction, crowded)
        except _EndUnseen as unseen:
            if await self._was_committed(engine, unseen.number):
                return cast(T, unseen.result)
            raise cast(DBAPIError, unseen.__cause__) from None

    async def _was_committed(self, engine: Engine, number: str) -> bool:
        """What became of a transaction whose end was not seen."""
        when = lambda error: isinstance(error, _Undecided) or _is_gone(error)  # noqa: E731
        return await insisting(_LONGEST_UNSURE, tries=_TRIES, when=when)(self._run, _ask_about, engine, number)


def _read(engine: Engine, transaction: Callable[[Connection], T]) -> T:
    with engine.begin() as connection, _let_go_when_lost(connection):
        return transaction(connection)


def _write(engine: Engine, transaction: Callable[[Connection], T], crowded: bool) -> T:
    """Side by side with other writers; who was turned back several times waits for these and goes alone.

    LOCK takes no snapshot yet, so what the transaction sees begins after the wait.
    """
    with engine.connect() as connection, connection.begin() as doing, _let_go_when_lost(connection):
        number = _lock(connection, "EXCLUSIVE" if crowded else "ROW EXCLUSIVE")
        if number:
            result = transaction(connection)
            try:
                doing.commit()
            except DBAPIError as error:
                if _is_gone(error):
                    raise _EndUnseen(number, result) from error
                raise
            return result
    return _write_first(engine, transaction)


@contextmanager
def _let_go_when_lost(connection: Connection) -> Iterator[None]:
    """What the driver says in answer to prepared statements passes SQLAlchemy by."""
    try:
        yield
    except psycopg.Error as error:
        if _driver(connection).closed:
            connection.invalidate(error)
        raise


def _lock(connection: Connection, mode: str) -> str:
    """Takes the lock, and gives the transaction's number; "" where there are no tables yet."""
    try:
        # Both in one go; only the driver itself can do that.
        numbered = _driver(connection).execute(f"LOCK TABLE leases IN {mode} MODE; SELECT pg_current_xact_id()::text")
    except psycopg.errors.UndefinedTable:
        return ""
    numbered.nextset()
    (number,) = numbered.fetchone() or ("",)
    return number


def _driver(connection: Connection) -> "psycopg.Connection[tuple[str]]":
    return cast("psycopg.Connection[tuple[str]]", connection.connection.driver_connection)


def _ask_about(engine: Engine, number: str) -> bool:
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT pg_xact_status(%s::xid8)", (number,)).scalar_one()
    if found == "in progress":
        raise _Undecided
    return bool(found == "committed")


def _write_first(engine: Engine, transaction: Callable[[Connection], T]) -> T:
    """Makes the tables, while another process that would waits."""
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_MAKING})")
        connection.commit()
        try:
            with connection.begin():
                return transaction(connection)
        finally:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_MAKING})")
            connection.commit()


def _vacuum(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM")


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


def _engine(url: str, isolation: Any, **server: str) -> Engine:
    try:
        address = make_url(url).set(drivername="postgresql+psycopg")
    except ArgumentError:
        raise Misconfigured("DATABASE_URL", "is no address; write postgresql://USER@HOST/NAME") from None
    options = " ".join(f"-c {name}={value}" for name, value in server.items())
    return create_engine(
        address,
        isolation_level=isolation,
        pool_size=_THREADS,
        max_overflow=0,
        connect_args={"options": options},
        execution_options={"preserve_rowcount": True},  # an insert that changed nothing is told by it
        # An error of the driver would repeat what customers said, into the log.
        hide_parameters=True,
    )
