"""What SQLite and PostgreSQL say differently."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Table,
    TableValuedAlias,
    Text,
    bindparam,
    cast,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class _Values(FunctionElement[Any]):
    """The values of a JSON list, a row each."""

    name = "json_each"
    inherit_cache = True


@compiles(_Values)
def _elsewhere(element: _Values, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Values, "postgresql")
def _postgresql(element: _Values, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements_text({compiler.process(element.clauses, **options)})"


def values(listed: ColumnElement[Any]) -> TableValuedAlias:
    """The values of a JSON list as a table with one column, `value`: as text in PostgreSQL, so cast it."""
    return _Values(listed).table_valued("value")


def handed_in(name: str) -> TableValuedAlias:
    """The values of a list that is handed in under this name, as JSON: one statement for a list of any length, where
    as many parameters as values would be put together anew each time."""
    return values(bindparam(name, type_=JSON))


def listed(name: str, kind: type[TypeEngine[Any]] = BigInteger) -> Select[Any]:
    """The values that are handed in under this name: numbers, unless `kind` says otherwise."""
    return select(cast(handed_in(name).c.value, kind))


def listed_words(name: str) -> Select[Any]:
    """The words that are handed in under this name."""
    return listed(name, Text)


def upserting(table: Table) -> Any:
    """As `upsert`, for a statement that is prepared: both databases are told in the same words."""
    return postgresql.insert(table)


def upsert(tx: Connection, table: Table) -> Any:
    """An insert that knows what to do where the row is there already: `on_conflict_do_update` or `..._nothing`."""
    return postgresql.insert(table) if tx.dialect.name == "postgresql" else sqlite.insert(table)
