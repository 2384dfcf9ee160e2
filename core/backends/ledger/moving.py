"""Moving a ledger from SQLite into PostgreSQL: every row with its id, in one transaction, compared before it counts."""

import hashlib
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import sql
from sqlalchemy import JSON, Boolean, Connection, Engine, Table, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from core.backends.ledger.alone import alone
from core.backends.ledger.database import is_postgres
from core.backends.ledger.migrations import HEAD, migrate
from core.backends.ledger.schema import metadata
from core.errors import Problem

_HELD = frozenset({"leases", "processes"})  # what processes hold that no longer run
_STEP = 20_000  # rows between two words about it
_WHOLE = 1 << 256


class NotMoved(Problem):
    """The ledger was not moved; neither side was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """How far a table has come. `digest` is the same on both sides; "" until all rows are there and were compared."""

    table: str
    rows: int
    digest: str = ""


def move(source: Path, url: str) -> Generator[Step, None, None]:
    """Moves everything, while nobody else may open the source; what is closed or breaks off before its end leaves the
    target as it was. Raises NotMoved, Busy or Unusable."""
    with alone(source) as old, _target(url) as new:
        _require_newest(old)
        _require_empty(new)
        migrate(new)
        for table in metadata.sorted_tables:
            if table.name not in _HELD:
                yield from _move_table(table, old, new)


def _require_newest(old: sqlite3.Connection) -> None:
    try:
        shape = old.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    except (sqlite3.DatabaseError, TypeError):
        raise NotMoved("move: the file to move from is no ledger; name another with --from") from None
    if shape != HEAD:
        raise NotMoved(f"move: the ledger is in shape {shape}, not {HEAD}; say `python -m bots ledger upgrade` first")


def _require_empty(new: Connection) -> None:
    ours = {table.name for table in metadata.sorted_tables} | {"alembic_version"}
    if found := sorted(ours & set(inspect(new).get_table_names())):
        raise NotMoved(f"move: the target is not empty, it has the table {found[0]}; name a new database")


@contextmanager
def _target(url: str) -> Iterator[Connection]:
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            with connection.begin():
                yield connection
            connection.execute(text("ANALYZE"))
            connection.commit()
    except (DBAPIError, psycopg.Error) as error:
        raise NotMoved(f"move: PostgreSQL gave up, and nothing was moved: {_first_line(error)}") from None
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    try:
        address = make_url(url if is_postgres(url) else "")
    except (ArgumentError, ValueError):
        address = None
    if address is None or not address.database:
        raise NotMoved("move: the target is no address of a PostgreSQL database; write postgresql://USER@HOST/NAME")
    return create_engine(address.set(drivername="postgresql+psycopg"), hide_parameters=True)


def _first_line(error: Exception) -> str:
    """What the server says; its further lines may repeat what customers said."""
    said = str(getattr(error, "orig", error)).strip()
    return said.splitlines()[0] if said else type(error).__name__


# ── a table ──
def _move_table(table: Table, old: sqlite3.Connection, new: Connection) -> Iterator[Step]:
    columns = [column.name for column in table.columns]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    readers = [_reader(column.type) for column in table.columns]
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    read = f"SELECT {', '.join(columns)} FROM {table.name}"  # noqa: S608 - names of our own
    sent, rows = 0, 0
    with _cursor(new).copy(copy) as into:
        for row in old.execute(read):
            moved = tuple(reads(value) for reads, value in zip(readers, row, strict=True))
            into.write_row(moved)
            sent, rows = (sent + _digest(moved)) % _WHOLE, rows + 1
            if rows % _STEP == 0:
                yield Step(table=table.name, rows=rows)
    arrived, count = _arrived(table, new)
    if (arrived, count) != (sent, rows):
        raise NotMoved(f"move: {table.name} arrived with {count} rows of {rows}, or with other ones; nothing was moved")
    _go_on_counting(table, new)
    yield Step(table=table.name, rows=rows, digest=f"{sent:064x}"[:16])


def _arrived(table: Table, new: Connection) -> tuple[int, int]:
    """The digest of all rows, in whatever order, and how many there are."""
    wanted = [
        sql.SQL("{}::text").format(sql.Identifier(column.name))
        if isinstance(column.type, JSON)
        else sql.Identifier(column.name)
        for column in table.columns
    ]
    read = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(wanted), sql.Identifier(table.name))
    digest, count = 0, 0
    with _driver(new).cursor(name="arrived") as rows:
        rows.itersize = _STEP
        for row in rows.execute(read):
            digest, count = (digest + _digest(row)) % _WHOLE, count + 1
    return digest, count


def _digest(row: Sequence[Any]) -> int:
    return int.from_bytes(hashlib.sha256(repr(tuple(row)).encode("utf-8", "backslashreplace")).digest())


def _reader(kind: object) -> Callable[[Any], Any]:
    """How a value of SQLite is said to PostgreSQL, which knows truth values, and no NUL in a text."""
    if isinstance(kind, Boolean):
        return lambda value: None if value is None else bool(value)
    return lambda value: value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _go_on_counting(table: Table, new: Connection) -> None:
    """New rows get numbers above those that came along."""
    column = table.autoincrement_column
    if column is not None and column.autoincrement is True:
        new.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), max({column.name}))"  # noqa: S608
                f" FROM {table.name} HAVING max({column.name}) IS NOT NULL"
            )
        )


def _driver(new: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", new.connection.dbapi_connection)


def _cursor(new: Connection) -> psycopg.Cursor[Any]:
    return _driver(new).cursor()
