"""The ledger's tables. Memory hangs on handles; a customer is nowhere stored, it is what the evidence says now."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, kept as microseconds since 1970: it sorts, and means the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else _EPOCH + timedelta(microseconds=value)


metadata = MetaData()


def _id() -> Column[int]:
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _handle(name: str = "handle_id", **options: Any) -> Column[int]:
    return Column(name, ForeignKey("handles.id"), **options)


messages = Table(
    "messages",
    metadata,
    _id(),
    Column("channel", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("line", Text, nullable=False),  # the queue that it waits in: one handle, or one claimed conversation
    _handle(nullable=True),  # known once identified
    Column("conversation", Text, nullable=False),
    Column("vouched", Integer, nullable=False),  # the proof that the channel vouched for
    Column("proof", Integer),  # the proof that it was found to have
    Column("text", Text, nullable=False),
    Column("body", JSON, nullable=False),  # the rest of the normalised message
    Column("received_at", Instant, nullable=False),
    Column("told_at", Instant, nullable=False),
    Column("state", Text, nullable=False),  # waiting | answered
    UniqueConstraint("channel", "external_id"),
    sqlite_autoincrement=True,  # an erased id is never given out again
)
Index("messages_waiting", messages.c.line, messages.c.id, sqlite_where=messages.c.state == "waiting",
      postgresql_where=messages.c.state == "waiting")  # fmt: skip
Index("messages_by_handle", messages.c.handle_id, messages.c.told_at)
Index("messages_by_conversation", messages.c.channel, messages.c.conversation, messages.c.told_at)

raw_messages = Table(
    "raw_messages",
    metadata,
    Column("message_id", ForeignKey("messages.id"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("headers", JSON, nullable=False),
)

parked = Table(
    "parked",
    metadata,
    _id(),
    Column("channel", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
)

handles = Table(
    "handles",
    metadata,
    _id(),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),  # "~conversation" for the own handle of a claimed message
    Column("key", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("silent_from", Instant),  # when the epoch before this one was last heard from
    Column("closed_at", Instant),  # when the directory took the key from whom this epoch belonged to
    Column("hint", Text, nullable=False),  # the address that a claimed message named
    Column("display_name", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("heard_at", Instant, nullable=False),
    Column("proven_at", Instant),
    Column("answered_at", Instant),
    Column("opted_out_at", Instant),  # wants to hear no more
    Column("route", JSON, nullable=False),  # where it was last written from
    Column("language", Text, nullable=False),
    UniqueConstraint("channel", "address", "epoch"),
)
Index("handles_by_key", handles.c.key)

conversations = Table(
    "conversations",
    metadata,
    _handle(primary_key=True),
    Column("conversation", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("asked", JSON, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("rates", BigInteger),  # the case that our last words here asked to be rated
)

evidence = Table(
    "evidence",
    metadata,
    _id(),
    Column("node", Text, nullable=False),  # who holds the key: "d:EXTERNAL_ID" or "h:HANDLE"
    Column("key", Text, nullable=False),
    Column("person", Text),
    Column("source", Text, nullable=False),  # directory | login | workspace
    Column("at", Instant, nullable=False),  # verified
    Column("recorded_at", Instant, nullable=False),
    Column("retired_at", Instant),
    Column("heard_at", Instant),  # last; none where it holds until it is taken back
)
Index("evidence_by_key", evidence.c.key, sqlite_where=evidence.c.retired_at.is_(None))
Index("evidence_by_node", evidence.c.node, sqlite_where=evidence.c.retired_at.is_(None))

links = Table(
    "links",
    metadata,
    _id(),
    Column("a", Text, nullable=False),
    Column("b", Text, nullable=False),
    Column("kind", Text, nullable=False),  # code | operator | operators; tombstones: cut | apart
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("retired_at", Instant),  # a retired link is its own tombstone
)
Index("links_by_a", links.c.a)
Index("links_by_b", links.c.b)

directory = Table(
    "directory",
    metadata,
    Column("external_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("value", Float, nullable=False),
    Column("since", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("imported_at", Instant, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    _id(),
    _handle(nullable=False),
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
    Column("resolution", Text, nullable=False, server_default=""),
    Column("resolved_at", Instant),
    Column("rating_asked_at", Instant),  # once
    Column("satisfaction", Integer),  # 1 to 5
    Column("rated_at", Instant),
    sqlite_autoincrement=True,  # an erased id is never given out again
)
Index("cases_by_handle", cases.c.handle_id, cases.c.status, cases.c.resolved_at)
Index("cases_by_status", cases.c.status, cases.c.updated_at)

facts = Table(
    "facts",
    metadata,
    _id(),
    _handle(nullable=False),
    Column("case_id", ForeignKey("cases.id")),
    Column("slot", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("proof", Integer, nullable=False),
    Column("told_at", Instant, nullable=False),
    Column("message_id", ForeignKey("messages.id")),
    Column("superseded_at", Instant),
    sqlite_autoincrement=True,  # an erased id is never given out again
)
Index("facts_current", facts.c.handle_id, facts.c.case_id, facts.c.slot, sqlite_where=facts.c.superseded_at.is_(None))

turns = Table(
    "turns",
    metadata,
    _id(),
    _handle(nullable=False),
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

leases = Table(
    "leases",
    metadata,
    Column("customer", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    _id(),
    _handle(nullable=False),
    Column("case_id", ForeignKey("cases.id")),
    Column("channel", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("text", Text, nullable=False),  # as staff and writers may read it: a code in it is blotted out
    Column("reply", JSON, nullable=False),  # as it is sent
    Column("drawn_from", JSON, nullable=False),  # the handles whose rows it may repeat
    Column("sender", Text, nullable=False),
    Column("state", Text, nullable=False),  # waiting | sent | parked
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("maybe_twice", Boolean, nullable=False),  # a crash may have fallen between sending and noting it
    Column("parts_sent", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("sent_at", Instant),
    sqlite_autoincrement=True,  # an erased id is never given out again
)
Index("outbox_waiting", outbox.c.id, sqlite_where=outbox.c.state == "waiting")
Index("outbox_by_case", outbox.c.case_id)
Index("outbox_by_handle", outbox.c.handle_id, outbox.c.created_at)
Index("outbox_by_conversation", outbox.c.channel, outbox.c.conversation, outbox.c.created_at)

codes = Table(
    "codes",
    metadata,
    _id(),
    Column("digest", Text, nullable=False),
    _handle(nullable=False),
    Column("proof", Integer, nullable=False),
    Column("linked", JSON, nullable=False),  # the customer's nodes when it was issued
    Column("digits", Integer, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("used_at", Instant),
)
Index("codes_by_digest", codes.c.digest)
Index("codes_by_handle", codes.c.handle_id, codes.c.issued_at)

grants = Table(
    "grants",
    metadata,
    _handle(primary_key=True),
    Column("conversation", Text, primary_key=True),
    Column("code_id", ForeignKey("codes.id"), nullable=False),
    Column("shown_by", ForeignKey("handles.id"), nullable=False),
    Column("proof", Integer, nullable=False),
    Column("since", Instant, nullable=False),
)

pending_links = Table(
    "pending_links",
    metadata,
    _id(),
    _handle(nullable=False),  # the entering handle
    Column("conversation", Text, nullable=False),
    Column("shown_by", ForeignKey("handles.id"), nullable=False),
    Column("pair_digest", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("closed_at", Instant),
)
Index("pending_by_handle", pending_links.c.handle_id)

wrong_codes = Table(
    "wrong_codes",
    metadata,
    _id(),
    Column("line", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
Index("wrong_codes_by_time", wrong_codes.c.at)

access_log = Table(
    "access_log",
    metadata,
    _id(),
    Column("at", Instant, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("reader", Text, nullable=False),  # "bot" or the colleague's name
    _handle(nullable=False),  # for whom it was read
    Column("rows", JSON, nullable=False),  # e.g. ["fact:12", "case:3"]
)
Index("access_log_by_handle", access_log.c.handle_id)

patterns = Table(
    "patterns",
    metadata,
    _id(),
    Column("case_id", ForeignKey("cases.id"), nullable=False),
    Column("category", Text, nullable=False),
    Column("issue", Text, nullable=False),  # redacted
    Column("resolution", Text, nullable=False),  # redacted
    Column("confirmed_by", Text, nullable=False),  # a colleague; "" where a customer's rating did
    Column("made_at", Instant, nullable=False),
    Column("approved_by", Text, nullable=False, server_default=""),  # a lead, for customers without a human
)

accounts = Table(
    "accounts",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),  # in lower case
    Column("password_hash", Text, nullable=False),  # argon2id
    Column("role", Text, nullable=False),  # agent | lead | admin
    Column("made_at", Instant, nullable=False),
    Column("disabled_at", Instant),
)

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
    _id(),
    Column("at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("about", Text, nullable=False),  # an account's name; never anything of a customer
)

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

# Messages whose channel has yet to find their proof.
Index("messages_unchecked", messages.c.id, sqlite_where=messages.c.state == "unchecked",
      postgresql_where=messages.c.state == "unchecked")  # fmt: skip
unchecked = Table(
    "unchecked",
    metadata,
    Column("message_id", ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("peer", Text, nullable=False),  # who delivered it
)

# What was asked of the company for a customer; on record before it is asked.
action_runs = Table(
    "action_runs",
    metadata,
    _id(),
    _handle(nullable=False),
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
    Column("ended_at", Instant),
    UniqueConstraint("message_id", "action"),
)
Index("action_runs_by_case", action_runs.c.case_id)
Index("action_runs_by_handle", action_runs.c.handle_id, action_runs.c.begun_at)

Index("outbox_by_time", outbox.c.created_at)

# Wrong tries to sign in to the console, and those not looked at yet; digests, for some minutes.
sign_ins = Table(
    "sign_ins",
    metadata,
    _id(),
    Column("at", Instant, nullable=False),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
)
Index("sign_ins_by_source", sign_ins.c.source)
Index("sign_ins_by_name", sign_ins.c.name)
Index("sign_ins_by_time", sign_ins.c.at)

# What colleagues said a case is really about: examples for the offline writer.
corrections = Table(
    "corrections",
    metadata,
    _id(),
    Column("case_id", ForeignKey("cases.id"), nullable=False, unique=True),
    Column("category", Text, nullable=False),
    Column("text", Text, nullable=False),  # redacted
    Column("corrected_by", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

# What worked, and what did not: the newest verdict of each case on a pattern.
pattern_votes = Table(
    "pattern_votes",
    metadata,
    _id(),
    Column("pattern_id", ForeignKey("patterns.id"), nullable=False),
    Column("case_id", ForeignKey("cases.id"), nullable=False),
    _handle(nullable=False),
    Column("helpful", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("pattern_id", "case_id"),
)
Index("turns_that_offered", turns.c.case_id, sqlite_where=turns.c.case_id.is_not(None))

# How many cases of each kind a customer has is counted here alone, however many there are.
Index("facts_kinds", facts.c.handle_id, facts.c.value, facts.c.slot, facts.c.superseded_at,
      sqlite_where=text("slot = 'category' AND superseded_at IS NULL"))  # fmt: skip
