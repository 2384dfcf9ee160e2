"""The console: what colleagues write down about a case, send along, sign in with, and look at."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _identity_and_privacy()
    _casework()
    _accounts()
    _outbox_files()


def downgrade() -> None:
    _no_identity_and_privacy()
    op.drop_table("outbox_files")
    _no_casework()
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


def _casework() -> None:
    op.add_column("cases", sa.Column("taken_at", sa.BigInteger))
    op.add_column("cases", sa.Column("snoozed_until", sa.BigInteger))
    op.add_column("messages", sa.Column("case_id", sa.BigInteger))
    op.add_column("outbox", sa.Column("agent", sa.Text, nullable=False, server_default=""))
    op.create_index("messages_newest", "messages", ["handle_id", "id"])
    op.create_index("facts_by_case", "facts", ["case_id"])
    moods = sa.text("slot = 'mood'")
    op.create_index("facts_moods", "facts", ["handle_id", "told_at"], sqlite_where=moods, postgresql_where=moods)
    op.create_table(
        "notes",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("case_id", ID, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("handle_id", ID, sa.ForeignKey("handles.id"), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("notes_by_handle", "notes", ["handle_id", "at"])
    op.create_index("notes_by_case", "notes", ["case_id"])
    op.create_table(
        "presence",
        sa.Column("case_id", ID, sa.ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("agent", sa.Text, primary_key=True),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    op.create_index("presence_by_time", "presence", ["seen_at"])


def _no_casework() -> None:
    op.drop_table("presence")
    op.drop_table("notes")
    op.drop_index("facts_moods", "facts")
    op.drop_index("facts_by_case", "facts")
    op.drop_index("messages_newest", "messages")
    op.drop_column("outbox", "agent")
    op.drop_column("messages", "case_id")
    op.drop_column("cases", "snoozed_until")
    op.drop_column("cases", "taken_at")


def _outbox_files() -> None:
    op.create_table(
        "outbox_files",
        sa.Column("outgoing", ID, sa.ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_index("outbox_files_by_reply", "outbox_files", ["reply"])


def _identity_and_privacy() -> None:
    op.add_column("links", sa.Column("retired_by", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "decisions",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("a", sa.Text, nullable=False),
        sa.Column("b", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("made", sa.JSON, nullable=False),
        sa.Column("retired", sa.JSON, nullable=False),
        sa.Column("undone_at", sa.BigInteger),
        sa.Column("undone_by", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("decisions_by_a", "decisions", ["a"])
    op.create_index("decisions_by_b", "decisions", ["b"])
    op.create_index("access_log_by_reader", "access_log", ["reader", "at"])


def _no_identity_and_privacy() -> None:
    op.drop_index("access_log_by_reader", "access_log")
    op.drop_table("decisions")
    op.drop_column("links", "retired_by")
