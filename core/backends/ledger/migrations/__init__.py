"""The ledger's shape over time. `migrate` brings a database to the newest."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

_HERE = Path(__file__).parent
HEAD = "0011"


def revision(connection: Connection) -> str:
    """The shape that a ledger is in; "" for none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def migrate(connection: Connection) -> None:
    """Brings the ledger to the newest shape; does nothing, and loads nothing, when it has it already."""
    if revision(connection) == HEAD:
        return
    from alembic import command  # noqa: PLC0415 - a third of a second, needed once in the ledger's life
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_HERE))
    command.upgrade(config, "head")
