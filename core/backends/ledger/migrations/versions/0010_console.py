"""The console: what colleagues write down about a case, send along, sign in with, and look at."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _insights()
    _playbook()
    _gaps()
    _identity_and_privacy()
    _casework()
    _accounts()
    _outbox_files()
    _queue()
    _helping()


def downgrade() -> None:
    op.drop_index("directory_by_value", "directory")
    op.drop_index("facts_of_case", "facts")
    _no_helping()
    _no_gaps()
    _no_playbook()
    _no_insights()
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
    op.create_index("messages_by_case", "messages", ["case_id", "received_at"])
    op.add_column("outbox", sa.Column("agent", sa.Text, nullable=False, server_default=""))
    op.create_index("messages_newest", "messages", ["handle_id", "id"])
    op.create_index("facts_by_handle", "facts", ["handle_id", "case_id", "told_at"])
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
    op.drop_index("facts_by_handle", "facts")
    op.drop_index("messages_newest", "messages")
    op.drop_column("outbox", "agent")
    op.drop_index("messages_by_case", "messages")
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
    parked = sa.text("state = 'parked'")
    op.create_index("outbox_parked", "outbox", ["id"], sqlite_where=parked, postgresql_where=parked)


def _no_identity_and_privacy() -> None:
    op.drop_index("outbox_parked", "outbox")
    op.drop_index("access_log_by_reader", "access_log")
    op.drop_table("decisions")
    op.drop_column("links", "retired_by")


# What is known of what became of cases before; nothing of customers who were erased.
EARLIER_STEPS = """
INSERT INTO case_steps (case_id, at, status, assignee, changed_by)
SELECT cases.id, cases.{at}, '{status}', {whose}, {by}
FROM cases JOIN handles ON handles.id = cases.handle_id
WHERE cases.{at} IS NOT NULL AND handles.address NOT LIKE '~erased %' ORDER BY cases.id
"""


def _insights() -> None:
    op.create_table(
        "case_steps",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("case_id", ID, sa.ForeignKey("cases.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("assignee", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
    )
    op.create_index("case_steps_by_case", "case_steps", ["case_id", "id"])
    op.create_index("case_steps_by_time", "case_steps", ["at"])
    op.execute(EARLIER_STEPS.format(at="handed_off_at", status="handed_off", whose="''", by="'bot'"))
    closed_by = "CASE WHEN cases.assignee = '' THEN 'customer' ELSE cases.assignee END"
    op.execute(EARLIER_STEPS.format(at="resolved_at", status="resolved", whose="cases.assignee", by=closed_by))
    op.add_column("outbox", sa.Column("asks", sa.Text, nullable=False, server_default=""))
    _keep_what_was_asked()
    asking = sa.text("asks != ''")
    op.create_index("outbox_asking", "outbox", ["created_at"], sqlite_where=asking, postgresql_where=asking)
    op.drop_index("outbox_by_case", "outbox")
    op.create_index("outbox_by_case", "outbox", ["case_id", "sender", "created_at", "sent_at"])


def _keep_what_was_asked() -> None:
    outbox = sa.table("outbox", sa.column("id", ID), sa.column("reply", sa.JSON), sa.column("asks", sa.Text))
    tx = op.get_bind()
    asking = sa.cast(outbox.c.reply, sa.Text).contains('"asks": ["')
    for row in tx.execute(sa.select(outbox.c.id, outbox.c.reply).where(asking)).all():
        tx.execute(outbox.update().where(outbox.c.id == row.id).values(asks=",".join(row.reply["asks"])))


def _no_insights() -> None:
    op.drop_index("outbox_by_case", "outbox")
    op.create_index("outbox_by_case", "outbox", ["case_id"])
    op.drop_index("outbox_asking", "outbox")
    op.drop_column("outbox", "asks")
    op.drop_table("case_steps")


def _helping() -> None:
    op.add_column("action_runs", sa.Column("taken_at", sa.BigInteger))
    op.add_column("action_runs", sa.Column("asked_by", sa.Text, nullable=False, server_default=""))
    op.add_column("action_runs", sa.Column("why", sa.Text, nullable=False, server_default=""))
    op.add_column("action_runs", sa.Column("once", sa.Text))
    op.create_index("action_runs_once", "action_runs", ["once"], unique=True)
    op.create_index("action_runs_by_state", "action_runs", ["state"])
    op.create_table(
        "tasks",
        *_of_a_case(),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("due_on", sa.Text, nullable=False),
        sa.Column("done_by", sa.Text, nullable=False, server_default=""),
        sa.Column("done_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("tasks_by_case", "tasks", ["case_id"])
    op.create_index("tasks_by_handle", "tasks", ["handle_id"])
    op.create_index("tasks_open", "tasks", ["done_at", "due_on"])
    op.create_table(
        "drafts",
        *_of_a_case(),
        sa.Column("writer", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("drafts_by_case", "drafts", ["case_id"])
    op.create_index("drafts_by_handle", "drafts", ["handle_id"])
    op.create_index("drafts_by_time", "drafts", ["at"])


def _of_a_case() -> list[sa.Column[int]]:
    return [
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("case_id", ID, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("handle_id", ID, sa.ForeignKey("handles.id"), nullable=False),
    ]


def _no_helping() -> None:
    op.drop_table("drafts")
    op.drop_table("tasks")
    op.drop_index("action_runs_by_state", "action_runs")
    op.drop_index("action_runs_once", "action_runs")
    for column in ("once", "why", "asked_by", "taken_at"):
        op.drop_column("action_runs", column)


def _queue() -> None:
    op.create_index("directory_by_value", "directory", ["value"])
    current = sa.text("superseded_at IS NULL")
    op.create_index("facts_of_case", "facts", ["case_id", "slot"], sqlite_where=current, postgresql_where=current)


def _playbook() -> None:
    op.add_column("patterns", sa.Column("retired_by", sa.Text, nullable=False, server_default=""))
    op.add_column("patterns", sa.Column("retired_at", sa.BigInteger))
    op.add_column("patterns", sa.Column("merged_into", sa.BigInteger))
    op.create_table(
        "pattern_edits",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("pattern_id", ID, sa.ForeignKey("patterns.id"), nullable=False),
        sa.Column("case_id", ID, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("issue", sa.Text, nullable=False),
        sa.Column("resolution", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("pattern_edits_by_pattern", "pattern_edits", ["pattern_id"])


def _no_playbook() -> None:
    op.drop_table("pattern_edits")
    for column in ("merged_into", "retired_at", "retired_by"):
        op.drop_column("patterns", column)


def _gaps() -> None:
    op.create_table(
        "gap_marks",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("turn_id", ID, sa.ForeignKey("turns.id", ondelete="CASCADE"), nullable=False, unique=True),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("marked_by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )


def _no_gaps() -> None:
    op.drop_table("gap_marks")
