"""What a turn recalls is found by an index, however much else is on record: no statement reads a whole table."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from core.backends.ledger import recall
from core.backends.ledger.migrations import migrate
from core.backends.ledger.sqlite import SqliteDatabase
from tests.shop import START

STATEMENTS: dict[str, Any] = {
    "open cases": recall._OPEN_CASES,
    "closed cases": recall._CLOSED_CASES,
    "the last closed one": recall._LAST_CLOSED,
    "facts of the person": recall._OF_THE_PERSON,
    "facts of cases": recall._OF_CASES,
    "what was heard": recall._HEARD,
    "what was told": recall._TOLD,
    "how many cases": recall._TALLIES,
    "episodes": recall._CLOSED_AMONG,
    "what was told in them": recall._TOLD_IN,
    "cases of facts": recall._CASES_OF_FACTS,
    "the person": recall._PERSON,
}
GIVEN = {"handles": [1, 2], "cases": [3, 4], "facts": [5], "after": START, "handle": 1, "person": "cus_1"}


async def plan(path: Path, statement: Any) -> str:
    given = {name: GIVEN[name] for name in statement.compile().params if name in GIVEN}
    asked = statement.params(given).compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True})
    explain, unbound = f"EXPLAIN QUERY PLAN {asked}", (None,) * len(asked.positiontup)
    database = SqliteDatabase(path)
    await database.write(migrate)
    steps = await database.read(lambda tx: "\n".join(row.detail for row in tx.exec_driver_sql(explain, unbound)))
    await database.close()
    return steps


@pytest.mark.parametrize("name", STATEMENTS)
async def test_it_searches_and_does_not_scan(tmp_path: Path, name: str) -> None:
    steps = await plan(tmp_path / "ledger.db", STATEMENTS[name].statement)
    assert "SEARCH" in steps
    assert "SCAN cases" not in steps
    assert "SCAN facts" not in steps
    assert "SCAN messages" not in steps
    assert "SCAN outbox" not in steps


async def test_cases_are_counted_by_indexes_alone(tmp_path: Path) -> None:
    steps = await plan(tmp_path / "ledger.db", recall._TALLIES.statement)
    assert "COVERING INDEX facts_kinds" in steps
    assert "COVERING INDEX cases_by_handle" in steps
