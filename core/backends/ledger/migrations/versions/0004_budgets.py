"""What goes out is counted by time, and wrong sign-ins outlive the process."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_index("outbox_by_time", "outbox", ["created_at"])
    op.create_table(
        "sign_ins",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sign_ins_by_source", "sign_ins", ["source"])
    op.create_index("sign_ins_by_name", "sign_ins", ["name"])
    op.create_index("sign_ins_by_time", "sign_ins", ["at"])


def downgrade() -> None:
    op.drop_table("sign_ins")
    op.drop_index("outbox_by_time", "outbox")
