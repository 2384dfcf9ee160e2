"""What helps whoever answers: tasks on a case, and the drafts that were written for colleagues."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from core.backends.ledger.schema.columns import Instant, handle, identity, metadata

tasks = Table(
    "tasks",
    metadata,
    identity(),
    Column("case_id", ForeignKey("cases.id"), nullable=False),
    handle(nullable=False),  # the case's
    Column("title", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("due_on", Text, nullable=False),  # ISO date; the last one that there is for whenever
    Column("done_by", Text, nullable=False, server_default=""),
    Column("done_at", Instant),
    sqlite_autoincrement=True,  # an erased id is never given out again
)
Index("tasks_by_case", tasks.c.case_id)
Index("tasks_by_handle", tasks.c.handle_id)
Index("tasks_open", tasks.c.done_at, tasks.c.due_on)

# That a writer worked for a colleague: it counts in the model's budget. What it wrote is not kept.
drafts = Table(
    "drafts",
    metadata,
    identity(),
    Column("case_id", ForeignKey("cases.id"), nullable=False),
    handle(nullable=False),  # who would get it
    Column("writer", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_autoincrement=True,
)
Index("drafts_by_case", drafts.c.case_id)
Index("drafts_by_handle", drafts.c.handle_id)
Index("drafts_by_time", drafts.c.at)
