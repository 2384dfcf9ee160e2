"""Several processes on one ledger: who is sending a reply, and until when."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    _claims()


def downgrade() -> None:
    _no_claims()


def _claims() -> None:
    op.add_column("outbox", sa.Column("claimed_by", sa.Text, nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("claimed_until", sa.BigInteger))


def _no_claims() -> None:
    op.drop_column("outbox", "claimed_until")
    op.drop_column("outbox", "claimed_by")
