"""PostgreSQL: any number of processes and machines on one ledger.

A writer is alone, as on SQLite, so that its transaction may be written without a thought for others. Those of a turn
are too many for that: they run side by side, and say what they are about, mostly a line. Two about the same go one
after the other; what several lines share is kept apart by leases, keys and the locks of rows.

Where the connection is lost while a transaction is committed, the server is asked afterwards what became of it: it is
neither run twice nor taken for lost.

The driver is used synchronously in a few threads of our own, one hop per transaction: through the event loop each of a
turn's statements would cost a switch of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoneFree

from core.errors import LedgerAway, Misconfigured
from core.pausing import insisting

T = TypeVar("T")

# A process that stands still, or whose machine is gone, holds its locks no longer than this (milliseconds, seconds).
WHO_IS_STUCK_LETS_GO = "-c idle_in_transaction_session_timeout=10000 -c tcp_user_timeout=10000"
_LOST_IS_NOTICED = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
_THREADS = 6  # and as many connections of each of two kinds
_TRIES = 12
_MAKING = 7_301_945  # the number of our lock in the database
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=2), timedelta(milliseconds=250)
_LONGEST_UNSURE = timedelta(seconds=2)  # between two questions what became of a transaction
_AGAIN = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_TAKEN = "23505"  # a key: of writers side by side the other one made the row, so the next try finds it
# The server is going, gone, or coming, or ended a transaction that stood still.
_GONE = frozenset({"57P01", "57P02", "57P03", "08003", "08006", "08001", "25P03"})
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
        # The statements of a turn are always the same: planning them costs more than running them.
        self._writer = _engine(url, "READ COMMITTED", plan_cache_mode="force_generic_plan", jit="off")
        self._reader = _engine(url, "REPEATABLE READ", default_transaction_read_only="on", jit="off")
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ledger")

    async def write(self, transaction: Callable[[Connection], T], *, durable: bool = False, beside: str = "") -> T:
        start, again = _start(durable, beside), _AGAIN | ({_TAKEN} if beside else frozenset())
        async with _away_named():
            return await _insist(partial(self._write, transaction, start), again)

    async def read(self, transaction: Callable[[Connection], T]) -> T:
        async with _away_named():
            return await _insist(partial(self._run, _read, self._reader, transaction), _AGAIN)

    async def scour(self) -> bool:
        """Erased rows leave the tables' files when nobody can see them any more."""
        await self._run(_vacuum, self._writer)
        return True

    async def close(self) -> None:
        for engine in (self._writer, self._reader):
            await self._run(engine.dispose)
        self._threads.shutdown()

    async def _run(self, work: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)

    async def _write(self, transaction: Callable[[Connection], T], start: str) -> T:
        try:
            return await self._run(_write, self._writer, transaction, start)
        except _EndUnseen as unseen:
            if await self._was_committed(unseen.number):
                return cast(T, unseen.result)
            raise cast(DBAPIError, unseen.__cause__) from None

    async def _was_committed(self, number: str) -> bool:
        """What became of a transaction whose end was not seen."""
        when = lambda error: isinstance(error, _Undecided) or _is_gone(error)  # noqa: E731
        return await insisting(_LONGEST_UNSURE, tries=_TRIES, when=when)(self._run, _ask_about, self._writer, number)


def _start(durable: bool, beside: str) -> str:
    """How a writer begins, in one go: with its locks, and its number last."""
    alone = "LOCK TABLE leases IN EXCLUSIVE MODE"
    digest = int.from_bytes(blake2b(beside.encode(), digest_size=8).digest(), signed=True)
    together = f"LOCK TABLE leases IN ROW EXCLUSIVE MODE; SELECT pg_advisory_xact_lock({digest})"
    kept = f"SET LOCAL synchronous_commit = {'on' if durable else 'off'}"
    return f"{kept}; {together if beside else alone}; SELECT pg_current_xact_id()::text"


def _read(engine: Engine, transaction: Callable[[Connection], T]) -> T:
    with engine.begin() as connection, _let_go_when_lost(connection):
        return transaction(connection)


def _write(engine: Engine, transaction: Callable[[Connection], T], start: str) -> T:
    """Each statement sees what was committed before it, so all of them see what was before the wait for the locks."""
    with engine.connect() as connection, connection.begin() as doing, _let_go_when_lost(connection):
        number = _begun(connection, start)
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


def _begun(connection: Connection, start: str) -> str:
    """The number of the transaction; "" where there are no tables yet."""
    try:
        told = _driver(connection).execute(start)  # only the driver itself can do several in one go
    except psycopg.errors.UndefinedTable:
        return ""
    number: tuple[str] | None = None
    while told.nextset():
        number = told.fetchone() if told.description else None
    return number[0] if number else ""


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
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING})")
        return transaction(connection)


def _vacuum(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM")


async def _insist(run: Callable[[], Awaitable[T]], again: Collection[str]) -> T:
    """Runs what the database turned back again."""
    return await insisting(
        _LONGEST_PAUSE, first=_FIRST_PAUSE, tries=_TRIES, when=lambda error: _state(error) in again or _is_gone(error)
    )(run)


def _is_gone(error: BaseException) -> bool:
    """Whether the server went away, or could not be reached."""
    if isinstance(error, psycopg.Error):
        return error.sqlstate in _GONE or (isinstance(error, psycopg.OperationalError) and error.sqlstate is None)
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
        full_or_read_only = state == _READ_ONLY or state.startswith(_FULL)
        passing = state in _AGAIN or _is_gone(error) or isinstance(error, NoneFree) or full_or_read_only
        if not passing:
            raise
        said = str(getattr(error, "orig", error)).strip().splitlines() or [type(error).__name__]
        raise LedgerAway(f"the database is away: {said[0].strip()[:200]}") from error


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
        pool_use_lifo=True,  # the one that was used last has its plans at hand
        connect_args={"options": f"{options} {WHO_IS_STUCK_LETS_GO}", **_LOST_IS_NOTICED},
        execution_options={"preserve_rowcount": True},  # an insert that changed nothing is told by it
        # An error of the driver would repeat what customers said, into the log.
        hide_parameters=True,
    )
