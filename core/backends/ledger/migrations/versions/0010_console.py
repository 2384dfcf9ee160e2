"""The console: what colleagues write down about a case, send along, sign in with, and look at."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
