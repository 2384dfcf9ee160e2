"""Colleagues, what they and we read, and what is kept of those who were erased."""

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from core.backends.ledger.schema.columns import Instant, handle, identity, metadata

accounts = Table(
    "accounts",
    metadata,
    identity(),
    Column("name", Text, nullable=False, unique=True),  # in lower case
    Column("password_hash", Text, nullable=False),  # argon2id
    Column("role", Text, nullable=False),  # agent | lead | admin
    Column("made_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    Column("tied", Text, nullable=False, server_default=""),  # their handle elsewhere, e.g. slack:T1/U1
)

# What rooms for colleagues were told, once or twice for each time that a case was handed over.
calls = Table(
    "calls",
    metadata,
    Column("case_id", ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("handed_off_at", Instant, primary_key=True),
    Column("room", Text, primary_key=True),
    Column("nth", Integer, primary_key=True),
    Column("post", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
Index("calls_by_post", calls.c.post)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),  # of the session's id, which only its browser knows
    Column("account_id", ForeignKey("accounts.id")),  # none while the console's token signs in
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("ended_at", Instant),
)
Index("sessions_by_account", sessions.c.account_id)

audit = Table(
    "audit",
    metadata,
    identity(),
    Column("at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("about", Text, nullable=False),  # an account's name; never anything of a customer
)

# Wrong tries to sign in to the console, and those not looked at yet; digests, for some minutes.
sign_ins = Table(
    "sign_ins",
    metadata,
    identity(),
    Column("at", Instant, nullable=False),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
)
Index("sign_ins_by_source", sign_ins.c.source)
Index("sign_ins_by_name", sign_ins.c.name)
Index("sign_ins_by_time", sign_ins.c.at)

access_log = Table(
    "access_log",
    metadata,
    identity(),
    Column("at", Instant, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("reader", Text, nullable=False),  # "bot" or the colleague's name
    handle(nullable=False),  # for whom it was read
    Column("rows", JSON, nullable=False),  # e.g. ["fact:12", "case:3"]
)
Index("access_log_by_handle", access_log.c.handle_id)

# What is kept of an erased customer: digests under SECRET_KEY, by which their rows are refused when they come again.
tombstones = Table(
    "tombstones",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("handles", JSON, nullable=False),  # numbers of handles that name nobody any more
    Column("erased", JSON, nullable=False),  # how many rows of each table
    Column("finished_at", Instant),  # when nothing was left in memory and files either
)
