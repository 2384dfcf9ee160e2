"""Several processes on one ledger: who is sending a reply, and until when."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    _processes()
    _traces()
    _keys_and_tombstones()
    _claims()


def downgrade() -> None:
    _no_processes()
    _no_traces()
    _no_keys_and_tombstones()
    _no_claims()


def _claims() -> None:
    op.add_column("leases", sa.Column("holder", sa.Text, nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("claimed_by", sa.Text, nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("claimed_until", sa.BigInteger))
    op.drop_index("outbox_waiting", "outbox")
    waiting = sa.text("state = 'waiting'")
    op.create_index("outbox_waiting", "outbox", ["destination", "id"], sqlite_where=waiting, postgresql_where=waiting)


def _no_claims() -> None:
    op.drop_index("outbox_waiting", "outbox")
    op.create_index("outbox_waiting", "outbox", ["id"], sqlite_where=sa.text("state = 'waiting'"))
    op.drop_column("leases", "holder")
    op.drop_column("outbox", "claimed_until")
    op.drop_column("outbox", "claimed_by")


def _keys_and_tombstones() -> None:
    op.create_table(
        "keyring",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("sealed", sa.Text, nullable=False),
    )
    op.add_column("tombstones", sa.Column("restored_at", sa.BigInteger))


def _no_keys_and_tombstones() -> None:
    op.execute("DELETE FROM tombstones WHERE restored_at >= at")
    op.drop_column("tombstones", "restored_at")
    op.drop_table("keyring")


def _processes() -> None:
    op.create_table(
        "processes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("health", sa.JSON, nullable=False),
    )


def _no_processes() -> None:
    op.drop_table("processes")


def _traces() -> None:
    op.add_column("messages", sa.Column("trace", sa.Text))
    op.add_column("outbox", sa.Column("trace", sa.Text))
    op.add_column("outbox", sa.Column("heard_at", sa.BigInteger))


def _no_traces() -> None:
    op.drop_column("outbox", "heard_at")
    op.drop_column("outbox", "trace")
    op.drop_column("messages", "trace")
