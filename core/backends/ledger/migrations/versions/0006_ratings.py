"""How satisfied customers are, and what worked for whom."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# A pattern counted as helpful for the case that it came from, unless its customer was erased since.
FIRST_VOTES = """
INSERT INTO pattern_votes (pattern_id, case_id, handle_id, helpful, at)
SELECT patterns.id, cases.id, handles.id, TRUE, patterns.made_at
FROM patterns JOIN cases ON cases.id = patterns.case_id JOIN handles ON handles.id = cases.handle_id
WHERE handles.address NOT LIKE '~erased %'
"""


def upgrade() -> None:
    op.add_column("conversations", sa.Column("rates", sa.BigInteger(), nullable=True))
    op.add_column("cases", sa.Column("rating_asked_at", sa.BigInteger(), nullable=True))
    op.add_column("cases", sa.Column("satisfaction", sa.Integer(), nullable=True))
    op.add_column("cases", sa.Column("rated_at", sa.BigInteger(), nullable=True))
    op.add_column("turns", sa.Column("pattern_id", sa.BigInteger(), nullable=True))
    op.add_column("turns", sa.Column("article", sa.Text(), nullable=False, server_default=""))
    op.add_column("turns", sa.Column("came_back", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("patterns", sa.Column("approved_by", sa.Text(), nullable=False, server_default=""))
    op.drop_column("patterns", "used")
    op.create_table(
        "pattern_votes",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("pattern_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("handle_id", ID, nullable=False),
        sa.Column("helpful", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.ForeignKeyConstraint(["handle_id"], ["handles.id"]),
        sa.ForeignKeyConstraint(["pattern_id"], ["patterns.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pattern_id", "case_id"),
    )
    op.create_index("turns_that_offered", "turns", ["case_id"], sqlite_where=sa.text("case_id IS NOT NULL"))
    op.execute(FIRST_VOTES)


def downgrade() -> None:
    op.drop_index("turns_that_offered", "turns")
    op.drop_table("pattern_votes")
    op.add_column("patterns", sa.Column("used", sa.Integer(), nullable=False, server_default="1"))
    op.drop_column("patterns", "approved_by")
    op.drop_column("turns", "came_back")
    op.drop_column("turns", "article")
    op.drop_column("turns", "pattern_id")
    op.drop_column("cases", "rated_at")
    op.drop_column("cases", "satisfaction")
    op.drop_column("cases", "rating_asked_at")
    op.drop_column("conversations", "rates")
