"""The ledger's shape over time. `migrate` brings a database to the newest."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from core.errors import Misconfigured

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent
HEAD = "0011"


def revision(connection: Connection) -> str:
    """The shape that a ledger is in; "" for none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def revisions() -> list[str]:
    """Every shape there is, the oldest first."""
    return sorted(path.name.partition("_")[0] for path in (_HERE / "versions").glob("[0-9]*.py"))


def migrate(connection: Connection) -> None:
    """Brings the ledger to the newest shape; does nothing, and loads nothing, when it has it already. Raises
    Misconfigured for a shape that a newer version made."""
    found = revision(connection)
    if found == HEAD:
        return
    if found and found not in revisions():
        raise Misconfigured(
            "DATABASE_URL",
            f"the ledger is in shape {found}, and this version knows none after {HEAD}; start the newer version,"
            f" or go back with its `python -m bots ledger downgrade {HEAD}`",
        )
    from alembic import command  # noqa: PLC0415 - a third of a second, needed once in the ledger's life

    command.upgrade(_config(connection), "head")


def downgrade(connection: Connection, to: str) -> None:
    """Brings the ledger back to an older shape; what only newer ones keep is gone."""
    from alembic import command  # noqa: PLC0415

    command.downgrade(_config(connection), to)


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_HERE))
    return config
