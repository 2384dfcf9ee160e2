"""The console: what colleagues write down about a case, send along, sign in with, and look at."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _accounts()


def downgrade() -> None:
    _no_accounts()


def _accounts() -> None:
    op.create_index("audit_by_time", "audit", ["at"])
    op.add_column("accounts", sa.Column("email", sa.Text, nullable=False, server_default=""))
    op.add_column("accounts", sa.Column("second_factor", sa.Text, nullable=False, server_default=""))
    op.add_column("accounts", sa.Column("second_step", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "recovery_codes",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("account_id", ID, sa.ForeignKey("accounts.id"), nullable=False),
    )
    op.create_index("recovery_codes_by_account", "recovery_codes", ["account_id"])
    op.create_table(
        "provided",
        sa.Column("issuer", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("account_id", ID, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("provided_by_account", "provided", ["account_id"])


def _no_accounts() -> None:
    op.drop_table("provided")
    op.drop_table("recovery_codes")
    for column in ("second_step", "second_factor", "email"):
        op.drop_column("accounts", column)
    op.drop_index("audit_by_time", "audit")
