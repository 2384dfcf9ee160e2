"""Statements of a turn: put together and compiled once, then handed to the driver as they are.

What SQLAlchemy does around each execution (building, looking up what was compiled, wrapping results) costs several
times what SQLite does for it, and a turn has some fifty of them.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Table, bindparam, insert, update
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

Given = dict[str, Any]
_Reading = Sequence[tuple[int, Callable[[Any], Any]]]


class Prepared:
    """A statement with names for what is handed in at each execution. Rows have its columns as attributes.

    `columns` are those that an insert or update without values of its own sets. What changes from one execution to the
    next must be a bindparam; a list is handed in by `dialects.listed`.
    """

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        self.statement = statement
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}

    def run(self, tx: Connection, **given: Any) -> int:
        """How many rows it changed."""
        return int(self._sent(tx, given)[1].rowcount)

    def all(self, tx: Connection, **given: Any) -> list[Any]:
        """Its rows."""
        return self.ask(tx, **given)()

    def ask(self, tx: Connection, **given: Any) -> Callable[[], list[Any]]:
        """Its rows, to be fetched later: see `at_once`."""
        compiled, cursor = self._sent(tx, given)
        return lambda: compiled.rows(cursor)

    def first(self, tx: Connection, **given: Any) -> Any:
        """Its first row, or None."""
        return next(iter(self.all(tx, **given)), None)

    def scalar(self, tx: Connection, **given: Any) -> Any:
        """The first value of its first row, or None."""
        return next(iter(self.first(tx, **given) or (None,)))

    def _sent(self, tx: Connection, given: Given) -> tuple["_Compiled", Any]:
        compiled = self._compiled.get(tx.dialect.name)
        if compiled is None:
            compiled = self._compiled[tx.dialect.name] = _Compiled(self.statement, self._columns, tx.dialect)
        cursor = tx.connection.cursor()
        cursor.execute(compiled.text, compiled.values(given))
        return compiled, cursor


class _Compiled:
    """A statement in the words of one database."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None, dialect: Dialect) -> None:
        compiled = cast(SQLCompiler, statement.compile(dialect=dialect, column_keys=columns))
        bound = {name: parameter for parameter, name in compiled.bind_names.items()}
        handed_in = [name for name, one in bound.items() if one.required or name in (columns or ())]
        whole = compiled.construct_expanded_state(dict.fromkeys(handed_in))
        converting = {name: one.type.dialect_impl(dialect).bind_processor(dialect) for name, one in bound.items()}
        self.text = whole.statement
        self._in_order = _picking(whole.positiontup)
        self._converting = [(name, convert) for name in handed_in if (convert := converting[name])]
        self._fixed = {
            name: (converting.get(name) or _as_it_is)(value)
            for name, value in whole.parameters.items()
            if name not in handed_in
        }
        told = list(getattr(statement, "exported_columns", ()))
        self._kinds = [column.type.dialect_impl(dialect) for column in told]
        self._dialect = dialect
        self._read_by: _Reading | None = None
        names = [str(column.name) for column in told]
        self._row: Callable[[Sequence[Any]], Any] = namedtuple("_row", names, rename=True)._make  # type: ignore[attr-defined]

    def values(self, given: Given) -> Any:
        """What the driver is given."""
        values = self._fixed | given
        for name, convert in self._converting:
            values[name] = convert(values[name])
        return self._in_order(values)

    def rows(self, cursor: Any) -> list[Any]:
        """What the driver gave."""
        fetched = cursor.fetchall()
        reading, row = self._reading(cursor.description), self._row
        rows = []
        for values in fetched:
            read = list(values)
            for at, convert in reading:
                if read[at] is not None:
                    read[at] = convert(read[at])
            rows.append(row(read))
        return rows

    def _reading(self, description: Sequence[Sequence[Any]]) -> _Reading:
        """How columns are read that the driver does not read by itself; the same at every execution."""
        if self._read_by is None:
            told = zip(self._kinds, description, strict=True)
            reads = (kind.result_processor(self._dialect, column[1]) for kind, column in told)
            self._read_by = [(at, read) for at, read in enumerate(reads) if read]
        return self._read_by


def _picking(names: Sequence[str] | None) -> Callable[[Given], Any]:
    """How a driver wants values: by name, or in the order of its question marks."""
    if names is None:
        return lambda values: values
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


def _as_it_is(value: Any) -> Any:
    return value


@contextmanager
def at_once(tx: Connection) -> Iterator[None]:
    """Statements that do not wait for each other: on PostgreSQL they go there in one trip. What they find is fetched
    afterwards; how much they change is not told."""
    pipeline = getattr(tx.connection.driver_connection, "pipeline", nullcontext)
    with pipeline():
        yield


def add(tx: Connection, table: Table, **values: Any) -> None:
    """Inserts a row."""
    _insert(table, tuple(values)).run(tx, **values)


def added(tx: Connection, table: Table, **values: Any) -> Any:
    """Inserts a row, and gives it as it stands."""
    return _insert_and_tell(table, tuple(values)).first(tx, **values)


def change(tx: Connection, table: Table, row: int, **values: Any) -> bool:
    """Changes the row of a table that has this id; False where there is none."""
    return _update(table, tuple(values)).run(tx, row=row, **values) > 0


@cache
def _insert(table: Table, columns: Sequence[str]) -> Prepared:
    return Prepared(insert(table), columns)


@cache
def _insert_and_tell(table: Table, columns: Sequence[str]) -> Prepared:
    return Prepared(insert(table).returning(table), columns)


@cache
def _update(table: Table, columns: Sequence[str]) -> Prepared:
    return Prepared(update(table).where(table.c.id == bindparam("row")).values({c: bindparam(c) for c in columns}))
