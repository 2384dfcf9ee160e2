"""Comparing texts without regard to case, in any script: SQLite knows the case of ASCII letters only."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from core.searching import fold


class folded(GenericFunction[str]):  # noqa: N801 - it is the function's name in SQL
    """A text as it is compared."""

    type = Text()
    inherit_cache = True


@compiles(folded, "postgresql")
def _on_postgresql(element: folded, compiler: Any, **options: Any) -> str:
    return f"lower(normalize({compiler.process(element.clauses, **options)}, NFKC))"


def teach(driver: sqlite3.Connection) -> None:
    """Gives a connection to SQLite the function."""
    driver.create_function("folded", 1, _folded, deterministic=True)


def _folded(text: str | None) -> str | None:
    return None if text is None else fold(text)


def says(text: ColumnElement[str], words: Sequence[str]) -> list[ColumnElement[bool]]:
    """Every one of the words stands in a text; signs that LIKE gives a meaning stand for themselves."""
    return [folded(text).like(folded(literal(f"%{_escaped(word)}%")), escape="\\") for word in words]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
