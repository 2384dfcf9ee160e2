"""Colleagues, what they and we read, and what is kept of those who were erased."""

from sqlalchemy import (
    JSON,
    BigInteger,
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
    Column("email", Text, nullable=False, server_default=""),  # by which the sign-in provider may know them
    Column("second_factor", Text, nullable=False, server_default=""),  # the secret of their app, sealed
    Column("second_step", BigInteger, nullable=False, server_default="0"),  # the newest time step of a code taken
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
)
Index("recovery_codes_by_account", recovery_codes.c.account_id)

# Who an account's holder is at the sign-in provider (OpenID Connect).
provided = Table(
    "provided",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("at", Instant, nullable=False),
)
Index("provided_by_account", provided.c.account_id)

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
    Column("about", Text, nullable=False),  # e.g. an account's name, or "case 12"; never a customer's words or name
)
Index("audit_by_time", audit.c.at)

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
Index("access_log_by_reader", access_log.c.reader, access_log.c.at)

# What is kept of an erased customer: digests under a key of the keyring, by which their rows are refused when they come
# again.
tombstones = Table(
    "tombstones",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("restored_at", Instant),  # when the company named them again; it counts no more if that was later
)

# Keys that outlive SECRET_KEY, each sealed under it.
keyring = Table(
    "keyring",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sealed", Text, nullable=False),
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
