"""What colleagues do with a case beside answering: notes, and who looks at it."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from core.backends.ledger.schema.columns import Instant, handle, identity, metadata

# For staff only: never read for a writer, a prompt, a customer or memory.
notes = Table(
    "notes",
    metadata,
    identity(),
    Column("case_id", ForeignKey("cases.id"), nullable=False),
    handle(nullable=False),  # the case's
    Column("text", Text, nullable=False),
    Column("written_by", Text, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_autoincrement=True,  # an erased id is never given out again
)
Index("notes_by_handle", notes.c.handle_id, notes.c.at)
Index("notes_by_case", notes.c.case_id)

# Who has a case before their eyes; a row counts for a minute.
presence = Table(
    "presence",
    metadata,
    Column("case_id", ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("seen_at", Instant, nullable=False),
)
Index("presence_by_time", presence.c.seen_at)
