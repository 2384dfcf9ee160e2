"""Migrations bring a new file, and one of any earlier shape, to what schema.py describes."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.backends.ledger import migrations
from core.backends.ledger.database import Database
from core.backends.ledger.schema import metadata


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_a_new_ledger_has_the_shape_that_the_code_expects(tmp_path: Path) -> None:
    database = Database(tmp_path / "ledger.db")
    await database.write(migrations.migrate)
    await database.write(migrations.migrate)
    assert await database.read(differences) == []
    await database.close()


def test_the_newest_migration_is_the_one_that_the_code_asks_for() -> None:
    assert migrations.__file__
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == migrations.HEAD
