"""When evidence was last heard: what a login or a workspace vouches for holds only while it is repeated."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("evidence", sa.Column("heard_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE evidence SET heard_at = recorded_at WHERE node LIKE 'h:%'")


def downgrade() -> None:
    op.drop_column("evidence", "heard_at")
