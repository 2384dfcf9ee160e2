"""What it is about: cases, what was told of them, what was done, and what was learnt."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from core.backends.ledger.schema.columns import Instant, handle, identity, metadata

cases = Table(
    "cases",
    metadata,
    identity(),
    handle(nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("last_handle_id", ForeignKey("handles.id"), nullable=False),
    Column("last_channel", Text, nullable=False),
    Column("last_conversation", Text, nullable=False),
    Column("contacts", Integer, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("handed_off_at", Instant),
    Column("assignee", Text, nullable=False, server_default=""),
    Column("taken_at", Instant),  # by the assignee
    Column("snoozed_until", Instant),  # nothing is to be done before; past or none: now
    Column("resolution", Text, nullable=False, server_default=""),
    Column("resolved_at", Instant),
    Column("rating_asked_at", Instant),  # once
    Column("satisfaction", Integer),  # 1 to 5
    Column("rated_at", Instant),
    sqlite_autoincrement=True,  # an erased id is never given out again
)
Index("cases_by_handle", cases.c.handle_id, cases.c.status, cases.c.resolved_at)
Index("cases_by_status", cases.c.status, cases.c.updated_at)

# How a case stood after each change of its status or of whose it is; a new one is open, and nobody's.
case_steps = Table(
    "case_steps",
    metadata,
    identity(),
    Column("case_id", ForeignKey("cases.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("assignee", Text, nullable=False),
    Column("changed_by", Text, nullable=False),  # a colleague, "customer" or "bot"
)
Index("case_steps_by_case", case_steps.c.case_id, case_steps.c.id)
Index("case_steps_by_time", case_steps.c.at)

facts = Table(
    "facts",
    metadata,
    identity(),
    handle(nullable=False),
    Column("case_id", ForeignKey("cases.id")),
    Column("slot", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("proof", Integer, nullable=False),
    Column("told_at", Instant, nullable=False),
    Column("message_id", ForeignKey("messages.id")),
    Column("superseded_at", Instant),
    sqlite_autoincrement=True,  # an erased id is never given out again
)
Index("facts_by_handle", facts.c.handle_id, facts.c.case_id, facts.c.told_at)
Index("facts_moods", facts.c.handle_id, facts.c.told_at, sqlite_where=text("slot = 'mood'"),
      postgresql_where=text("slot = 'mood'"))  # fmt: skip
Index("facts_current", facts.c.handle_id, facts.c.case_id, facts.c.slot, sqlite_where=facts.c.superseded_at.is_(None))
Index("facts_of_case", facts.c.case_id, facts.c.slot,
      sqlite_where=facts.c.superseded_at.is_(None), postgresql_where=facts.c.superseded_at.is_(None))  # fmt: skip

# How many cases of each kind a customer has is counted here alone, however many there are.
Index("facts_kinds", facts.c.handle_id, facts.c.value, facts.c.slot, facts.c.superseded_at,
      sqlite_where=text("slot = 'category' AND superseded_at IS NULL"))  # fmt: skip

turns = Table(
    "turns",
    metadata,
    identity(),
    handle(nullable=False),
    Column("case_id", ForeignKey("cases.id")),
    Column("writer", Text, nullable=False),
    Column("flags", JSON, nullable=False),
    Column("settled_at", Instant, nullable=False),
    Column("pattern_id", BigInteger),  # what the reply offered of the playbook
    Column("article", Text, nullable=False, server_default=""),  # and of the knowledge folder
    Column("came_back", Boolean, nullable=False, server_default=false()),  # about a case told of before
)
Index("turns_by_handle", turns.c.handle_id, turns.c.settled_at)
Index("turns_by_time", turns.c.settled_at)
Index("turns_that_offered", turns.c.case_id, sqlite_where=turns.c.case_id.is_not(None))

# What colleagues said of a question that found no answer.
gap_marks = Table(
    "gap_marks",
    metadata,
    identity(),
    Column("turn_id", ForeignKey("turns.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("mark", Text, nullable=False),  # written | not ours
    Column("marked_by", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

# What was asked of the company for a customer; on record before it is asked.
action_runs = Table(
    "action_runs",
    metadata,
    identity(),
    handle(nullable=False),
    Column("case_id", ForeignKey("cases.id")),  # none until the turn is settled
    Column("message_id", ForeignKey("messages.id")),  # that asked for it
    Column("action", Text, nullable=False),
    Column("state", Text, nullable=False),  # waiting | running | done | refused | unknown | declined
    Column("request", JSON, nullable=False),
    Column("reference", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("taken_at", Instant),  # when it was approved
    Column("ended_at", Instant),
    Column("asked_by", Text, nullable=False, server_default=""),  # a colleague; "" for the customer
    Column("why", Text, nullable=False, server_default=""),  # in that colleague's words
    Column("once", Text),  # the form that it was asked with
    UniqueConstraint("message_id", "action"),
)
Index("action_runs_once", action_runs.c.once, unique=True)
Index("action_runs_by_state", action_runs.c.state)
Index("action_runs_by_case", action_runs.c.case_id)
Index("action_runs_by_handle", action_runs.c.handle_id, action_runs.c.begun_at)

patterns = Table(
    "patterns",
    metadata,
    identity(),
    Column("case_id", ForeignKey("cases.id"), nullable=False),
    Column("category", Text, nullable=False),
    Column("issue", Text, nullable=False),  # redacted
    Column("resolution", Text, nullable=False),  # redacted
    Column("confirmed_by", Text, nullable=False),  # a colleague; "" where a customer's rating did
    Column("made_at", Instant, nullable=False),
    Column("approved_by", Text, nullable=False, server_default=""),  # a lead, for customers without a human
    Column("retired_by", Text, nullable=False, server_default=""),  # a lead; then it is told to nobody
    Column("retired_at", Instant),
    Column("merged_into", BigInteger),  # the pattern that says the same and has its votes now
)

# How patterns were worded before leads changed them.
pattern_edits = Table(
    "pattern_edits",
    metadata,
    identity(),
    Column("pattern_id", ForeignKey("patterns.id"), nullable=False),
    Column("case_id", ForeignKey("cases.id"), nullable=False),  # that the pattern was learnt from
    Column("category", Text, nullable=False),
    Column("issue", Text, nullable=False),  # redacted
    Column("resolution", Text, nullable=False),  # redacted
    Column("changed_by", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
Index("pattern_edits_by_pattern", pattern_edits.c.pattern_id)

# What worked, and what did not: the newest verdict of each case on a pattern.
pattern_votes = Table(
    "pattern_votes",
    metadata,
    identity(),
    Column("pattern_id", ForeignKey("patterns.id"), nullable=False),
    Column("case_id", ForeignKey("cases.id"), nullable=False),
    handle(nullable=False),
    Column("helpful", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("pattern_id", "case_id"),
)

# What colleagues said a case is really about: examples for the offline writer.
corrections = Table(
    "corrections",
    metadata,
    identity(),
    Column("case_id", ForeignKey("cases.id"), nullable=False, unique=True),
    Column("category", Text, nullable=False),
    Column("text", Text, nullable=False),  # redacted
    Column("corrected_by", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
