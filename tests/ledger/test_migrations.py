"""Migrations bring a new ledger, and one of any earlier shape, to what schema.py describes, and back; with rows in it,
in SQLite and in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Float,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    insert,
    select,
    text,
)

from core.backends.ledger import migrations
from core.backends.ledger.database import Database, open_database
from core.backends.ledger.schema import metadata
from core.backends.ledger.sqlite import SqliteDatabase
from core.errors import Misconfigured
from tests.twins.postgres import new_database


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database that nobody has used."""
    url = f"sqlite:///{tmp_path}/ledger.db" if request.param == "sqlite" else await new_database()
    opened = open_database(url)
    yield opened
    await opened.close()


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_a_new_ledger_has_the_shape_that_the_code_expects(database: Database) -> None:
    await database.write(migrations.migrate)
    await database.write(migrations.migrate)
    assert await database.read(differences) == []


def migrate_to(revision: str, connection: Connection) -> None:
    config = Config(attributes={"connection": connection})
    assert migrations.__file__
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    command.upgrade(config, revision)


async def test_rows_stay_through_every_step_up_down_and_up_again(database: Database) -> None:
    shapes = migrations.revisions()
    for shape in shapes:
        await database.write(partial(migrate_to, shape))
        await database.write(fill)
    filled = await database.read(counts)
    assert filled.keys() == {table.name for table in metadata.sorted_tables}
    assert min(filled.values()) == 1
    assert await database.read(differences) == []
    for shape in reversed(shapes[:-1]):
        await database.write(partial(migrations.downgrade, to=shape))
        assert await database.read(migrations.revision) == shape
        left = await database.read(counts)
        assert left.items() <= filled.items()
    assert {"messages", "facts", "cases", "tombstones"} <= left.keys() < filled.keys()
    await database.write(migrations.migrate)
    assert await database.read(differences) == []
    assert (await database.read(counts)).items() >= left.items()


def tables(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def counts(connection: Connection) -> Mapping[str, int]:
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in tables(connection)
    }


def fill(connection: Connection) -> None:
    """A row into every table that has none."""
    for table in tables(connection):
        if not connection.execute(select(func.count()).select_from(table)).scalar_one():
            connection.execute(insert(table).values({column.name: some(column) for column in table.columns}))


def some(column: "Column[Any]") -> object:
    kinds: dict[type, object] = {Text: "x", JSON: [], Boolean: False, LargeBinary: b"x", Float: 1.5}
    return next((value for kind, value in kinds.items() if isinstance(column.type, kind)), 1)


async def test_several_processes_may_make_the_tables_at_once(database: Database) -> None:
    await asyncio.gather(*(database.write(migrations.migrate) for _ in range(4)))
    assert await database.read(differences) == []


async def test_a_shape_that_a_newer_version_made_is_named(database: Database) -> None:
    await database.write(migrations.migrate)
    await database.write(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(Misconfigured, match=rf"shape 9999.*ledger downgrade {migrations.HEAD}"):
        await database.write(migrations.migrate)


async def test_what_was_vouched_for_before_it_could_lapse_counts_from_when_it_was_told(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "ledger.db")
    await database.write(partial(migrate_to, "0002"))
    told = "INSERT INTO evidence (node, key, source, at, recorded_at) VALUES (:node, 'email:a@b.test', :by, 5, 7)"
    rows = [{"node": "h:1", "by": "slack"}, {"node": "d:cus_1", "by": "directory"}]
    await database.write(lambda tx: tx.execute(text(told), rows))
    await database.write(migrations.migrate)
    heard = text("SELECT heard_at FROM evidence ORDER BY id")
    assert await database.read(lambda tx: list(tx.execute(heard).scalars())) == [7, None]
    assert await database.read(differences) == []
    await database.close()


def test_the_newest_migration_is_the_one_that_the_code_asks_for() -> None:
    assert migrations.__file__
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == migrations.HEAD
