"""Migrations bring a new file, and one of any earlier shape, to what schema.py describes."""

from functools import partial
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.backends.ledger import migrations
from core.backends.ledger.schema import metadata
from core.backends.ledger.sqlite import SqliteDatabase


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_a_new_ledger_has_the_shape_that_the_code_expects(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "ledger.db")
    await database.write(migrations.migrate)
    await database.write(migrations.migrate)
    assert await database.read(differences) == []
    await database.close()


def migrate_to(revision: str, connection: Connection) -> None:
    config = Config(attributes={"connection": connection})
    assert migrations.__file__
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    command.upgrade(config, revision)


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
