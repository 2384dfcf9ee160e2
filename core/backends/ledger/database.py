"""The port on which the ledger stands: transactions, one after the other or side by side."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from core.errors import LedgerAway, Misconfigured
from core.ledger import LEDGER

T = TypeVar("T")

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")


class Database(Protocol):
    """A database. `write` and `read` run one transaction each and return what it returned; one may be run again from
    its beginning, so it changes nothing but the database. Both raise LedgerAway for what may go well later.

    A durable write has reached the disk when it returns; another one may be lost with the power, but never half.
    """

    async def write(self, transaction: Callable[[Connection], T], *, durable: bool = False, beside: str = "") -> T:
        """Runs `transaction` alone among all writers; commits, or rolls back when it raises.

        With `beside` it may run beside others that are about something else: those about the same still go one after
        the other. It must then get along with what they write between its own statements.
        """
        ...

    async def read(self, transaction: Callable[[Connection], T]) -> T:
        """Runs `transaction` on a snapshot, beside writers."""
        ...

    async def scour(self) -> bool:
        """Leaves nothing of erased rows in files of the database; False while somebody keeps it from that."""
        ...

    async def close(self) -> None:
        """Lets the database go."""
        ...


class NotedDatabase:
    """A database whose outages are noted; nothing else about it changes. `tell` hears what it was about, and why it did
    not go well: "" once it does again."""

    def __init__(self, database: Database, tell: Callable[[str, str], None]) -> None:
        self._database = database
        self._tell = tell
        self._was_away = False

    async def write(self, transaction: Callable[[Connection], T], *, durable: bool = False, beside: str = "") -> T:
        """As the database's own."""
        written = await self._noted(self._database.write(transaction, durable=durable, beside=beside))
        if self._was_away and durable:  # where the disk is full a small note may still fit
            self._was_away = False
            self._tell(LEDGER, "")
        return written

    async def read(self, transaction: Callable[[Connection], T]) -> T:
        """As the database's own."""
        return await self._noted(self._database.read(transaction))

    async def scour(self) -> bool:
        """As the database's own."""
        return await self._database.scour()

    async def close(self) -> None:
        """As the database's own."""
        await self._database.close()

    async def _noted(self, running: Awaitable[T]) -> T:
        try:
            return await running
        except LedgerAway as away:
            self._was_away = True
            self._tell(LEDGER, str(away))
            raise


def open_database(url: str) -> Database:
    """The database that DATABASE_URL names; it is connected to at first use. Raises Misconfigured."""
    if is_postgres(url):
        from core.backends.ledger.postgres import PostgresDatabase  # noqa: PLC0415 - loads its driver

        return PostgresDatabase(url)
    from core.backends.ledger.sqlite import SqliteDatabase  # noqa: PLC0415 - loads its driver

    return SqliteDatabase(sqlite_path(url))


def is_sqlite(url: str) -> bool:
    """Whether an address names a file."""
    return url.startswith(_SQLITE)


def is_postgres(url: str) -> bool:
    """Whether an address names a database of PostgreSQL."""
    return url.startswith(_POSTGRES)


def sqlite_path(url: str) -> Path:
    """The file that a `sqlite:///` address names, below the working directory unless it is absolute."""
    if not is_sqlite(url) or url == _SQLITE:
        kind = url.split(":", maxsplit=1)[0]
        raise Misconfigured("DATABASE_URL", f"{kind}: write sqlite:///PATH or postgresql://USER@HOST/NAME")
    return Path(url.removeprefix(_SQLITE))
