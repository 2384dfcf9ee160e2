"""What was said: messages as they came and as they were read, and replies on their way."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from core.backends.ledger.schema.columns import Instant, handle, identity, metadata

messages = Table(
    "messages",
    metadata,
    identity(),
    Column("channel", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("line", Text, nullable=False),  # the queue that it waits in: one handle, or one claimed conversation
    handle(nullable=True),  # known once identified
    Column("conversation", Text, nullable=False),
    Column("vouched", Integer, nullable=False),  # the proof that the channel vouched for
    Column("proof", Integer),  # the proof that it was found to have
    Column("text", Text, nullable=False),
    Column("body", JSON, nullable=False),  # the rest of the normalised message
    Column("received_at", Instant, nullable=False),
    Column("told_at", Instant, nullable=False),
    Column("state", Text, nullable=False),  # unchecked | waiting | answered | replaced
    Column("case_id", BigInteger),  # that its turn was about
    Column("trace", Text),  # its correlation id, and the step to go on after
    UniqueConstraint("channel", "external_id"),
    sqlite_autoincrement=True,  # an erased id is never given out again
)
Index("messages_waiting", messages.c.line, messages.c.id, sqlite_where=messages.c.state == "waiting",
      postgresql_where=messages.c.state == "waiting")  # fmt: skip
Index("messages_by_case", messages.c.case_id, messages.c.received_at)
Index("messages_by_handle", messages.c.handle_id, messages.c.told_at)
Index("messages_newest", messages.c.handle_id, messages.c.id)
Index("messages_by_conversation", messages.c.channel, messages.c.conversation, messages.c.told_at)

# Messages whose channel has yet to find their proof.
Index("messages_unchecked", messages.c.id, sqlite_where=messages.c.state == "unchecked",
      postgresql_where=messages.c.state == "unchecked")  # fmt: skip

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
    identity(),
    Column("channel", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
)

unchecked = Table(
    "unchecked",
    metadata,
    Column("message_id", ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("peer", Text, nullable=False),  # who delivered it
)

outbox = Table(
    "outbox",
    metadata,
    identity(),
    handle(nullable=False),
    Column("case_id", ForeignKey("cases.id")),
    Column("channel", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("text", Text, nullable=False),  # as staff and writers may read it: a code in it is blotted out
    Column("reply", JSON, nullable=False),  # as it is sent
    Column("drawn_from", JSON, nullable=False),  # the handles whose rows it may repeat
    Column("asks", Text, nullable=False, server_default=""),  # slots that it asks for, commas between
    Column("sender", Text, nullable=False),
    Column("agent", Text, nullable=False, server_default=""),  # the colleague who wrote it
    Column("state", Text, nullable=False),  # waiting | sent | parked | discarded
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("maybe_twice", Boolean, nullable=False),  # a crash may have fallen between sending and noting it
    Column("parts_sent", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("sent_at", Instant),
    Column("claimed_by", Text, nullable=False, server_default=""),  # the process that is sending it
    Column("claimed_until", Instant),
    Column("trace", Text),  # the correlation id of what it answers, and the step to go on after
    Column("heard_at", Instant),  # when what it answers arrived
    sqlite_autoincrement=True,  # an erased id is never given out again
)
Index("outbox_waiting", outbox.c.destination, outbox.c.id,
      sqlite_where=outbox.c.state == "waiting", postgresql_where=outbox.c.state == "waiting")  # fmt: skip
Index("outbox_parked", outbox.c.id, sqlite_where=outbox.c.state == "parked",
      postgresql_where=outbox.c.state == "parked")  # fmt: skip
Index("outbox_by_case", outbox.c.case_id, outbox.c.sender, outbox.c.created_at, outbox.c.sent_at)
Index("outbox_asking", outbox.c.created_at, sqlite_where=outbox.c.asks != "", postgresql_where=outbox.c.asks != "")
Index("outbox_by_handle", outbox.c.handle_id, outbox.c.created_at)
Index("outbox_by_conversation", outbox.c.channel, outbox.c.conversation, outbox.c.created_at)
Index("outbox_by_time", outbox.c.created_at)

# The files that go with a reply, by their numbers in it, from 0. What they are called stands with the reply.
outbox_files = Table(
    "outbox_files",
    metadata,
    Column("outgoing", ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("reply", Text, nullable=False),  # the reply's own id, by which channels know it
    Column("content", LargeBinary, nullable=False),
)
Index("outbox_files_by_reply", outbox_files.c.reply)

# What left for a reply, by the provider's id of it, so that a later report finds the reply.
wires = Table(
    "wires",
    metadata,
    Column("outgoing", ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("provider_id", Text, nullable=False),
)
Index("wires_by_provider", wires.c.provider_id)

conversations = Table(
    "conversations",
    metadata,
    handle(primary_key=True),
    Column("conversation", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("asked", JSON, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("rates", BigInteger),  # the case that our last words here asked to be rated
)
