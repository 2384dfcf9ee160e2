"""What is read of a long history: closed cases by time, kinds of cases counted in an index."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

KINDS = sa.text("slot = 'category' AND superseded_at IS NULL")


def upgrade() -> None:
    op.drop_index("cases_by_handle", "cases")
    op.create_index("cases_by_handle", "cases", ["handle_id", "status", "resolved_at"])
    op.create_index("facts_kinds", "facts", ["handle_id", "value", "slot", "superseded_at"], sqlite_where=KINDS)


def downgrade() -> None:
    op.drop_index("facts_kinds", "facts")
    op.drop_index("cases_by_handle", "cases")
    op.create_index("cases_by_handle", "cases", ["handle_id", "status"])
