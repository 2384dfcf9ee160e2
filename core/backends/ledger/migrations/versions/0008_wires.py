"""Each wire of a reply by its provider's id, so that reports of providers find the reply."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "wires",
        sa.Column("outgoing", ID, sa.ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("provider_id", sa.Text, nullable=False),
    )
    op.create_index("wires_by_provider", "wires", ["provider_id"])
    op.execute(
        "INSERT INTO wires (outgoing, part, provider_id)"
        " SELECT id, parts_sent, provider_id FROM outbox WHERE provider_id <> ''"
    )
    op.drop_column("outbox", "provider_id")


def downgrade() -> None:
    op.add_column("outbox", sa.Column("provider_id", sa.Text, nullable=False, server_default=""))
    op.drop_table("wires")
