"""Rooms for colleagues: what they were told, and whose handle there is whose account."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("case_id", ID, sa.ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("handed_off_at", sa.BigInteger, primary_key=True),
        sa.Column("room", sa.Text, primary_key=True),
        sa.Column("nth", sa.Integer, primary_key=True),
        sa.Column("post", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("calls_by_post", "calls", ["post"])
    op.add_column("accounts", sa.Column("tied", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("accounts", "tied")
    op.drop_table("calls")
